from typing import Any

import pytest

from lit_clid.commands.reading import build_defenses
from lit_clid.config.options.data import DataOptions
from lit_clid.config.options.training import FineTuneOptions
from lit_clid.errors import UserError
from lit_clid.training.contradictions import check_defenses


@pytest.mark.parametrize(
    ("wanted", "options", "data", "trainer", "message"),
    [
        (
            ["flip"],
            {"cache": "always"},
            {},
            {},
            "finetune.cache: cannot always keep latents, flip changes pixels",
        ),
        ([], {"cache": "always"}, {"random_crop": True}, {}, "data.random_crop changes pixels"),
        (["word_shuffle"], {"cache": "always"}, {}, {}, "cannot always keep embeddings"),
        (
            ["dp"],
            {},
            {},
            {"gradient_clip_val": 1.0},
            "trainer.gradient_clip_val: contradicts defenses.dp",
        ),
        (
            ["dp"],
            {},
            {},
            {"accumulate_grad_batches": 4},
            "accumulate_grad_batches: contradicts defenses.dp",
        ),
        (["dp"], {}, {}, {"precision": "bf16-mixed"}, "trainer.precision: contradicts"),
        (
            ["dp"],
            {"gradient_checkpointing": True},
            {},
            {},
            "finetune.gradient_checkpointing: contradicts",
        ),
        (["smp_lora"], {}, {"shadow": "redrawn"}, {}, "set data.shadow=disjoint"),
    ],
)
def test_contradictions_are_refused_before_training(
    wanted: list[str],
    options: dict[str, Any],
    data: dict[str, Any],
    trainer: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(UserError, match=message):
        check_defenses(
            build_defenses(wanted), FineTuneOptions(**options), DataOptions(**data), trainer
        )
