"""Learned tokens: their vectors reach the text encoders, and their names the tokenizers."""

from pathlib import Path

import pytest
import torch
import zoo
from pipelines import make_sdxl
from safetensors.torch import save_file

from lit_clid.errors import UserError
from lit_clid.models.captions import caption_keys, load_text
from lit_clid.models.load import load_target
from lit_clid.models.text import Text
from lit_clid.models.tokens import learned_tokens
from lit_clid.source import Source

TEXTS = ["a <cat> on green ground", "a <CAT> on green ground", "a red critter"]


def vectors(base: Path, count: int, end: str = "") -> torch.Tensor:
    encoder = getattr(load_target(str(base)).pipeline, f"text_encoder{end}")
    return torch.randn(
        count, encoder.config.hidden_size, generator=torch.Generator().manual_seed(1)
    )


def taught(base: Path, *files: Path) -> Source:
    return Source(str(base), textual_inversion=tuple(map(str, files)))


@pytest.mark.parametrize("count", [1, 3])
def test_a_token_is_its_vectors(pipeline_folder: Path, tmp_path: Path, count: int) -> None:
    file = tmp_path / "learned.safetensors"
    rows = vectors(pipeline_folder, count)
    save_file({"<cat>": rows}, file)
    source = taught(pipeline_folder, file)
    target, plain = load_target(source), load_target(str(pipeline_folder))
    names = ["<cat>", *(f"<cat>_{k}" for k in range(1, count))]
    ids = target.text.tokens(0, TEXTS[:1], torch.device("cpu"))[0].tolist()
    new = [target.pipeline.tokenizer.convert_tokens_to_ids(name) for name in names]
    start = ids.index(new[0])
    assert ids[start : start + count] == new
    table = target.pipeline.text_encoder.get_input_embeddings().weight
    assert torch.equal(table[new], rows)
    told, before = target.embed(TEXTS)["tokens"], plain.embed(TEXTS)["tokens"]
    assert torch.equal(told[2], before[2]) and not torch.equal(told[0], before[0])
    assert target.kin == plain.kin and target.fingerprint != plain.fingerprint
    assert target.overlong(["<cat> " * (76 // count)]) == int(count == 1)
    (line,) = learned_tokens(source)
    assert line.startswith("token <cat> in a caption stands for")
    assert load_text(source).keys(TEXTS) == target.text.keys(TEXTS)
    assert caption_keys(source, TEXTS) != caption_keys(str(pipeline_folder), TEXTS)


def test_it_is_what_the_pipeline_itself_makes_of_it(pipeline_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "learned.safetensors"
    save_file({"<cat>": vectors(pipeline_folder, 2)}, file)
    target = load_target(taught(pipeline_folder, file))
    told, _ = target.pipeline.encode_prompt(TEXTS[0], "cpu", 1, False)
    torch.testing.assert_close(target.embed(TEXTS[:1])["tokens"], told)


def test_an_export_keeps_the_token(pipeline_folder: Path, tmp_path: Path) -> None:
    save_file({"<cat>": vectors(pipeline_folder, 2)}, tmp_path / "learned.safetensors")
    target = load_target(taught(pipeline_folder, tmp_path / "learned.safetensors"))
    target.export(tmp_path / "model")
    again = load_target(str(tmp_path / "model"))
    assert torch.equal(again.embed(TEXTS)["tokens"], target.embed(TEXTS)["tokens"])
    light: Text = load_text(str(tmp_path / "model"))
    assert light.keys(TEXTS) == target.text.keys(TEXTS)


def test_two_encoders_are_taught_from_one_file(tmp_path: Path) -> None:
    base = make_sdxl(tmp_path / "xl")
    tensors = {"clip_l": vectors(base, 2), "clip_g": vectors(base, 2, "_2")}
    save_file(tensors, tmp_path / "style.safetensors")
    target = load_target(taught(base, tmp_path / "style.safetensors"))
    for end, own in (("", tensors["clip_l"]), ("_2", tensors["clip_g"])):
        ids = getattr(target.pipeline, f"tokenizer{end}").convert_tokens_to_ids(
            ["style", "style_1"]
        )
        table = getattr(target.pipeline, f"text_encoder{end}").get_input_embeddings().weight
        assert torch.equal(table[ids], own)


def test_other_files_and_bases_are_one_line(pipeline_folder: Path, tmp_path: Path) -> None:
    xl, pixart = make_sdxl(tmp_path / "xl"), zoo.make("pixart alpha", tmp_path / "pixart")
    file = tmp_path / "learned.safetensors"
    save_file({"<cat>": vectors(xl, 1)}, file)
    many = tmp_path / "many.safetensors"
    save_file({name: torch.zeros(2, 2) for name in ("a.lora_A.weight", "a.lora_B.weight")}, many)
    (tmp_path / "learned.bin").write_bytes(b"\x80\x04.")
    for base, named, fault in (
        (pipeline_folder, file, "token <cat> does not fit this base"),
        (pixart, file, "a PixArtAlphaPipeline learns no tokens; leave out"),
        (pipeline_folder, many, "no learned token but .*a LoRA belongs to target.lora"),
        (pipeline_folder, tmp_path / "learned.bin", "target.textual_inversion: .*is pickled"),
    ):
        with pytest.raises(UserError, match=fault) as caught:
            load_target(taught(base, named))
        assert "\n" not in str(caught.value)
