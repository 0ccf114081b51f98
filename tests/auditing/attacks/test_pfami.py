from dataclasses import replace

import torch
from toys import Toy, toy_records

from lit_clid.auditing.attacks import PFAMI
from lit_clid.auditing.oracle import Oracle


def test_pfami_is_zero_where_the_crop_changes_nothing() -> None:
    """A flat image is its own crop."""
    records = toy_records(3)
    flat = replace(records, images=torch.ones_like(records.images))
    torch.testing.assert_close(
        PFAMI().signal(Oracle(Toy(), flat)), torch.zeros(3, 1), rtol=0, atol=1e-5
    )
