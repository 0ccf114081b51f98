"""The records of all small fine-tunings."""

import pytest
from tuning import DATA

from lit_clid.data.split import Split, load_split


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Split:
    return load_split(DATA, 0, tmp_path_factory.mktemp("split"))
