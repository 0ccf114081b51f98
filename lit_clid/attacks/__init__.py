"""The attacks by name. Adding one is a dataclass in its own file and a line here."""

from lit_clid.attacks.attack import Attack
from lit_clid.attacks.clid import CLiD
from lit_clid.attacks.loss import Loss


def _clid(reduction: str) -> dict[str, Attack]:
    suffix = "" if reduction == "importance" else f"_{reduction}"
    words = f"{reduction} reduction"
    return {
        f"clid_th{suffix}": CLiD(reduction, title=f"CLiD_th ({words})"),
        f"clid_vec{suffix}": CLiD(reduction, rule="boosted_trees", title=f"CLiD_vec ({words})"),
    }


ATTACKS: dict[str, Attack] = {
    "loss": Loss(),
    "monte_carlo": Loss(t=(440, 450, 460), title="Monte Carlo loss"),
    **_clid("importance"),
    **_clid("null"),
    **_clid("clip"),
    **_clid("noise"),
}


def column_names(name: str, attack: Attack) -> tuple[str, ...]:
    """Columns of the attack called `name` in a score table: "loss", or "clid_th_d1", …"""
    return tuple(f"{name}_{suffix}" if suffix else name for suffix in attack.columns)


__all__ = ["ATTACKS", "Attack", "CLiD", "Loss", "column_names"]
