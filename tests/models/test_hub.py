"""Hub ids: revisions and LoRA files out of a cache without a network, and ids out of reach."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from adapters import draw, network_of, save_diffusers
from huggingface_hub.errors import (
    GatedRepoError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from pipelines import make_pipeline

from lit_clid.errors import UserError
from lit_clid.models.load import check_target, load_target
from lit_clid.source import Source


def cached(cache: Path, name: str, revisions: dict[str, Path]) -> None:
    """Put folders where a hub's client keeps them: a commit for each, and what points to it."""
    home = cache / f"models--{name.replace('/', '--')}"
    for number, (revision, folder) in enumerate(revisions.items()):
        commit = f"{number:040x}"
        shutil.copytree(folder, home / "snapshots" / commit)
        (home / "refs").mkdir(exist_ok=True)
        (home / "refs" / revision).write_text(commit)


SAID = """
from lit_clid.models.load import load_target
from lit_clid.models.captions import caption_keys
from lit_clid.source import Source
for source in (
    Source("owner/base"),
    Source("owner/base", revision="v2"),
    Source("owner/base", lora=(("owner/lora", 1.0),)),
    Source("owner/base", lora=(("owner/lora::pytorch_lora_weights.safetensors", 1.0),)),
):
    caption_keys(source, ["a red critter"])
    print(load_target(source).fingerprint)
"""


@pytest.mark.slow
def test_revisions_and_files_of_a_hub(tmp_path: Path) -> None:
    first = make_pipeline(tmp_path / "first")
    second = make_pipeline(tmp_path / "second", "v_prediction")
    lora = save_diffusers(draw(network_of(first), ("to_q",)), "unet", tmp_path / "lora")
    cached(tmp_path / "cache", "owner/base", {"main": first, "v2": second})
    cached(tmp_path / "cache", "owner/lora", {"main": tmp_path / "lora"})
    environment = {**os.environ, "HF_HUB_CACHE": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SAID], capture_output=True, text=True, env=environment, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    sources = [Source(str(folder)) for folder in (first, second)]
    sources += [Source(str(first), lora=((str(lora), 1.0),))] * 2
    expected = [load_target(source).fingerprint for source in sources]
    assert done.stdout.split() == expected and len(set(expected)) == 3


def failing(error: Callable[[], Exception]) -> Callable[..., Any]:
    def fetch(*_: Any, **__: Any) -> Any:
        raise error()

    return fetch


ANSWER: Any = SimpleNamespace(headers={}, request=None)
"""What a hub's errors want to be told of."""


FAULTS: list[tuple[Callable[[], Exception], str]] = [
    (
        lambda: GatedRepoError("403", response=ANSWER),
        r"owner/name is gated; accept its licence at https://\S+/owner/name and log in",
    ),
    (
        lambda: RevisionNotFoundError("404", response=ANSWER),
        "owner/name has no revision v9; name a branch, tag or commit of it",
    ),
    (
        lambda: RepositoryNotFoundError("404", response=ANSWER),
        "owner/name is neither a folder here nor on the hub, or private there",
    ),
    (lambda: LocalEntryNotFoundError("offline"), "neither a folder here nor reachable"),
]


@pytest.mark.parametrize(("error", "fault"), FAULTS)
def test_ids_out_of_reach_are_one_line(
    error: Callable[[], Exception], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.hf_hub_download", failing(error))
    for source in (
        Source("owner/name", revision="v9"),
        Source("demo", lora=(("owner/name", 1.0),)),
    ):
        if "revision" in fault and source.lora:
            continue
        with pytest.raises(UserError, match=fault) as caught:
            check_target(source)
        assert "\n" not in str(caught.value)
