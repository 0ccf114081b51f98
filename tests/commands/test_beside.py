"""Parts of an audit and the whole of it never work side by side."""

from pathlib import Path

import pytest

from lit_clid.commands.holding import LOCK, PARTS, held, refuse_beside
from lit_clid.errors import UserError


def test_a_part_is_refused_beside_the_whole_and_the_whole_beside_a_part(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with held(folder):
        with pytest.raises(UserError, match=r"in use by .*process \d+, since .*; wait until"):
            refuse_beside(folder, LOCK)
        refuse_beside(folder, PARTS)
    with held(folder, "2/3"):
        with pytest.raises(UserError, match=r"in use by .*process \d+"):
            refuse_beside(folder, PARTS)
        refuse_beside(folder, LOCK)
    refuse_beside(folder, PARTS)
    refuse_beside(folder, LOCK)
