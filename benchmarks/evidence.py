"""Do the tests of suspects keep their promises? Simulated worlds whose truth is known, written into
docs/evidence.md.

    python benchmarks/evidence.py [--worlds 1000] [--only TABLE] [--signals FOLDER]

With a folder of published signals (clid_coco_target.csv and clid_coco_shadow.csv) the same is asked
of Stable Diffusion 1.4 tuned on MS-COCO.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from pages import insert
from scipy.stats import norm

from lit_clid.judging.calibration import calibrate
from lit_clid.judging.evidence import Estimate, estimate
from lit_clid.judging.rates import capped_rate
from lit_clid.judging.roc import tpr_at_fpr
from lit_clid.judging.rules import RULES
from lit_clid.judging.suspects import together
from lit_clid.judging.suspects.asking import Ranks, evidence_of_pairs, plan_asking
from lit_clid.judging.suspects.combined import combined_test
from lit_clid.judging.suspects.listing import list_suspects
from lit_clid.judging.suspects.sequence import ask_in_order
from lit_clid.judging.suspects.share import share
from lit_clid.judging.suspects.together import set_test
from lit_clid.scores import Scores

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "evidence.md"
SHIFT = 1.19
"""Members score N(SHIFT, 1), hold-outs N(0, 1): an AUROC of 0.8."""
Pair = tuple[np.ndarray, np.ndarray]
"""Scores of suspects and of hold-outs, or scores of a shadow and who is a member of it."""


def world(seed: int, suspects: int, holdouts: int, members: float) -> tuple[Pair, np.ndarray]:
    """A set of which a share are members, its hold-outs, and which suspects are members."""
    dice = np.random.default_rng(seed)
    member = np.arange(suspects) < round(members * suspects)
    ours = dice.normal(size=suspects) + SHIFT * member
    return (ours, dice.normal(size=holdouts)), member


def shadow(seed: int, count: int = 500) -> Pair:
    dice = np.random.default_rng(10**6 + seed)
    member = np.arange(2 * count) < count
    return dice.normal(size=2 * count) + SHIFT * member, member


def percent(hits: Sequence[bool]) -> str:
    """A rate with its simulation error."""
    rate = float(np.mean(hits))
    return f"{100 * rate:.1f} ± {100 * (rate * (1 - rate) / len(hits)) ** 0.5:.1f}"


def null_sets(worlds: int) -> str:
    """How often sets that were not trained on are accused."""
    together.PERMUTATIONS = together.FEWEST = 999
    lines = ["| test, of sets without a member | suspects / hold-outs | at 5 %, % | at 1 %, % |"]
    lines.append("|---" * 4 + "|")

    def row(name: str, m: int, n: int, p: Callable[[int, Pair], float], count: int) -> None:
        found = np.array([p(seed, world(seed, m, n, 0.0)[0]) for seed in range(count)])
        rates = [percent((found <= level).tolist()) for level in (0.05, 0.01)]
        lines.append(f"| {name} | {m} / {n} | {rates[0]} | {rates[1]} |")

    for m, n in ((30, 100), (100, 500)):
        row("ranks", m, n, lambda s, pair: set_test(*pair, None, s).p, worlds)
        fitted = "likelihood ratio from the shadow"
        row(fitted, m, n, lambda s, pair: set_test(*pair, shadow(s), s).p, worlds)
        row("Welch (approximate)", m, n, lambda s, pair: together.welch_p(*pair) or 0.0, worlds)
        looked = "sequential, looked at after every suspect"
        row(looked, m, n, lambda s, pair: ask_in_order(*pair, 0.05, s).p, worlds)

    def combined(seed: int, pair: Pair) -> float:
        dice = np.random.default_rng(10**8 + seed)  # not those that permute the labels
        found = combined_test(dice.normal(size=(30, 20)), dice.normal(size=(30, 20)), 99, seed)
        assert found is not None
        return found.p

    row("20 signals together, 99 permutations", 30, 30, combined, worlds)
    return "\n".join(lines)


def looks(worlds: int) -> str:
    """How often an audit that stops by itself accuses sets without a member, and what it asks."""
    lines = ["| evidence | members, of 100 | stops at 5 %, % | at 1 %, % | asked at 1 %, median |"]
    lines.append("|---" * 5 + "|")
    for by in ("ranks, scales moving", "pairs, with a shadow"):
        for share_of in (0.0, 0.5, 1.0):
            found, asked = [], []
            for seed in range(worlds if share_of == 0 else min(worlds, 200)):
                evidence, places = _looked(seed, share_of, by)
                reached = np.flatnonzero(evidence >= np.log(100))
                found.append(evidence.max())
                asked.append(places[reached[0]] if len(reached) else np.inf)
            rates = [percent((np.array(found) >= np.log(1 / a)).tolist()) for a in (0.05, 0.01)]
            middle = _whole(float(np.median(asked)))
            lines.append(f"| {by} | {100 * share_of:.0f} % | {rates[0]} | {rates[1]} | {middle} |")
    return "\n".join(lines)


def _looked(seed: int, members: float, by: str) -> tuple[np.ndarray, np.ndarray]:
    """log E as it grew, and how many of 100 suspects and 200 others had been asked by then."""
    (ours, theirs), _ = world(seed, 100, 200, members)
    suspects = [f"s{k}" for k in range(100)]
    others = [f"h{k}" for k in range(200)]
    plan = plan_asking(suspects, others, shadow=by.startswith("pairs"), seed=seed)
    score = np.empty(300)
    score[plan.suspect] = np.random.default_rng(seed).permutation(ours)
    score[~plan.suspect] = theirs
    if plan.by == "pairs":
        evidence = evidence_of_pairs(score, plan.suspect, shadow(seed))
        assert evidence is not None
        return evidence, 2 * np.arange(1, len(evidence) + 1)
    dice = np.random.default_rng(10**7 + seed)
    columns = np.column_stack([score, score + dice.normal(size=300)])
    evidence = Ranks(RULES["scaled_mean"], plan.suspect, seed).evidence(columns)
    return evidence, np.flatnonzero(plan.suspect) + 1


def intervals(worlds: int) -> str:
    """How often intervals of capped rates hold the truth, by both constructions."""
    lines = [
        "| rate | hold-outs | they allow | binomial–beta covers, % (width) | bootstrap, % (width) |"
    ]
    lines.append("|---" * 5 + "|")
    for cap, n in ((0.01, 100), (0.01, 200), (0.01, 256), (0.01, 500), (0.01, 2500), (0.001, 1000)):
        truth = float(1 - norm.cdf(norm.ppf(1 - cap) - SHIFT))
        covered, widths = [list[bool](), list[bool]()], [list[float](), list[float]()]
        for seed in range(min(worlds, 300)):
            (ours, theirs), _ = world(seed, n, n, 1.0)
            score, member = np.concatenate([ours, theirs]), np.arange(2 * n) < n
            bootstrap = estimate({"x": tpr_at_fpr(cap)}, score, member)["x"]
            for k, each in enumerate((capped_rate(score, member, cap), bootstrap)):
                assert isinstance(each, Estimate)
                covered[k].append(each.low <= truth <= each.high)
                widths[k].append(each.high - each.low)
        told = [f"{percent(covered[k])} ({np.mean(widths[k]):.2f})" for k in (0, 1)]
        lines.append(f"| TPR at {100 * cap:g} % FPR | {n} | {n * cap:g} | {told[0]} | {told[1]} |")
    return "\n".join(lines)


def shares(worlds: int) -> str:
    """How often the lower bound holds, and what it says."""
    lines = ["| share of members | bound | holds, % | mean bound | interval covers, % |"]
    lines.append("|---" * 5 + "|")
    for truth in (0.0, 0.1, 0.5, 1.0):
        for name, fitted in (("all thresholds", False), ("threshold of the shadow", True)):
            lows, covers = [], []
            for seed in range(worlds):
                pair, _ = world(seed, 256, 256, truth)
                found = share(*pair, shadow(seed) if fitted else None)
                lows.append(found.low)
                told = found.between.as_json()
                if told["value"] is not None:
                    covers.append(told["low"] <= truth <= told["high"])  # type: ignore[operator]
            holds = percent([low <= round(truth * 256) / 256 for low in lows])
            covered = percent(covers) if covers else "–"
            lines.append(f"| {truth:g} | {name} | {holds} | {np.mean(lows):.3f} | {covered} |")
    return "\n".join(lines)


def lists(worlds: int) -> str:
    """Whether the false-discovery rate is kept, and how many members are named."""
    lines = ["| members | rate asked, % | wrong among the named, % | members named, % |"]
    lines.append("|---" * 4 + "|")
    for members in (0.0, 0.1, 0.5):
        for rate in (0.05, 0.1, 0.2):
            wrong, found = [], []
            for seed in range(worlds):
                pair, member = world(seed, 400, 1000, members)
                names = list(list_suspects(*pair, rate).named)
                wrong.append(float((~member[names]).mean()) if names else 0.0)
                found.append(member[names].sum() / max(1, member.sum()))
            spread = 100 * np.std(wrong) / worlds**0.5
            lines.append(
                f"| {100 * members:.0f} % of 400 | {100 * rate:.0f} | "
                f"{100 * np.mean(wrong):.1f} ± {spread:.1f} | {100 * np.mean(found):.1f} |"
            )
    return "\n".join(lines)


def published(folder: Path, worlds: int) -> str:
    """Sets drawn from the published signals of a real model, CLiD_th fitted on its shadow."""
    columns = ["d1", "d2", "d3", "l"]
    target, other = (
        Scores.load(folder / f"clid_coco_{name}.csv", columns) for name in ("target", "shadow")
    )
    fitted = other.columns(columns), other.member
    verdict = calibrate(RULES["robust_mix"], target.columns(columns), fitted)
    assert verdict is not None and verdict.shadow_score is not None
    beside = verdict.shadow_score, other.member
    inside, outside = verdict.score[target.member], verdict.score[~target.member]
    lines = [
        "| suspects | members of them | p ≤ 0.01, % | stops after (median / 90 %) | "
        "share, mean bound | named at 10 %, wrong of them, % |"
    ]
    lines.append("|---" * 6 + "|")
    for count, members in ((5, 1.0), (20, 1.0), (100, 0.5), (100, 0.1), (100, 0.0)):
        tests, stops, lows, named, wrong = [], [], [], [], []
        for seed in range(worlds):
            dice = np.random.default_rng(seed)
            own = round(members * count)
            rest = dice.permutation(outside)
            holdouts, more = rest[:500], rest[500 : 500 + count - own]
            ours = np.concatenate([dice.permutation(inside)[:own], more])
            member, order = np.arange(count) < own, dice.permutation(count)
            tests.append(set_test(ours, holdouts, beside, seed).p <= 0.01)
            stopped = ask_in_order(ours[order], holdouts, 0.01, seed).stopped
            stops.append(np.inf if stopped is None else stopped)
            lows.append(share(ours, holdouts, beside).low)
            names = list(list_suspects(ours, holdouts, 0.1).named)
            named.append(len(names))
            wrong.append(float((~member[names]).mean()) if names else 0.0)
        ends = [_whole(float(np.quantile(stops, q, method="higher"))) for q in (0.5, 0.9)]
        lines.append(
            f"| {count} | {100 * members:.0f} % | {percent(tests)} | {ends[0]} / {ends[1]} | "
            f"{np.mean(lows):.3f} | {np.mean(named):.1f}, {100 * np.mean(wrong):.1f} |"
        )
    return "\n".join(lines)


def _whole(value: float) -> str:
    return "–" if np.isinf(value) else f"{value:.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--worlds", type=int, default=1000)
    parser.add_argument("--only", help="null, looks, share, list or intervals")
    parser.add_argument("--signals", type=Path, help="folder of published signals")
    arguments = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    tables = {"null": null_sets, "looks": looks, "share": shares, "list": lists}
    tables |= {"intervals": intervals}
    if arguments.only is not None:
        tables = {arguments.only: tables[arguments.only]}
    for name, simulate in tables.items():
        page = insert(page, name, simulate(arguments.worlds))
        PAGE.write_text(page, encoding="utf-8")
        print(f"{name}: written")
    if arguments.signals is not None:
        made = published(arguments.signals, min(arguments.worlds, 300))
        PAGE.write_text(insert(page, "published", made), encoding="utf-8")
        print("published: written")


if __name__ == "__main__":
    main()
