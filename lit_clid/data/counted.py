"""Work on very many records, side by side, and how far it is: a bar that appears after two seconds
and goes, on a terminal alone.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
AHEAD = 256
"""Items that are worked on, or wait for those before them."""


def counted(items: Iterable[Item], what: str, total: int, unit: str = "image") -> Iterator[Item]:
    """The items, counted while they pass.

    Args:
        what: happens to them.
        total: of them.
        unit: what each is.
    """
    yield from tqdm(items, what, total, unit=unit, leave=False, delay=2, disable=None)


def side_by_side(work: Callable[[Any], Item], jobs: Sequence[Any], what: str) -> Iterator[Item]:
    """What `work` makes of each of the jobs, in their order, by threads that are never far ahead.

    Args:
        work: of one job.
        jobs: any number.
        what: happens to them.
    """
    yield from counted(_ahead(work, jobs), what, len(jobs))


def _ahead(work: Callable[[Any], Item], jobs: Iterable[Any]) -> Iterator[Item]:
    waiting = deque[Future[Item]]()
    with ThreadPoolExecutor() as pool:
        try:
            for job in jobs:
                waiting.append(pool.submit(work, job))
                if len(waiting) > AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()
