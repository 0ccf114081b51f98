"""Tiny real pipelines, and a loss asked of one in plain diffusers calls."""

from pathlib import Path

import torch

from lit_clid.auditing.oracle import Records
from lit_clid.models.quiet import quiet_imports
from lit_clid.randomness import noise


def make_pipeline(folder: Path, prediction: str = "epsilon", shift: float | None = None) -> Path:
    with quiet_imports():
        from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel

        from lit_clid.models.demo import blueprint

        torch.manual_seed(0)
        tokenizer = blueprint.build_tokenizer(["a red critter with two eyes on green ground"] * 4)
        vae = AutoencoderKL(
            **{**blueprint.VAE, "block_out_channels": (8, 8, 8, 8), "shift_factor": shift}
        )
        small = {"block_out_channels": (16, 32), "norm_num_groups": 8}
        unet = UNet2DConditionModel(**{**blueprint.UNET, **small})
        pipeline = blueprint.assemble(vae, blueprint.build_text_encoder(tokenizer), tokenizer, unet)
        pipeline.scheduler = DDIMScheduler(**blueprint.SCHEDULER, prediction_type=prediction)
        pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def naive_loss(folder: Path, records: Records, row: int, text: str, t: int, seed: int) -> float:
    """One image, one condition, one timestep, in plain diffusers calls."""
    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
    with torch.no_grad():
        latent = pipe.vae.encode(records.images[row : row + 1]).latent_dist.mean
        z_0 = (latent - (pipe.vae.config.shift_factor or 0.0)) * pipe.vae.config.scaling_factor
        eps = noise(seed, [records.ids[row]], f"t={t}/", z_0.shape[1:])
        steps = torch.tensor([t])
        z_t = pipe.scheduler.add_noise(z_0, eps, steps)
        ids = pipe.tokenizer(
            [text], padding="max_length", max_length=77, truncation=True, return_tensors="pt"
        ).input_ids
        output = pipe.unet(z_t, steps, encoder_hidden_states=pipe.text_encoder(ids)[0]).sample
        if pipe.scheduler.config.prediction_type == "v_prediction":
            goal = pipe.scheduler.get_velocity(z_0, eps, steps)
            alpha_bar = pipe.scheduler.alphas_cumprod[t]
            return float(alpha_bar * (output - goal).square().mean())  # ε̂ − ε = α_t·(v̂ − v)
        return float((output - eps).square().mean())
