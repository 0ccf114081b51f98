"""What the tests of the scripts share: a small run's arguments, its tables, and when two of them
are the same.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from lit_clid.auditing.attacks import ATTACKS, COSTLY
from lit_clid.auditing.queries import count_queries
from lit_clid.scores import Scores

Run = Callable[..., tuple[int, str]]
STANDARD = [name for name in ATTACKS if name not in COSTLY]
EACH = sum(
    count.evaluated for count in count_queries({name: ATTACKS[name] for name in STANDARD}).values()
)
REFERENCES = ("reference", "reference_shadow")
TABLES = ("target", "shadow", *REFERENCES)
DISCREPANCIES = ("d1", "d2", "d3", "d4")
SMALL = (
    "data.members=12",
    "data.nonmembers=12",
    "trainer.max_steps=6",
    "finetune.batch_size=4",
    "finetune.samples=2",
    "finetune.validate_every=3",
    "finetune.save_every=2",
    "trainer.enable_progress_bar=false",
)


def arguments(runs: Path, base: Path, *more: str) -> list[str]:
    return [f"runs={runs}", "name=small", f"target.path={base}", *SMALL, *more]


def assert_same_table(found: Path, expected: Path) -> None:
    """Every loss within 1e-5 relative; a discrepancy is first turned back into the loss under its
    reduced condition.

    Attacks that chain answers or raise them to the fourth power multiply that error. CLiR is a
    difference of logs, and where a network sees little noise in a still latent, the rounding of its
    small answer is large beside its square.
    """
    for role in TABLES:
        new, old = (
            Scores.load(folder / "scores" / f"{role}.parquet") for folder in (found, expected)
        )
        assert new.ids == old.ids
        assert set(new.signals) == set(old.signals)
        for column in old.signals:
            attack, _, part = column.rpartition("_")
            own = [t.signals[f"{attack}_l"] if part in DISCREPANCIES else 0.0 for t in (new, old)]
            pair = [t.signals[column] - base for t, base in zip((new, old), own, strict=True)]
            exact = column in ("loss", "monte_carlo") or column.startswith("clid")
            rtol, atol = (
                (1e-5, 0) if exact else (0, 2e-4) if column.startswith("clir") else (1e-3, 1e-6)
            )
            np.testing.assert_allclose(pair[0], pair[1], rtol=rtol, atol=atol, err_msg=column)
