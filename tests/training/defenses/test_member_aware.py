"""Member-aware training: a proxy that learns, and an objective that misleads it."""

import torch
from tuning import DATA

from lit_clid.data.module import CaptionedImages
from lit_clid.data.split import Split
from lit_clid.training.defenses import MemberAware, Proxy


def test_the_proxy_learns_to_tell_members() -> None:
    proxy = Proxy(MemberAware(learning_rate=1e-2, hidden=(32, 16)), 48, torch.device("cpu"), 0)
    dice = torch.Generator().manual_seed(0)
    for step in range(150):
        members, others = (torch.rand(32, 3, 4, 4, generator=dice) * s for s in (0.5, 1.0))
        loss = proxy.learn(members, others, step)
    assert float(loss) < 0.2


def test_the_objective_rewards_a_misled_proxy() -> None:
    loss, sure, misled = torch.tensor(1.0), torch.tensor(0.1), torch.tensor(2.0)
    for form in ("sum", "ratio"):
        aware = MemberAware(form=form, weight=0.5, offset=1.0)
        assert aware.combine(loss, misled) < aware.combine(loss, sure)
    assert MemberAware(form="sum", weight=0.5).combine(loss, misled) == 0
    assert MemberAware(form="ratio", weight=0.5).combine(loss, misled) == 0.5


def test_the_proxy_is_fed_by_records_that_are_never_audited(split: Split) -> None:
    data = CaptionedImages(split, DATA, "target", seed=0, side=64, batch_size=4)
    borrowed = {e.id for e in data.auxiliary.entries}
    assert len(borrowed) == DATA.nonmembers
    assert not borrowed & {e.id for e in split.of("target")}
