"""Models of an audit lie in memory one after another where they are large."""

import shutil
import weakref
from pathlib import Path

import pytest
from pipelines import make_pipeline

from lit_clid.auditing import sittings
from lit_clid.auditing.attacks import ATTACKS
from lit_clid.auditing.lineage import Model
from lit_clid.auditing.module import Auditor
from lit_clid.auditing.sittings import Shelf
from lit_clid.config.options.audit import AuditOptions
from lit_clid.models.target import Target
from lit_clid.source import Source


@pytest.mark.parametrize(("held", "gone"), [(0, True), (2**32, False)])
def test_a_large_model_is_gone_before_the_next_one_is_loaded(
    held: int, gone: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sittings, "HELD", held)
    first = make_pipeline(tmp_path / "first")
    shutil.copytree(first, tmp_path / "second")
    models = [Model(Source(str(tmp_path / name))) for name in ("first", "second")]
    shelf = Shelf(models, AuditOptions())
    attacks = {"loss": ATTACKS["loss"]}
    Auditor(shelf[models[0]], attacks, 0, tmp_path, False, {})  # which refers to itself
    network = weakref.ref(shelf[models[0]].denoiser.network)  # type: ignore[attr-defined]
    load, seen = sittings.load_target, list[bool]()

    def watched(*given: object, **named: object) -> Target:
        seen.append(network() is None)
        return load(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(sittings, "load_target", watched)
    shelf[models[1]]
    assert seen == [gone]
    assert shelf[models[1]].memory is not None and list(shelf) == models
