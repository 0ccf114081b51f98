"""What there is by name, one line each."""

import pytest

from lit_clid.commands.listing import LISTS, _one_line, listing, main
from lit_clid.errors import UserError
from lit_clid.models.families import FAMILIES


@pytest.mark.parametrize("kind", LISTS)
def test_every_name_has_one_line_that_says_something(kind: str) -> None:
    first, *lines = listing(kind).splitlines()
    assert first == kind
    assert [line.split()[0] for line in lines] == list(LISTS[kind]())
    assert all(len(line.split()) > 2 and not line.endswith(".") for line in lines)


def test_a_family_is_named_with_what_can_be_tuned() -> None:
    lines = listing("families").splitlines()[1:]
    for line, family in zip(lines, FAMILIES.values(), strict=True):
        groups = ", ".join([*family.groups, "lora"])
        assert line.endswith(f"{family.title}; finetune.train: {groups}")


def test_kinds_come_in_the_order_asked_or_all(capsys: pytest.CaptureFixture[str]) -> None:
    main(["rules", "families"])
    assert capsys.readouterr().out == f"{listing('rules')}\n\n{listing('families')}\n"
    main([])
    assert capsys.readouterr().out == "\n\n".join(map(listing, LISTS)) + "\n"
    with pytest.raises(UserError, match="nothing to list under 'rule'; did you mean 'rules'"):
        main(["rule"])


def test_abbreviations_end_no_sentence() -> None:
    assert _one_line("By eq. 14 (Zhai et al. 2024). More.") == "By eq. 14 (Zhai et al. 2024)"
