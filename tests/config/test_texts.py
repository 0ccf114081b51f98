"""Keys of text take text as it was written, on the command line and in files."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lit_clid.commands.reading import read
from lit_clid.config.reading import config_text
from lit_clid.config.texts import NULLS, TEXTS
from lit_clid.errors import UserError

LIKE_OTHER_THINGS = [
    "007",
    "2024_01_05",
    "2024-01-05",
    "yes",
    "off",
    "1e3",
    "3.10",
    "0x1F",
    "12:30",
    ".inf",
    "null-model",
    "~",
]
ODD = [
    "cats #1",
    "@home",
    "a: b",
    "[12]",
    "{x}",
    "*star",
    "&anchor",
    "${HOME}",
    "\\\\${x}",
    "%d",
    "- a",
    "!tag",
    "`",
    "it's",
    " spaced ",
    "a=b",
]


@pytest.mark.parametrize("key", [key for key in TEXTS if key.endswith(("path", "_column"))])
@pytest.mark.parametrize("typed", [*LIKE_OTHER_THINGS, *ODD])
def test_the_command_line_gives_every_text_as_typed(key: str, typed: str) -> None:
    section, name = key.split(".")
    assert getattr(getattr(read([f"{key}={typed}"]), section), name) == typed


@settings(deadline=None)  # reading takes longer beside others
@given(
    st.text().filter(lambda text: text not in NULLS and not re.search("^([\"']).*\\1$", text, re.S))
)
def test_any_text_is_taken_from_the_command_line(text: str) -> None:
    if text != "???":  # omegaconf's sign of what is missing
        assert read([f"data.path={text}"]).data.path == text


@pytest.mark.parametrize("typed", [*LIKE_OTHER_THINGS[:-1], "~x"])
def test_plain_scalars_of_files_are_taken_as_written(tmp_path: Path, typed: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(f"runs: {typed}  # a comment\ndata:\n  path: {typed}\n  split: '{typed}'\n")
    config = read([str(file)])
    assert (config.runs, config.data.path, config.data.split) == (typed, typed, typed)


def test_words_inside_a_mapping_are_taken_as_written() -> None:
    data = read(["data={path: 007, split: off, members: 3}"]).data
    assert (data.path, data.split, data.members) == ("007", "off", 3)


def test_names_on_the_left_are_taken_as_written(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("attacks: {2024_01: {attack: loss}, 007: {attack: loss, t: 1_0}}\n")
    attacks = read([str(file)]).attacks
    assert list(attacks) == ["2024_01", "007"]


def test_numbers_stay_numbers(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("seed: 7\nfinetune: {learning_rate: 1e-4}\ntrainer: {max_steps: 10}\n")
    config = read([str(file), "data.members=1_0"])
    assert (config.seed, config.data.members) == (7, 10)
    assert config.finetune.learning_rate == 1e-4
    assert config.trainer["max_steps"] == 10


def test_quotes_around_the_whole_are_left_off() -> None:
    assert read(['name="007"']).name == "007"
    assert read(["data.path='cats #1'"]).data.path == "cats #1"


@pytest.mark.parametrize("null", NULLS)
def test_null_is_no_text(null: str) -> None:
    assert read([f"target.variant={null}"]).target.variant is None
    assert read([f"name={null}"]).name == null  # a run always has one


def test_aliases_and_merges_of_files_are_followed(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("data: &d {path: 007, members: 9}\n")
    assert read([str(file)]).data.path == "007"


def test_what_is_written_out_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(config_text({"name": "007", "data": {"path": "cats #1"}}))
    config = read([str(file)])
    assert (config.name, config.data.path) == ("007", "cats #1")


@pytest.mark.parametrize("name", ["@home/x", "..", ""])
def test_a_name_that_is_no_folder_is_refused_in_plain_words(name: str) -> None:
    with pytest.raises(UserError, match="must be a plain folder name"):
        read([f"name={name}"])
