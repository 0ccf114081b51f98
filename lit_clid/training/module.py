"""`FineTune`: denoising loss on the members, validation loss on the hold-outs with fixed noise."""

import copy
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from math import inf
from typing import Any

import lightning as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor

from lit_clid.about import Facts
from lit_clid.config.options.training import FineTuneOptions
from lit_clid.data.module import CaptionedImages
from lit_clid.errors import UserError
from lit_clid.models.diffusion import mean_square
from lit_clid.models.embedding import Embedding
from lit_clid.models.encodings import Encodings
from lit_clid.models.pipeline import PipelineTarget
from lit_clid.randomness import generator, noise
from lit_clid.training.chosen import choose
from lit_clid.training.defenses import Augmenter, Defenses, MemberAware, Privacy
from lit_clid.training.learning_rate import SCHEDULES
from lit_clid.training.objectives import Drawn, Misleading, Objective, Plain, Private, throw
from lit_clid.training.parts import is_fusable, own_part, put, trained, whole


@dataclass(frozen=True)
class Still:
    """What stays the same from step to step, so that it is encoded once and kept."""

    latents: bool = True
    embedding: bool = True
    most: float = inf
    """Bytes of embeddings, of all processes of a machine, beyond which they are encoded anew."""


class FineTune(L.LightningModule):
    """Tune a target's denoiser.

    Args:
        target: the base; its denoiser is trained in place, its VAE and text encoders stay frozen
            and unregistered.
        options: the recipe.
        seed: of validation, and of the defenses' proxies.
        facts: written into every checkpoint, compared before a checkpoint is resumed from.
        defenses: what is done against memorisation.
        privacy: what private training spends; None trains openly.
        dice: seed of whatever members are trained with, each a function of (dice, batch number,
            rank); None takes `seed`.
        augment: of the members' images.
        still: what is kept.
        mixed: half precision of the trainer's autocast, in which frozen weights are held; None
            trains in float32.
        schedule_steps: N of the learning rate's schedule, where training may end before; None
            means all steps of the trainer.
    """

    def __init__(
        self,
        target: PipelineTarget,
        options: FineTuneOptions,
        seed: int,
        facts: Facts,
        *,
        defenses: Defenses | None = None,
        privacy: Privacy | None = None,
        dice: int | None = None,
        augment: Augmenter | None = None,
        still: Still | None = None,
        mixed: torch.dtype | None = None,
        schedule_steps: int | None = None,
    ) -> None:
        super().__init__()
        self.target, self.options, self.seed, self.facts = target, options, seed, facts
        self.defenses, self.privacy = defenses or Defenses(), privacy
        self.dice = seed if dice is None else dice
        self.augment, self.still, self.schedule_steps = augment, still or Still(), schedule_steps
        self.network: Any = target.denoiser.network.train()
        self.strict_loading = False
        self.encodings = Encodings()
        self._select_trainable()
        if mixed is not None:
            target.denoiser.halve(mixed)
        self.objective = self._objective()
        self.automatic_optimization = self.objective.automatic

    def __deepcopy__(self, memo: dict[int, Any]) -> "FineTune":
        """A copy for an average, which shares what is not trained."""
        memo |= {id(p): p for p in self.network.parameters() if not p.requires_grad}
        made = type(self).__new__(type(self))
        memo[id(self)] = made
        made.__dict__ |= copy.deepcopy(self.__getstate__(), memo)
        return made

    def _select_trainable(self) -> None:
        """Unfreeze what `options.train` names."""
        choose(self.network, self.target.family, self.options, self.seed)

    def _objective(self) -> Objective:
        """What the defenses make of the denoising loss."""
        denoiser, gamma = self.target.denoiser, self.options.min_snr_gamma
        aware, dp = self.defenses.one(MemberAware), self.defenses.dp
        if self.privacy is not None:
            assert dp is not None
            return Private(denoiser, gamma, self.privacy, dp.rows, self.trainable, self.dice)
        if aware is not None:
            return Misleading(denoiser, gamma, aware, self.seed, self.dice)
        return Plain(denoiser, gamma)

    @property
    def trainable(self) -> list[torch.nn.Parameter]:
        """The trained parameters."""
        return [p for p in self.network.parameters() if p.requires_grad]

    @property
    def trained(self) -> int:
        """How many parameters are trained."""
        return sum(p.numel() for p in self.trainable)

    def on_fit_start(self) -> None:
        self.target.to(self.device)
        data: CaptionedImages = self.trainer.datamodule  # type: ignore[attr-defined]
        members, most = data.members, self.still.most / self.trainer.num_devices
        if self.still.latents:
            self.encodings.keep_latents(self.target, members.images, len(members))
        if self.still.embedding:
            captions = [members.caption(row) for row in range(len(members))]
            self.encodings.keep_embedding(self.target, captions, most)  # as each process does
        self.objective.start(self.target, data)

    def encoded(self, batch: dict[str, Any], number: int) -> tuple[Tensor, Embedding]:
        """z_0 (B, C, h, w) and the embedding (B rows) of a training batch, defenses included."""
        index, kept = batch["index"].cpu(), self.encodings
        if kept.latents is not None:
            z_0 = kept.latents[index].to(self.device)
        else:
            z_0 = self.target.encode(self._augmented(batch["image"], number))
        if kept.embedding is not None:
            told = kept.embedding.take(index).to(self.device)
        else:
            told = self.target.embed(batch["caption"])
        return z_0, self.defenses.embed(told, self.dice, number, self.global_rank)

    def _augmented(self, images: Tensor, number: int) -> Tensor:
        if self.augment is None:
            return images
        return self.augment(images, number, self.global_rank)

    def drawn(self, batch: dict[str, Any], number: int) -> Drawn | None:
        """A training batch with its dice thrown; None for a Poisson batch of nobody."""
        if not batch["id"]:
            return None
        dice = generator(self.dice, "training", number, self.global_rank)
        return throw(self.target.denoiser, *self.encoded(batch, number), dice)

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor | None:
        return self.objective.step(self, self.drawn(batch, batch_idx), batch_idx)

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        loss, count = self.held_out_loss(batch), len(batch["id"])
        self.log("val_loss", loss, prog_bar=True, batch_size=count, sync_dist=True)

    def held_out_loss(self, batch: dict[str, Any]) -> Tensor:
        """Of a batch; a record's level and ε are the same at every validation."""
        denoiser, captions = self.target.denoiser, batch["caption"]
        z_0, told = self.encodings.held_out(self.target, batch["image"], batch["id"], captions)
        dice = [generator(self.seed, name, "t") for name in batch["id"]]
        levels = torch.cat([denoiser.draw_levels(1, each) for each in dice]).to(z_0.device)
        eps = noise(self.seed, batch["id"], "validation", z_0.shape[1:]).to(z_0.device)
        held_out = Drawn(z_0, eps, levels, told)
        return mean_square(self.objective.residuals(held_out)).mean()

    def on_validation_epoch_end(self) -> None:
        if self.privacy is not None:
            self.log("epsilon", self.privacy.epsilon(self.trainer.global_step), prog_bar=True)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        options = self.options
        # in mixed precision Lightning clips no gradients of fused optimisers
        clips = self.trainer.gradient_clip_val and "mixed" in str(self.trainer.precision)
        fused = not clips and self.privacy is None and all(map(is_fusable, self.trainable))
        plain = torch.optim.AdamW(
            self.trainable,
            options.learning_rate,
            weight_decay=options.weight_decay,
            fused=fused or None,
        )
        optimizer = self.objective.optimizer(plain, self.network, options.batch_size)
        steps = self.schedule_steps or self.trainer.max_steps
        factor = SCHEDULES[options.schedule](options.warmup_steps, steps)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep frozen weights out of the file, and say what the checkpoint belongs to."""
        frozen = self._frozen()
        for key in ("state_dict", "current_model_state"):
            if key in checkpoint:
                every = checkpoint[key].items()
                checkpoint[key] = {name: value for name, value in every if name not in frozen}
        checkpoint["facts"] = self.facts.as_json()
        state = self.objective.state_dict()
        if state:
            checkpoint["proxy"] = state

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Fill the frozen weights in again from the base."""
        own = self.state_dict()
        frozen = {name: own[name] for name in self._frozen()}
        for key in ("state_dict", "current_model_state"):
            if key in checkpoint:
                checkpoint[key] = frozen | checkpoint[key]
        self.objective.load_state_dict(checkpoint.get("proxy", {}))

    def _frozen(self) -> set[str]:
        return set(self.state_dict()) - set(trained(self))

    def refuse_diverged(self, step: int) -> None:
        """Refuse weights that are no finite numbers after an optimiser step.

        Raises:
            UserError: naming the first such tensor.
        """
        name = self.not_finite()
        if name is not None:
            raise UserError(
                f"training diverged: at step {step} the weight {name} is not finite; nothing is "
                "exported; lower finetune.learning_rate and give the run another name=…"
            )

    def not_finite(self) -> str | None:
        """The first of this process's weights that is no finite number."""
        for name, value in self.network.state_dict().items():
            if value.is_floating_point() and not own_part(value).isfinite().all():
                return name
        return None

    def complete(self) -> AbstractContextManager[None]:
        """Within this, the first process has all weights; all processes come here."""
        return nullcontext()

    def weights(self) -> dict[str, Tensor]:
        """Copies of the trained parameters, on the CPU."""
        return {name: whole(p.detach()).cpu().clone() for name, p in trained(self).items()}

    def put_weights(self, weights: dict[str, Tensor]) -> None:
        """Take over what `weights` returned."""
        own = dict(self.named_parameters())
        for name, value in weights.items():
            put(own[name], value)
