"""`compare`: several targets in one table, each attack's figures and how they differ from those of
the first.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from lit_clid import console
from lit_clid.commands.rejudging import judged_again
from lit_clid.errors import UserError, few
from lit_clid.files import write_text
from lit_clid.judging.judge import Judgement
from lit_clid.judging.notation import interval
from lit_clid.judging.report.markdown import literal, table
from lit_clid.judging.report.papers import grid_tex, runs_csv
from lit_clid.judging.versus import from_first, same_records

OUT = "out="


def main(arguments: Sequence[str]) -> None:
    """Compare RUN RUN …

    Raises:
        UserError: for fewer than two runs, or runs without a common attack.
    """
    places = [Path(word).expanduser() for word in arguments if "=" not in word]
    words = [word for word in arguments if "=" in word and not word.startswith(OUT)]
    if len(places) < 2:
        raise UserError("compare: name two runs or more, as in lit-clid compare runs/a runs/b")
    runs = _named(places, words)
    common = _common(runs)
    if not common:
        raise UserError(f"compare: {few(list(runs))} have no attack in common")
    rows = [("attack", *runs), *_figures(runs, common)]
    against = list(_differences(runs, common))
    console.say(f"AUROC [95 %]\n{console.aligned(rows, ruled=True)}\n")
    console.say(f"AUROC minus that of {next(iter(runs))}\n{console.aligned(against, ruled=True)}")
    console.say(f"\n{_pairing(runs)}")
    folders = [Path(word.removeprefix(OUT)) for word in arguments if word.startswith(OUT)]
    for folder in folders[-1:]:
        _write(folder.expanduser(), runs, common, [rows, against])


def _named(places: Sequence[Path], words: Sequence[str]) -> dict[str, Judgement]:
    """Judgements by the shortest names that tell them apart."""
    names = [place.resolve().name for place in places]
    if len(set(names)) < len(names):
        names = [str(place) for place in places]
    if len(set(names)) < len(names):
        raise UserError(f"compare: {few(names)} names a run twice")
    return {name: judged_again(p, words) for name, p in zip(names, places, strict=True)}


def _common(runs: Mapping[str, Judgement]) -> list[str]:
    """Attacks that every run has, strongest in the first one first."""
    inside = [judgement.grades.keys() for judgement in runs.values()]
    shared = set.intersection(*map(set, inside))
    return [name for name, _ in _first(runs).ranked if name in shared]


def _first(runs: Mapping[str, Judgement]) -> Judgement:
    return next(iter(runs.values()))


def _figures(runs: Mapping[str, Judgement], attacks: Sequence[str]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name in attacks:
        rows.append((name, *(interval(each.grades[name].auroc) for each in runs.values())))
    return rows


def _differences(runs: Mapping[str, Judgement], attacks: Sequence[str]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("attack", *list(runs)[1:])]
    for name in attacks:
        found = from_first(runs, name).values()
        rows.append((name, *(interval(each["auroc"], sign=True) for each in found)))
    return rows


def _pairing(runs: Mapping[str, Judgement]) -> str:
    """What the intervals of the differences rest on."""
    first, *others = runs
    paired = [name for name in others if same_records(runs[first], runs[name])]
    if len(paired) == len(others):
        return "Differences are paired: all runs are graded on the same records."
    if not paired:
        return "Differences are not paired: the runs are graded on different records."
    return f"Differences of {few(paired)} are paired with {first}, those of other records are not."


def _write(
    folder: Path,
    runs: Mapping[str, Judgement],
    attacks: Sequence[str],
    tables: Sequence[Sequence[Sequence[str]]],
) -> None:
    parts: list[str] = []
    for heading, *lines in tables:
        cells = [list(map(literal, line)) for line in lines]
        parts.append(table(list(map(literal, heading)), cells))
    parts.append(_pairing(runs))
    write_text(folder / "compare.md", "\n\n".join(parts) + "\n")
    write_text(folder / "compare.tex", "\n".join(grid_tex(rows) for rows in tables))
    write_text(folder / "compare.csv", runs_csv(runs, attacks))
    console.say(f"see {folder / 'compare.csv'}, .md and .tex")
