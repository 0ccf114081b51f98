"""Every key of the configuration explained from the options' own docstrings, for `--help`."""

import inspect
import json
import re
import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from itertools import groupby
from types import UnionType
from typing import Any, get_args, get_origin

from lit_clid.config.schema import WRITTEN, Config

KINDS: dict[object, str] = {
    int: "whole number",
    float: "number",
    str: "text",
    bool: "true or false",
    Any: "names",
}
"""Types as a reader of YAML says them; `Any` stands where names may carry parameters."""
ENTRY = re.compile(r"    (\w+(?:, \w+)*): (.*)")
SECTION = "section"
PREFACE = (
    "Keys, each with its meaning, its kind and what holds where neither a file nor a word sets it; "
    "without a file, configs/demo.yaml does. `lit-clid list` names attacks and defenses."
)


@dataclass(frozen=True)
class Key:
    """One key.

    Args:
        name: dotted.
        kind: of its value, in words.
        usual: its default as YAML writes it; empty for a section, and where the commands decide.
        text: what it means.
    """

    name: str
    kind: str
    usual: str
    text: str


def explained(cls: type = WRITTEN, prefix: str = "") -> Iterator[Key]:
    """All keys, a section before its own."""
    texts = entries(Config if cls is WRITTEN else cls)
    for each in fields(cls):
        name = f"{prefix}{each.name}"
        if isinstance(each.type, type) and is_dataclass(each.type):
            yield Key(name, SECTION, "", summary(each.type))
            yield from explained(each.type, f"{name}.")
        else:
            yield Key(name, kind(each.type), usual(each), texts.get(each.name, ""))


def summary(described: object) -> str:
    """The first paragraph of a docstring, as one line."""
    first, *_ = (inspect.getdoc(described) or "").split("\n\n")
    return " ".join(first.split())


def entries(cls: type) -> dict[str, str]:
    """The entries of a class's "Args:" by field; one entry may explain several fields."""
    _, _, listed = (inspect.getdoc(cls) or "").partition("\nArgs:\n")
    found: dict[str, str] = {}
    names: list[str] = []
    for line in listed.splitlines():
        entry = ENTRY.fullmatch(line)
        if entry is not None:
            names = entry[1].split(", ")
            found |= dict.fromkeys(names, entry[2])
        elif line.startswith("        "):
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
        else:
            break
    return found


def kind(of: Any) -> str:
    """A type in words."""
    if isinstance(of, UnionType):
        return " or ".join("null" if each is type(None) else kind(each) for each in get_args(of))
    if get_origin(of) is list:
        return f"list of {kind(get_args(of)[0])}s"
    return "mapping" if get_origin(of) is dict else KINDS[of]


def usual(each: Field[Any]) -> str:
    """A field's default as YAML writes it; nothing where it has none."""
    value = each.default
    if each.default_factory is not MISSING:
        value = each.default_factory()
    if value is MISSING:
        return ""
    return as_yaml(value)


def as_yaml(value: object) -> str:
    """A plain value as YAML writes it on one line."""
    return value if isinstance(value, str) else json.dumps(value)


def explanation(width: int | None = None) -> str:
    """What `--help` says of the configuration, section by section.

    Args:
        width: columns of text; None asks the terminal.
    """
    width = min(width or shutil.get_terminal_size().columns, 120)
    keys = list(explained())
    column = max(len(key.name) for key in keys) + 4
    lines = [textwrap.fill(PREFACE, width)]
    told: dict[str, str] = {}
    for _, section in groupby(keys, _section):
        lines.append("")
        for key in section:
            first = told.setdefault(key.text, key.name)
            text = key.text if first == key.name else f"see {first}"
            lines.append(_beside(key, text, column, width))
    return "\n".join(lines)


def _section(key: Key) -> str:
    """The section a key belongs to; empty for those of none."""
    inside = key.kind == SECTION or "." in key.name
    return key.name.split(".")[0] if inside else ""


def _beside(key: Key, text: str, column: int, width: int) -> str:
    """A key and, wrapped beside it, its meaning, kind and default."""
    value = f"{key.kind}: {key.usual}" if key.usual else key.kind
    text = text if key.kind == SECTION else f"{text} [{value}]"
    first = f"  {key.name}".ljust(column)
    room = max(width, column + 30)
    return hanging(first, text, room)


def hanging(first: str, text: str, width: int) -> str:
    """A text wrapped beside what its first line begins with."""
    rest = " " * len(first)
    return textwrap.fill(
        text, width, initial_indent=first, subsequent_indent=rest, break_long_words=False
    )
