"""A model that was timed before it is asked is as it was."""

from pathlib import Path

import torch
from toys import picture_records

from lit_clid.auditing.attacks import GSA
from lit_clid.auditing.oracle import ModelOracle
from lit_clid.commands.foretold import seconds_of_a_query
from lit_clid.commands.reading import read
from lit_clid.models.load import load_target
from lit_clid.models.pipeline import PipelineTarget


class Moved(PipelineTarget):
    """One whose weights are made anew where it is moved to, as on a card."""

    def to(self, device: torch.device) -> "Moved":
        for part in self.networks:
            part._apply(torch.clone)
        super().to(device)
        return self


def test_weights_that_timing_moved_can_be_differentiated(pipeline_folder: Path) -> None:
    target = load_target(str(pipeline_folder), rows=2)
    target.__class__ = Moved
    config = read(["trainer.accelerator=cpu", "data.resolution=64"])
    assert seconds_of_a_query(target, config) > 0
    assert GSA((100, 500)).signal(ModelOracle(target, picture_records())).isfinite().all()
    assert torch.backends.cudnn.allow_tf32 is False
