"""The probe of a privacy budget."""

from pathlib import Path

import pytest
from tuning import DATA, defended, recipe

from lit_clid.data.split import load_split
from lit_clid.training.kept import Kept


@pytest.mark.slow
def test_the_probe_is_an_audit_of_the_averaged_weights(
    pipeline_folder: Path, tmp_path: Path
) -> None:
    split = load_split(DATA, 0, tmp_path / "split")
    module, trainer, _ = defended({"privacy_budget": {"cap": 0.999, "probe": 5}})(
        pipeline_folder, split, tmp_path, recipe(validate_every=2), 4
    )
    kept = next(c for c in trainer.callbacks if isinstance(c, Kept))
    assert kept.found is not None
    assert 0 <= kept.found.auroc <= kept.found.upper <= 1
    assert kept.probe is not None
    module.put_weights(kept.weights)
    assert kept.probe(module, trainer.datamodule) == kept.found
