"""Each defense does exactly what it says, to members in training only; contradictions are
refused.
"""

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_finetune import DATA, FACTS, Stop, recipe, tune, validation_losses, weights

from lit_clid.config.options.data import DataOptions
from lit_clid.config.options.training import FineTuneOptions
from lit_clid.config.schema import build_defenses, read_config
from lit_clid.data.module import CaptionedImages
from lit_clid.data.split import Split, load_split
from lit_clid.data.stream import Poisson, PoissonStream
from lit_clid.errors import UserError
from lit_clid.files import read_json
from lit_clid.models.diffusion import mean_square
from lit_clid.models.load import load_target
from lit_clid.randomness import generator
from lit_clid.training.contradictions import check_defenses
from lit_clid.training.defenses import (
    DEFENSES,
    DPSGD,
    CaptionDefense,
    Defenses,
    ImageDefense,
    MemberAware,
    Privacy,
    Proxy,
    StepBudget,
    Texts,
)
from lit_clid.training.defenses.images import augment
from lit_clid.training.export import export
from lit_clid.training.module import FineTune
from lit_clid.training.recipe import build_trainer, checkpoint_steps, resume_from
from lit_clid.training.stopping import Kept

WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
OTHERS = {
    "rephrasing": ("first way", "second way"),
    "several_captions": ("first way", "second way"),
}


def texts(count: int = 200, others: tuple[str, ...] = ("first way", "second way")) -> Texts:
    ids = tuple(f"r{k}" for k in range(count))
    return Texts(ids, tuple(f"{' '.join(WORDS)} {k}" for k in range(count)), (others,) * count)


def captions(wanted: Any, passes: int = 0, seed: int = 0, given: Texts | None = None) -> list[str]:
    return build_defenses(wanted).captions(given or texts(), seed, passes)


CAPTIONS = [name for name, defense in DEFENSES.items() if isinstance(defense, CaptionDefense)]
IMAGES = [name for name, defense in DEFENSES.items() if isinstance(defense, ImageDefense)]


# captions


@pytest.mark.parametrize("name", CAPTIONS)
def test_redrawn_captions_change_with_the_pass_and_static_ones_do_not(name: str) -> None:
    redrawn, static = {name: {"redraw": True}}, {name: {"redraw": False}}
    assert captions(redrawn) == captions(redrawn)
    assert captions(redrawn) != captions(redrawn, 1)
    assert captions(static) == captions(static, 7) != list(texts().own)
    assert captions(static) != captions(static, seed=1)


@pytest.mark.parametrize(
    "name", [name for name in CAPTIONS if name not in ("caption_shuffle", "token_replacement")]
)
def test_a_caption_depends_on_its_record_alone(name: str) -> None:
    """Who else is trained on makes no difference (but where captions pass from one to another)."""
    whole, few = texts(200), texts(7)
    assert captions([name], 3, given=whole)[:7] == captions([name], 3, given=few)


def test_dropout_empties_the_share_it_says() -> None:
    edited = captions({"caption_dropout": {"share": 0.3}}, given=texts(2000))
    assert np.mean([text == "" for text in edited]) == pytest.approx(0.3, abs=0.04)
    assert all(text in ("", own) for text, own in zip(edited, texts(2000).own, strict=True))


def test_deletion_keeps_order_and_one_word() -> None:
    edited = captions({"word_deletion": {"share": 0.3}}, given=texts(500))
    lengths = [len(text.split()) for text in edited]
    assert np.mean(lengths) == pytest.approx(0.7 * 11, abs=0.25)
    for text, own in zip(edited, texts(500).own, strict=True):
        words = own.split()
        assert [w for w in words if w in text.split()] == text.split()
    assert all(len(text.split()) == 1 for text in captions({"word_deletion": {"share": 1.0}}))


def test_shuffling_keeps_the_words() -> None:
    edited = captions(["word_shuffle"])
    assert all(
        sorted(a.split()) == sorted(b.split()) for a, b in zip(edited, texts().own, strict=True)
    )
    assert sum(a == b for a, b in zip(edited, texts().own, strict=True)) < 3


def test_replacement_keeps_length_and_takes_words_of_the_members() -> None:
    edited = captions({"token_replacement": {"share": 0.2}}, given=texts(500))
    vocabulary = {word for text in texts(500).own for word in text.split()}
    pairs = [(a.split(), b.split()) for a, b in zip(edited, texts(500).own, strict=True)]
    assert all(len(a) == len(b) and set(a) <= vocabulary for a, b in pairs)
    changed = np.mean([x != y for a, b in pairs for x, y in zip(a, b, strict=True)])
    assert changed == pytest.approx(0.2, abs=0.03)


def test_several_captions_are_drawn_evenly_and_rephrasings_never_the_own() -> None:
    several = captions(["several_captions"], given=texts(1500))
    own = [a == b for a, b in zip(several, texts(1500).own, strict=True)]
    assert np.mean(own) == pytest.approx(1 / 3, abs=0.05)
    assert set(captions(["rephrasing"])) == {"first way", "second way"}
    templated = captions({"rephrasing": {"templates": ["a drawing of {}", "{}!"]}})
    assert all(
        t in (f"a drawing of {o}", f"{o}!") for t, o in zip(templated, texts().own, strict=True)
    )


def test_shuffled_captions_belong_to_another_and_none_is_lost() -> None:
    edited = captions({"caption_shuffle": {"share": 0.5}})
    own = list(texts().own)
    assert sorted(edited) == sorted(own)
    assert sum(a != b for a, b in zip(edited, own, strict=True)) == 100


def test_defenses_compose_in_their_order() -> None:
    both = captions({"caption_dropout": {"share": 0.5}, "rephrasing": {"templates": ["x {}"]}})
    assert set(both) & {"x "}
    other = captions({"rephrasing": {"templates": ["x {}"]}, "caption_dropout": {"share": 0.5}})
    assert "" in other and "x " not in other


def test_embedding_noise_is_relative_to_the_embedding() -> None:
    defenses = build_defenses({"embedding_noise": {"scale": 0.5}})
    c = torch.randn(64, 8, 16) * torch.linspace(0.1, 10, 64)[:, None, None]
    noise = defenses.embed(c, 0, 3, 0) - c
    torch.testing.assert_close(
        noise.flatten(1).std(1) / c.flatten(1).std(1), torch.full((64,), 0.5), rtol=0.3, atol=0
    )
    assert torch.equal(defenses.embed(c, 0, 3, 0), defenses.embed(c, 0, 3, 0))
    assert not torch.equal(defenses.embed(c, 0, 4, 0), defenses.embed(c, 0, 3, 0))


# images


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    ramp = torch.linspace(-1, 1, 32)
    picture = torch.stack([ramp.expand(32, 32), ramp.expand(32, 32).T, torch.zeros(32, 32)])
    return torch.stack([picture, -picture, picture.flip(1), torch.rand(3, 32, 32) * 2 - 1])


@pytest.mark.parametrize("name", IMAGES)
def test_image_defenses_change_images_by_their_seed_alone(
    name: str, pictures: torch.Tensor
) -> None:
    certain = {} if name == "rand_augment" else {"probability": 1.0}
    apply = build_defenses({name: certain}).augmenter(32, 0)
    assert apply is not None
    before = torch.random.get_rng_state()
    views = [apply(pictures, batch, 0) for batch in range(6)]
    assert torch.equal(torch.random.get_rng_state(), before)
    assert views[0].shape == pictures.shape and views[0].dtype == pictures.dtype
    assert min(float(v.min()) for v in views) >= -1 and max(float(v.max()) for v in views) <= 1
    assert any(not torch.allclose(v, pictures, atol=1e-3) for v in views)
    assert torch.equal(apply(pictures, 5, 0), views[5])
    assert name == "flip" or any(not torch.equal(v, views[0]) for v in views[1:])


def test_probability_zero_is_refused_and_flip_mirrors(pictures: torch.Tensor) -> None:
    with pytest.raises(
        UserError, match=r"defenses.flip: probability = 0 is not a share in \(0, 1\]"
    ):
        build_defenses({"flip": {"probability": 0}})
    mirrored = augment(DEFENSES["flip"].__class__(probability=1.0).build(32), pictures, 0)
    torch.testing.assert_close(mirrored, pictures.flip(3))


@pytest.mark.parametrize("name", ["cutmix", "mixup"])
def test_mixing_leaves_the_larger_part(name: str) -> None:
    """Each image is one colour, so the share of its own colour can be read off."""
    colours = torch.linspace(-1, 1, 16)[:, None, None, None].expand(16, 3, 32, 32).contiguous()
    apply = build_defenses({name: {"probability": 1.0}}).augmenter(32, 0)
    assert apply is not None
    for batch in range(20):
        mixed = apply(colours, batch, 0)
        if name == "cutmix":
            own = (mixed - colours).abs().amax(1).lt(1e-3).float().mean((1, 2))
            assert float(own.min()) > 0.5
        else:
            assert float((mixed - colours).abs().max()) <= 0.4 * 2 + 1e-4


# training only


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Split:
    return load_split(DATA, 0, tmp_path_factory.mktemp("split"))


def defended(wanted: Any) -> Callable[..., tuple[FineTune, Any, Any]]:
    """`tune`, with defenses."""

    def run(*arguments: Any, **named: Any) -> tuple[FineTune, Any, Any]:
        return tune(*arguments, defenses=build_defenses(wanted), **named)

    return run


def test_defenses_reach_members_in_training_only(pipeline_folder: Path, split: Split) -> None:
    data = CaptionedImages(split, DATA, "target", seed=0, side=64, batch_size=4)
    defenses = build_defenses({"word_shuffle": None, "flip": {"probability": 1.0}})
    module = FineTune(load_target(str(pipeline_folder)), recipe(), 0, FACTS, defenses)
    before = {
        name: [r[k] for k in range(len(r))]
        for name, r in (("holdouts", data.holdouts), ("audited", data.audited))
    }
    own = list(data.members.captions)
    module.prepare(data)
    assert [data.members[k, 0]["caption"] for k in range(len(own))] != own
    assert data.members.captions == own
    for name, records in (("holdouts", data.holdouts), ("audited", data.audited)):
        for k, item in enumerate(before[name]):
            assert records[k]["caption"] == item["caption"]
            assert torch.equal(records[k]["image"], item["image"])


@pytest.mark.parametrize(
    "wanted", [["flip"], ["word_shuffle"], ["embedding_noise"]], ids=lambda w: w[0]
)
def test_the_held_out_loss_sees_no_defense(
    pipeline_folder: Path, split: Split, tmp_path: Path, wanted: list[str]
) -> None:
    """With a learning rate of (almost) zero it is that of the base, whatever is done to the
    members.
    """
    options = recipe(learning_rate=1e-30, validate_every=2)
    tune(pipeline_folder, split, tmp_path / "plain", options, 2)
    defended(wanted)(pipeline_folder, split, tmp_path / "defended", options, 2)
    assert validation_losses(tmp_path / "plain") == validation_losses(tmp_path / "defended")


@pytest.mark.parametrize(
    "wanted",
    [
        {"flip": None, "word_deletion": None, "embedding_noise": None},
        {"caption_dropout": {"share": 0.5, "redraw": False}},
        {"dp": {"noise_multiplier": 1.0, "epsilon": None}},
        {"smp_lora": {"learning_rate": 1e-2}},
        {"early_stopping": {"patience": 50}},
    ],
    ids=["augmentation", "static", "dp", "member-aware", "early stopping"],
)
def test_a_killed_and_resumed_defended_run_equals_an_uninterrupted_one(
    pipeline_folder: Path, split: Split, tmp_path: Path, wanted: Any
) -> None:
    run, options = defended(wanted), recipe(validate_every=2)
    whole, trainer, _ = run(pipeline_folder, split, tmp_path / "whole", options, 7)
    with pytest.raises(RuntimeError, match="killed"):
        run(pipeline_folder, split, tmp_path / "cut", options, 7, (Stop(5),))
    rest, resumed, _ = run(pipeline_folder, split, tmp_path / "cut", options, 7)
    for (name, expected), found in zip(weights(whole).items(), weights(rest).values(), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0, msg=name)
    kept = [next((c for c in t.callbacks if isinstance(c, Kept)), None) for t in (trainer, resumed)]
    if kept[0] is not None and kept[1] is not None:
        assert (kept[0].step, kept[0].loss) == (kept[1].step, kept[1].loss)


def test_static_captions_keep_their_embeddings_and_redrawn_ones_do_not(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    for redraw in (False, True):
        module, _, _ = defended({"word_shuffle": {"redraw": redraw}})(
            pipeline_folder, split, tmp_path / str(redraw), recipe(), 2
        )
        assert (module._encodings.embeddings is None) == redraw
        assert module._encodings.latents is not None
    module, _, _ = defended(["flip"])(pipeline_folder, split, tmp_path / "flip", recipe(), 2)
    assert module._encodings.latents is None and module._encodings.embeddings is not None


# stopping


def fake_losses(monkeypatch: pytest.MonkeyPatch, losses: Sequence[float]) -> None:
    """Validations report these losses, one after the other."""
    left = list(losses)

    def on_validation_epoch_start(self: FineTune) -> None:
        self.given = left.pop(0)  # type: ignore[attr-defined]

    def validation_step(self: FineTune, batch: dict[str, Any], batch_idx: int) -> None:
        self.log("val_loss", self.given, batch_size=len(batch["id"]))  # type: ignore[attr-defined]

    monkeypatch.setattr(
        FineTune, "on_validation_epoch_start", on_validation_epoch_start, raising=False
    )
    monkeypatch.setattr(FineTune, "validation_step", validation_step)


@pytest.mark.parametrize(
    ("losses", "min_delta", "stopped", "kept"),
    [
        ([0.9, 0.8, 0.7, 0.75, 0.72, 0.6, 0.5, 0.4], 0.0, 10, 6),
        ([0.9, 0.8, 0.7, 0.75, 0.69, 0.71, 0.72, 0.4], 0.0, 14, 10),
        ([0.9, 0.89, 0.88, 0.4, 0.3, 0.2, 0.1, 0.0], 0.05, 6, 2),
        ([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2], 0.0, 16, 16),
    ],
)
def test_early_stopping_stops_and_exports_where_the_loss_curve_says(
    pipeline_folder: Path,
    split: Split,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    losses: list[float],
    min_delta: float,
    stopped: int,
    kept: int,
) -> None:
    """Patience 2, validated every second step: the exported weights are those of the best
    validation.
    """
    fake_losses(monkeypatch, losses)
    history: dict[int, dict[str, torch.Tensor]] = {}

    class Watch(Stop):
        def on_validation_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            history[trainer.global_step] = pl_module.weights()

    run = defended({"early_stopping": {"patience": 2, "min_delta": min_delta}})
    module, trainer, _ = run(
        pipeline_folder,
        split,
        tmp_path / "logs",
        recipe(validate_every=2, ema_decay=None),
        16,
        (Watch(99),),
    )
    assert trainer.global_step == stopped
    export(module, trainer, tmp_path / "model", {})
    note = read_json(tmp_path / "model" / "lit_clid.json")
    assert note["steps"] == kept == note["stopping"]["exported_from"]
    assert note["stopping"]["ended_by"] == ("held-out loss" if stopped < 16 else "last step")
    for name, value in module.weights().items():
        assert torch.equal(value, history[kept][name])


def test_a_privacy_budget_exports_the_last_validation_within_it(
    pipeline_folder: Path, split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [0.52, 0.55, 0.61, 0.7]
    monkeypatch.setattr(Kept, "_ask", lambda *_: found.pop(0))
    run = defended({"privacy_budget": {"cap": 0.6}})
    module, trainer, _ = run(pipeline_folder, split, tmp_path / "logs", recipe(validate_every=2), 8)
    assert trainer.global_step == 6
    export(module, trainer, tmp_path / "model", {})
    stopping = read_json(tmp_path / "model" / "lit_clid.json")["stopping"]
    assert (stopping["exported_from"], stopping["ended_by"], stopping["probe_auroc"]) == (
        4,
        "privacy budget",
        0.55,
    )


def test_the_probe_is_an_audit_of_the_averaged_weights(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    module, trainer, _ = defended({"privacy_budget": {"cap": 0.99, "probe": 5}})(
        pipeline_folder, split, tmp_path, recipe(validate_every=2), 4
    )
    kept = next(c for c in trainer.callbacks if isinstance(c, Kept))
    assert kept.auroc is not None and 0 <= kept.auroc <= 1
    assert kept.budget is not None
    module.put_weights(kept.weights)
    assert kept._ask(trainer, module, kept.budget) == kept.auroc


def test_a_budget_spent_at_once_is_one_clear_line(
    pipeline_folder: Path, split: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Kept, "_ask", lambda *_: 0.9)
    module, trainer, _ = defended(["privacy_budget"])(
        pipeline_folder, split, tmp_path, recipe(validate_every=2), 8
    )
    assert trainer.global_step == 2
    with pytest.raises(UserError, match="the first validation was beyond the cap already"):
        export(module, trainer, tmp_path / "model", {})


def test_a_step_budget_ends_training(tmp_path: Path) -> None:
    defenses = Defenses({"step_budget": StepBudget(1.5)})
    assert (
        build_trainer(recipe(), {"max_steps": 50}, tmp_path, "target", 0, defenses, 10).max_steps
        == 15
    )
    assert (
        build_trainer(recipe(), {"max_steps": 7}, tmp_path, "target", 0, defenses, 10).max_steps
        == 7
    )


def test_validations_are_not_tampered_with_where_they_decide(tmp_path: Path) -> None:
    defenses = build_defenses(["early_stopping"])
    with pytest.raises(
        UserError, match=r"trainer\.limit_val_batches: decides when a stopping defense stops"
    ):
        build_trainer(
            recipe(), {"max_steps": 9, "limit_val_batches": 0}, tmp_path, "target", 0, defenses, 10
        )


def test_models_on_the_way_are_those_of_shorter_runs(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    """A model exported after four steps is the model of a run of four steps, averaged weights
    included.
    """
    from safetensors.torch import load_file

    from lit_clid.training.export import write_model
    from lit_clid.training.recipe import export_on_the_way

    assert checkpoint_steps([0.4, 0.6], 10, 6) == {0.4: 4, 0.6: 6}
    options = recipe(validate_every=100)
    target = load_target(str(pipeline_folder), channels_last=False)
    data = CaptionedImages(split, DATA, "target", seed=0, side=64, batch_size=4)
    module = FineTune(target, options, 0, FACTS)
    trainer = build_trainer(
        options,
        {"max_steps": 6, "accelerator": "cpu", "enable_progress_bar": False},
        tmp_path / "l",
        "target",
        0,
    )
    export_on_the_way(
        trainer, (4,), lambda step: write_model(module, trainer, tmp_path / f"at-{step}", {})
    )
    trainer.fit(module, data, weights_only=True)
    short, ended, _ = tune(pipeline_folder, split, tmp_path / "short", options, 4)
    export(short, ended, tmp_path / "model", {})
    name = Path("unet") / "diffusion_pytorch_model.safetensors"
    found, expected = load_file(tmp_path / "at-4" / name), load_file(tmp_path / "model" / name)
    assert all(torch.equal(found[key], value) for key, value in expected.items())
    assert read_json(tmp_path / "at-4" / "lit_clid.json")["steps"] == 4


def test_lora_is_exported_on_the_way_without_ending_it(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    module, _, _ = tune(pipeline_folder, split, tmp_path, recipe(train="lora"), 2)
    before = copy.deepcopy(module.weights())
    with module.exportable():
        assert not any("lora" in name for name in module.target.pipeline.unet.state_dict())
    assert module.target.pipeline.unet is module.network
    assert all(torch.equal(value, before[name]) for name, value in module.weights().items())


def test_checkpoint_averaging_is_the_mean(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    history: list[torch.Tensor] = []

    class Watch(Stop):
        def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
            history.append(next(v for n, v in weights(pl_module).items() if ".attn2.to_v" in n))

    options = recipe(ema_decay=None, average_from=3, average_every=2, validate_every=100)
    module, _, _ = tune(pipeline_folder, split, tmp_path, options, 8, (Watch(99),))
    exported = next(v for n, v in weights(module).items() if ".attn2.to_v" in n)
    torch.testing.assert_close(exported, (history[2] + history[4] + history[6]) / 3)


# private training


def test_poisson_batches_hold_everybody_independently() -> None:
    stream = PoissonStream(50, 0.2, 2000, Poisson(3))
    batches = [[index for index, _ in batch] for batch in stream]
    counts = np.array([np.bincount(batch, minlength=50) for batch in batches])
    assert counts.max() == 1
    np.testing.assert_allclose(counts.mean(0), 0.2, atol=0.04)
    assert counts.sum(1).var() == pytest.approx(50 * 0.2 * 0.8, rel=0.15)
    assert [
        [i for i, _ in b] for b in PoissonStream(50, 0.2, 2000, Poisson(3), start=lambda: 1990)
    ] == batches[1990:]
    assert list(PoissonStream(50, 0.2, 5, Poisson(3))) != list(
        PoissonStream(50, 0.2, 5, Poisson(4))
    )


def test_the_accountant_is_opacus_step_by_step() -> None:
    from opacus.accountants import RDPAccountant

    accountant = RDPAccountant()
    for _ in range(40):
        accountant.step(noise_multiplier=1.1, sample_rate=0.05)
    privacy = Privacy(1.1, 1.0, 0.05, 1e-4, "rdp")
    assert privacy.epsilon(40) == pytest.approx(accountant.get_epsilon(1e-4))
    assert privacy.epsilon(0) == 0
    planned = DPSGD(epsilon=3.0).plan(1000, 20, 400)
    assert planned.delta == 1e-4
    assert 2.9 < planned.epsilon(400) <= 3.0


@pytest.mark.parametrize("rows", [64, 2])
def test_a_private_step_is_the_noisy_mean_of_clipped_gradients(
    pipeline_folder: Path, split: Split, tmp_path: Path, rows: int
) -> None:
    """Against a loop over single records: each gradient is clipped to C, all are summed and
    divided by batch_size.
    """
    from lightning.pytorch.callbacks import Callback

    bound, found = 1e-3, []

    class Watch(Callback):
        def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
            pass

        def on_train_batch_end(
            self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, index: int
        ) -> None:
            found.append((index, batch, [p.grad.clone() for p in pl_module.trainable]))

    wanted = {
        "dp": {"noise_multiplier": 1e-9, "epsilon": None, "max_grad_norm": bound, "rows": rows}
    }
    options = recipe(learning_rate=1e-30, ema_decay=None, batch_size=5, weight_decay=0.0)
    module, _, _ = defended(wanted)(pipeline_folder, split, tmp_path, options, 2, (Watch(),))
    fresh = FineTune(load_target(str(pipeline_folder), channels_last=False), options, 0, FACTS)
    fresh._encodings = module._encodings
    index, batch, gradients = next(f for f in found if len(f[1]["id"]) > 2)
    z_0, condition = fresh._inputs(batch, index)
    dice = generator(0, "training", index, 0)
    t = torch.randint(fresh.target.timesteps, (len(z_0),), generator=dice)
    eps = torch.randn(z_0.shape, generator=dice)
    total = [torch.zeros_like(g) for g in gradients]
    clipped = 0
    for k in range(len(z_0)):
        one = slice(k, k + 1)
        loss = mean_square(fresh._errors(z_0[one], eps[one], t[one], condition[one])).mean()
        own = torch.autograd.grad(loss, fresh.trainable)
        norm = torch.sqrt(sum(g.square().sum() for g in own))
        clipped += int(norm > bound)
        for part, g in zip(total, own, strict=True):
            part += g * min(1.0, bound / (float(norm) + 1e-6))
    assert clipped
    for part, g in zip(total, gradients, strict=True):
        torch.testing.assert_close(g, part / 5, rtol=1e-3, atol=1e-8)
    whole = torch.sqrt(sum((5 * g).square().sum() for g in gradients))
    assert whole <= bound * len(z_0) * (1 + 1e-4)


def test_noise_has_the_size_that_the_accountant_assumes(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    from lightning.pytorch.callbacks import Callback

    found: list[torch.Tensor] = []

    class Watch(Callback):
        def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
            found.append(torch.cat([p.grad.flatten() for p in pl_module.trainable]))

    wanted = {"dp": {"noise_multiplier": 2.0, "epsilon": None, "max_grad_norm": 10.0}}
    options = recipe(learning_rate=1e-30, batch_size=4)
    _, trainer, _ = defended(wanted)(pipeline_folder, split, tmp_path, options, 3, (Watch(),))
    assert trainer.global_step == 3
    for gradient in found:
        assert float(gradient.std()) == pytest.approx(2.0 * 10.0 / 4, rel=0.02)
    assert not torch.equal(found[0], found[1])


def test_an_empty_batch_is_a_step_of_noise(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    data = CaptionedImages(split, DATA, "target", seed=0, side=64, batch_size=1)
    options = recipe(batch_size=1, ema_decay=None)
    wanted = {"dp": {"noise_multiplier": 1.0, "epsilon": None}}
    _, trainer, seen = defended(wanted)(pipeline_folder, split, tmp_path, options, 12)
    assert any(not batch for batch in seen.batches)
    assert trainer.global_step == 12
    assert len(data.members) == 10


def test_secret_noise_follows_no_seed(pipeline_folder: Path, split: Split, tmp_path: Path) -> None:
    wanted = {"dp": {"noise_multiplier": 1.0, "epsilon": None, "secret": True}}
    runs = [
        weights(
            defended(wanted)(pipeline_folder, split, tmp_path / str(k), recipe(), 2)[0]
        ).values()
        for k in range(2)
    ]
    assert any(not torch.equal(a, b) for a, b in zip(*runs, strict=True))


def test_the_spent_epsilon_is_logged_and_noted(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    wanted = {"dp": {"epsilon": 5.0}}
    module, trainer, _ = defended(wanted)(pipeline_folder, split, tmp_path / "logs", recipe(), 4)
    export(module, trainer, tmp_path / "model", {})
    privacy = read_json(tmp_path / "model" / "lit_clid.json")["privacy"]
    assert 4.5 < privacy["epsilon"] <= 5.0
    assert privacy["delta"] == 1 / 100
    assert float(trainer.callback_metrics["epsilon"]) == pytest.approx(privacy["epsilon"])


# member-aware training


def test_the_proxy_learns_to_tell_members() -> None:
    proxy = Proxy(MemberAware(learning_rate=1e-2, hidden=(32, 16)), 48, torch.device("cpu"), 0)
    dice = torch.Generator().manual_seed(0)
    for step in range(150):
        members, others = (torch.rand(32, 3, 4, 4, generator=dice) * s for s in (0.5, 1.0))
        loss = proxy.learn(members, others, step)
    assert float(loss) < 0.2


def test_the_objective_rewards_a_misled_proxy() -> None:
    loss, sure, misled = torch.tensor(1.0), torch.tensor(0.1), torch.tensor(2.0)
    for form in ("sum", "ratio"):
        aware = MemberAware(form=form, weight=0.5, offset=1.0)
        assert aware.combine(loss, misled) < aware.combine(loss, sure)
    assert MemberAware(form="sum", weight=0.5).combine(loss, misled) == 0
    assert MemberAware(form="ratio", weight=0.5).combine(loss, misled) == 0.5


def test_the_proxy_is_fed_by_records_that_are_never_audited(split: Split) -> None:
    data = CaptionedImages(split, DATA, "target", seed=0, side=64, batch_size=4)
    borrowed = {e.id for e in data.auxiliary.entries}
    assert len(borrowed) == DATA.nonmembers
    assert not borrowed & {e.id for e in split.of("target")}


def test_overlays_add_up_and_take_away(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("defenses: [flip, word_shuffle]\n")
    (tmp_path / "b.yaml").write_text("defenses: {word_shuffle: {redraw: false}, blur: {}}\n")
    files = [str(tmp_path / name) for name in ("a.yaml", "b.yaml")]
    config = read_config([*files, "defenses.flip=false", "defenses=[jpeg]"], tmp_path / "a.yaml")
    chosen = build_defenses(config.defenses).chosen
    assert set(chosen) == {"word_shuffle", "blur", "jpeg"}
    assert not chosen["word_shuffle"].redraw  # type: ignore[attr-defined]
    assert "defenses.flip" not in config.training_facts("", "", 1)


# bad input


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (["flp"], "unknown defense 'flp'; did you mean 'flip'"),
        ({"flip": {"probabilty": 1}}, "unknown parameter 'probabilty'; did you mean 'probability'"),
        ({"flip": 3}, r"defenses.flip: 3 is not a mapping of parameters, such as \{share: 0.1\}"),
        ("flip", "defenses: 'flip' is neither a list of names nor a mapping"),
        ({"word_deletion": {"share": 1.5}}, r"share = 1.5 is not a share in \(0, 1\]"),
        ({"word_deletion": {"redraw": "often"}}, "redraw: 'often' is not true or false"),
        ({"rephrasing": {"templates": ["a drawing"]}}, r"needs exactly one \{\}"),
        ({"random_resized_crop": {"scale": [0.9, 0.5]}}, r"scale = \[0.9, 0.5\] is not a range"),
        ({"jpeg": {"quality": [0, 50]}}, r"within 1…100"),
        ({"dp": {"noise_multiplier": 1.0}}, "either epsilon or noise_multiplier"),
        ({"dp": {"delta": 2}}, "delta = 2 must be smaller than 1"),
        ({"privacy_budget": {"attack": "clid_vec"}}, "is not a cheap one without a shadow"),
        ({"dp": None, "cutmix": None}, "cutmix put something of one member into another's"),
        ({"dp": None, "mixup": None, "caption_shuffle": None}, "mixup, caption_shuffle put"),
        (
            {"dp": None, "privacy_budget": None},
            "privacy_budget looks at members outside of dp's noise",
        ),
        ({"mp_lora": None, "smp_lora": None}, "mp_lora, smp_lora are of one kind"),
    ],
)
def test_bad_defenses_are_one_clear_line(wanted: object, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        build_defenses(wanted)
    assert "\n" not in str(error.value)


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


def test_private_batches_must_be_smaller_than_the_members_and_some_epsilons_are_out_of_reach(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(
        UserError, match=r"finetune\.batch_size=10 must be smaller than the 10 members"
    ):
        DPSGD().plan(10, 10, 5)
    from opacus.accountants import utils

    monkeypatch.setattr(utils, "MAX_SIGMA", 20.0)  # it is a million, and the search takes its time
    with pytest.raises(
        UserError,
        match=r"no noise reaches epsilon=0\.01 at delta=1e-09 \(The privacy budget is too low",
    ):
        DPSGD(epsilon=0.01, delta=1e-9).plan(10, 5, 50)


def test_missing_rephrasings_and_captions_are_named() -> None:
    for name in ("rephrasing", "several_captions"):
        with pytest.raises(UserError, match=f"defenses.{name}: .*data.rephrasings_column"):
            build_defenses([name]).check(texts(3, others=()))
    with pytest.raises(UserError, match="leaves nobody to exchange captions with"):
        build_defenses(["caption_shuffle"]).check(texts(2))


def test_checkpoints_beyond_the_end_are_refused() -> None:
    with pytest.raises(
        UserError, match=r"finetune.checkpoints: 2 steps per image of 10 members are step 20, but"
    ):
        checkpoint_steps([1, 2], 10, 15)
    with pytest.raises(UserError, match="fall on one step"):
        checkpoint_steps([0.11, 0.12], 10, 15)


def test_a_defense_is_part_of_what_a_checkpoint_belongs_to(
    pipeline_folder: Path, split: Split, tmp_path: Path
) -> None:
    tune(pipeline_folder, split, tmp_path, recipe(), 4)
    with pytest.raises(UserError, match=r"defenses\.flip is 'Flip' now and was None"):
        resume_from(tmp_path, {**FACTS, **build_defenses(["flip"]).facts})
