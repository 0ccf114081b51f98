"""`FineTune`: denoising loss on the members, validation loss on the hold-outs with fixed noise, export."""

from typing import Any

import lightning as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from tqdm import tqdm

from lit_clid.data import CaptionedImages
from lit_clid.diffusion import TRAINING_TARGET, diffuse, expand, mean_square, min_snr_weight
from lit_clid.finetune.options import FineTuneOptions
from lit_clid.randomness import generator, noise
from lit_clid.targets.stable_diffusion import StableDiffusion

ATTENTION = {"attention": (".attn1.", ".attn2."), "cross_attention": (".attn2.",)}


class Encodings:
    """Latents and embeddings of the members, on the CPU; a moving average of their owner shares, not copies, them."""

    def __init__(self, latents: Tensor, embeddings: Tensor) -> None:
        self.latents, self.embeddings = latents, embeddings

    def __deepcopy__(self, memo: dict[int, Any]) -> "Encodings":
        return self


class FineTune(L.LightningModule):
    """Tune a target's denoiser.

    Args:
        target: the base; its denoiser is trained in place, its VAE and text encoder stay frozen and unregistered.
        options: the recipe.
        seed: of noise, timesteps and caption dropout; each is a function of (seed, batch number, rank).
        facts: plain values written into every checkpoint, compared before a checkpoint is resumed from.
    """

    def __init__(self, target: StableDiffusion, options: FineTuneOptions, seed: int, facts: dict[str, Any]) -> None:
        super().__init__()
        self.options, self.seed, self.facts = options, seed, facts
        self.target = target
        self.network: Any = target.network.train()
        self.strict_loading = False
        self._encodings: Encodings | None = None
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
                parameter.requires_grad_(kind == "unet" or any(part in name for part in ATTENTION[kind]))
        if self.options.gradient_checkpointing:
            self.network.enable_gradient_checkpointing()

    @property
    def trained(self) -> int:
        """How many parameters are trained."""
        return sum(p.numel() for p in self.network.parameters() if p.requires_grad)

    def on_fit_start(self) -> None:
        self.target.to(self.device)
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        if self.options.cache and not data.augments and self._encodings is None:
            self._encodings = self._encode_members(data)
            data.members.with_images = False

    @torch.no_grad()
    def _encode_members(self, data: CaptionedImages) -> Encodings:
        """Encode each member once: it looks the same in every pass."""
        members, latents, embeddings = data.members, [], []
        chunks = range(0, len(members), 32)
        for k in tqdm(chunks, "encoding members", leave=False):
            rows = range(k, min(k + 32, len(members)))
            latents.append(self.target.encode(torch.stack([members.image(row) for row in rows])).cpu())
            embeddings.append(self.target.embed([members.captions[row] for row in rows]).cpu())
        return Encodings(torch.cat(latents), torch.cat(embeddings))

    def _inputs(self, batch: dict[str, Any]) -> tuple[Tensor, Tensor]:
        """z_0 (B, C, h, w) and text embeddings (B, L, D) of a training batch."""
        if self._encodings is None:
            return self.target.encode(batch["image"]), self.target.embed(batch["caption"])
        index = batch["index"].cpu()
        z_0, condition = self._encodings.latents[index], self._encodings.embeddings[index]
        return z_0.to(self.device), condition.to(self.device)

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:
        z_0, condition = self._inputs(batch)
        dice = generator(self.seed, "training", batch_idx, self.global_rank)
        t = torch.randint(self.target.timesteps, (len(z_0),), generator=dice).to(self.device)
        eps = torch.randn(z_0.shape, generator=dice).to(self.device)
        if self.options.caption_dropout:
            dropped = torch.rand(len(z_0), generator=dice).to(self.device) < self.options.caption_dropout
            condition = torch.where(expand(dropped, condition), self.target.embed([""]), condition)
        loss = self._loss(z_0, eps, t, condition)
        if self.options.min_snr_gamma is not None:
            weight = min_snr_weight(*self.target.schedule(t), self.options.min_snr_gamma, self.target.prediction)
            loss = loss * weight
        self.log("train_loss", loss.mean(), prog_bar=True, batch_size=len(z_0))
        return loss.mean()

    def _loss(self, z_0: Tensor, eps: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        """‖network(z_t, t, c) − training target‖² per record (B,) in float32."""
        alpha_t, sigma_t = self.target.schedule(t)
        prediction = self.target.predict(diffuse(z_0, eps, alpha_t, sigma_t), t, condition)
        return mean_square(prediction - TRAINING_TARGET[self.target.prediction](z_0, eps, alpha_t, sigma_t))

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Held-out loss; a record's t and ε are the same at every validation, so the curve is smooth."""
        z_0 = self.target.encode(batch["image"])
        draws = [torch.randint(self.target.timesteps, (), generator=generator(self.seed, i, "t")) for i in batch["id"]]
        eps = noise(self.seed, batch["id"], "validation", z_0.shape[1:]).to(z_0.device)
        loss = self._loss(z_0, eps, torch.stack(draws).to(z_0.device), self.target.embed(batch["caption"]))
        self.log("val_loss", loss.mean(), prog_bar=True, batch_size=len(z_0), sync_dist=True)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        from diffusers.optimization import get_scheduler

        trained = [p for p in self.network.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(trained, self.options.learning_rate, weight_decay=self.options.weight_decay)
        name = "constant_with_warmup" if self.options.schedule == "constant" else "cosine"
        schedule = get_scheduler(
            name,
            optimizer,
            num_warmup_steps=self.options.warmup_steps,
            num_training_steps=self.trainer.max_steps,
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep frozen weights out of the file, and say what the checkpoint belongs to."""
        frozen = self._frozen()
        for key in ("state_dict", "current_model_state"):
            if key in checkpoint:
                checkpoint[key] = {name: value for name, value in checkpoint[key].items() if name not in frozen}
        checkpoint["facts"] = self.facts

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Fill the frozen weights in again from the base."""
        own = self.state_dict()
        frozen = {name: own[name] for name in self._frozen()}
        for key in ("state_dict", "current_model_state"):
            if key in checkpoint:
                checkpoint[key] = frozen | checkpoint[key]

    def _frozen(self) -> set[str]:
        trained = {name for name, parameter in self.named_parameters() if parameter.requires_grad}
        return set(self.state_dict()) - trained

    def merge_lora(self) -> None:
        """Fold LoRA factors into the weights, so that the export is an ordinary U-Net."""
        if self.options.train == "lora":
            self.network.fuse_lora()
            self.network.unload_lora()
