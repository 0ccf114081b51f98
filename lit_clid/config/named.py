"""Sections of names: what `attacks:` and `defenses:` name is built from a registry that is handed
in.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Generic, TypeVar, get_args, get_origin

from lit_clid.errors import UserError, few, suggestion

T = TypeVar("T")
"""A frozen dataclass whose fields are parameters, and whose construction checks them."""
G = TypeVar("G")
"""What a section becomes."""
WORDS: dict[type, str] = {
    int: "a whole number",
    float: "a number",
    str: "a word",
    bool: "true or false",
}


@dataclass(frozen=True)
class Section(Generic[G]):
    """A section of names.

    Args:
        usual: what it holds unless a configuration says otherwise.
        build: makes of what was written what the commands use; raises UserError.
        all: names that the word "all" stands for; None where it is no such word.
    """

    usual: Any
    build: Callable[[Any], G]
    all: Sequence[str] | None = None

    def spelled(self, wanted: Any) -> Any:
        """What was written, "all" as the names it stands for."""
        return wanted if self.all is None or wanted != "all" else list(self.all)


NOTHING: Section[None] = Section(None, lambda _: None)
"""A section that is not looked at."""


@dataclass(frozen=True)
class Registry(Generic[T]):
    """What can be named, as a list of names or as a mapping from name to changed parameters.

    Args:
        kind: "attack" or "defense", for messages and for variants: `{loss_empty: {attack: loss,
            condition: empty}}` is a second `loss` under a name of its own.
        known: by name.
        example: changed parameters as they are written, for messages.
        load: gives what a configuration names as a class, given its text and the key; None knows
            no classes.
    """

    kind: str
    known: Mapping[str, T]
    example: str
    load: Callable[[Any, str], T] | None = None

    def build(self, wanted: object) -> dict[str, T]:
        """Build what is `wanted`, by name.

        Raises:
            UserError: for an unknown name or parameter, or a value that is refused.
        """
        return {name: self._one(name, changed) for name, changed in self.changes(wanted).items()}

    def changes(self, wanted: object) -> dict[str, Any]:
        """`wanted` as a mapping from name to changed parameters."""
        if isinstance(wanted, (list, tuple)) and all(isinstance(name, str) for name in wanted):
            return dict.fromkeys(wanted)
        if not isinstance(wanted, dict):
            raise UserError(
                f"{self.kind}s: {wanted!r} is neither a list of names nor a mapping; known: "
                f"{self.names}"
            )
        return {str(name): changed for name, changed in wanted.items()}

    @property
    def names(self) -> str:
        """What is known, for a message."""
        return few(list(self.known), 22)

    def _one(self, name: str, changed: Any) -> T:
        where = f"{self.kind}s.{name}"
        if not isinstance(changed, (dict, type(None))):
            raise UserError(
                f"{where}: {changed!r} is not a mapping of parameters, such as {self.example}"
            )
        parameters = dict(changed or {})
        original = str(parameters.pop(self.kind, name))
        if self.load is not None and "class" in parameters:
            first = self.load(parameters.pop("class"), where)
        elif original not in self.known:
            near = suggestion(original, list(self.known))
            raise UserError(f"{self.kind}s: unknown {self.kind} '{original}'{near}")
        else:
            first = self.known[original]
        values = _values(first, parameters, where)
        if original != name:
            values = _titled(first, name) | values
        try:
            return replace(first, **values)  # type: ignore[type-var]
        except (TypeError, ValueError) as error:
            raise UserError(f"{where}: {error}") from None


def _values(original: Any, parameters: Mapping[Any, Any], where: str) -> dict[str, Any]:
    """The changed parameters, each of its field's type."""
    kinds = {each.name: each.type for each in fields(original)}
    for key in parameters:
        if key not in kinds:
            raise UserError(
                f"{where}: unknown parameter '{key}'{suggestion(str(key), list(kinds))}"
            )
    return {key: _like(kinds[key], value, f"{where}.{key}") for key, value in parameters.items()}


def _titled(original: Any, name: str) -> dict[str, Any]:
    """A variant of something with a title has its own."""
    if all(each.name != "title" for each in fields(original)):
        return {}
    return {"title": f"{original.title} ({name})"}


def _like(kind: Any, value: Any, key: str) -> Any:
    """`value` if it is of the field's type: a word, a number, true or false, or a list, for
    which one will do.
    """
    listed = get_origin(kind) is tuple
    optional = type(None) in get_args(kind)
    each = get_args(kind)[0] if listed or optional else kind
    if optional and value is None:
        return None
    values = list(value) if listed and isinstance(value, (list, tuple)) else [value]
    allowed = (int, float) if each is float else (each,)
    if not all(isinstance(v, allowed) and isinstance(v, bool) == (each is bool) for v in values):
        raise UserError(
            f"{key}: {value!r} is not {WORDS[each]}{', or a list of such' if listed else ''}"
        )
    return tuple(values) if listed else value
