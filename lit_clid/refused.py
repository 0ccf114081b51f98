"""What no table of signals may hold."""

from collections.abc import Mapping, Sequence

import numpy as np

from lit_clid.errors import UserError, few
from lit_clid.ids import Ids


def check_kinds(member: np.ndarray, claim: bool, where: str) -> None:
    if member.all() or not member.any():
        kinds = "suspects" if claim else "members"
        only = kinds if member.all() else "hold-outs"
        raise UserError(f"{where}: holds {only} only; an audit compares {kinds} with hold-outs")


def check_ids(ids: Ids, suspects: Ids | None, where: str) -> None:
    """Refuse ids that are there twice; both kinds are in order."""
    twice = {*ids.take(ids.repeats())}
    if suspects is not None:
        twice |= {*suspects.take(suspects.repeats()), *suspects.take(ids.places(suspects) >= 0)}
    if twice:
        raise UserError(
            f"{where}: ids must be unique, found twice: {few(sorted(twice))}; remove or rename the "
            "copies"
        )


def check_numbers(ids: Sequence[str], signals: Mapping[str, np.ndarray], where: str) -> None:
    if not signals:
        raise UserError(
            f"{where}: no signal column beside 'id' and 'member'; add one number per record"
        )
    for column, values in signals.items():
        bad = [ids[int(k)] for k in np.flatnonzero(~np.isfinite(values))]
        if bad:
            raise UserError(
                f"{where}: column '{column}' is not a finite number for {few(bad, 5)}; drop these "
                "rows or find out why the model answers NaN (half precision? a broken image?)"
            )
