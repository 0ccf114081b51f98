"""Files that appear whole or not at all."""

import errno
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from lit_clid.errors import UserError, WriteError
from lit_clid.files import check_writable, read_json, whole, write_json, write_text, writing
from lit_clid.parquet import write_parquet


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


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """A disk that is full, as far as a process can make one: writes beyond `size` bytes fail."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def checkpoint(path: Path) -> None:
    with whole(path) as part:
        torch.save({"a": torch.randn(100_000)}, part)


def tensors(path: Path) -> None:
    with whole(path) as part:
        save_file({"a": torch.randn(100_000)}, part)


def table(path: Path) -> None:
    ids = tuple(f"r{k}" for k in range(20_000))
    write_parquet(path, ids, np.zeros(20_000, bool), {"s": np.random.default_rng(0).random(20_000)})


def picture(path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    with whole(path) as part:
        Image.fromarray(pixels).save(part, format="PNG")


@pytest.mark.parametrize(
    "write", [checkpoint, tensors, table, picture, lambda path: write_text(path, "a" * 100_000)]
)
def test_a_full_disk_is_one_line_and_leaves_nothing_half(
    write: Callable[[Path], None], tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("before")
    with pytest.raises(WriteError) as full, files_no_longer_than(4096):
        write(file)
    assert str(full.value).startswith(f"{file} cannot be written: ")
    assert "\n" not in str(full.value)
    assert list(tmp_path.iterdir()) == [file]
    assert file.read_text() == "before"
    write(file)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_what_keeps_a_file_from_being_written_is_told(tmp_path: Path, number: int) -> None:
    def fail() -> None:
        with writing(tmp_path / "a", tmp_path / "part"):
            (tmp_path / "part").mkdir()
            raise OSError(number, os.strerror(number), "elsewhere")

    with pytest.raises(WriteError, match=os.strerror(number)):
        fail()
    assert not list(tmp_path.iterdir())


def test_a_folder_is_written_to_before_the_work(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b")
    assert not list((tmp_path / "a" / "b").iterdir())
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match=r"file is in the way"):
        check_writable(tmp_path / "file" / "b")
    with pytest.raises(WriteError, match="make room"), files_no_longer_than(10):
        check_writable(tmp_path)
