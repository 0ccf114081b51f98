"""What do very many records take? `python benchmarks/scale.py judge`, `memory` or `parts`.

- `judge`: shards of ten thousand rows each are merged, and the table is judged and published; time
  and peak memory, in a process of its own. Rows are made up: every attack tells a little, the
  attacks are correlated.
- `memory`: peak memory of an audit of the demo's drawings, and of one of ten times as many.
- `parts`: one audit by one process, by two under torchrun's variables, and by two parts that are
  merged: the tables must be identical.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

from lit_clid.about import About
from lit_clid.asked import AttackSpec
from lit_clid.auditing.shards import FULL, Roll, merge, shard_folder, write_shard
from lit_clid.ids import Ids
from lit_clid.judging.judge import judge
from lit_clid.judging.report.publish import publish
from lit_clid.scores import Scores

ATTACKS = {"clid_th_null": 0.35, "loss": 0.15, "sima": 0.25}
"""How far each tells members, in standard deviations."""


def peak() -> float:
    """Most memory that this process ever held, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def blocks(rows: int) -> Iterator[tuple[list[str], np.ndarray, dict[str, np.ndarray]]]:
    """Ids, members and signals of shards in no order of the ids."""
    for start in range(0, rows, FULL):
        dice = np.random.default_rng(start)
        count = min(FULL, rows - start)
        ids = [f"{int(hashed):016x}" for hashed in dice.integers(2**62, size=count)]
        member = dice.random(count) < 0.5
        common, signals = dice.normal(size=count), dict[str, np.ndarray]()
        for name, gap in ATTACKS.items():
            signals[name] = common + dice.normal(size=count) + gap * member
        yield ids, member, signals


def write(rows: int, folder: Path) -> None:
    """Shards of a table, as an audit leaves them."""
    for ids, member, signals in blocks(rows):
        write_shard(folder, ids, member.tolist(), signals)


def roll(rows: int) -> Roll:
    """The records, as the split would tell them."""
    names, told = list[Any](), list[np.ndarray]()
    for ids, member, _ in blocks(rows):
        names.append(Ids(ids).column)
        told.append(member.astype(np.int8))
    return Roll(Ids(pa.chunked_array(names)), np.concatenate(told))


def judged(rows: int, folder: Path) -> None:
    """Merge, keep, read, judge and publish; what each took is said."""
    specs = {name: AttackSpec(columns=(name,), rule="first", queries=1) for name in ATTACKS}
    path, expected = folder / "target.parquet", roll(rows)
    start = time.process_time()
    before = peak()

    def say(what: str) -> None:
        nonlocal start
        print(f"  {what:22s} {time.process_time() - start:7.1f} s of CPU, peak {peak():.2f} GB")
        start = time.process_time()

    print(f"{rows:,} rows, {len(ATTACKS)} attacks; {before:.2f} GB before")
    merge(shard_folder(path), expected, About(attacks=specs), str(path)).save(path)
    del expected
    say("merged and saved")
    table = Scores.load(path)
    say("read")
    judgement = judge(table)
    say("judged")
    publish(judgement, folder, "scale")
    say("published")


def in_a_process(*words: str) -> float:
    """Run this file again; returns the seconds it took."""
    start = time.perf_counter()
    subprocess.run([sys.executable, __file__, *words], check=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["judge"])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.folder is not None:
        judged(arguments.rows, arguments.folder)
        return
    with TemporaryDirectory() as folder:
        write(arguments.rows, shard_folder(Path(folder) / "target.parquet"))
        words = ("judge", "--rows", str(arguments.rows), "--folder", folder)
        print(f"{in_a_process(*words):.0f} s in all")


if __name__ == "__main__":
    main()
