"""The table of the blind baseline: features of the audited records that no model has seen."""

from dataclasses import replace
from pathlib import Path

from lit_clid.about import About, Claims, read_about
from lit_clid.asked import AttackSpec
from lit_clid.data.blind import blind_features
from lit_clid.data.entries import Entries
from lit_clid.data.split import Split
from lit_clid.judging.controls.blind import MOST
from lit_clid.judging.controls.near import HASH
from lit_clid.scores import Scores

UNASKED = Claims(
    seed=None,
    split=None,
    importance=None,
    resolution=None,
    model=None,
    precision=None,
    posterior=None,
)
"""Of a table for which no model was asked."""


def blind_table(split: Split, folder: Path) -> Scores:
    """Features of the target's records that no model has seen, kept as blind.parquet; of the first
    `MOST` of every kind in an order of their own.
    """
    path = folder / "blind.parquet"
    claims = replace(UNASKED, split=split.asked)
    if path.is_file() and read_about(path).claims == claims:
        kept = Scores.load(path)
        if set(HASH) <= set(kept.signals):
            return kept
    own = split.once(split.of("target"))
    entries = [entry for kind in (True, False, None) for entry in own.told(kind).by_image()[:MOST]]
    features = blind_features(split, Entries.of(entries))
    spec = AttackSpec(title="blind baseline", columns=tuple(features), rule="first")
    about = About(claims=claims, attacks={"blind": spec})
    told = [entry.member for entry in entries]
    table = Scores.of_told([entry.id for entry in entries], told, features, about, str(path))
    table.save(path)
    return table
