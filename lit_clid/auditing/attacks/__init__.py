"""The attacks by name. Adding one is a dataclass in its own file and a line here."""

from lit_clid.auditing.attacks.attack import Attack
from lit_clid.auditing.attacks.clid import CLiD
from lit_clid.auditing.attacks.clir import DECOYS, CLiR
from lit_clid.auditing.attacks.gsa import GSA
from lit_clid.auditing.attacks.loss import Loss
from lit_clid.auditing.attacks.memorised import MemorisedPrompt
from lit_clid.auditing.attacks.pfami import PFAMI
from lit_clid.auditing.attacks.pia import PIA, PIAN
from lit_clid.auditing.attacks.secmi import SecMI
from lit_clid.auditing.attacks.sima import SimA


def _clid(reduction: str) -> dict[str, Attack]:
    suffix = "" if reduction == "importance" else f"_{reduction}"
    words = f"{reduction} reduction"
    return {
        f"clid_th{suffix}": CLiD(reduction, title=f"CLiD_th ({words})"),
        f"clid_vec{suffix}": CLiD(reduction, rule="boosted_trees", title=f"CLiD_vec ({words})"),
    }


ATTACKS: dict[str, Attack] = {
    "loss": Loss(title="Loss"),
    "monte_carlo": Loss(t=(440, 450, 460), title="Monte Carlo loss"),
    "secmi": SecMI(title="SecMI_stat"),
    "pia": PIA(title="PIA"),
    "pian": PIAN(title="PIAN"),
    "pfami": PFAMI(title="PFAMI_Met"),
    "pfami_20": PFAMI(
        t=tuple(range(1, 500, 50)), crops=(0.825,), scale="absolute", title="PFAMI_Met (20 queries)"
    ),
    "sima": SimA(title="SimA"),
    "memorised_prompt": MemorisedPrompt(title="memorised-prompt detector"),
    "gsa1": GSA(title="GSA1"),
    "gsa2": GSA(norms="mean_of", title="GSA2"),
    **_clid("importance"),
    **_clid("null"),
    **_clid("clip"),
    **_clid("noise"),
    "clir": CLiR(title="CLiR"),
    "clir_5": CLiR(t=(), title="CLiR (5 queries)"),
    "clir_50": CLiR(still=(200, 300), t=(300, 350, 400), others=DECOYS, title="CLiR (50 queries)"),
}
COSTLY = ("pfami", "pfami_20", "gsa1", "gsa2", "clir_50")
"""Attacks that a plain audit leaves out, with gradients or many queries of their own.

`attacks: all`, as in configs/attacks/zoo.yaml, has them too.
"""


__all__ = [
    "ATTACKS",
    "COSTLY",
    "GSA",
    "PFAMI",
    "PIA",
    "PIAN",
    "Attack",
    "CLiD",
    "CLiR",
    "Loss",
    "MemorisedPrompt",
    "SecMI",
    "SimA",
]
