"""A tiny pipeline of every newer family, of its real classes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import vocabularies
import zoo_vp
from pipelines import CORPUS, clip_with_projection, small_vae, type_without_projection

from lit_clid.models.demo import blueprint
from lit_clid.models.quiet import quiet_imports

HEADS = {"num_attention_heads": 2, "attention_head_dim": 16}
PACKED = {**HEADS, "in_channels": 16, "num_layers": 1, "num_single_layers": 1}


def flow(**more: Any) -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler(**{"shift": 3.0, **more})


def flux(guided: bool) -> Any:
    from diffusers import FluxPipeline, FluxTransformer2DModel

    tokenizer = blueprint.build_tokenizer(CORPUS)
    t5, t5_tokenizer = vocabularies.t5(24)
    return FluxPipeline(
        transformer=FluxTransformer2DModel(
            **PACKED,
            joint_attention_dim=24,
            pooled_projection_dim=16,
            guidance_embeds=guided,
            axes_dims_rope=(4, 6, 6),
        ),
        scheduler=flow(use_dynamic_shifting=guided),
        vae=small_vae(4, shift=0.1),
        text_encoder=type_without_projection(clip_with_projection(tokenizer, 16)),
        tokenizer=tokenizer,
        text_encoder_2=t5,
        tokenizer_2=t5_tokenizer,
    )


def chroma() -> Any:
    from diffusers import ChromaPipeline, ChromaTransformer2DModel

    t5, tokenizer = vocabularies.t5(24)
    return ChromaPipeline(
        transformer=ChromaTransformer2DModel(
            **PACKED,
            joint_attention_dim=24,
            axes_dims_rope=(4, 6, 6),
            approximator_num_channels=8,
            approximator_hidden_dim=16,
            approximator_layers=1,
        ),
        scheduler=flow(),
        vae=small_vae(4, shift=0.1),
        text_encoder=t5,
        tokenizer=tokenizer,
    )


def flux2() -> Any:
    from diffusers import AutoencoderKLFlux2, Flux2KleinPipeline, Flux2Transformer2DModel

    qwen, tokenizer = vocabularies.qwen3(8, layers=28)
    vae = AutoencoderKLFlux2(
        block_out_channels=(8, 8, 8, 8), latent_channels=4, norm_num_groups=8, layers_per_block=1
    )
    vae.bn.running_mean.normal_(0, 0.1)
    vae.bn.running_var.uniform_(0.5, 1.5)
    return Flux2KleinPipeline(
        transformer=Flux2Transformer2DModel(
            **PACKED,
            joint_attention_dim=24,
            axes_dims_rope=(4, 4, 4, 4),
            guidance_embeds=False,
            timestep_guidance_channels=16,
        ),
        scheduler=flow(use_dynamic_shifting=True),
        vae=vae,
        text_encoder=qwen,
        tokenizer=tokenizer,
    )


def qwen_image() -> Any:
    from diffusers import AutoencoderKLQwenImage, QwenImagePipeline, QwenImageTransformer2DModel

    qwen, tokenizer = vocabularies.qwen_vl(16)
    return QwenImagePipeline(
        transformer=QwenImageTransformer2DModel(
            **HEADS,
            in_channels=16,
            out_channels=4,
            num_layers=2,
            joint_attention_dim=16,
            axes_dims_rope=(4, 6, 6),
        ),
        scheduler=flow(use_dynamic_shifting=True),
        vae=AutoencoderKLQwenImage(
            base_dim=8,
            z_dim=4,
            dim_mult=[1, 1, 1, 1],
            num_res_blocks=1,
            latents_mean=[0.1, 0.2, -0.3, 0.0],
            latents_std=[1.1, 0.9, 1.2, 0.8],
        ),
        text_encoder=qwen,
        tokenizer=tokenizer,
    )


def z_image() -> Any:
    from diffusers import ZImagePipeline, ZImageTransformer2DModel

    qwen, tokenizer = vocabularies.qwen3(16)
    transformer = ZImageTransformer2DModel(
        in_channels=4,
        dim=32,
        n_layers=1,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=16,
        axes_dims=[4, 6, 6],
        axes_lens=[1024, 64, 64],
    )
    return ZImagePipeline(
        transformer=transformer,
        scheduler=flow(use_dynamic_shifting=True),
        vae=small_vae(4, shift=0.1),
        text_encoder=qwen,
        tokenizer=tokenizer,
    )


def lumina2() -> Any:
    from diffusers import Lumina2Pipeline, Lumina2Transformer2DModel

    text, tokenizer = vocabularies.gemma(16)
    transformer = Lumina2Transformer2DModel(
        sample_size=8,
        in_channels=4,
        hidden_size=32,
        num_layers=1,
        num_refiner_layers=1,
        num_attention_heads=2,
        num_kv_heads=1,
        multiple_of=8,
        axes_dim_rope=(4, 6, 6),
        axes_lens=(300, 64, 64),
        cap_feat_dim=16,
    )
    return Lumina2Pipeline(
        transformer=transformer,
        scheduler=flow(),
        vae=small_vae(4, shift=0.1),
        text_encoder=text,
        tokenizer=tokenizer,
    )


def sana() -> Any:
    from diffusers import AutoencoderDC, DPMSolverMultistepScheduler, SanaPipeline
    from diffusers import SanaTransformer2DModel as Transformer

    text, tokenizer = vocabularies.gemma(16)
    vae = AutoencoderDC(
        latent_channels=4,
        attention_head_dim=2,
        encoder_block_types=("ResBlock",) * 4,
        decoder_block_types=("ResBlock",) * 4,
        encoder_block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        encoder_layers_per_block=(1, 1, 1, 1),
        decoder_layers_per_block=(1, 1, 1, 1),
        encoder_qkv_multiscales=((), (), (), ()),
        decoder_qkv_multiscales=((), (), (), ()),
        scaling_factor=0.41,
    )
    transformer = Transformer(
        in_channels=4,
        out_channels=4,
        num_layers=1,
        sample_size=8,
        num_attention_heads=2,
        attention_head_dim=16,
        num_cross_attention_heads=2,
        cross_attention_head_dim=16,
        cross_attention_dim=32,
        caption_channels=16,
    )
    solver = DPMSolverMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
    )
    return SanaPipeline(
        tokenizer=tokenizer, text_encoder=text, vae=vae, transformer=transformer, scheduler=solver
    )


def aura_flow() -> Any:
    from diffusers import AuraFlowPipeline, AuraFlowTransformer2DModel

    text, tokenizer = vocabularies.t5(24, "UMT5EncoderModel")
    transformer = AuraFlowTransformer2DModel(
        sample_size=8,
        num_mmdit_layers=1,
        num_single_dit_layers=1,
        **HEADS,
        joint_attention_dim=24,
        caption_projection_dim=32,
        pos_embed_max_size=256,
    )
    return AuraFlowPipeline(
        tokenizer=tokenizer,
        text_encoder=text,
        vae=small_vae(4),
        transformer=transformer,
        scheduler=flow(shift=1.73),
    )


ZOO: dict[str, Callable[[Path], Any]] = {
    "flux dev": lambda folder: flux(guided=True),
    "flux schnell": lambda folder: flux(guided=False),
    "flux2 klein": lambda folder: flux2(),
    "chroma": lambda folder: chroma(),
    "qwen-image": lambda folder: qwen_image(),
    "z-image": lambda folder: z_image(),
    "lumina2": lambda folder: lumina2(),
    "sana": lambda folder: sana(),
    "aura flow": lambda folder: aura_flow(),
    "pixart alpha": lambda folder: zoo_vp.pixart(sigma=False, told_size=True),
    "pixart sigma": lambda folder: zoo_vp.pixart(sigma=True),
    "kolors": zoo_vp.kolors,
    "deepfloyd if": lambda folder: zoo_vp.deepfloyd_if(),
}


def make(name: str, folder: Path) -> Path:
    """Save the tiny pipeline of a family in a folder."""
    with quiet_imports():
        torch.manual_seed(0)
        pipeline = ZOO[name](folder.with_name("made"))
        pipeline.save_pretrained(folder, safe_serialization=True)
    return folder
