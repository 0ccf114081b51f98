"""A tiny real pipeline for all tests, and no network for any."""

import os

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}

from pathlib import Path

import pytest
import torch

from lit_clid.quiet import quiet_imports


@pytest.fixture(scope="session")
def pipeline_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained pipeline of the real classes, a few hundred thousand parameters, as a diffusers folder."""
    return make_pipeline(tmp_path_factory.mktemp("pipeline") / "tiny")


@pytest.fixture(scope="session")
def v_pipeline_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with v-prediction, a VAE shift and another scaling factor."""
    return make_pipeline(tmp_path_factory.mktemp("pipeline") / "tiny-v", prediction="v_prediction", shift=0.1)


def make_pipeline(folder: Path, prediction: str = "epsilon", shift: float | None = None) -> Path:
    with quiet_imports():
        from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel

        from lit_clid.demo import blueprint

        torch.manual_seed(0)
        tokenizer = blueprint.build_tokenizer(["a red critter with two eyes on green ground"] * 4)
        vae = AutoencoderKL(**{**blueprint.VAE, "block_out_channels": (8, 8, 8, 8), "shift_factor": shift})
        small = {"block_out_channels": (16, 32), "norm_num_groups": 8}
        unet = UNet2DConditionModel(**{**blueprint.UNET, **small})
        pipeline = blueprint.assemble(vae, blueprint.build_text_encoder(tokenizer), tokenizer, unet)
        pipeline.scheduler = DDIMScheduler(**blueprint.SCHEDULER, prediction_type=prediction)
        pipeline.save_pretrained(folder, safe_serialization=True)
    return folder
