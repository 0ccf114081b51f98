"""A tiny pipeline of every newer family with a variance-preserving schedule."""

from pathlib import Path
from typing import Any

import vocabularies
from pipelines import small_vae

from lit_clid.models.demo import blueprint


def pixart(*, sigma: bool, told_size: bool = False) -> Any:
    """PixArt-α or PixArt-Σ; α may be told how large an image is, as at 1024 pixels."""
    from diffusers import DPMSolverMultistepScheduler, PixArtTransformer2DModel
    from diffusers import PixArtAlphaPipeline as Alpha
    from diffusers import PixArtSigmaPipeline as Sigma

    text, tokenizer = vocabularies.t5(24)
    transformer = PixArtTransformer2DModel(
        num_attention_heads=2,
        attention_head_dim=24,
        num_layers=2,
        cross_attention_dim=48,
        sample_size=128 if told_size else 8,
        interpolation_scale=1,
        caption_channels=24,
    )
    return (Sigma if sigma else Alpha)(
        tokenizer=tokenizer,
        text_encoder=text,
        vae=small_vae(4),
        transformer=transformer,
        scheduler=DPMSolverMultistepScheduler(beta_schedule="linear"),
    )


def kolors(folder: Path) -> Any:
    from diffusers import EulerDiscreteScheduler, KolorsPipeline, UNet2DConditionModel

    text, tokenizer = vocabularies.chatglm(16, folder / "vocabulary")
    small = {
        "block_out_channels": (16, 32),
        "norm_num_groups": 8,
        "cross_attention_dim": 24,
        "encoder_hid_dim": 16,
        "encoder_hid_dim_type": "text_proj",
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 16 + 6 * 8,
    }
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.014,
        beta_schedule="scaled_linear",
        num_train_timesteps=1100,
        steps_offset=1,
        timestep_spacing="leading",
    )
    return KolorsPipeline(
        vae=small_vae(8),
        text_encoder=text,
        tokenizer=tokenizer,
        unet=UNet2DConditionModel(**{**blueprint.UNET, **small}),
        scheduler=scheduler,
        force_zeros_for_empty_prompt=False,
    )


def deepfloyd_if() -> Any:
    from diffusers import DDPMScheduler, IFPipeline, UNet2DConditionModel

    text, tokenizer = vocabularies.t5(24)
    unet = UNet2DConditionModel(
        sample_size=32,
        in_channels=3,
        out_channels=6,
        layers_per_block=1,
        block_out_channels=(16, 32),
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        cross_attention_dim=24,
        encoder_hid_dim=24,
        encoder_hid_dim_type="text_proj",
        addition_embed_type="text",
        addition_embed_type_num_heads=2,
        attention_head_dim=8,
        norm_num_groups=8,
        resnet_time_scale_shift="scale_shift",
        act_fn="gelu",
        time_embedding_act_fn="gelu",
        class_embed_type=None,
    )
    scheduler = DDPMScheduler(
        beta_schedule="squaredcos_cap_v2",
        variance_type="learned_range",
        thresholding=True,
        dynamic_thresholding_ratio=0.95,
        sample_max_value=1.5,
    )
    return IFPipeline(
        tokenizer=tokenizer,
        text_encoder=text,
        unet=unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        watermarker=None,
        requires_safety_checker=False,
    )
