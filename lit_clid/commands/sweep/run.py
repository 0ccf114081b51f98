"""Sweep timesteps and draws on a run's shadow model.

AUROC is plotted against t and the choice written as a config.
"""

import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from lit_clid import console
from lit_clid.auditing.attacks import CLiD, CLiR, Loss
from lit_clid.auditing.lineage import Model, check_split, find_models
from lit_clid.auditing.losses import Grid
from lit_clid.auditing.sittings import Shelf, Sitting, check_sittings
from lit_clid.auditing.swept import Losses, Swept, read_losses
from lit_clid.commands.apart import refuse_parts
from lit_clid.commands.checks import check_members, check_once
from lit_clid.commands.holding import held
from lit_clid.commands.reading import Settings, read
from lit_clid.commands.sitting import table_of
from lit_clid.commands.splits import split_of
from lit_clid.commands.sweep.plan import choose_all, overlay, wishes
from lit_clid.commands.trying import refuse_dry
from lit_clid.config.reading import DEMO, config_text
from lit_clid.errors import UserError
from lit_clid.files import write_text
from lit_clid.judging import plots
from lit_clid.judging.choice import Choice, at_each_timestep
from lit_clid.judging.evidence import Estimate
from lit_clid.models.levels import STEPS

PROXY = (
    "AUROCs are of the caption against the empty caption alone, "
    "whatever texts the attack asks about."
)
SHOWN = {
    "loss": Swept(Loss(), "t"),
    "discrepancy": Swept(CLiD("null"), "t"),
    "noisy ratio": Swept(CLiR(), "t"),
    "still ratio": Swept(CLiR(), "still"),
}
"""What the figure shows."""


def main(arguments: Sequence[str]) -> None:
    config = read(arguments)
    refuse_dry(config, "a sweep")
    refuse_parts(config, "a sweep")
    with held(config.folder):
        _sweep(config, arguments)


def _sweep(config: Settings, arguments: Sequence[str]) -> None:
    check_once(config, "a sweep")
    attacks = config.attacks
    grid = Grid(tuple(config.sweep.t), config.sweep.draws)
    late = [t for t in grid.t if t >= STEPS]
    if late:
        raise UserError(f"sweep.t: {late} lie outside the model's schedule of {STEPS} steps")
    wanted = wishes(attacks, grid)
    models = find_models(config.folder, config.audit, config.target, "shadow")
    split = split_of(config, models["shadow"].source)
    check_members(config, split, models["shadow"], "shadow")
    check_split(models, split)
    sitting = Sitting("sweep", "shadow", models["shadow"], {"grid": grid})
    targets = Shelf([sitting.model], config.audit)
    for line in check_sittings([sitting], targets, split):
        console.say(f"note: {line}")
    scores = table_of(sitting, targets[sitting.model], config, split)
    if not console.is_first_process() or scores is None:
        return
    losses = read_losses(scores, grid)
    choices = choose_all(wanted, losses)
    folder = config.folder / "sweep"
    figure, chosen = folder / "sweep.svg", folder / "attacks.yaml"
    write_text(figure, plots.sweep_figure(grid.t, intervals(losses)))
    head = (
        f"Chosen on the shadow of the run '{config.name}' ({len(scores.ids)} records) by "
        "lit-clid sweep."
    )
    write_text(chosen, f"# {head}\n# {PROXY}\n{config_text(overlay(attacks, choices))}")
    console.say(f"\n{table(choices)}\n\n{PROXY}\n\nfigure: {figure}\nconfig: {chosen}")
    console.say(f"next: {next_command(arguments, chosen, config.name, models)}")


def next_command(
    arguments: Sequence[str], overlay: Path, name: str, models: Mapping[str, Model]
) -> str:
    """The audit with the chosen timesteps, of the same models under another name."""
    files = [word for word in arguments if "=" not in word] or [str(DEMO)]
    own = ("attacks=", "name=", "audit.target=", "audit.shadow=", "sweep.")
    kept = [word for word in arguments if "=" in word and not word.startswith(own)]
    alone = [(role, model.source) for role, model in models.items() if not model.source.parts]
    named = [f"audit.{role}={source.path}" for role, source in alone]
    words = [*files, str(overlay), f"name={name}-swept", *kept, *named]
    return shlex.join(["lit-clid", "audit", *words])


def intervals(losses: Losses) -> dict[str, list[Estimate]]:
    """AUROC of every kind of score at every single timestep, one draw, with its interval."""
    found: dict[str, list[Estimate]] = {}
    for name, swept in SHOWN.items():
        score = partial(swept.score, losses)
        found[name] = at_each_timestep(score, losses.member, losses.t)
    return found


def table(choices: Mapping[str, list[tuple[Swept, Choice]]]) -> str:
    """One line per attack and field."""
    lines = [("attack", "field", "timesteps × draws", "held out", "before", "")]
    for name, chosen in choices.items():
        for swept, choice in chosen:
            t, draws = choice.draws
            before = "–" if choice.before is None else f"{choice.before:.3f}"
            kept = "kept: no better on held-out records" if choice.kept else "chosen"
            asked, held_out = f"{list(t)} × {draws}", f"{choice.held_out:.3f}"
            lines.append((name, swept.field, asked, held_out, before, kept))
    return console.aligned(lines)
