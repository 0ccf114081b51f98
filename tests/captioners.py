"""Tiny captioners of the real classes, whose words follow from the image."""

from pathlib import Path
from typing import Any

import torch

from lit_clid.models.quiet import quiet_imports

WORDS = (
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    *("a", "red", "green", "dog", "cat", "on", "grass", "two", "eyes", "in", "snow"),
)
SIDE, LENGTH = 32, 96
SMALL: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
VISION: dict[str, Any] = {"image_size": SIDE, "patch_size": 16, **SMALL}
ENDS = {"bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
TEMPLATE = (
    "{% for m in messages %}{% for c in m['content'] %}{% if c['type'] == 'image' %}<image> "
    "{% else %}{{ c['text'] }} {% endif %}{% endfor %}{% endfor %}"
)


def make_captioner(folder: Path, kind: str = "blip", seed: int = 0) -> Path:
    """Save a captioner: "blip", "git", "vit-gpt2", or "llava", which answers requests."""
    with quiet_imports():
        torch.manual_seed(seed)
        makers = {"blip": _blip, "git": _git, "vit-gpt2": _vit_gpt2, "llava": _llava}
        network, *parts = makers[kind]()
        for weight in network.parameters():
            weight.data *= (
                20 if weight.dim() > 1 else 1
            )  # so that two images seldom get the same words
        for each in (network, *parts):
            each.save_pretrained(folder)
    return folder


def words() -> Any:
    from transformers import BertTokenizerFast

    return BertTokenizerFast(vocab={word: k for k, word in enumerate(WORDS)})


def _blip() -> tuple[Any, ...]:
    from transformers import (
        BlipConfig,
        BlipForConditionalGeneration,
        BlipImageProcessor,
        BlipProcessor,
    )

    text = {"vocab_size": len(WORDS), "max_position_embeddings": LENGTH, **ENDS, **SMALL}
    text |= {"sep_token_id": 3, "encoder_hidden_size": 16, "projection_dim": 16}
    vision = {**VISION, "projection_dim": 16, "initializer_range": 0.02}
    config = BlipConfig(text_config=text, vision_config=vision, projection_dim=16)
    images = BlipImageProcessor(size={"height": SIDE, "width": SIDE})
    return BlipForConditionalGeneration(config), BlipProcessor(images, words())


def _git() -> tuple[Any, ...]:
    from transformers import CLIPImageProcessor, GitConfig, GitForCausalLM, GitProcessor

    config = GitConfig(
        vision_config=VISION,
        vocab_size=len(WORDS),
        max_position_embeddings=LENGTH,
        **ENDS,
        **SMALL,
    )
    return GitForCausalLM(config), GitProcessor(CLIPImageProcessor(**crop()), words())


def _vit_gpt2() -> tuple[Any, ...]:
    from transformers import (
        GPT2Config,
        VisionEncoderDecoderConfig,
        VisionEncoderDecoderModel,
        ViTConfig,
        ViTImageProcessor,
    )

    decoder = GPT2Config(
        vocab_size=len(WORDS),
        n_embd=16,
        n_layer=2,
        n_head=2,
        n_positions=LENGTH,
        add_cross_attention=True,
        is_decoder=True,
        **ENDS,
    )
    both = VisionEncoderDecoderConfig.from_encoder_decoder_configs(ViTConfig(**VISION), decoder)
    both.decoder_start_token_id, both.pad_token_id, both.eos_token_id = 2, 0, 3
    network = VisionEncoderDecoderModel(config=both)
    network.generation_config.decoder_start_token_id = 2
    network.generation_config.pad_token_id = 0
    return network, words(), ViTImageProcessor(size={"height": SIDE, "width": SIDE})


def _llava() -> tuple[Any, ...]:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
        PreTrainedTokenizerFast,
    )

    names = ["<pad>", "<s>", "</s>", "<unk>", "<image>", *WORDS[5:], "Describe", "image"]
    core = Tokenizer(models.WordLevel({w: k for k, w in enumerate(names)}, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        additional_special_tokens=["<image>"],
        chat_template=TEMPLATE,
    )
    ends = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    text = LlamaConfig(vocab_size=len(names), max_position_embeddings=2 * LENGTH, **ends, **SMALL)
    features = {"vision_feature_select_strategy": "default"}
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**VISION),
        text_config=text,
        image_token_index=4,
        vision_feature_layer=-1,
        **features,
    )
    processor = LlavaProcessor(
        CLIPImageProcessor(**crop()),
        tokenizer,
        patch_size=16,
        image_token="<image>",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
        **features,
    )
    return LlavaForConditionalGeneration(config), processor


def crop() -> dict[str, Any]:
    return {"size": {"shortest_edge": SIDE}, "crop_size": {"height": SIDE, "width": SIDE}}
