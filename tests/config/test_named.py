"""Building what a configuration names, from a registry that is handed in."""

from dataclasses import dataclass

import pytest

from lit_clid.config.named import Registry, Section
from lit_clid.errors import UserError


@dataclass(frozen=True)
class Spice:
    grams: float = 1.0
    names: tuple[str, ...] = ()
    title: str = "Spice"

    def __post_init__(self) -> None:
        if self.grams <= 0:
            raise ValueError(f"grams = {self.grams} must be larger than 0")


SPICES = Registry("spice", {"salt": Spice(), "pepper": Spice(0.5)}, "{grams: 2}")


def test_names_and_changed_parameters_are_built() -> None:
    assert SPICES.build(["pepper"]) == {"pepper": Spice(0.5)}
    assert SPICES.build({"salt": {"names": "sal"}}) == {"salt": Spice(names=("sal",))}


def test_a_variant_has_a_title_of_its_own() -> None:
    built = SPICES.build({"sea": {"spice": "salt"}, "rock": {"spice": "salt", "title": "Rock"}})
    assert [spice.title for spice in built.values()] == ["Spice (sea)", "Rock"]


@dataclass(frozen=True)
class Untitled:
    grams: float = 1.0


def test_a_variant_without_a_title_is_built() -> None:
    herbs = Registry("herb", {"mint": Untitled()}, "{grams: 2}")
    assert herbs.build({"own": {"herb": "mint", "grams": 2}}) == {"own": Untitled(2)}


def test_all_stands_for_names_where_it_is_such_a_word() -> None:
    section = Section(["salt"], SPICES.build, all=["salt", "pepper"])
    assert section.spelled("all") == ["salt", "pepper"]
    assert section.spelled(["pepper"]) == ["pepper"]
    assert Section([], SPICES.build).spelled("all") == "all"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (["slat"], "spices: unknown spice 'slat'; did you mean 'salt'?"),
        ("salt", "spices: 'salt' is neither a list of names nor a mapping; known: salt, pepper"),
        ({"salt": 3}, "spices.salt: 3 is not a mapping of parameters, such as {grams: 2}"),
        ({"salt": {"gram": 2}}, "spices.salt: unknown parameter 'gram'; did you mean 'grams'?"),
        ({"salt": {"grams": "few"}}, "spices.salt.grams: 'few' is not a number"),
        ({"salt": {"grams": 0}}, "spices.salt: grams = 0 must be larger than 0"),
    ],
)
def test_mistakes_are_one_line(wanted: object, message: str) -> None:
    with pytest.raises(UserError) as error:
        SPICES.build(wanted)
    assert str(error.value) == message
