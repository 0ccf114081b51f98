"""What does another busy process cost, by how the denoiser's threads wait for each other?

Every way of waiting is timed in processes of its own, on a quiet machine and beside one process
that is always busy, in turns; figures are ratios to the eager wait of OpenMP's own default. "own"
is what the commands choose by themselves. Nothing else may run on the machine meanwhile.

    python benchmarks/busy_cores.py --seconds 8 --rounds 3
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence

from lit_clid.commands.threads import before_torch

EAGER = "300000"
"""What libgomp does where nothing is set."""
OWN = "own"
BUSY = "while True: pass"
BATCH = 64


def work(seconds: float) -> None:
    """Print how many evaluations a second the demo's denoiser makes."""
    before_torch()  # leaves what is set

    import torch

    from lit_clid.models.load import load_target

    target = load_target("demo")
    latents = torch.randn(BATCH, *target.latent_shape(torch.empty(1, 3, 64, 64)))
    t, text = torch.full((BATCH,), 450), target.embed(["a red cat"] * BATCH)
    done, start = -1, 0.0
    with torch.inference_mode():
        while done < 0 or time.perf_counter() < start + seconds:
            target.eps(latents, t, text)
            done += 1
            start = start or time.perf_counter()  # the first call warms up
    print(BATCH * done / (time.perf_counter() - start))


def speed(spins: str, seconds: float, *, busy: bool) -> float:
    """Evaluations a second in a process of its own, beside a busy one or none."""
    command = [sys.executable, __file__, "--work", "--seconds", str(seconds)]
    ways = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    environment = {k: v for k, v in os.environ.items() if k not in ways}
    if spins != OWN:
        environment |= {"GOMP_SPINCOUNT": spins}
    other = subprocess.Popen([sys.executable, "-c", BUSY]) if busy else None
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    finally:
        if other is not None:
            other.kill()
            other.wait()
    return float(done.stdout)


def median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--spins", nargs="+", default=[EAGER, OWN])
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(arguments.seconds)
        return
    found: dict[tuple[str, bool], list[float]] = {}
    for _ in range(arguments.rounds):
        for busy in (False, True):
            for spins in arguments.spins:
                each = speed(spins, arguments.seconds, busy=busy)
                found.setdefault((spins, busy), []).append(each)
    first = arguments.spins[0]
    for (spins, busy), speeds in found.items():
        ratios = [a / b for a, b in zip(speeds, found[first, busy], strict=True)]
        print(
            f"{'busy ' if busy else 'quiet'} spins {spins:>7s}  {median(speeds):6.0f} evaluations/s"
            f"  {median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f}) × spins {first}"
        )


if __name__ == "__main__":
    main()
