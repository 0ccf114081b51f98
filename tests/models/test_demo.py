"""The embedded base: small, complete, reads its captions, gives no membership away untuned."""

import numpy as np
import pytest
import torch

from lit_clid.auditing.attacks import ATTACKS
from lit_clid.auditing.conditions import CAPTION, NULL
from lit_clid.auditing.oracle import ModelOracle
from lit_clid.auditing.questions import Batch
from lit_clid.data.drawings.critters import critter
from lit_clid.data.drawings.scenes import scene
from lit_clid.data.images import to_tensor
from lit_clid.judging.evidence import estimate
from lit_clid.judging.roc import auroc
from lit_clid.judging.rules import RULES
from lit_clid.models.demo import PIPELINE
from lit_clid.models.load import load_target


def drawings(family: str, first: int, count: int) -> Batch:
    made = [{"scene": scene, "critter": critter}[family](first + k) for k in range(count)]
    ids = tuple(f"{family}-{first + k}" for k in range(count))
    return Batch(
        ids, torch.stack([to_tensor(d.image) for d in made]), tuple(d.caption for d in made)
    )


def test_it_is_an_ordinary_pipeline_of_at_most_8_mb() -> None:
    from diffusers import DiffusionPipeline

    assert sum(file.stat().st_size for file in PIPELINE.rglob("*.safetensors")) <= 8_000_000
    pipeline = DiffusionPipeline.from_pretrained(PIPELINE)
    names = {
        name: type(part).__name__ for name, part in pipeline.components.items() if part is not None
    }
    assert names == {
        "vae": "AutoencoderKL", "text_encoder": "CLIPTextModel", "tokenizer": "CLIPTokenizer",
        "unet": "UNet2DConditionModel", "scheduler": "DDIMScheduler",
    }  # fmt: skip


@pytest.mark.slow
def test_it_uses_its_text() -> None:
    """At t = 450, on unseen scenes, text removes at least a quarter of the unconditional loss."""
    oracle = ModelOracle(load_target("demo"), drawings("scene", 5000, 192))
    conditional, unconditional = oracle.error(450, CAPTION).mean(), oracle.error(450, NULL).mean()
    assert (unconditional - conditional) / unconditional >= 0.25


def test_its_tokenizer_accepts_any_text() -> None:
    tokenizer = load_target("demo").pipeline.tokenizer
    for text in ("red", "Zürich", "日本語 \x00 😀", "ſ", "a" * 500, "\U000e0001"):
        ids = tokenizer(text).input_ids
        assert ids[0] == tokenizer.bos_token_id
        assert tokenizer.eos_token_id not in ids[1:-1], (
            text
        )  # no unknown tokens, which would be end tokens


@pytest.mark.slow
def test_untuned_it_gives_no_membership_away() -> None:
    """Members and hold-outs it never saw: every AUROC interval contains 0.5."""
    records, member = drawings("critter", 0, 256), np.arange(256) % 2 == 0
    oracle = ModelOracle(load_target("demo"), records)
    for name in ("loss", "clid_th_null", "sima", "clir"):
        columns = ATTACKS[name].signal(oracle).double().numpy()
        rule = RULES[ATTACKS[name].rule].prior(columns)
        assert rule is not None
        figure = estimate({"auroc": auroc}, rule.score(columns), member)["auroc"]
        assert figure.low <= 0.5 <= figure.high, (name, figure)
