"""Tables of scores whose truth is known, for the judging wing."""

import numpy as np

from lit_clid.about import About
from lit_clid.scores import Scores


def normal_scores(
    members: int, holdouts: int, shift: float, seed: int, digits: int = 9
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    member = np.arange(members + holdouts) < members
    return np.round(rng.normal(size=len(member)) + shift * member, digits), member


def clid_columns(seed: int, gap: float, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """(D_1, D_2, L): the D tell members by `gap`, the hundred times wider L tells nothing."""
    rng = np.random.default_rng(seed)
    member = np.arange(2 * n) < n
    d = rng.normal(size=(2 * n, 2)) * 0.01 + 0.01 * gap * member[:, None]
    return np.column_stack([d, rng.normal(size=2 * n)]), member


ATTACK = {"loss": {"title": "Loss", "columns": ["loss"], "rule": "first", "queries": 1}}


def told(**content: object) -> About:
    """What a JSON of this content tells."""
    return About.from_json(content, "table.json")


def tables(seed: int, seen: float, n: int = 200) -> tuple[Scores, Scores]:
    """A target whose loss is the difficulty less `seen` for members, a reference without."""
    rng = np.random.default_rng(seed)
    member, ids = np.arange(2 * n) < n, tuple(f"{seed}-{k:04d}" for k in range(2 * n))
    difficulty = rng.normal(0, 3, 2 * n)
    loss = difficulty - seen * member + rng.normal(0, 1, 2 * n)
    base = difficulty + rng.normal(0, 1, 2 * n)
    return tuple(
        Scores(ids, member, {"loss": -value}, told(attacks=ATTACK)) for value in (loss, base)
    )  # type: ignore[return-value]


def scores_of(columns: np.ndarray, member: np.ndarray, attacks: dict[str, object]) -> Scores:
    names = [f"clid_th_{suffix}" for suffix in ("d1", "d2", "l")]
    signals = dict(zip(names, columns.T, strict=True))
    return Scores(
        tuple(f"r{k}" for k in range(len(member))), member, signals, told(attacks=attacks)
    )
