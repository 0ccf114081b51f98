"""What all tests of the commands share."""

from collections.abc import Iterator

import pytest

from lit_clid.judging.suspects import combined


@pytest.fixture(scope="package", autouse=True)
def fewer_permutations() -> Iterator[None]:
    """Without a model a fit is repeated 39 times, not 199: seconds of every audit."""
    before, combined.PERMUTATIONS = combined.PERMUTATIONS, 39
    yield
    combined.PERMUTATIONS = before
