"""The grid: planned as a whole, refused before training."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from runs import DEMO, Run, words

from lit_clid.commands.experiment.plan import check_jobs, read_jobs
from lit_clid.commands.reading import read
from lit_clid.errors import UserError


def plan(base: Path, runs: Path, *more: str, dry: bool = False) -> list[Any]:
    arguments = words(base, runs, *more)
    return check_jobs(read_jobs(arguments, read(arguments), DEMO), dry=dry)


def test_parts_share_a_grid(pipeline_folder: Path, tmp_path: Path) -> None:
    config = read(words(pipeline_folder, tmp_path, "grid.seeds=[1,2,3]"))
    parts = [replace(config.grid, part=f"{k}/4").own_cells for k in (1, 2, 3, 4)]
    names = [c.name for part in parts for c in part]
    assert sorted(names) == sorted(c.name for c in config.grid.cells)
    assert len(set(names)) == 6


def test_cells_are_the_defense_s_words_on_the_experiment_s(
    pipeline_folder: Path, tmp_path: Path
) -> None:
    overlays = "[crop_flip, caption_dropout, finetune.learning_rate=1e-3]"
    grid = f"grid={{defenses: {{none: [], both: {overlays}}}, seeds: [0, 5]}}"
    jobs = plan(pipeline_folder, tmp_path, grid)
    assert [job.cell.name for job in jobs] == [
        "none-seed0",
        "both-seed0",
        "none-seed5",
        "both-seed5",
    ]
    both = jobs[3].config
    assert set(both.defenses.chosen) == {"random_resized_crop", "flip", "caption_dropout"}
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
    code, printed = run("experiment", *runs)
    assert code == 0, printed
    assert "2 cells: 2 defenses × 1 seeds, all checked but the weights" in printed
    assert "drop: caption_dropout; audited at 0.25 steps per image and at the end" in printed


@pytest.mark.slow
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
    code, printed = run("experiment", *map(str, configs), *small, *more)
    assert code == 0, printed
    assert "6 cells: 6 defenses × 1 seeds" in printed
    code, printed = run(
        "experiment",
        *map(str, configs),
        *small,
        *more,
        "data.rephrasings_column=absent",
        "name=other",
    )
    assert code == 2
    assert "data.rephrasings_column: " in printed and "has no column 'absent'" in printed
