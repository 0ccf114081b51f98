"""Models and data sets of a hub on this machine: revisions, commits, and what is out of reach."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest
from adapters import draw, network_of, save_diffusers
from archived import image
from captioners import make_captioner
from hubs import Hub, serving, without_token
from pipelines import make_pipeline

from lit_clid.models.load import load_target

MODELS = """
import json, sys
from lit_clid.errors import UserError
from lit_clid.models.captions import caption_keys
from lit_clid.models.hollow import hollow
from lit_clid.models.load import load_target
from lit_clid.models.weights import commits
from lit_clid.source import Source
said = {}
for name in sys.argv[1:]:
    path, _, lora = name.partition("+")
    try:
        source = Source(path, lora=((lora, 1.0),) if lora else ())
        caption_keys(source, ["a red critter"])
        hollow(source)
        target = load_target(source)
        said[name] = [target.fingerprint, commits(source), target.source]
    except UserError as error:
        said[name] = str(error)
print(json.dumps(said))
"""
CAPTIONERS = """
import json, sys
from lit_clid.models.captioner import load_captioner
found = {name: load_captioner(name) for name in sys.argv[1:]}
print(json.dumps({name: [each.commit, each.fingerprint] for name, each in found.items()}))
"""
DATA = """
import json, sys
from lit_clid.config.options.data import DataOptions
from lit_clid.data.sources import open_sources
from lit_clid.errors import UserError
said = {}
for name in sys.argv[1:]:
    source, _, stream = name.partition("+")
    try:
        options = DataOptions(source=source, stream=int(stream) if stream else None)
        found = open_sources(options)["first"]
        said[name] = [list(found.captions), found.commit]
    except UserError as error:
        said[name] = str(error)
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def hub() -> Hub:
    return Hub()


@pytest.fixture(scope="module")
def environment(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    home = tmp_path_factory.mktemp("cache")
    with serving(hub) as told:
        yield {**without_token(), **told, "HF_HOME": str(home)}


def asked(code: str, environment: dict[str, str], *names: str, token: str = "") -> dict[str, Any]:
    known = {**environment, "HF_TOKEN": token} if token else environment
    command = [sys.executable, "-c", code, *names]
    done = subprocess.run(command, capture_output=True, text=True, env=known)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.slow
def test_every_part_of_a_model_is_of_one_commit(
    hub: Hub, environment: dict[str, str], tmp_path: Path
) -> None:
    first = make_pipeline(tmp_path / "first")
    second = make_pipeline(tmp_path / "second", "v_prediction")
    lora = save_diffusers(draw(network_of(first), ("to_q",)), "unet", tmp_path / "lora").parent
    old = hub.put("models/owner/base", first, "old")
    new = hub.put("models/owner/base", second)
    factors = hub.put("models/owner/lora", lora, "v1")
    names = ("owner/base", "owner/base@old", f"owner/base@{old}", "owner/base+owner/lora@v1")
    said = asked(MODELS, environment, *names)
    ours = [load_target(str(folder)).fingerprint for folder in (second, first)]
    assert said["owner/base"] == [ours[0], {"owner/base": new}, "owner/base"]
    assert said["owner/base@old"] == [ours[1], {"owner/base@old": old}, "owner/base@old"]
    assert said[f"owner/base@{old}"][:2] == [ours[1], {f"owner/base@{old}": old}]
    fingerprint, commits, _ = said["owner/base+owner/lora@v1"]
    assert fingerprint != ours[0]
    assert commits == {"owner/base": new, "owner/lora@v1": factors}


@pytest.mark.slow
def test_a_captioner_is_of_a_commit(hub: Hub, environment: dict[str, str], tmp_path: Path) -> None:
    folder = make_captioner(tmp_path / "blip")
    old = hub.put("models/owner/blip", folder, "old")
    new = hub.put("models/owner/blip", make_captioner(tmp_path / "other", seed=1))
    said = asked(CAPTIONERS, environment, "owner/blip", "owner/blip@old", str(folder))
    assert (said["owner/blip"][0], said["owner/blip@old"][0]) == (new, old)
    assert said[str(folder)] == [None, said["owner/blip@old"][1]]


@pytest.mark.slow
def test_models_out_of_reach_are_one_line(
    hub: Hub, environment: dict[str, str], tmp_path: Path
) -> None:
    base = make_pipeline(tmp_path / "base")
    lora = save_diffusers(draw(network_of(base), ("to_q",)), "unet", tmp_path / "lora").parent
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "README.md").write_text("nothing")
    hub.put("models/o/open", base)
    hub.put("models/o/closed", base, gated="Bearer hf_theirs")
    hub.put("models/o/private", base, private=True)
    hub.put("models/o/lora", lora)
    hub.put("models/o/words", tmp_path / "words")
    names = ("o/open@v9", "o/closed", "o/private", "o/none", "o/lora", "o/words", "o/open+o/words")
    said = asked(MODELS, environment, *names)
    assert said["o/open@v9"] == "o/open has no revision v9; name a branch, tag or commit of it"
    assert "o/closed is gated; accept its licence at https://" in said["o/closed"]
    assert "and log in (hf auth login, or HF_TOKEN)" in said["o/closed"]
    assert "o/none is neither a folder here nor on the hub, or private" in said["o/none"]
    assert "o/private is neither a folder here nor on the hub, or private" in said["o/private"]
    assert "o/lora: is a LoRA" in said["o/lora"] and "target.lora=[o/lora]" in said["o/lora"]
    assert "o/words: no diffusers pipeline there" in said["o/words"]
    assert "o/words has no file pytorch_lora_weights.safetensors or" in said["o/open+o/words"]
    assert not [line for line in said.values() if "\n" in line]
    mine = asked(MODELS, environment, "o/closed", "o/private", token="hf_mine")
    assert "use a token that may read it (the one that is set may not)" in mine["o/closed"]
    assert mine["o/private"][0] == load_target(str(base)).fingerprint
    theirs = asked(MODELS, environment, "o/closed", token="hf_theirs")["o/closed"]
    assert theirs[0] == load_target(str(base)).fingerprint


def pictures(folder: Path, words: str) -> Path:
    folder.mkdir()
    rows = [{"image": {"bytes": image(k), "path": None}, "text": f"{words} {k}"} for k in range(4)]
    features = datasets.Features({"image": datasets.Image(), "text": datasets.Value("string")})
    datasets.Dataset.from_list(rows, features=features).to_parquet(folder / "train.parquet")
    return folder


@pytest.mark.slow
def test_data_sets_have_revisions_and_commits(
    hub: Hub, environment: dict[str, str], tmp_path: Path
) -> None:
    old = hub.put("datasets/o/pictures", pictures(tmp_path / "old", "old"), "v1")
    new = hub.put("datasets/o/pictures", pictures(tmp_path / "new", "new"))
    hub.put("datasets/o/closed", tmp_path / "old", gated="Bearer hf_theirs")
    names = [
        name + rows
        for name in ("o/pictures", "o/pictures@v1", "o/pictures@v9", "o/none", "o/closed")
        for rows in ("", "+2")
    ]
    for _ in range(2):  # from the hub, and from what is kept
        said = asked(DATA, environment, *names)
        assert said["o/pictures"] == [[f"new {k}" for k in range(4)], new]
        assert said["o/pictures+2"] == [["new 0", "new 1"], new]
        assert said["o/pictures@v1"] == [[f"old {k}" for k in range(4)], old]
        assert said["o/pictures@v1+2"] == [["old 0", "old 1"], old]
        for rows in ("", "+2"):
            fault = "data.source: o/pictures has no revision v9; name a branch, tag or commit of it"
            assert said[f"o/pictures@v9{rows}"] == fault
            assert (
                "data.source: o/none is neither a folder here nor on the hub, or private"
                in said[f"o/none{rows}"]
            )
            assert "https://huggingface.co/datasets/o/closed" in said[f"o/closed{rows}"]
    offline = {**environment, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    names = [name for name in names if "none" not in name and "closed" not in name]
    for _ in range(2):  # the library alone would take whichever it fetched last
        kept = asked(DATA, offline, *names, f"o/pictures@{old}", f"o/pictures@{new}")
        assert kept["o/pictures"] == [[f"new {k}" for k in range(4)], new]
        assert kept["o/pictures@v1"] == [[f"old {k}" for k in range(4)], old]
        assert kept[f"o/pictures@{old}"] == kept["o/pictures@v1"]
        assert kept[f"o/pictures@{new}"] == kept["o/pictures"]
        assert "is not kept here in this revision" in kept["o/pictures@v9"]
        (home,) = Path(environment["HF_HOME"]).rglob("o___pictures/default/0.0.0")
        os.utime(home / old)  # fetched last
