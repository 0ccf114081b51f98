"""Tiny real pipelines, and a loss asked of one in plain diffusers calls."""

from pathlib import Path
from typing import Any

import torch

from lit_clid.auditing.questions import Batch
from lit_clid.models.demo import blueprint
from lit_clid.models.quiet import quiet_imports
from lit_clid.randomness import noise

CORPUS = ["a red critter with two eyes on green ground"] * 4


def make_pipeline(folder: Path, prediction: str = "epsilon", shift: float | None = None) -> Path:
    with quiet_imports():
        from diffusers import DDIMScheduler, UNet2DConditionModel

        torch.manual_seed(0)
        tokenizer = blueprint.build_tokenizer(CORPUS)
        vae = small_vae(blueprint.VAE["latent_channels"], shift)
        small = {"block_out_channels": (16, 32), "norm_num_groups": 8}
        unet = UNet2DConditionModel(**{**blueprint.UNET, **small})
        pipeline = blueprint.assemble(vae, blueprint.build_text_encoder(tokenizer), tokenizer, unet)
        pipeline.scheduler = DDIMScheduler(**blueprint.SCHEDULER, prediction_type=prediction)
        pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def small_vae(channels: int, shift: float | None = None) -> Any:
    """A KL autoencoder with eight pixels to a latent."""
    from diffusers import AutoencoderKL

    small = {"block_out_channels": (8, 8, 8, 8), "latent_channels": channels}
    return AutoencoderKL(**{**blueprint.VAE, **small, "shift_factor": shift})


def clip_with_projection(tokenizer: Any, width: int) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        max_position_embeddings=77,
        projection_dim=width,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.eos_token_id,
    )
    return CLIPTextModelWithProjection(config)


def make_sdxl(folder: Path) -> Path:
    """Two CLIP encoders of 16 and 24 dimensions, a U-Net told of pooled text and time ids."""
    with quiet_imports():
        from diffusers import DDIMScheduler, StableDiffusionXLPipeline, UNet2DConditionModel

        torch.manual_seed(0)
        tokenizer = blueprint.build_tokenizer(CORPUS)
        first = clip_with_projection(tokenizer, 16)
        small = {
            "block_out_channels": (16, 32),
            "norm_num_groups": 8,
            "cross_attention_dim": 40,
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": 24 + 6 * 8,
        }
        pipeline = StableDiffusionXLPipeline(
            vae=small_vae(8),
            text_encoder=type_without_projection(first),
            text_encoder_2=clip_with_projection(tokenizer, 24),
            tokenizer=tokenizer,
            tokenizer_2=blueprint.build_tokenizer(CORPUS),
            unet=UNet2DConditionModel(**{**blueprint.UNET, **small}),
            scheduler=DDIMScheduler(**blueprint.SCHEDULER),
            add_watermarker=False,
        )
        pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def type_without_projection(encoder: Any) -> Any:
    from transformers import CLIPTextModel

    return CLIPTextModel(encoder.config)


def make_sd3(folder: Path, *, t5: bool) -> Path:
    """A rectified flow under two CLIP encoders of 16 and 24 dimensions, and T5 of 48 or none.

    With T5 it is built as 3.5 is: normalised queries and keys, a layer with a second attention.
    """
    with quiet_imports():
        from diffusers import (
            FlowMatchEulerDiscreteScheduler,
            SD3Transformer2DModel,
            StableDiffusion3Pipeline,
        )

        torch.manual_seed(0)
        tokenizer = blueprint.build_tokenizer(CORPUS)
        third, third_tokenizer = small_t5(48) if t5 else (None, None)
        transformer = SD3Transformer2DModel(
            sample_size=8,
            patch_size=2,
            in_channels=4,
            num_layers=2,
            attention_head_dim=8,
            num_attention_heads=4,
            joint_attention_dim=48,
            caption_projection_dim=32,
            pooled_projection_dim=40,
            out_channels=4,
            pos_embed_max_size=16,
            qk_norm="rms_norm" if t5 else None,
            dual_attention_layers=(0,) if t5 else (),
        )
        pipeline = StableDiffusion3Pipeline(
            transformer=transformer,
            scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
            vae=small_vae(4, shift=0.06),
            text_encoder=clip_with_projection(tokenizer, 16),
            tokenizer=tokenizer,
            text_encoder_2=clip_with_projection(tokenizer, 24),
            tokenizer_2=blueprint.build_tokenizer(CORPUS),
            text_encoder_3=third,
            tokenizer_3=third_tokenizer,
        )
        pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def small_t5(width: int) -> tuple[Any, Any]:
    """A T5 encoder and a tokenizer of its class, of a few words."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

    words = ["<pad>", "</s>", "<unk>", *sorted(set(" ".join(CORPUS).split()))]
    vocabulary = {word: number for number, word in enumerate(words)}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    special = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, model_max_length=256, **special)
    config = T5Config(
        vocab_size=len(words), d_model=width, d_kv=8, d_ff=32, num_layers=2, num_heads=2
    )
    return T5EncoderModel(config), tokenizer


def naive_loss(folder: Path, records: Batch, row: int, text: str, t: int, seed: int) -> float:
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
