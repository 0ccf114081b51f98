"""Frozen dataclasses as JSON holds them, and back, with every fault of a file named."""

from dataclasses import MISSING, fields
from types import NoneType
from typing import Any, ClassVar, NoReturn, TypeVar, get_args, get_origin

from lit_clid.errors import UserError

FLAT = {"flat": True}
"""Metadata of a field whose keys stand among its owner's: a `Plain`, or all other keys."""
EMPTY = {"empty": True}
"""Metadata of a field that is written as {} when it is None."""
WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "true or false",
    dict: "a mapping",
    tuple: "a list of texts",
}
Kind = TypeVar("Kind", bound="Plain")


class Plain:
    """Base of dataclasses whose fields are plain values, tuples of texts, mappings, or `Plain`.

    A field that is None by default is left out of JSON while it is None; one that may be None and
    has no default is written as null.
    """

    VERSION: ClassVar[int | None] = None
    """Of a document, which is written into it; a higher one is not read. None for parts of one."""

    def as_json(self) -> dict[str, Any]:
        """Plain values, as JSON would give them back."""
        content: dict[str, Any] = {} if self.VERSION is None else {"version": self.VERSION}
        for each in fields(self):  # type: ignore[arg-type]
            value = getattr(self, each.name)
            if value is None and each.metadata == EMPTY:
                content[each.name] = {}
            elif value is None and each.default is None:
                continue
            elif each.metadata == FLAT:
                content |= _plain(value)
            else:
                content[each.name] = _plain(value)
        return content

    @classmethod
    def from_json(cls: type[Kind], content: Any, where: str, key: str = "") -> Kind:
        """Read what `as_json` wrote, or part of it: a missing key is the field's default, or None.

        Unknown keys are left out, and an empty mapping for a part that may be None is None.

        Args:
            where: the file, for messages.
            key: dotted key of `content` in the file.

        Raises:
            UserError: for a value of a wrong type, a missing key that has no default, or a later
                version.
        """
        _check(dict, content, where, key)
        dotted = f"{key}." if key else ""
        if cls.VERSION is not None and "version" in content:
            _check_version(cls.VERSION, content["version"], where, f"{dotted}version")
        told = content if "version" in content else cls.upgraded(content)
        found: dict[str, Any] = {}
        for each in fields(cls):  # type: ignore[arg-type]
            if each.metadata == FLAT:
                found[each.name] = _flat(cls, each.type, told, where, key)
            elif each.name in told:
                found[each.name] = _typed(each.type, told[each.name], where, dotted + each.name)
            elif each.default is MISSING and each.default_factory is MISSING:
                if NoneType not in get_args(each.type):
                    _refuse(where, f"'{dotted}{each.name}' is missing; add it")
                found[each.name] = None
        return cls(**found)

    @classmethod
    def upgraded(cls, content: dict[str, Any]) -> dict[str, Any]:
        """`content` of before there were versions, as the first version would hold it."""
        return content


def _plain(value: Any) -> Any:
    if isinstance(value, Plain):
        return value.as_json()
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _names(part: Any) -> set[str]:
    return {each.name for each in fields(part)}


def _flat(owner: Any, kind: Any, content: dict[str, Any], where: str, key: str) -> Any:
    """All keys that `owner` does not name, or the optional part whose keys stand in `content`."""
    if get_origin(kind) is dict:
        return {name: content[name] for name in content if name not in _names(owner)}
    part = get_args(kind)[0]
    return part.from_json(content, where, key) if _names(part) & set(content) else None


def _typed(kind: Any, value: Any, where: str, key: str) -> Any:
    """`value` as what a field of type `kind` holds."""
    optional = NoneType in get_args(kind)
    kind = get_args(kind)[0] if optional else kind
    part = isinstance(kind, type) and issubclass(kind, Plain)
    if optional and (value is None or (part and value == {})):
        return None
    if part:
        return kind.from_json(value, where, key)
    container = get_origin(kind) or kind
    _check(container, value, where, key)
    if container is dict:
        each = get_args(kind)[1]
        return {name: _typed(each, inner, where, f"{key}.{name}") for name, inner in value.items()}
    return tuple(value) if container is tuple else value


def _check(kind: Any, value: Any, where: str, key: str) -> None:
    """Raise UserError unless `value`, as JSON gives it, can stand for a `kind`."""
    if kind is Any:
        return
    accepted: dict[Any, Any] = {float: (int, float), tuple: list}
    fits = isinstance(value, accepted.get(kind, kind)) and isinstance(value, bool) == (kind is bool)
    if fits and kind is tuple:
        fits = all(isinstance(each, str) for each in value)
    if not fits:
        what = f"'{key}' holds {repr(value)[:60]}" if key else f"holds {repr(value)[:60]}"
        _refuse(where, f"{what}, not {WORDS[kind]}; mend it")


def _check_version(known: int, version: Any, where: str, key: str) -> None:
    _check(int, version, where, key)
    if version > known:
        fault = f"'{key}' is {version}, and this lit-clid reads up to {known}; install a newer one"
        _refuse(where, fault)


def _refuse(where: str, fault: str) -> NoReturn:
    raise UserError(f"{where}: {fault}, or move the file away")
