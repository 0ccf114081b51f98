"""Files that appear whole or not at all."""

from pathlib import Path

import pytest

from lit_clid.errors import UserError
from lit_clid.files import read_json, write_json, write_text


def test_what_is_written_is_read(tmp_path: Path) -> None:
    content = {"ε": [1, None, "ünï"], "nested": {"a": 0.1}}
    file = tmp_path / "new" / "folders" / "a.json"
    write_json(file, content)
    assert read_json(file) == content
    assert "ε" in file.read_text(encoding="utf-8")  # readable by people
    write_text(file, "2")
    assert read_json(file) == 2
    assert list(file.parent.iterdir()) == [file]


def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.json"
    write_json(file, 1)

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="no space"):
        write_json(file, 2)
    with pytest.raises(TypeError):
        write_json(file, {"a": object()})
    assert read_json(file) == 1


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe"])
def test_a_broken_file_is_named_in_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.json: not valid JSON \(.*\); delete it") as error:
        read_json(file)
    assert "\n" not in str(error.value)
