"""Training of models that no device holds whole: weights, gradients and the optimiser's moments are
dealt out to the processes, and a block is put together while it computes (ZeRO: Rajbhandari et al.
2020; FSDP: Zhao et al. 2023).

Each process still reads the whole model once, into the machine's memory.
"""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from itertools import chain
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.strategies import ModelParallelStrategy
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor

from lit_clid.config.trainer import FSDP
from lit_clid.training.averaging import Averaging
from lit_clid.training.module import FineTune
from lit_clid.training.parts import own_part, put, trained, whole

SHARED = "shared"
"""Key of checkpoints whose optimiser was dealt out."""


class Sharded(ModelParallelStrategy):
    """All processes share one model; the checkpoint is one file, without frozen weights.

    Args:
        patience: how long a process waits for another.
    """

    def __init__(self, patience: timedelta) -> None:
        super().__init__(save_distributed_checkpoint=False, timeout=patience)

    def setup_environment(self) -> None:
        self._data_parallel_size = self.num_nodes * self.num_processes
        self._tensor_parallel_size = 1
        super().setup_environment()

    def lightning_module_state_dict(self) -> dict[str, Any]:
        assert self.model is not None
        options = StateDictOptions(
            full_state_dict=True, cpu_offload=True, ignore_frozen_params=True
        )
        return get_model_state_dict(self.model, options=options)


def is_sharded(trainer: Mapping[str, Any]) -> bool:
    """Whether `trainer:` asks for it."""
    return trainer.get("strategy") == FSDP


class ShardedFineTune(FineTune):
    """`FineTune` of a network whose blocks are dealt out before it lies on any device.

    Every process has to make as many passes as the others, also where it has a batch less to
    validate.
    """

    _plain: tuple[Any, ...] = ()
    """The network as it was, without weights; in a tuple, so that it is no part of the module."""

    def configure_model(self) -> None:
        if self._plain:
            return
        self._plain = (_without_weights(self.network),)
        mesh = self.device_mesh["data_parallel"]  # type: ignore[index]
        for module in (*_blocks(self.network), self.network):
            fully_shard(module, mesh=mesh, reshard_after_forward=True)

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        super().validation_step(batch, batch_idx)
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
        loader: Any = self.trainer.val_dataloaders
        if batch_idx + 1 == len(loader) < data.validated_by_any:
            self.held_out_loss(batch)

    def not_finite(self) -> str | None:
        name = super().not_finite()
        if not any(isinstance(p, DTensor) for p in self.network.parameters()):
            return name  # the first process alone has all of it
        found = self.trainer.strategy.reduce_boolean_decision(name is not None, all=False)
        return name or ("of another process" if found else None)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        checkpoint[SHARED] = True

    @contextmanager
    def complete(self) -> Iterator[None]:
        network, name = self.network, self.target.family.network
        tensors: dict[str, Tensor] = {}
        for key, parameter in network.named_parameters():
            tensor = whole(parameter)
            if self.trainer.is_global_zero:
                tensors[key] = tensor.cpu()
        if not tensors:
            yield
            return
        plain = copy.deepcopy(self._plain[0])
        plain.load_state_dict(tensors, strict=False, assign=True)
        try:
            self._take(plain, name)
            yield
        finally:
            self._take(network, name)

    def _take(self, network: Any, name: str) -> None:
        self.network = self.target.denoiser.network = network
        setattr(self.target.pipeline, name, network)


def _blocks(network: Any) -> list[nn.Module]:
    """What diffusers says is not to be split, inner ones first."""
    names = set(network._no_split_modules or ())
    lists = [m for m in network.modules() if isinstance(m, nn.ModuleList)]
    blocks = [m for m in chain(*lists) if type(m).__name__ in names]
    return blocks[::-1]


def _without_weights(network: Any) -> Any:
    memo: dict[int, Any] = {}
    for p in network.parameters():
        memo[id(p)] = nn.Parameter(p.detach().to("meta"), requires_grad=False)
    return copy.deepcopy(network, memo)


class ShardedAverage(Callback):
    """The average of sharded weights that a rule keeps of whole ones: every process has that of its
    own parts, where Lightning's callback would copy the module.

    Args:
        rule: when and how far the average moves.
    """

    def __init__(self, rule: Averaging) -> None:
        self.rule, self.count, self.latest = rule, 0, 0
        self._average: dict[str, Tensor] = {}
        self._told: dict[str, Tensor] = {}

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        for name, parameter in trained(pl_module).items():
            self._average[name] = parameter.detach().clone()
            if name in self._told:
                put(self._average[name], self._told[name])
        self._told = {}

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        step = trainer.global_step
        if step > self.latest and self.rule.should_update(step_idx=step - 1):
            current = [own_part(p) for p in trained(pl_module).values()]
            average = [own_part(each) for each in self._average.values()]
            self.rule.follow(average, current, self.count)
            self.count, self.latest = self.count + 1, step

    def on_validation_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._swap(pl_module)

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._swap(pl_module)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._swap(pl_module)

    @contextmanager
    def averaged(self, module: L.LightningModule) -> Iterator[None]:
        """Within this, `module` has the averaged weights."""
        self._swap(module)
        try:
            yield
        finally:
            self._swap(module)

    @torch.no_grad()
    def _swap(self, module: L.LightningModule) -> None:
        for name, parameter in trained(module).items() if self._average else ():
            mine, other = own_part(parameter), own_part(self._average[name])
            kept = mine.clone()
            mine.copy_(other)
            other.copy_(kept)

    def on_save_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        weights: dict[str, Tensor] = {}
        for name, each in self._average.items():
            tensor = whole(each)
            if trainer.is_global_zero:
                weights[name] = tensor.cpu()
        checkpoint["average"] = {"weights": weights, "count": self.count, "latest": self.latest}

    def on_load_checkpoint(
        self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        told = checkpoint["average"]
        self._told, self.count, self.latest = told["weights"], told["count"], told["latest"]
