"""Learning-rate factors are those of diffusers' schedules, to the last digit."""

import pytest
import torch

from lit_clid.models.quiet import quiet_imports
from lit_clid.training.learning_rate import SCHEDULES

THEIRS = {"constant": "constant_with_warmup", "cosine": "cosine"}


@pytest.mark.parametrize("warmup", [0, 1, 7])
@pytest.mark.parametrize("name", SCHEDULES)
def test_factors_are_those_of_diffusers(name: str, warmup: int) -> None:
    with quiet_imports():
        from diffusers.optimization import get_scheduler

    def rates(ours: bool) -> list[float]:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
        if ours:
            schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, SCHEDULES[name](warmup, 40))
        else:
            schedule = get_scheduler(
                THEIRS[name], optimizer, num_warmup_steps=warmup, num_training_steps=40
            )
        found = []
        for _ in range(40):
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        return found

    assert rates(ours=True) == rates(ours=False)
