"""Tiny text encoders of the real classes, each with a tokenizer of its real class."""

import string
from pathlib import Path
from typing import Any

import torch

WORDS = ("a", "red", "critter", "with", "two", "eyes", "on", "green", "ground")
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}<|im_start|>assistant\n"
)


def t5(width: int, kind: str = "T5EncoderModel") -> tuple[Any, Any]:
    """A T5 encoder (or UMT5's) and a T5Tokenizer: whole words, and letters for all else."""
    import transformers

    pieces = [(f"▁{word}", -1.0) for word in WORDS] + [("▁", -2.0)]
    pieces += [(letter, -5.0) for letter in string.printable if not letter.isspace()]
    special = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    tokenizer = transformers.T5Tokenizer(
        vocab=[*special, *pieces], extra_ids=0, model_max_length=512
    )
    model = getattr(transformers, kind)
    config = model.config_class(
        vocab_size=len(tokenizer), d_model=width, d_kv=8, d_ff=32, num_layers=2, num_heads=2
    )
    return model(config), tokenizer


def _bytes(special: tuple[str, ...]) -> dict[str, int]:
    """Every byte as byte-level BPE writes it, after the special tokens."""
    from tokenizers.pre_tokenizers import ByteLevel

    alphabet = sorted(ByteLevel.alphabet())
    return {token: number for number, token in enumerate((*special, *alphabet))}


def qwen_tokenizer() -> Any:
    from transformers import Qwen2Tokenizer

    special = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
    tokenizer = Qwen2Tokenizer(
        vocab=_bytes(special),
        merges=[],
        eos_token="<|im_end|>",
        extra_special_tokens=["<|im_start|>"],
        model_max_length=4096,
    )
    tokenizer.chat_template = CHAT
    return tokenizer


def _causal(tokenizer: Any, width: int, layers: int) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": width,
        "intermediate_size": 32,
        "num_hidden_layers": layers,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 8,
        "max_position_embeddings": 2048,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def qwen3(width: int, layers: int = 2) -> tuple[Any, Any]:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    tokenizer = qwen_tokenizer()
    return Qwen3ForCausalLM(Qwen3Config(**_causal(tokenizer, width, layers))), tokenizer


def qwen_vl(width: int) -> tuple[Any, Any]:
    """Qwen2.5-VL with eyes of one layer."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    tokenizer = qwen_tokenizer()
    text = _causal(tokenizer, width, 2)
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
    config = Qwen2_5_VLConfig(
        text_config={**text, "rope_parameters": rope, "rope_scaling": rope},
        vision_config={
            "depth": 1,
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_heads": 2,
            "out_hidden_size": width,
        },
    )
    return Qwen2_5_VLForConditionalGeneration(config), tokenizer


def gemma(width: int) -> tuple[Any, Any]:
    """Gemma 2 and a GemmaTokenizer of bytes."""
    from transformers import Gemma2Config, Gemma2Model, GemmaTokenizer

    special = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>")
    pieces = (*special, *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *string.ascii_lowercase)
    tokenizer = GemmaTokenizer(
        vocab={piece: number for number, piece in enumerate(pieces)},
        merges=[],
        add_bos_token=True,
        model_max_length=4096,
    )
    config = Gemma2Config(
        **{**_causal(tokenizer, width, 2), "query_pre_attn_scalar": 8, "sliding_window": 512}
    )
    return Gemma2Model(config), tokenizer


def chatglm(width: int, folder: Path) -> tuple[Any, Any]:
    """ChatGLM and its tokenizer, trained by sentencepiece on a few words."""
    from diffusers.pipelines.kolors import ChatGLMModel, ChatGLMTokenizer
    from diffusers.pipelines.kolors.text_encoder import ChatGLMConfig
    from sentencepiece import SentencePieceTrainer

    folder.mkdir(parents=True, exist_ok=True)
    corpus = folder / "corpus.txt"
    corpus.write_text("\n".join([" ".join(WORDS), string.ascii_lowercase] * 8))
    SentencePieceTrainer.train(
        input=str(corpus),
        model_prefix=str(folder / "tokenizer"),
        vocab_size=60,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    tokenizer = ChatGLMTokenizer(vocab_file=str(folder / "tokenizer.model"))
    config = ChatGLMConfig(
        num_layers=2,
        padded_vocab_size=tokenizer.vocab_size + 8,
        hidden_size=width,
        ffn_hidden_size=32,
        kv_channels=8,
        num_attention_heads=width // 8,
        seq_length=512,
        multi_query_attention=True,
        multi_query_group_num=1,
        add_qkv_bias=True,
        rmsnorm=True,
        original_rope=True,
    )
    model = ChatGLMModel(config)
    for parameter in model.parameters():  # which the class leaves as memory was
        torch.nn.init.normal_(parameter, 1.0 if parameter.dim() == 1 else 0.0, 0.1)
    return model, tokenizer
