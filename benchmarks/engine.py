"""How fast does the engine ask and train at a released model's size, on this device?

    python benchmarks/engine.py "Stable Diffusion 1.5" --rows 32 --precision bf16 --compile

The network is built from the released config with random weights: speed does not depend on them.
Against a plain loop of the released code's shape (three rows a call, float32), in one run; beside
it the rate at which the device multiplies large matrices in that precision, the share of it that
the network's own work comes to, and what the rest of the time goes to.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import torch
from cost import SHAPES, Shape, work
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from lit_clid.commands.threads import keep_freed_memory
from lit_clid.models.compiled import GRAPHS
from lit_clid.models.denoiser import DTYPES, Denoiser
from lit_clid.models.embedding import Embedding
from lit_clid.models.families import FAMILIES, Family
from lit_clid.models.quiet import quiet_imports
from lit_clid.models.schedules import rectified_flow

PLAIN = 3
"""Rows of a call of the released code: three timesteps of one record and condition."""
LARGE = {"cpu": 2048, "cuda": 8192}
"""Side of the matrices that are multiplied to learn a device's rate."""


def built(shape: Shape, device: torch.device, dtype: torch.dtype) -> Any:
    """The network with random weights."""
    torch.manual_seed(0)
    torch.set_default_dtype(dtype)
    with quiet_imports():
        import diffusers

        with device:
            network = getattr(diffusers, shape.network)(**shape.config)
    torch.set_default_dtype(torch.float32)
    return network.eval().requires_grad_(False)


def schedule(family: Family) -> Any:
    """Of the family's usual scheduler."""
    with quiet_imports():
        import diffusers

        if family.schedule is rectified_flow:
            return family.schedule(diffusers.FlowMatchEulerDiscreteScheduler())
        return family.schedule(diffusers.DDIMScheduler(beta_schedule="scaled_linear"))


def asked(
    family: Family, network: Any, shape: Shape, rows: int, device: torch.device
) -> tuple[Tensor, Tensor, Embedding]:
    """Rows to ask about."""
    place = shape.side // shape.factor
    z = torch.randn(rows, shape.channels, place, place, device=device)
    parts: dict[str, Tensor] = {}
    for name, told in family.told(network).items():
        if name == "mask":
            parts[name] = torch.ones(rows, *told, dtype=torch.bool, device=device)
        else:
            parts[name] = torch.randn(rows, *told, device=device)
    return z, torch.full((rows,), 450, device=device), Embedding(parts)


def per_second(
    call: Callable[[], object], units: int, seconds: float, device: torch.device
) -> float:
    """Units a second of a call, once warm."""

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    call()
    call()
    wait()
    done, start = 0, time.perf_counter()
    while done == 0 or time.perf_counter() - start < seconds:
        call()
        wait()
        done += 1
    return units * done / (time.perf_counter() - start)


def rate(device: torch.device, dtype: torch.dtype, seconds: float) -> float:
    """Floating-point operations a second of products of large matrices."""
    side = LARGE[device.type]
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    return per_second(lambda: left @ right, 2 * side**3, seconds, device)


def training(denoiser: Denoiser, rows: tuple[Tensor, Tensor, Embedding], autocast: bool) -> Any:
    """One step: a residual's gradients, and AdamW."""
    z, _, told = rows
    network = denoiser.network.train().requires_grad_(True)
    optimizer = torch.optim.AdamW(network.parameters(), 1e-5)
    level = denoiser.draw_levels(len(z), torch.Generator().manual_seed(0)).to(z.device)
    noise = torch.randn_like(z)

    def step() -> None:
        with torch.autocast(z.device.type, torch.bfloat16, enabled=autocast):
            residual = denoiser.residual(z, noise, level, told)
        residual.square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def where_it_goes(call: Callable[[], object], device: torch.device) -> str:
    """The eight operations that take longest, with their shares of a call's time."""
    kinds = [ProfilerActivity.CPU]
    kinds += [ProfilerActivity.CUDA] if device.type == "cuda" else []
    with profile(activities=kinds) as found:
        call()
    events = found.key_averages()
    if device.type == "cuda":  # its kernels alone: what launched them tells the same time again
        ran = [event for event in events if str(event.device_type).endswith("CUDA")]
        each = {event.key: event.self_device_time_total for event in ran}
    else:
        each = {event.key: event.self_cpu_time_total for event in events}
    total = sum(each.values())
    most = sorted(each.items(), key=lambda pair: -pair[1])[:8]
    return ", ".join(f"{name[:60]} {value / total:.0%}" for name, value in most)


@dataclass(frozen=True)
class Bench:
    """One model on one device.

    Args:
        given: the arguments.
        device: where it runs.
        shape, family: of the model.
        each: floating-point operations of a row.
        peak: of the device, a second.
    """

    given: argparse.Namespace
    device: torch.device
    shape: Shape
    family: Family
    each: float
    peak: float

    def denoiser(self, network: Any, precision: str, **ways: Any) -> Denoiser:
        call = self.family.call(SimpleNamespace(vae_scale_factor=self.shape.factor))
        ways = {"channels_last": False, "compile": False, **ways}
        levels, rows = schedule(self.family), self.given.rows
        return Denoiser(network, call, levels, precision=precision, rows=rows, **ways)

    def plain(self) -> float:
        """Evaluations a second of the plain loop."""
        network = built(self.shape, self.device, torch.float32)
        rows = asked(self.family, network, self.shape, PLAIN, self.device)
        one = self.denoiser(network, "32")
        with torch.no_grad():
            found = self._per_second(lambda: one.answer(*rows), PLAIN)
        print(f"plain loop, float32, {PLAIN} rows a call: {found:.3g} evaluations/s")
        return found

    def ours(self, network: Any, base: float) -> None:
        """Say how fast the engine asks, and what its time goes to."""
        given = self.given
        ways = {"channels_last": given.channels_last, "compile": given.compile}
        if given.graphs:
            ways["compile"] = GRAPHS
        denoiser = self.denoiser(network, given.precision, **ways)
        rows = asked(self.family, network, self.shape, given.rows, self.device)
        found = self._per_second(lambda: denoiser.eps(*rows), given.rows)
        how = [given.precision, f"{given.rows} rows a call", *(way for way in ways if ways[way])]
        against = f", {found / base:.2f} × the plain loop" if base else ""
        print(
            f"{given.model}, {self.shape.side} px ({', '.join(how)}): {found:.3g} evaluations/s = "
            f"{found * self.each / 1e12:.2f} TFLOP/s, {found * self.each / self.peak:.0%} of the "
            f"matrices' rate{against}"
        )
        call = denoiser.eps if self.device.type == "cuda" else denoiser.answer
        with torch.no_grad():  # on a CPU in one call, uncompiled: a profile sees no other threads
            print(f"time goes to: {where_it_goes(lambda: call(*rows), self.device)}")
        if self.device.type == "cuda":
            print(f"most memory: {torch.cuda.max_memory_allocated() / 1e9:.1f} GB")

    def trained(self, network: Any) -> None:
        """Say how fast all of it is trained."""
        count = self.given.train
        rows = asked(self.family, network, self.shape, count, self.device)
        denoiser = self.denoiser(network.float(), "32")
        step = training(denoiser, rows, autocast=self.given.precision != "32")
        found = self._per_second(step, count)
        share = 3 * found * self.each / self.peak
        print(
            f"training, {count} rows a step: {found:.3g} samples/s = {share:.0%} of the matrices' "
            "rate (three passes)"
        )

    def _per_second(self, call: Callable[[], object], units: int) -> float:
        return per_second(call, units, self.given.seconds, self.device)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", choices=SHAPES)
    parser.add_argument("--side", type=int, help="pixels; none: the model's own")
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--precision", default="bf16", choices=DTYPES)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--graphs", action="store_true", help="compile, and record CUDA graphs")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--train", type=int, default=0, help="rows of a training step; 0: none")
    parser.add_argument("--plain", action="store_true", help="time the plain loop too")
    parser.add_argument("--seconds", type=float, default=10)
    return parser.parse_args()


def main() -> None:
    keep_freed_memory()
    given = arguments()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    card = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    shape = SHAPES[given.model]
    shape = replace(shape, side=given.side or shape.side)
    dtype = DTYPES[given.precision]
    peak = rate(device, dtype, given.seconds / 4)
    print(f"{card}: matrices of {given.precision} at {peak / 1e12:.2f} TFLOP/s")
    bench = Bench(given, device, shape, FAMILIES[shape.pipeline], work(shape)[1], peak)
    base = bench.plain() if given.plain else 0.0
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    network = built(shape, device, dtype)
    bench.ours(network, base)
    if given.train:
        bench.trained(network)


if __name__ == "__main__":
    main()
