"""How much faster is the oracle than a plain loop of the released code's shape?

The plain loop: per image five U-Net calls of batch 3 (one per condition, three timesteps in a
batch), the text encoded anew for each. Both run CLiD with the clip reduction (15 queries per
record) on the same pipeline, records and noise; scores are compared, times are given as ratios
measured in one run: each way in a process of its own that is started as the commands are, once
warm, in turns. Nothing else may run on the machine meanwhile.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import OmegaConf
from torch import Tensor
from zoo_cost import batches, drawings

from lit_clid.auditing.attacks import CLiD
from lit_clid.auditing.oracle import ModelOracle
from lit_clid.auditing.questions import Batch
from lit_clid.commands.threads import SPINS, keep_freed_memory
from lit_clid.judging.controls.leaning import spearman
from lit_clid.models.load import load_target
from lit_clid.randomness import noise

STEPS = (440, 450, 460)
PLAIN, WAYS = "plain", {"32": "oracle, float32", "bf16": "oracle, bf16"}
ASKED = OmegaConf.load(Path(__file__).parents[1] / "configs" / "demo.yaml").audit
SIZE, ROWS = ASKED.batch_size, ASKED.rows
"""Records of a batch, and rows of a call."""


@torch.no_grad()
def plain_loop(pipe: Any, records: Batch, seed: int) -> Tensor:
    """CLiD's signals (N, 5), image by image."""
    rows = []
    for k, name in enumerate(records.ids):
        z_0 = (
            pipe.vae.encode(records.images[k : k + 1]).latent_dist.mean
            * pipe.vae.config.scaling_factor
        )
        eps = torch.cat([noise(seed, [name], f"t={t}/", z_0.shape[1:]) for t in STEPS])
        z_t = pipe.scheduler.add_noise(z_0.expand_as(eps), eps, torch.tensor(STEPS))
        caption = records.captions[k]
        n = len(caption)
        losses = []
        for text in (caption, *(caption[i * n // 3 : (i + 1) * n // 3] for i in range(3)), ""):
            ids = pipe.tokenizer(
                [text] * 3,
                padding="max_length",
                truncation=True,
                max_length=77,
                return_tensors="pt",
            )
            condition = pipe.text_encoder(ids.input_ids)[0]
            output = pipe.unet(z_t, torch.tensor(STEPS), encoder_hidden_states=condition).sample
            losses.append((output - eps).square().mean().item())
        rows.append([*(loss - losses[0] for loss in losses[1:]), -losses[0]])
    return torch.tensor(rows)


def work(arguments: argparse.Namespace) -> None:
    """Print the seconds of one way, once warm, and keep the signals it found."""
    records, path = drawings(arguments.records), arguments.path
    if arguments.way == PLAIN:
        pipe = load_target(path, channels_last=False).pipeline

        def ask(some: Batch) -> Tensor:
            return plain_loop(pipe, some, 0)
    else:
        target = load_target(path, precision=arguments.way, rows=ROWS)

        def ask(some: Batch) -> Tensor:
            parts = batches(some, SIZE)
            return torch.cat([CLiD("clip").signal(ModelOracle(target, part)) for part in parts])

    ask(batches(records, SIZE)[0])
    start = time.perf_counter()
    found = ask(records)
    print(time.perf_counter() - start)
    np.save(arguments.keep, found.numpy())


def seconds(way: str, keep: Path, arguments: argparse.Namespace) -> float:
    """One way's time, in a process of its own."""
    words = ["--way", way, "--keep", str(keep), "--path", arguments.path]
    words += ["--records", str(arguments.records)]
    command = [sys.executable, __file__, *words]
    way_of_waiting = {} if way == PLAIN else {"GOMP_SPINCOUNT": SPINS["quiet"]}
    environment = os.environ | way_of_waiting
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return float(done.stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--records", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--path", default="demo")
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--keep", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way is not None:
        if arguments.way != PLAIN:
            keep_freed_memory()  # as a command does
        work(arguments)
        return
    times: dict[str, list[float]] = {way: [] for way in (PLAIN, *WAYS)}
    found: dict[str, np.ndarray] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(arguments.rounds):
            for way, each in times.items():
                keep = Path(folder) / f"{way}.npy"
                each.append(seconds(way, keep, arguments))
                found[way] = np.load(keep)
    best = min(times[PLAIN])
    print(f"{'plain loop':16s} {best:7.2f} s  {15 * arguments.records / best:6.0f} queries/s")
    for way, title in WAYS.items():
        ratios = sorted(a / b for a, b in zip(times[PLAIN], times[way], strict=True))
        ranks = [spearman(*pair) for pair in zip(found[PLAIN].T, found[way].T, strict=True)]
        best, middle = min(times[way]), ratios[len(ratios) // 2]
        largest = np.abs(found[PLAIN] - found[way]).max()
        print(
            f"{title:16s} {best:7.2f} s  {15 * arguments.records / best:6.0f} queries/s  "
            f"{middle:.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f}) × the plain loop;\n"
            f"    largest difference {largest:.1e}, least rank correlation {min(ranks):.5f}"
        )
    assert np.abs(found[PLAIN] - found["32"]).max() < 2e-5, "the scores differ"


if __name__ == "__main__":
    main()
