"""Progress over records: a bar that appears after two seconds and goes, on a terminal alone."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def counted(items: Iterable[Item], what: str, total: int, unit: str = "image") -> Iterator[Item]:
    """The items, counted while they pass.

    Args:
        what: happens to them.
        total: of them.
        unit: what each is.
    """
    yield from tqdm(items, what, total, unit=unit, leave=False, delay=2, disable=None)
