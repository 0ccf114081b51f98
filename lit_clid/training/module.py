"""`FineTune`: denoising loss on the members, validation loss on the hold-outs with fixed noise."""

import secrets
from functools import partial
from typing import Any

import lightning as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor

from lit_clid.about import Facts
from lit_clid.config.options.training import FineTuneOptions
from lit_clid.data.module import CaptionedImages
from lit_clid.data.stream import Poisson
from lit_clid.models.diffusion import mean_square
from lit_clid.models.embedding import Embedding
from lit_clid.models.encodings import Encodings
from lit_clid.models.lora import add_lora
from lit_clid.models.pipeline import PipelineTarget
from lit_clid.randomness import generator, noise, stream
from lit_clid.training.contradictions import check_records
from lit_clid.training.defenses import (
    Augmenter,
    Defenses,
    MemberAware,
    Privacy,
    Proxy,
    keep_gradients,
    no_gradients,
)


class FineTune(L.LightningModule):
    """Tune a target's denoiser.

    Args:
        target: the base; its denoiser is trained in place, its VAE and text encoder stay frozen and
            unregistered.
        options: the recipe.
        seed: of noise, timesteps and defenses; each is a function of (seed, batch number, rank).
        facts: plain values written into every checkpoint, compared before a checkpoint is resumed
            from.
        defenses: what is done against memorisation.
        privacy: what private training spends; None trains openly.
    """

    def __init__(
        self,
        target: PipelineTarget,
        options: FineTuneOptions,
        seed: int,
        facts: Facts,
        defenses: Defenses | None = None,
        privacy: Privacy | None = None,
    ) -> None:
        super().__init__()
        self.options, self.seed, self.facts = options, seed, facts
        secret = defenses is not None and defenses.dp is not None and defenses.dp.secret
        self._dice = secrets.randbits(62) if secret else seed
        """Seed of whatever members are trained with; private training that is meant keeps it to
        itself.
        """
        self.defenses, self.privacy = defenses or Defenses(), privacy
        self.automatic_optimization = privacy is None
        self.schedule_steps: int | None = None
        """Steps of the learning rate's schedule, where a step budget ends training before; None:
        all steps.
        """
        self.target = target
        self.network: Any = target.denoiser.network.train()
        self.strict_loading = False
        self._encodings = Encodings()
        self._augment: Augmenter | None = None
        self._proxy: Proxy | None = None
        self._proxy_state: dict[str, Any] | None = None
        self._auxiliary = Encodings()
        self._select_trainable()

    def _select_trainable(self) -> None:
        """Unfreeze what `options.train` names."""
        kind, family = self.options.train, self.target.family
        family.check_group(kind)
        if kind == "lora":
            options = self.options
            add_lora(self.network, family.lora, options.lora_rank, options.lora_alpha)
        else:
            parts = family.groups[kind]
            for name, parameter in self.network.named_parameters():
                parameter.requires_grad_(any(part in name for part in parts))
        if self.options.gradient_checkpointing:
            self.network.enable_gradient_checkpointing()

    @property
    def trainable(self) -> list[torch.nn.Parameter]:
        """The trained parameters."""
        return [p for p in self.network.parameters() if p.requires_grad]

    @property
    def trained(self) -> int:
        """How many parameters are trained."""
        return sum(p.numel() for p in self.trainable)

    def prepare(self, data: CaptionedImages) -> None:
        """Let the defenses into the data: what members are called in each pass, and how they are
        drawn.
        """
        members = data.members
        texts = check_records(self.defenses, data)
        if self.defenses.edits_captions:
            members.edit = partial(self.defenses.captions, texts, self._dice)
        self._augment = self.defenses.augmenter(members.side, self._dice)
        if self.defenses.dp is not None:
            data.poisson = Poisson(self._dice)

    def on_fit_start(self) -> None:
        self.target.to(self.device)
        data: CaptionedImages = self.trainer.datamodule  # type: ignore[attr-defined]
        keep = self.options.cache != "never"
        still = keep and not self.defenses.needs_pixels and not data.members.crops
        if still:
            self._encodings.keep_latents(self.target, data.members.images, len(data.members))
        if keep and not self.defenses.redraws_captions:
            rows = range(len(data.members))
            captions = [data.members.caption(row) for row in rows]
            self._encodings.keep_embedding(self.target, captions)
        data.members.with_images = not still
        if self.defenses.one(MemberAware) is not None:
            others = data.auxiliary
            self._auxiliary.keep_latents(self.target, others.images, len(others))
            self._auxiliary.keep_embedding(self.target, others.captions)

    def _inputs(self, batch: dict[str, Any], batch_idx: int) -> tuple[Tensor, Embedding]:
        """z_0 (B, C, h, w) and the embedding (B rows) of a training batch."""
        index, kept = batch["index"].cpu(), self._encodings
        if kept.latents is not None:
            z_0 = kept.latents[index].to(self.device)
        else:
            images = batch["image"]
            if self._augment is not None:
                images = self._augment(images, batch_idx, self.global_rank)
            z_0 = self.target.encode(images)
        if kept.embedding is not None:
            condition = kept.embedding.take(index).to(self.device)
        else:
            condition = self.target.embed(batch["caption"])
        return z_0, self.defenses.embed(condition, self._dice, batch_idx, self.global_rank)

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor | None:
        if self.privacy is not None:
            self._private_step(self.privacy, batch, batch_idx)
            return None
        z_0, condition = self._inputs(batch, batch_idx)
        eps, t = self._draws(z_0, "training", batch_idx)
        errors = self._errors(z_0, eps, t, condition)
        loss = self._weighted(mean_square(errors), t).mean()
        self.log("train_loss", loss, prog_bar=True, batch_size=len(z_0))
        aware = self.defenses.one(MemberAware)
        return loss if aware is None else self._mislead(aware, loss, errors, batch_idx)

    def _draws(self, z_0: Tensor, *names: object) -> tuple[Tensor, Tensor]:
        """ε (B, C, h, w) and the network's own levels (B,), on the model's device."""
        dice = generator(self._dice, *names, self.global_rank)
        level = self.target.denoiser.draw_levels(len(z_0), dice)
        return torch.randn(z_0.shape, generator=dice).to(self.device), level.to(self.device)

    def _errors(self, z_0: Tensor, eps: Tensor, level: Tensor, condition: Embedding) -> Tensor:
        """Output minus training target (B, C, h, w)."""
        return self.target.denoiser.residual(z_0, eps, level, condition)

    def _weighted(self, loss: Tensor, level: Tensor) -> Tensor:
        """Losses (B,) under min-SNR weighting, if it is on."""
        if self.options.min_snr_gamma is None:
            return loss
        return loss * self.target.denoiser.weight(level, self.options.min_snr_gamma)

    def _private_step(self, privacy: Privacy, batch: dict[str, Any], batch_idx: int) -> None:
        """One step of DP-SGD on a Poisson batch, `rows` records per backward pass."""
        dp = self.defenses.dp
        assert dp is not None
        optimizer: Any = self.optimizers()
        private: Any = optimizer.optimizer
        private.generator = torch.Generator(self.device).manual_seed(
            stream(self._dice, "dp", batch_idx)
        )
        optimizer.zero_grad()
        if not batch["id"]:
            no_gradients(self.trainable)
        else:
            z_0, condition = self._inputs(batch, batch_idx)
            eps, t = self._draws(z_0, "training", batch_idx)
            parts = list(
                zip(*(each.split(dp.rows) for each in (z_0, eps, t, condition)), strict=True)
            )
            total = torch.zeros((), device=self.device)
            for k, part in enumerate(parts):
                loss = self._weighted(mean_square(self._errors(*part)), part[2])
                self.manual_backward(loss.mean())
                total += loss.detach().sum()
                if k < len(parts) - 1:
                    private.signal_skip_step(do_skip=True)
                    private.step()
                    private.zero_grad()
            self.log("train_loss", total / len(z_0), prog_bar=True, batch_size=len(z_0))
        private.signal_skip_step(do_skip=False)
        optimizer.step()
        self.lr_schedulers().step()  # type: ignore[union-attr]

    def _mislead(self, aware: MemberAware, loss: Tensor, errors: Tensor, batch_idx: int) -> Tensor:
        """The member-aware objective, after the proxy has had its rounds on this batch and on
        records of nobody.
        """
        squared, proxy = errors.square(), self._ready_proxy(aware, errors)
        for k in range(aware.rounds):
            gain = proxy.learn(
                squared, self._errors_of_others(len(errors), batch_idx, k), batch_idx, k
            )
        self.log("proxy_loss", gain, batch_size=len(errors))
        objective = aware.combine(loss, proxy.cross_entropy(squared, True, batch_idx, "model"))
        self.log("objective", objective, batch_size=len(errors))
        return objective

    def _ready_proxy(self, aware: MemberAware, errors: Tensor) -> Proxy:
        if self._proxy is None:
            self._proxy = Proxy(aware, errors[0].numel(), errors.device, self.seed)
            if self._proxy_state is not None:
                self._proxy.load_state_dict(self._proxy_state)
        return self._proxy

    @torch.no_grad()
    def _errors_of_others(self, count: int, *names: object) -> Tensor:
        """Squared errors (B, C, h, w) of auxiliary records, drawn anew."""
        kept = self._auxiliary
        assert kept.latents is not None and kept.embedding is not None
        rows = torch.randint(
            len(kept.latents), (count,), generator=generator(self.seed, "auxiliary", *names)
        )
        z_0, condition = (
            kept.latents[rows].to(self.device),
            kept.embedding.take(rows).to(self.device),
        )
        return self._errors(z_0, *self._draws(z_0, "others", *names), condition).square()

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Held-out loss; a record's t and ε are the same at every validation, so the curve is
        smooth.
        """
        z_0 = self.target.encode(batch["image"])
        dice = [generator(self.seed, name, "t") for name in batch["id"]]
        levels = torch.cat([self.target.denoiser.draw_levels(1, die) for die in dice])
        eps = noise(self.seed, batch["id"], "validation", z_0.shape[1:]).to(z_0.device)
        loss = mean_square(
            self._errors(z_0, eps, levels.to(z_0.device), self.target.embed(batch["caption"]))
        )
        self.log("val_loss", loss.mean(), prog_bar=True, batch_size=len(z_0), sync_dist=True)

    def on_validation_epoch_end(self) -> None:
        if self.privacy is not None:
            self.log("epsilon", self.privacy.epsilon(self.trainer.global_step), prog_bar=True)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        from diffusers.optimization import get_scheduler

        options = self.options
        optimizer: Any = torch.optim.AdamW(
            self.trainable, options.learning_rate, weight_decay=options.weight_decay
        )
        if self.privacy is not None:
            keep_gradients(self.network)
            optimizer = self.privacy.optimizer(optimizer, options.batch_size)
        name = "constant_with_warmup" if options.schedule == "constant" else "cosine"
        steps = self.schedule_steps or self.trainer.max_steps
        schedule = get_scheduler(
            name, optimizer, num_warmup_steps=options.warmup_steps, num_training_steps=steps
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep frozen weights out of the file, and say what the checkpoint belongs to."""
        frozen = self._frozen()
        for key in ("state_dict", "current_model_state"):
            if key in checkpoint:
                checkpoint[key] = {
                    name: value for name, value in checkpoint[key].items() if name not in frozen
                }
        checkpoint["facts"] = self.facts.as_json()
        if self._proxy is not None:
            checkpoint["proxy"] = self._proxy.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Fill the frozen weights in again from the base."""
        own = self.state_dict()
        frozen = {name: own[name] for name in self._frozen()}
        for key in ("state_dict", "current_model_state"):
            if key in checkpoint:
                checkpoint[key] = frozen | checkpoint[key]
        self._proxy_state = checkpoint.get("proxy")

    def _frozen(self) -> set[str]:
        trained = {name for name, parameter in self.named_parameters() if parameter.requires_grad}
        return set(self.state_dict()) - trained

    def weights(self) -> dict[str, Tensor]:
        """Copies of the trained parameters, on the CPU."""
        return {n: p.detach().cpu().clone() for n, p in self.named_parameters() if p.requires_grad}

    @torch.no_grad()
    def put_weights(self, weights: dict[str, Tensor]) -> None:
        """Take over what `weights` returned."""
        own = dict(self.named_parameters())
        for name, value in weights.items():
            own[name].copy_(value)
