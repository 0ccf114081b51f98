"""The grid: planned as a whole, resumed where it was killed, compared honestly."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runs import SMALL, Run

from lit_clid.commands.experiment import cell
from lit_clid.commands.experiment import run as experiment
from lit_clid.commands.experiment.plan import check_jobs, read_jobs
from lit_clid.config.schema import read_config
from lit_clid.errors import UserError
from lit_clid.files import read_json
from lit_clid.judging.comparison import (
    Comparison,
    Measured,
    Usefulness,
    compare,
    findings,
    terminal,
)
from lit_clid.judging.evidence import auroc, curve, pool, replicate_means

DEMO = Path(__file__).parent.parent / "configs" / "demo.yaml"
GRID = "grid={defenses: {none: [], drop: [caption_dropout]}, seeds: [3], checkpoints: [0.25]}"


def words(base: Path, runs: Path, *more: str) -> list[str]:
    """A small grid's command line; a grid in `more` takes the place of the usual one."""
    grid = () if any(word.startswith("grid={") for word in more) else (GRID,)
    return [
        str(DEMO),
        f"runs={runs}",
        "name=grid",
        f"target.path={base}",
        *SMALL,
        "finetune.samples=0",
        *grid,
        "attacks=[loss,clid_th_null]",
        "audit.reference=null",
        "utility.samples=4",
        "utility.sampling_steps=2",
        "utility.t=[300,700]",
        "utility.draws=1",
        *more,
    ]


def plan(base: Path, runs: Path, *more: str, dry: bool = False) -> list[Any]:
    arguments = words(base, runs, *more)
    return check_jobs(read_jobs(arguments, read_config(arguments, DEMO), DEMO), dry=dry)


@pytest.mark.slow
def test_a_grid_is_trained_audited_compared_and_only_once(
    pipeline_folder: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the middle of its second cell it goes on there; a finished one does nothing but
    compare.
    """
    train, trained = cell.train, []

    def killed_once(config: Any) -> None:
        trained.append(config.name)
        if trained == ["none-seed3", "drop-seed3"]:
            raise KeyboardInterrupt
        train(config)

    monkeypatch.setattr(cell, "train", killed_once)
    code, _ = run(experiment, *words(pipeline_folder, tmp_path))
    assert code == 130
    code, printed = run(experiment, *words(pipeline_folder, tmp_path))
    assert code == 0, printed
    assert trained == ["none-seed3", "drop-seed3", "drop-seed3"]
    folder = tmp_path / "grid"
    found = read_json(folder / "comparison.json")
    assert set(found["defenses"]) == {"none", "drop"}
    assert found["unfinished"] == {}
    assert [point["steps_per_image"] for point in found["trajectories"]["none"]] == [0.25, 0.5]
    for name in (
        "comparison.html",
        "comparison.md",
        "plane.svg",
        "plane.png",
        "heatmap.svg",
        "trajectory-none.png",
    ):
        assert (folder / name).stat().st_size > 500, name
    utility = read_json(folder / "none-seed3" / "scores" / "utility.report.json")
    assert utility["frechet"] > 0
    page = (folder / "comparison.html").read_text(encoding="utf-8")
    assert "data:image/png;base64" in page
    assert 'src="http' not in page and 'href="http' not in page and "<script" not in page

    monkeypatch.setattr(cell, "_audit", lambda *_: pytest.fail("asked again"))
    code, _ = run(experiment, *words(pipeline_folder, tmp_path))
    assert code == 0
    assert len(trained) == 3
    code, printed = run(
        experiment, *words(pipeline_folder, tmp_path, "finetune.learning_rate=1e-3")
    )
    assert code == 2
    assert "finetune.learning_rate is 0.001 now and was 0.004" in printed


@pytest.mark.slow
def test_a_failed_cell_is_reported_and_the_others_go_on(
    pipeline_folder: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = cell.train

    def failing(config: Any) -> None:
        if config.name.startswith("none"):
            raise RuntimeError("out of memory\nand more")
        train(config)

    monkeypatch.setattr(cell, "train", failing)
    code, printed = run(
        experiment, *words(pipeline_folder, tmp_path, "grid.keep=last", "grid.follow=[]")
    )
    assert code == 2
    assert "failed: RuntimeError: out of memory\n" in printed
    assert "1 of 2 cells failed (none-seed3)" in printed
    assert "Traceback" not in printed
    found = read_json(tmp_path / "grid" / "comparison.json")
    assert set(found["defenses"]) == {"drop"}
    assert found["unfinished"] == {"none-seed3": "RuntimeError: out of memory"}
    assert not (tmp_path / "grid" / "drop-seed3" / "checkpoints").exists()


def test_parts_share_a_grid(pipeline_folder: Path, tmp_path: Path) -> None:
    config = read_config(words(pipeline_folder, tmp_path, "grid.seeds=[1,2,3]"), DEMO)
    parts = [replace(config.grid, part=f"{k}/4").own_cells for k in (1, 2, 3, 4)]
    names = [c.name for part in parts for c in part]
    assert sorted(names) == sorted(c.name for c in config.grid.cells)
    assert len(set(names)) == 6


def test_cells_are_the_defense_s_words_on_the_experiment_s(
    pipeline_folder: Path, tmp_path: Path
) -> None:
    grid = "grid={defenses: {none: [], both: [crop_flip, caption_dropout, finetune.learning_rate=1e-3]}, seeds: [0, 5]}"
    jobs = plan(pipeline_folder, tmp_path, grid)
    assert [job.cell.name for job in jobs] == [
        "none-seed0",
        "both-seed0",
        "none-seed5",
        "both-seed5",
    ]
    both = jobs[3].config
    assert set(both.defenses) == {"random_resized_crop", "flip", "caption_dropout"}
    assert (both.finetune.learning_rate, both.seed, both.folder) == (
        1e-3,
        5,
        tmp_path / "grid" / "both-seed5",
    )
    assert jobs[2].config.finetune.learning_rate == 4e-3


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ["grid={defenses: {none: [], a: [crop_flop]}}"],
            "grid.defenses.a: no overlay 'crop_flop'.*mean 'crop_flip'",
        ),
        (
            ["grid={defenses: {none: [], a: [finetune.learning_rte=1]}}"],
            "grid.defenses.a: unknown key",
        ),
        (
            ["grid={defenses: {none: [], a: [seed=4]}}"],
            "'none' and 'a' collide, they train the same model",
        ),
        (["grid={defenses: {none: [], a: [flip], b: ['defenses=[flip]']}}"], "no overlay 'flip'"),
        (
            ["grid.checkpoints=[0.25,9]"],
            "grid.defenses.none: finetune.checkpoints: 9 steps per image .* training ends",
        ),
        (
            ["grid={defenses: {none: [], a: [rephrasing]}}", "data.source=scenes"],
            "defenses.a: .*rephrasings_column",
        ),
        (
            ["grid={defenses: {none: [], a: [dp, cutmix]}}"],
            "grid.defenses.a: defenses: cutmix put something",
        ),
        (
            ["grid={defenses: {none: [], a: [dp, trainer.gradient_clip_val=1.0]}}"],
            "grid.defenses.a: trainer.gradient_clip_val: contradicts defenses.dp",
        ),
        (
            ["grid={defenses: {none: [], a: [crop_flip, finetune.cache=always]}}"],
            "grid.defenses.a: finetune.cache: cannot always keep latents",
        ),
        (["grid={defenses: {}}"], "names no defense"),
        (["data.rephrasings_column=other", "data.source=nowhere.parquet"], "no file matches"),
    ],
)
def test_bad_grids_are_one_clear_line_before_training(
    pipeline_folder: Path, tmp_path: Path, more: list[str], message: str
) -> None:
    with pytest.raises(UserError, match=message) as error:
        plan(pipeline_folder, tmp_path, *more)
    assert "\n" not in str(error.value)


def test_a_step_budget_leaves_out_the_checkpoints_beyond_it(
    pipeline_folder: Path, tmp_path: Path
) -> None:
    short = "short: [step_budget, defenses.step_budget.steps_per_image=0.3]"
    grid = f"grid={{defenses: {{none: [], {short}}}, checkpoints: [0.2, 0.4]}}"
    reach = {
        job.cell.defense: job.config.finetune.checkpoints
        for job in plan(pipeline_folder, tmp_path, grid)
    }
    assert reach == {"none": [0.2, 0.4], "short": [0.2]}


def test_a_dry_run_needs_no_weights_and_no_accelerator(tmp_path: Path, run: Run) -> None:
    runs = words(
        Path("nobody/nothing"),
        tmp_path,
        "grid.dry_run=true",
        "trainer.accelerator=gpu",
        "trainer.devices=8",
    )
    code, printed = run(experiment, *runs)
    assert code == 0, printed
    assert "2 cells: 2 defenses × 1 seeds, all checked but the weights" in printed
    assert "drop: caption_dropout; audited at 0.25 steps per image and at the end" in printed


@pytest.mark.parametrize(
    "preset", sorted((DEMO.parent / "paper").glob("*.yaml")), ids=lambda file: file.stem
)
def test_the_paper_s_grid_is_checked_without_its_weights(
    preset: Path, tmp_path: Path, run: Run
) -> None:
    from PIL import Image

    (tmp_path / "data").mkdir()
    lines = []
    for k in range(16):
        Image.new("RGB", (16 + k, 20), (16 * k, 0, 99)).save(tmp_path / "data" / f"{k}.png")
        lines.append(
            f'{{"file_name": "{k}.png", "text": "picture {k}", "rephrasings": ["number {k}", "no. '
            f'{k}"]}}'
        )
    (tmp_path / "data" / "metadata.jsonl").write_text("\n".join(lines))
    configs = [
        DEMO.parent / "paper" / "recipe.yaml",
        preset,
        DEMO.parent / "experiments" / "paper.yaml",
    ]
    small = [
        f"data.path={tmp_path / 'data'}",
        "data.members=4",
        "data.nonmembers=4",
        f"runs={tmp_path}",
    ]
    more = [
        "grid.dry_run=true",
        "data.workers=0",
        *(["trainer.max_steps=100"] if preset.stem == "recipe" else []),
    ]
    code, printed = run(experiment, *map(str, configs), *small, *more)
    assert code == 0, printed
    assert "6 cells: 6 defenses × 1 seeds" in printed
    code, printed = run(
        experiment,
        *map(str, configs),
        *small,
        *more,
        "data.rephrasings_column=absent",
        "name=other",
    )
    assert code == 2
    assert "data.rephrasings_column: " in printed and "has no column 'absent'" in printed


# the comparison


def measured(
    defense: str, seed: int, shift: float, loss: float, *, step: int = 100, final: bool = True
) -> Measured:
    """Scores of 200 members, shifted, and 200 hold-outs; noise and losses depend on the seed
    alone.
    """
    dice = np.random.default_rng(seed)
    member = np.arange(400) < 200
    noise, base = dice.normal(size=400), dice.gamma(4, 1, size=200)
    useful = Usefulness(loss * base, 0.1 * base, 0.9 * float(base.mean()))
    ids = tuple(f"r{k:03d}" for k in range(400))
    scores = {"weak": noise + 0.3 * shift * member, "strong": noise + shift * member}
    return Measured(defense, seed, step, step / 200, step / 20, final, ids, member, scores, useful)


TITLES = {"weak": "Weak", "strong": "Strong"}


def grid_of(*models: Measured) -> Comparison:
    found = compare(models, "none", TITLES, {})
    assert found is not None
    return found


def test_a_comparison_averages_seeds_and_pairs_records() -> None:
    models = [
        measured(d, s, shift, loss)
        for s in (0, 1, 2)
        for d, shift, loss in (("none", 1, 1), ("a", 0.5, 1.02))
    ]
    found = grid_of(*models)
    assert found.headline == "strong"
    none, a = found.defenses["none"], found.defenses["a"]
    by_hand = [
        float(auroc(curve(m.scores["strong"], m.member))) for m in models if m.defense == "none"
    ]
    assert none.attacks["strong"].auroc.runs == pytest.approx(tuple(by_hand))
    assert none.attacks["strong"].auroc.value == pytest.approx(np.mean(by_hand))
    change = a.attacks["strong"].change
    assert change is not None and change.high < 0
    width = none.attacks["strong"].auroc.high - none.attacks["strong"].auroc.low
    assert change.high - change.low < 0.7 * width  # paired: the noise is shared
    assert a.loss_change is not None
    assert (a.loss_change.value, a.loss_change.low, a.loss_change.high) == pytest.approx(
        (0.02, 0.02, 0.02)
    )
    assert none.attacks["strong"].change is None
    assert found.pareto == ["none", "a"]
    said = " ".join(findings(found))
    assert "a helps: AUROC of strong -" in said and "2.0 % worse" in said


def test_a_defense_without_effect_is_not_called_one() -> None:
    found = grid_of(measured("none", 0, 1, 1), measured("same", 0, 1, 1), measured("bad", 0, 2, 2))
    assert "same makes no difference that shows" in " ".join(findings(found))
    assert "bad harms" in " ".join(findings(found))
    assert found.pareto == ["none", "same"]
    assert "bad" in terminal(found)


def test_cells_are_compared_over_the_seeds_that_both_have() -> None:
    found = grid_of(measured("none", 0, 1, 1), measured("a", 0, 0.5, 1), measured("a", 1, 0.5, 1))
    change = found.defenses["a"].attacks["strong"].change
    assert change is not None and len(change.runs) == 1 and change.run_low is None
    assert len(found.defenses["a"].seeds) == 2
    lone = compare([measured("a", 0, 0.5, 1)], "none", TITLES, {"none-seed0": "out of memory"})
    assert lone is not None and lone.defenses["a"].attacks["strong"].change is None
    assert "Not finished: none-seed0 (out of memory)." in findings(lone)
    assert compare([], "none", TITLES, {}) is None


def test_a_trajectory_joins_checkpoints_and_ends() -> None:
    path = [
        measured("none", s, shift, 1, step=step, final=step == 100)
        for s in (0, 1)
        for step, shift in ((10, 0.0), (50, 0.5), (100, 1.0))
    ]
    stopped = [measured("stopped", seed, 0.2, 1, step=step) for seed, step in ((0, 40), (1, 60))]
    points = grid_of(*path, *stopped).trajectories
    assert set(points) == {"none"}
    assert [p.steps_per_image for p in points["none"]] == [0.05, 0.25, 0.5]
    values = [p.attacks["strong"].auroc.value for p in points["none"]]
    assert values == sorted(values) and {p.seeds for p in points["none"]} == {2}


def coverage(
    draw: Callable[[np.random.Generator], float], interval: Callable[..., tuple[float, float]]
) -> float:
    hits = []
    for trial in range(300):
        dice = np.random.default_rng(trial)
        low, high = interval(dice)
        hits.append(low <= draw(dice) <= high)
    return float(np.mean(hits))


def test_pooled_intervals_cover_the_truth() -> None:
    """Over records: given the runs. Over runs: where every run has a mean of its own."""

    def over_records(dice: np.random.Generator) -> tuple[float, float]:
        runs = [dice.normal(size=100) for _ in range(3)]
        found = pool(
            [float(r.mean()) for r in runs], [replicate_means(r, k) for k, r in enumerate(runs)]
        )
        return found.low, found.high

    def over_runs(dice: np.random.Generator) -> tuple[float, float]:
        runs = [dice.normal(dice.normal(), size=50) for _ in range(3)]
        found = pool(
            [float(r.mean()) for r in runs], [replicate_means(r, k) for k, r in enumerate(runs)]
        )
        assert found.run_low is not None and found.run_high is not None
        return found.run_low, found.run_high

    assert 0.90 <= coverage(lambda _: 0.0, over_records) <= 0.99
    assert 0.91 <= coverage(lambda _: 0.0, over_runs) <= 0.99
