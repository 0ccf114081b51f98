"""The defenses by name. Adding one is a dataclass and a line here."""

from lit_clid.defenses.captions import (
    CaptionDropout,
    CaptionShuffle,
    EmbeddingNoise,
    Rephrasing,
    SeveralCaptions,
    TokenReplacement,
    WordDeletion,
    WordShuffle,
)
from lit_clid.defenses.defense import CaptionDefense, Defense, EmbeddingDefense, ImageDefense, StoppingDefense, Texts
from lit_clid.defenses.dp import DPSGD, Privacy, keep_gradients, need_opacus, no_gradients
from lit_clid.defenses.images import JPEG, Blur, ColourJitter, CutMix, Flip, MixUp, RandAugment, RandomResizedCrop
from lit_clid.defenses.member_aware import MemberAware, Proxy
from lit_clid.defenses.stopping import EarlyStopping, PrivacyBudget, StepBudget
from lit_clid.defenses.together import Augmenter, Defenses

DEFENSES: dict[str, Defense] = {
    "early_stopping": EarlyStopping(),
    "step_budget": StepBudget(),
    "privacy_budget": PrivacyBudget(),
    "random_resized_crop": RandomResizedCrop(),
    "flip": Flip(),
    "colour_jitter": ColourJitter(),
    "blur": Blur(),
    "jpeg": JPEG(),
    "rand_augment": RandAugment(),
    "cutmix": CutMix(),
    "mixup": MixUp(),
    "caption_dropout": CaptionDropout(),
    "word_deletion": WordDeletion(),
    "word_shuffle": WordShuffle(),
    "token_replacement": TokenReplacement(),
    "several_captions": SeveralCaptions(),
    "rephrasing": Rephrasing(),
    "caption_shuffle": CaptionShuffle(),
    "embedding_noise": EmbeddingNoise(),
    "dp": DPSGD(),
    "mp_lora": MemberAware(form="sum"),
    "smp_lora": MemberAware(),
}

__all__ = [
    "DEFENSES",
    "DPSGD",
    "JPEG",
    "Augmenter",
    "Blur",
    "CaptionDefense",
    "CaptionDropout",
    "CaptionShuffle",
    "ColourJitter",
    "CutMix",
    "Defense",
    "Defenses",
    "EarlyStopping",
    "EmbeddingDefense",
    "EmbeddingNoise",
    "Flip",
    "ImageDefense",
    "MemberAware",
    "MixUp",
    "Privacy",
    "PrivacyBudget",
    "Proxy",
    "RandAugment",
    "RandomResizedCrop",
    "Rephrasing",
    "SeveralCaptions",
    "StepBudget",
    "StoppingDefense",
    "Texts",
    "TokenReplacement",
    "WordDeletion",
    "WordShuffle",
    "keep_gradients",
    "need_opacus",
    "no_gradients",
]
