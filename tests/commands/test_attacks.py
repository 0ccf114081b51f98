"""The attacks that a configuration asks for."""

from dataclasses import replace

import pytest

from lit_clid.auditing.attacks import ATTACKS, COSTLY, CLiD
from lit_clid.commands.reading import build_attacks, read
from lit_clid.errors import UserError


def test_an_attack_can_be_asked_twice() -> None:
    attacks = build_attacks(
        {
            "loss": None,
            "loss_empty": {"attack": "loss", "condition": "empty"},
            "clir_5": {"t": [300]},
        }
    )
    assert attacks["loss_empty"] == replace(
        ATTACKS["loss"], condition="empty", title="Loss (loss_empty)"
    )
    assert attacks["clir_5"] == replace(ATTACKS["clir_5"], t=(300,))
    assert build_attacks({"clir": {"still": []}})["clir"] == replace(ATTACKS["clir"], still=())


def test_attacks_take_changed_parameters() -> None:
    attacks = build_attacks({"clid_th_clip": {"t": 300}, "loss": None})
    assert attacks["clid_th_clip"] == CLiD("clip", (300,), title=ATTACKS["clid_th_clip"].title)
    assert attacks["loss"] == ATTACKS["loss"]


def test_a_plain_audit_asks_all_but_the_costly_and_the_zoo_asks_them_too() -> None:
    usual = [name for name in ATTACKS if name not in COSTLY]
    assert list(read([]).attacks) == list(read(["configs/folder.yaml"]).attacks) == usual
    assert read([]).plain["attacks"] == usual
    zoo = read(["configs/demo.yaml", "configs/attacks/zoo.yaml"])
    assert zoo.attacks == ATTACKS and zoo.plain["attacks"] == list(ATTACKS)
    assert list(read(["attacks=all", "attacks=[pia]"]).attacks) == ["pia"]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (["los"], "unknown attack 'los'; did you mean 'loss'"),
        ({"loss": {"tt": 3}}, "unknown parameter 'tt'"),
        ({"clid_th": {"reduction": "half"}}, "reduction 'half' is not one of"),
        (
            {"loss": {"t": "early"}},
            r"attacks.loss.t: 'early' is not a whole number, or a list of such",
        ),
        ({"secmi": {"t": [100, 200]}}, "is not a whole number"),
        ({"pia": {"p": "two"}}, "is not a number"),
        ({"sima": {"p": 0}}, "p = 0 must be a positive number"),
        ({"again": {"attack": "los"}}, "unknown attack 'los'; did you mean 'loss'"),
        ({"clir": {"still": [], "t": []}}, "both empty"),
        ({"loss": {"condition": "captoin"}}, "is not caption, empty, or text:"),
        ({"clir": {"others": ["caption"]}}, "other than the condition"),
        ("loss", "neither a list"),
        ([], "neither a list"),
    ],
)
def test_bad_attacks_are_named(wanted: object, message: str) -> None:
    with pytest.raises(UserError, match=message):
        build_attacks(wanted)
