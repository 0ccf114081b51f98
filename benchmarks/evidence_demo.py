"""What is found about suspects on the demo, whose members are known: written into docs/evidence.md.

    python benchmarks/evidence_demo.py [--run runs/demo] [--sets 200]

Members and hold-outs of a finished audit pose as suspects, of the target and of the reference,
which has to be asked everything (`audit.reference_attacks=null`); the tables are those of the run,
and no model is asked.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from evidence import PAGE, percent
from pages import insert
from scipy.stats import kstest

from lit_clid.judging.calibration import calibrate
from lit_clid.judging.rules import RULES
from lit_clid.judging.suspects import together
from lit_clid.judging.suspects.asking import Ranks, evidence_of_pairs, plan_asking
from lit_clid.judging.suspects.listing import list_suspects
from lit_clid.judging.suspects.together import needed, set_test
from lit_clid.judging.tables import load_tables
from lit_clid.scores import Scores

ATTACK = "clir"
"""The default where no shadow says which attack speaks."""
ORDERS = 50


@dataclass(frozen=True)
class World:
    """One model's answers about the demo's records.

    Args:
        columns: of the attack (N, F).
        score: (N,), its rule fitted on the shadow.
        member: (N,) bool.
        shadow: scores of the shadow's records, and who is a member.
    """

    columns: np.ndarray
    score: np.ndarray
    member: np.ndarray
    shadow: tuple[np.ndarray, np.ndarray]


def world(table: Scores, shadow: Scores) -> World:
    spec = table.about.attacks[ATTACK]
    columns, seen = table.columns(spec.columns), shadow.columns(spec.columns)
    verdict = calibrate(RULES[spec.rule], columns, (seen, shadow.member))
    assert verdict is not None and verdict.shadow_score is not None
    return World(columns, verdict.score, table.member, (verdict.shadow_score, shadow.member))


def p_values(of: World, draw: Callable[[np.random.Generator], np.ndarray], sets: int) -> np.ndarray:
    """p of the set test of so many sets of suspects, beside the hold-outs that are not in them.

    Args:
        draw: rows of a set.
    """
    found: list[float] = []
    for seed in range(sets):
        rows = draw(np.random.default_rng(seed))
        rest = np.setdiff1d(np.flatnonzero(~of.member), rows)
        found.append(set_test(of.score[rows], of.score[rest], of.shadow, seed).p)
    return np.array(found)


def set_lines(models: Mapping[str, World], sets: int) -> list[str]:
    note = ""
    lines = ["| suspects | model | p, median | p < 0.001, % | p ≤ 0.05, % |", "|---" * 5 + "|"]
    for name, of in models.items():
        inside, outside = np.flatnonzero(of.member), np.flatnonzero(~of.member)
        for kind, pool in (("32 members", inside), ("32 hold-outs", outside)):

            def draw(dice: np.random.Generator, pool: np.ndarray = pool) -> np.ndarray:
                return dice.choice(pool, 32, replace=False)

            p = p_values(of, draw, sets)
            rates = [percent((p < 0.001).tolist()), percent((p <= 0.05).tolist())]
            lines.append(f"| {kind} | {name} | {np.median(p):.2g} | {rates[0]} | {rates[1]} |")
            if kind == "32 hold-outs" and name == "target":
                uniform = kstest(p, "uniform").pvalue
                note = (
                    f"p of hold-outs against a uniform distribution (Kolmogorov): {uniform:.2f}. "
                    "The sets are drawn from one pool of 256 and share records: what the base "
                    "shows of the members as a whole is in all of them."
                )
    return [*lines, "", note]


def list_line(of: World, sets: int) -> str:
    """Half of 128 suspects are members: how many are named at 10 %, and how many wrongly."""
    wrong, named = list[float](), list[int]()
    inside, outside = np.flatnonzero(of.member), np.flatnonzero(~of.member)
    for seed in range(sets):
        dice = np.random.default_rng(seed)
        rows = np.concatenate([dice.choice(each, 64, replace=False) for each in (inside, outside)])
        rest = np.setdiff1d(outside, rows)
        found = list_suspects(of.score[rows], of.score[rest], 0.1).named
        named.append(len(found))
        wrong.append(float(np.mean(~of.member[rows[list(found)]])) if found else 0.0)
    error = np.std(wrong) / np.sqrt(sets)
    return (
        f"Half of 128 suspects members, list at a rate of 10 %, {sets} sets: {np.mean(named):.1f} "
        f"named on average, {100 * np.mean(wrong):.1f} ± {100 * error:.1f} % of them wrongly."
    )


def sequential_lines(of: World) -> list[str]:
    """Records asked until α = 1 %, over random orders, beside those that the fixed test needs."""
    names = np.array([f"{k}" for k in range(len(of.member))])
    place = {name: k for k, name in enumerate(names.tolist())}
    ours, theirs = names[of.member].tolist(), names[~of.member].tolist()
    by_ranks, by_pairs = list[float](), list[float]()
    for seed in range(ORDERS):
        plan = plan_asking(ours, theirs, shadow=False, seed=seed)
        rows = [place[name] for name in plan.ids]
        rule = RULES["scaled_mean"]
        evidence = Ranks(rule, plan.suspect, seed).evidence(of.columns[rows])
        reached = np.flatnonzero(evidence >= np.log(100))
        asked = np.flatnonzero(plan.suspect)[reached[0]] + 1 if len(reached) else np.inf
        by_ranks.append(float(asked))
        plan = plan_asking(ours, theirs, shadow=True, seed=seed)
        rows = [place[name] for name in plan.ids]
        pairs = evidence_of_pairs(of.score[rows], plan.suspect, of.shadow)
        assert pairs is not None
        first = np.flatnonzero(pairs >= np.log(100))
        by_pairs.append(2.0 * (first[0] + 1) if len(first) else np.inf)
    every, ours_score = len(of.member), of.score[of.member]
    fixed = needed(ours_score, of.score[~of.member])
    lines = ["| asked until α = 1 % | median | 90 % | share of all records, % |", "|---" * 4 + "|"]
    for name, found in (("by ranks, no shadow", by_ranks), ("by pairs, with a shadow", by_pairs)):
        middle, high = np.median(found), np.quantile(found, 0.9, method="higher")
        lines.append(f"| {name} | {middle:.0f} | {high:.0f} | {100 * middle / every:.0f} |")
    lines.append(f"| all, the fixed test | {every} | {every} | 100 |")
    return [
        *lines,
        "",
        f"The fixed test has power 0.9 from {fixed} suspects on, beside 256 hold-outs.",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="runs/demo")
    parser.add_argument("--sets", type=int, default=200)
    arguments = parser.parse_args()
    together.PERMUTATIONS = together.FEWEST = 1999
    table, others = load_tables(str(Path(arguments.run) / "scores"), None)
    shadow, reference, beside = (others[n] for n in ("shadow", "reference", "reference_shadow"))
    assert shadow is not None and reference is not None and beside is not None
    models = {"target": world(table, shadow), "base": world(reference, shadow)}
    made = [*set_lines(models, arguments.sets), "", list_line(models["target"], arguments.sets), ""]
    made += sequential_lines(models["target"])
    print("\n".join(made))
    PAGE.write_text(insert(PAGE.read_text(encoding="utf-8"), "demo", "\n".join(made)), "utf-8")


if __name__ == "__main__":
    main()
