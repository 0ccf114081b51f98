"""Architecture of the embedded base: each part as small as still works on 64×64 drawings."""

from collections.abc import Iterable
from typing import Any

VAE: dict[str, Any] = dict(
    sample_size=64,
    block_out_channels=(24, 40, 48, 48),
    down_block_types=("DownEncoderBlock2D",) * 4,
    up_block_types=("UpDecoderBlock2D",) * 4,
    layers_per_block=1,
    norm_num_groups=8,
    latent_channels=8,
    mid_block_add_attention=False,
)
UNET: dict[str, Any] = dict(
    sample_size=8,
    in_channels=8,
    out_channels=8,
    block_out_channels=(64, 96),
    down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    layers_per_block=1,
    norm_num_groups=16,
    attention_head_dim=4,
    cross_attention_dim=128,
)
TEXT: dict[str, Any] = dict(
    hidden_size=128,
    intermediate_size=160,
    num_hidden_layers=3,
    num_attention_heads=4,
    max_position_embeddings=77,
    projection_dim=128,
)
SCHEDULER: dict[str, Any] = dict(
    num_train_timesteps=1000,
    beta_start=0.00085,
    beta_end=0.012,
    beta_schedule="scaled_linear",
    clip_sample=False,
    set_alpha_to_one=False,
    steps_offset=1,
)
"""Stable Diffusion 1.x's schedule, so that t = 450 means here what it means there."""
MERGES = 512
START, END = "<|startoftext|>", "<|endoftext|>"


def build_tokenizer(corpus: Iterable[str]) -> Any:
    """Learn a CLIPTokenizer of 512 byte tokens + `MERGES` merges + 2 specials; it accepts any text.

    The vocabulary is CLIP's: bytes, bytes that end a word, merges in the order learnt, specials.
    """
    import json

    from tokenizers import trainers
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTokenizer

    alphabet = sorted(ByteLevel.alphabet())
    learner = CLIPTokenizer().backend_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=20_000,
        min_frequency=2,
        initial_alphabet=alphabet,
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    learner.train_from_iterator(corpus, trainer)
    learnt = json.loads(learner.to_str())["model"]["merges"][:MERGES]
    merges = [tuple(pair) for pair in learnt]
    tokens = [*alphabet]
    tokens += [byte + "</w>" for byte in alphabet]
    tokens += ["".join(pair) for pair in merges]
    tokens += [START, END]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    length = TEXT["max_position_embeddings"]
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=length)


def build_text_encoder(tokenizer: Any) -> Any:
    """Build an untrained CLIPTextModel for `tokenizer`."""
    from transformers import CLIPTextConfig, CLIPTextModel

    start, end = tokenizer.bos_token_id, tokenizer.eos_token_id
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        bos_token_id=start,
        eos_token_id=end,
        pad_token_id=end,
        **TEXT,
    )
    return CLIPTextModel(config)


def assemble(vae: Any, text_encoder: Any, tokenizer: Any, unet: Any) -> Any:
    """Put the parts together as an ordinary StableDiffusionPipeline with a DDIM sampler."""
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    return StableDiffusionPipeline(
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=DDIMScheduler(**SCHEDULER),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
