"""`FineTune`: denoising loss on the members, validation loss on the hold-outs with fixed noise."""

import copy
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
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
from lit_clid.models.diffusion import TRAINING_TARGET, diffuse, mean_square, min_snr_weight
from lit_clid.models.encodings import Encodings
from lit_clid.models.families.stable_diffusion import StableDiffusion
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

ATTENTION = {"attention": (".attn1.", ".attn2."), "cross_attention": (".attn2.",)}


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
        target: StableDiffusion,
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
        self.network: Any = target.network.train()
        self.strict_loading = False
        self._encodings = Encodings()
        self._augment: Augmenter | None = None
        self._proxy: Proxy | None = None
        self._proxy_state: dict[str, Any] | None = None
        self._auxiliary = Encodings()
        self._select_trainable()

    def _select_trainable(self) -> None:
        """Unfreeze what `options.train` names."""
        kind = self.options.train
        if kind == "lora":
            from peft import LoraConfig

            lora = LoraConfig(
                r=self.options.lora_rank,
                lora_alpha=self.options.lora_alpha,
                target_modules=["to_q", "to_k", "to_v", "to_out.0"],
            )
            self.network.add_adapter(lora)
        else:
            for name, parameter in self.network.named_parameters():
                parameter.requires_grad_(
                    kind == "unet" or any(part in name for part in ATTENTION[kind])
                )
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
        self._encodings.fill(
            self.target,
            data.members,
            latents=still,
            embeddings=keep and not self.defenses.redraws_captions,
        )
        data.members.with_images = not still
        if self.defenses.one(MemberAware) is not None:
            self._auxiliary.fill(self.target, data.auxiliary, latents=True, embeddings=True)

    def _inputs(self, batch: dict[str, Any], batch_idx: int) -> tuple[Tensor, Tensor]:
        """z_0 (B, C, h, w) and text embeddings (B, L, D) of a training batch."""
        index, kept = batch["index"].cpu(), self._encodings
        if kept.latents is not None:
            z_0 = kept.latents[index].to(self.device)
        else:
            images = batch["image"]
            if self._augment is not None:
                images = self._augment(images, batch_idx, self.global_rank)
            z_0 = self.target.encode(images)
        if kept.embeddings is not None:
            condition = kept.embeddings[index].to(self.device)
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
        """ε (B, C, h, w) and t (B,), on the model's device."""
        dice = generator(self._dice, *names, self.global_rank)
        t = torch.randint(self.target.timesteps, (len(z_0),), generator=dice)
        return torch.randn(z_0.shape, generator=dice).to(self.device), t.to(self.device)

    def _errors(self, z_0: Tensor, eps: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        """network(z_t, t, c) − training target (B, C, h, w)."""
        alpha_t, sigma_t = self.target.schedule(t)
        prediction = self.target.predict(diffuse(z_0, eps, alpha_t, sigma_t), t, condition)
        return prediction - TRAINING_TARGET[self.target.prediction](z_0, eps, alpha_t, sigma_t)

    def _weighted(self, loss: Tensor, t: Tensor) -> Tensor:
        """Losses (B,) under min-SNR weighting, if it is on."""
        if self.options.min_snr_gamma is None:
            return loss
        return loss * min_snr_weight(
            *self.target.schedule(t), self.options.min_snr_gamma, self.target.prediction
        )

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
        assert kept.latents is not None and kept.embeddings is not None
        rows = torch.randint(
            len(kept.latents), (count,), generator=generator(self.seed, "auxiliary", *names)
        )
        z_0, condition = kept.latents[rows].to(self.device), kept.embeddings[rows].to(self.device)
        return self._errors(z_0, *self._draws(z_0, "others", *names), condition).square()

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Held-out loss; a record's t and ε are the same at every validation, so the curve is
        smooth.
        """
        z_0 = self.target.encode(batch["image"])
        draws = [
            torch.randint(self.target.timesteps, (), generator=generator(self.seed, i, "t"))
            for i in batch["id"]
        ]
        eps = noise(self.seed, batch["id"], "validation", z_0.shape[1:]).to(z_0.device)
        loss = mean_square(
            self._errors(
                z_0, eps, torch.stack(draws).to(z_0.device), self.target.embed(batch["caption"])
            )
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

    @contextmanager
    def exportable(self) -> Iterator[None]:
        """Within this, the target is an ordinary pipeline: LoRA factors are folded into a copy
        of the U-Net.
        """
        pipeline, network = self.target.pipeline, self.network
        try:
            if self.options.train == "lora":
                pipeline.unet = copy.deepcopy(network)
                pipeline.unet.fuse_lora()
                pipeline.unet.unload_lora()
            yield
        finally:
            pipeline.unet = network
