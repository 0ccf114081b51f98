"""Plug-ins: attacks, defenses and families of other packages, by entry points.

A package that declares an entry point of the group `lit_clid.attacks`, `lit_clid.defenses` or
`lit_clid.families` adds what it points at under the entry point's name. It is imported when that
name is asked for, never before; what is installed is trusted as any package is. A class that a
configuration names is another matter, for a configuration is otherwise harmless: it needs the
environment variable `LIT_CLID_ALLOW_CLASSES=1`.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, TypeVar

from lit_clid.errors import UserError, few, first_line

GROUP = "lit_clid"
ALLOWED = "LIT_CLID_ALLOW_CLASSES"
"""The environment variable that lets a configuration name classes."""
T = TypeVar("T")


@lru_cache
def declared(group: str, path: tuple[str, ...]) -> dict[str, list[EntryPoint]]:
    """The entry points of a group by name, looked up once in this process.

    Args:
        path: where packages are looked for.
    """
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=group):
        found.setdefault(point.name, []).append(point)
    return found


class Plugged(Mapping[str, T]):
    """What is known here, and behind it what plug-ins add.

    Args:
        own: by name.
        kind: "attack", "defense" or "family", for messages; its plural ends the group's name.
        of: the class that a plug-in gives one of, or a subclass of.
    """

    def __init__(self, own: Mapping[str, T], kind: str, of: type) -> None:
        self.own, self.kind, self.of = own, kind, of

    @property
    def group(self) -> str:
        """Name of the group of entry points."""
        plural = f"{self.kind.removesuffix('y')}ies" if self.kind.endswith("y") else f"{self.kind}s"
        return f"{GROUP}.{plural}"

    def points(self) -> dict[str, list[EntryPoint]]:
        """The plug-ins' entry points by name."""
        return declared(self.group, tuple(sys.path))

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self.own, *self.points()]))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, name: object) -> bool:
        return name in self.own or name in self.points()

    def __getitem__(self, name: str) -> T:
        """What a name stands for.

        Raises:
            KeyError: if nothing has it.
            UserError: if several have it, or a plug-in cannot be imported or gives something else.
        """
        points = self.points().get(name)
        if not points:
            return self.own[name]
        if name in self.own or len(points) > 1:
            givers = [*(["lit-clid"] if name in self.own else []), *map(_package, points)]
            raise UserError(
                f"{self.kind} '{name}': is given by {few(givers)}; uninstall one of them, or have "
                "its author rename it"
            )
        return self._loaded(points[0])

    def _loaded(self, point: EntryPoint) -> T:
        where = f"{self.kind} '{point.name}' of {_package(point)}"
        try:
            found = point.load()
        except Exception as error:  # whatever a package raises while it is imported
            raise UserError(
                f"{where}: cannot be imported ({type(error).__name__}: {first_line(error)}); mend "
                "or uninstall it"
            ) from None
        return _made(found, self.of, where)


def class_named(text: Any, of: type[T], where: str) -> T:
    """What a configuration names as `class: package.module:Name`.

    Raises:
        UserError: unless the environment allows it, and for what is not there or is none.
    """
    if os.environ.get(ALLOWED) != "1":
        raise UserError(
            f"{where}.class: {text!r} would run code that a configuration names; allow it with "
            f"{ALLOWED}=1 in the environment, or install it as a plug-in"
        )
    module, _, name = str(text).partition(":")
    if not module or not name:
        raise UserError(f"{where}.class: {text!r} is not written as package.module:Name")
    try:
        if (here := str(Path.cwd())) not in sys.path:  # wherever the command lies
            sys.path.append(here)
        found = getattr(import_module(module), name)
    except Exception as error:
        raise UserError(
            f"{where}.class: {text!r} cannot be imported ({type(error).__name__}: "
            f"{first_line(error)})"
        ) from None
    return _made(found, of, f"{where}.class")


def _made(found: Any, of: type, where: str) -> Any:
    """An instance; a class is made one with its defaults."""
    if isinstance(found, type) and issubclass(found, of):
        try:
            found = found()
        except Exception as error:  # what its own code raises
            raise UserError(f"{where}: cannot be made ({first_line(error)})") from None
    if not isinstance(found, of):
        raise UserError(f"{where}: gives {type(found).__name__}, not {of.__name__}")
    return found


def _package(point: EntryPoint) -> str:
    """Who declares it."""
    return point.value if point.dist is None else f"{point.dist.name} {point.dist.version}"
