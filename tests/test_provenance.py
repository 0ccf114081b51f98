"""Where a result comes from, and that results of different making are told apart."""

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from lit_clid import provenance as module
from lit_clid.errors import UserError
from lit_clid.provenance import provenance, refuse_changes


def test_what_it_was_made_with_is_told() -> None:
    made = provenance("cpu")
    age = datetime.now(timezone.utc) - datetime.fromisoformat(made.created)
    assert timedelta(0) <= age < timedelta(minutes=1)
    assert made.device == "cpu" and made.packages["torch"]
    assert set(made.packages) <= set(module.PACKAGES)
    assert made.commit is None or re.fullmatch(r"[0-9a-f]{40}", made.commit)


def test_a_package_that_is_not_there_is_left_out_and_so_is_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PACKAGES", ("torch", "no-such-package"))
    monkeypatch.setenv("PATH", str(tmp_path))
    made = provenance("cpu")
    assert list(made.packages) == ["torch"] and made.commit is None


def test_equal_making_passes_and_every_change_is_named() -> None:
    refuse_changes({"a": 1, "b": [2]}, {"b": [2], "a": 1}, "table")
    with pytest.raises(UserError) as error:
        refuse_changes({"a": 1, "gone": 2, "same": 0}, {"a": 3, "new": "x", "same": 0}, "table")
    assert str(error.value) == (
        "table: made otherwise (a is 3 now and was 1, gone is None now and was 2, new is 'x' now "
        "and was None); use the old values, another name=…, or delete it"
    )


def test_many_changes_are_cut_short() -> None:
    found = dict.fromkeys("abcdef", 0)
    with pytest.raises(UserError, match="d is None now and was 0 and 2 more"):
        refuse_changes(found, {}, "table")
