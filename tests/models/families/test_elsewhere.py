"""Nothing is left on the CPU when a model lies on another device: every family is audited and
trained on one that has shapes alone.
"""

import pytest
import torch
import zoo
from elsewhere import ELSEWHERE, elsewhere
from pipelines import make_pipeline, make_sd3, make_sdxl

from lit_clid.about import Facts
from lit_clid.auditing.attacks import ATTACKS
from lit_clid.auditing.oracle import ModelOracle
from lit_clid.auditing.questions import Batch
from lit_clid.config.options.training import FineTuneOptions
from lit_clid.models.load import load_target
from lit_clid.models.pipeline import PipelineTarget
from lit_clid.training.module import FineTune, Still

MAKERS = {
    "sd": make_pipeline,
    "sdxl": make_sdxl,
    "sd3": lambda folder: make_sd3(folder, t5=True),
    **{name: lambda folder, name=name: zoo.make(name, folder) for name in zoo.ZOO},
}
IMPORTANCE = ((0.5, 0.2, 0.3, 0.1, 0.1), (0.3, 0.2, 0.1))
RECORDS = Batch(
    ("a", "b"), torch.zeros(2, 3, 64, 64), ("a red fox in snow", "two green birds"), IMPORTANCE
)

FACTS = Facts(seed=0, role="target", split="", base="", processes=1, rest={})


@pytest.fixture(scope="module", params=MAKERS)
def target(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> PipelineTarget:
    folder = MAKERS[request.param](tmp_path_factory.mktemp("elsewhere") / "tiny")
    return load_target(str(folder), channels_last=False).to(ELSEWHERE)


def test_every_attack_asks_on_the_models_device(target: PipelineTarget) -> None:
    oracle = ModelOracle(target, RECORDS, seed=0)
    with elsewhere():
        for name, attack in ATTACKS.items():
            if name in ("clir", "clir_50", "pfami"):  # smaller siblings of their classes are there
                continue
            assert attack.signal(oracle).device == ELSEWHERE, name


@pytest.mark.filterwarnings("ignore:You are trying to `self.log")
@pytest.mark.parametrize("train", ["attention", "lora", "network"])
def test_a_training_step_stays_on_the_models_device(target: PipelineTarget, train: str) -> None:
    options = FineTuneOptions(train=target.family.network if train == "network" else train)
    still = Still(latents=False, embedding=False)
    module = FineTune(target, options, 0, FACTS, still=still).to(ELSEWHERE)
    batch = {
        "id": list(RECORDS.ids),
        "image": RECORDS.images.to(ELSEWHERE),
        "caption": list(RECORDS.captions),
        "index": torch.arange(2),
    }
    with elsewhere():
        loss = module.training_step(batch, 0)
        assert loss is not None and loss.device == ELSEWHERE
        loss.backward()
    trained = [(n, p.grad) for n, p in module.named_parameters() if p.requires_grad]
    assert trained and all(gradient is None or gradient.is_meta for _, gradient in trained)
    assert [name for name, gradient in trained if gradient is None] == []  # DDP would wait for it


def test_a_tensor_left_behind_is_found(target: PipelineTarget) -> None:
    call, denoiser = target.denoiser.call, target.denoiser
    denoiser.call = lambda network, z, time, told: call(network, z, time.cpu() * 0, told)
    oracle = ModelOracle(target, RECORDS, seed=0)
    try:
        with elsewhere(), pytest.raises((RuntimeError, NotImplementedError)):
            oracle.error(450)
    finally:
        denoiser.call = call
