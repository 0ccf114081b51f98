"""How much faster is the oracle than a plain loop of the released code's shape?

The plain loop: per image five U-Net calls of batch 3 (one per condition, three timesteps in a
batch), the text encoded anew for each. Both run CLiD with the clip reduction (15 queries per
record) in fp32 on the same pipeline, records and noise; scores are compared, times are given as a
ratio measured in one run.
"""

import argparse
import time
from typing import Any

import torch
from torch import Tensor
from zoo_cost import batches, drawings

from lit_clid.auditing.attacks import CLiD
from lit_clid.auditing.oracle import ModelOracle
from lit_clid.auditing.questions import Batch
from lit_clid.models.load import load_target
from lit_clid.randomness import noise

STEPS = (440, 450, 460)


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


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--records", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--path", default="demo")
    arguments = parser.parse_args()
    records = drawings(arguments.records)
    plain, fast = load_target(arguments.path, channels_last=False), load_target(arguments.path)

    def oracle_run() -> Tensor:
        parts = [CLiD("clip").signal(ModelOracle(fast, part)) for part in batches(records, 64)]
        return torch.cat(parts)

    times: dict[str, list[float]] = {"plain loop": [], "oracle": []}
    found: dict[str, Tensor] = {}
    for _ in range(arguments.rounds + 1):  # the first round warms up
        for name, run in (
            ("plain loop", lambda: plain_loop(plain.pipeline, records, 0)),
            ("oracle", oracle_run),
        ):
            start = time.perf_counter()
            found[name] = run()
            times[name].append(time.perf_counter() - start)
    largest = (found["plain loop"] - found["oracle"]).abs().max().item()
    ratios = sorted(
        a / b for a, b in zip(times["plain loop"][1:], times["oracle"][1:], strict=True)
    )
    for name, seconds in times.items():
        best = min(seconds[1:])
        print(f"{name:10s} {best:7.2f} s  {15 * len(records.ids) / best:7.0f} queries/s")
    median, low, high = ratios[len(ratios) // 2], ratios[0], ratios[-1]
    print(f"ratio      {median:.2f} (median of {arguments.rounds} rounds, {low:.2f}–{high:.2f})")
    print(f"largest difference of any signal: {largest:.1e}")
    assert largest < 2e-5, "the scores differ"


if __name__ == "__main__":
    main()
