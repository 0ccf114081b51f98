"""What does the zoo cost beyond its distinct queries? `python benchmarks/zoo_cost.py`.

Three ratios, each measured in one run on critters and the embedded base, medians of the rounds:
- all grey-box attacks together, against as many bare calls of the denoiser as they have distinct
  queries;
- attacks whose answers are already there, added to those that asked for them;
- GSA's gradients of a batch, against those of its records one by one, and against one plain
  backward pass per loss.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

import torch

from lit_clid.auditing.attacks import ATTACKS, GSA, Attack
from lit_clid.auditing.conditions import CAPTION
from lit_clid.auditing.ledger import count_queries
from lit_clid.auditing.oracle import ModelOracle
from lit_clid.auditing.questions import Batch, Question
from lit_clid.data.drawings.critters import critter
from lit_clid.data.images import to_tensor
from lit_clid.models.load import load_target
from lit_clid.models.pipeline import PipelineTarget
from lit_clid.models.white_box import NetworkGradients

GREY_BOX = {name: attack for name, attack in ATTACKS.items() if not isinstance(attack, GSA)}
ASKED = ("monte_carlo", "clid_th", "clid_th_clip", "clid_th_noise", "clir", "pia")
THERE = (
    "clid_vec",
    "clid_th_null",
    "clid_vec_null",
    "clid_vec_clip",
    "clid_vec_noise",
    "clir_5",
    "loss",
)


def drawings(count: int) -> Batch:
    found = [critter(k) for k in range(count)]
    images = torch.stack([to_tensor(drawing.image) for drawing in found])
    names = tuple(f"critter-{k}" for k in range(count))
    return Batch(names, images, tuple(drawing.caption for drawing in found))


def batches(records: Batch, size: int) -> list[Batch]:
    starts = range(0, len(records.ids), size)
    return [
        Batch(
            records.ids[k : k + size], records.images[k : k + size], records.captions[k : k + size]
        )
        for k in starts
    ]


def ask(target: PipelineTarget, records: Sequence[Batch], attacks: Mapping[str, Attack]) -> None:
    for batch in records:
        oracle = ModelOracle(target, batch)
        for attack in attacks.values():
            attack.signal(oracle)


def bare(target: PipelineTarget, records: Sequence[Batch], queries: int) -> None:
    """The denoiser alone, on full batches that are already there."""
    for batch in records:
        oracle = ModelOracle(target, batch)
        z_t, condition = oracle.latents, oracle.embedding(CAPTION)
        t = torch.full((len(z_t),), 450)
        for _ in range(queries):
            target.eps(z_t, t, condition)


def norms(target: PipelineTarget, records: Sequence[Batch]) -> None:
    for batch in records:
        ModelOracle(target, batch).gradient_norms(GSA().t, CAPTION, 0)


def plain_backward(target: PipelineTarget, records: Sequence[Batch]) -> None:
    """One backward pass per record and loss, as a plain implementation would."""
    parameters = list(target.denoiser.network.parameters())
    white_box = NetworkGradients(target.denoiser)
    for parameter in parameters:
        parameter.requires_grad_(True)
    for batch in records:
        oracle = ModelOracle(target, batch)
        for t in GSA().t:
            with torch.enable_grad():
                loss = white_box.losses(*oracle.rows(Question(t))).sum()
                torch._foreach_norm(torch.autograd.grad(loss, parameters))
    for parameter in parameters:
        parameter.requires_grad_(False)


def ratio(first: Callable[[], None], second: Callable[[], None], rounds: int) -> str:
    """Median, smallest and largest of time(first) / time(second), alternating; the first round
    warms up.
    """
    found = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        first()
        middle = time.perf_counter()
        second()
        found.append((middle - start) / (time.perf_counter() - middle))
    found = found[1:]
    return f"{statistics.median(found):.3f} ({min(found):.3f}–{max(found):.3f})"


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--records", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    target, records = load_target("demo"), drawings(arguments.records)
    full, few = batches(records, 64), batches(records, 64)[:1]
    few = [Batch(few[0].ids[:12], few[0].images[:12], few[0].captions[:12])]
    queries = sum(count.evaluated for count in count_queries(GREY_BOX).values())
    zoo = ratio(
        lambda: ask(target, full, GREY_BOX), lambda: bare(target, full, queries), arguments.rounds
    )
    print(f"{len(GREY_BOX)} grey-box attacks / {queries} bare calls of the denoiser: {zoo}")
    asked = {name: ATTACKS[name] for name in ASKED}
    more = asked | {name: ATTACKS[name] for name in THERE}
    added = ratio(
        lambda: ask(target, full, more), lambda: ask(target, full, asked), 2 * arguments.rounds
    )
    print(f"with {len(THERE)} attacks whose answers are there / without: {added}")
    alone = batches(few[0], 1)
    print(
        "gradients of a batch / of its records: "
        f"{ratio(lambda: norms(target, few), lambda: norms(target, alone), 3)}"
    )
    print(
        "gradients of a batch / plain: "
        f"{ratio(lambda: norms(target, few), lambda: plain_backward(target, alone), 3)}"
    )


if __name__ == "__main__":
    main()
