"""`MembershipGauge`: the gauge for anyone's own training."""

from operator import attrgetter
from os import PathLike
from pathlib import Path
from typing import Any

import lightning as L

from lit_clid.commands.gauge.callback import Gauge
from lit_clid.commands.gauge.measure import Measure
from lit_clid.config.options.data import DataOptions
from lit_clid.data.given import given_split
from lit_clid.errors import UserError
from lit_clid.models.live import is_pipeline, live_target
from lit_clid.models.target import Target
from lit_clid.training.preparation import Members


class MembershipGauge(Gauge):
    """From which step on does a training memorise? For anyone's LightningModule.

    At the start, every `every_n_steps` optimiser steps and at the end it asks the model in training
    about members and hold-outs, logs `gauge/auroc` with its 95 % interval, `gauge/member_loss` and
    `gauge/heldout_loss` to the trainer's loggers, and writes gauge.csv and gauge.svg. Training is
    the same, to the last bit, as without it. `first_step` and `sentence` hold the answer.

    Args:
        members: records that are trained on, as they are trained on: (image, caption) or {"image":
            …, "caption": …} with images of PIL or paths, a `datasets.Dataset`, or a folder.
        holdouts: records of the same kind that never are.
        every_n_steps: optimiser steps between two looks.
        attack: cheap attack that needs no shadow; `lit-clid list attacks` names them.
        probe: members and hold-outs each that are asked about, picked by the seed.
        seed: of the pick and of the attack's noise.
        target: how the model is seen: a pipeline of diffusers made of the very modules in
            training, the (dotted) name of the module's attribute that holds one, or a function of
            the module that returns one, called once when training starts.
        weights: "trained", or "averaged" by Lightning's `WeightAveraging`, which then stands before
            the gauge in the trainer's list of callbacks.
        folder: of gauge.csv and gauge.svg; None takes the one where the trainer logs.
        resolution: side of the square images; None takes the model's.
        rows: most rows in one call of the denoiser, for its memory.

    Raises:
        UserError: for records or options that cannot be asked about.

    Example:
        >>> gauge = MembershipGauge(train_pairs, held_out_pairs, target="pipeline")
        >>> Trainer(max_steps=1000, callbacks=[gauge]).fit(module)
        >>> gauge.first_step
    """

    def __init__(
        self,
        members: Any,
        holdouts: Any,
        every_n_steps: int = 500,
        attack: str = "clid_th_null",
        probe: int = 256,
        seed: int = 0,
        target: Any = "pipeline",
        weights: str = "trained",
        folder: str | PathLike[str] | None = None,
        resolution: int | None = None,
        rows: int = 64,
    ) -> None:
        measure = Measure(attack, probe, seed)
        measure.check("MembershipGauge")
        split = given_split(members, holdouts, probe, seed)
        records = Members(split, DataOptions(resolution=resolution), "target")
        super().__init__(
            records,
            measure,
            every_n_steps,
            lambda module: _shown(target, module, rows),
            weights,
            None if folder is None else Path(folder) / "gauge",
        )


def _shown(target: Any, module: L.LightningModule, rows: int) -> Target:
    """The model as the user says that it is seen."""
    found = target
    if isinstance(target, str):
        try:
            found = attrgetter(target)(module)
        except AttributeError as error:
            raise UserError(
                f"MembershipGauge: target = {target!r}, but {error}; name the attribute that holds "
                "the pipeline, or give a function of the module that returns one"
            ) from None
    elif not isinstance(target, Target) and not is_pipeline(target) and callable(target):
        found = target(module)
    return found if isinstance(found, Target) else live_target(found, rows)
