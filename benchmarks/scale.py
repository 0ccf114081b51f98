"""What do very many records take? `python benchmarks/scale.py judge`, or another word.

- `judge`: shards of ten thousand rows each are merged, and the table is judged and published; time
  and peak memory, in a process of its own. Rows are made up: every attack tells a little, the
  attacks are correlated.
- `memory`, `shards`: peak memory of an audit of files, or of webdataset shards, and of one of ten
  times as many.
- `sample`: seconds and memory in which shards are opened as a sample, and whole.
- `parts`: one audit by one process, by two under torchrun's variables, and by two parts that are
  merged: the tables must be identical.
"""

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from lit_clid.about import About
from lit_clid.asked import AttackSpec
from lit_clid.auditing.shards import FULL, Roll, merge, shard_folder, write_shard
from lit_clid.config.options.data import DataOptions
from lit_clid.data.drawings.critters import critter
from lit_clid.data.sources import open_source
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


def audit(folder: Path, name: str, records: int, *more: str, launcher: Sequence[str] = ()) -> Path:
    """Audit the demo on so many drawings; returns the run folder."""
    half = records // 2
    words = [f"runs={folder}", f"name={name}", "audit.target=demo", "audit.reference=null"]
    words += [f"data.members={half}", f"data.nonmembers={half}", "audit.swapped=0"]
    words += ["attacks=[loss]", "headline=loss", "trainer.enable_progress_bar=false", *more]
    start = launcher or (sys.executable, "-m", "lit_clid")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [*start, "audit", *words]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    return folder / name


def memory(records: int, kind: str) -> None:
    """Peak memory of an audit, and of one of ten times as many records."""
    peaks: list[float] = []
    with TemporaryDirectory() as folder:
        for count in (records, 10 * records):
            words = (kind, "--rows", str(count), "--folder", folder)
            line = [sys.executable, __file__, *words]
            done = subprocess.run(line, check=True, capture_output=True, text=True)
            peaks.append(float(done.stdout))
            print(f"{count:8,} records: {peaks[-1]:.3f} GB")
    print(
        f"ratio {peaks[1] / peaks[0]:.3f}; {(peaks[1] - peaks[0]) * 1e6 / 9 / records:.1f} kB each"
    )


def of_files(records: int, folder: Path) -> None:
    """The peak of one audit of files, a process of its own."""
    images = folder / f"images-{records}"
    images.mkdir()
    lines: list[str] = []
    for k in range(2 * records):  # half of them are left to a shadow
        drawing = critter(k)
        drawing.image.save(images / f"{k}.png")
        lines.append(json.dumps({"file_name": f"{k}.png", "text": f"{drawing.caption}, {k}"}))
    (images / "metadata.jsonl").write_text("\n".join(lines), encoding="utf-8")
    source = ("data.source=imagefolder", f"data.path={images}")
    audit(folder, f"of-{records}", records, *source)
    say_peak()


def png(image: Image.Image) -> bytes:
    image.save(content := io.BytesIO(), "PNG")
    return content.getvalue()


def drawn(k: int) -> dict[str, bytes]:
    """The files of a drawing by their endings."""
    drawing = critter(k)
    told = {"caption": f"{drawing.caption}, {k}", "key": f"{k}"}
    return {"png": png(drawing.image), "json": json.dumps(told).encode()}


def write_shards(folder: Path, records: int, files: Callable[[int], dict[str, bytes]]) -> None:
    """Webdataset shards of ten thousand records each, whose files are told by their number."""
    for start in range(0, records, FULL):
        with tarfile.open(folder / f"{start:09d}.tar", "w") as archive:
            for k in range(start, min(records, start + FULL)):
                for ending, held in files(k).items():
                    info = tarfile.TarInfo(f"{k:09d}.{ending}")
                    info.size = len(held)
                    archive.addfile(info, io.BytesIO(held))


def of_shards(records: int, folder: Path) -> None:
    """The peak of one audit of webdataset shards, likewise."""
    shards = folder / f"shards-{records}"
    shards.mkdir()
    write_shards(shards, 2 * records, drawn)
    audit(folder, f"of-shards-{records}", records, f"data.source={shards}/*.tar")
    say_peak()


def sample(records: int) -> None:
    """Open shards of pixels, each with a text and an object beside it, as a sample and whole."""
    pixel = png(Image.new("RGB", (1, 1)))
    told = json.dumps({"width": 1, "url": "u" * 60}).encode()
    with TemporaryDirectory() as folder:
        files = {"png": pixel, "json": told}
        write_shards(Path(folder), records, lambda k: {**files, "txt": f"picture {k}".encode()})
        for count in (1000, records // 10, 0):
            in_a_process("sample", "--folder", folder, "--rows", str(count))


def opened(count: int, folder: Path) -> None:
    """Open so many of the records of shards, all for 0."""
    before, start = peak(), time.perf_counter()
    options = DataOptions(source=f"{folder}/*.tar", sample=count or None, member_column=None)
    found = open_source(options)
    seconds = time.perf_counter() - start
    told = f"{seconds:.1f} s, {1000 * (peak() - before):.0f} MB more than before"
    print(f"{len(found.ids):,} records opened: {told}")


def say_peak() -> None:
    """The most memory that a process begun here ever held, in GB."""
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9)


def parts(records: int) -> None:
    """The table of one process, of two under torchrun, and of two parts."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        one = audit(folder, "one", records)
        run = [str(Path(sys.executable).with_name("torchrun")), "--standalone"]
        run += ["--nproc-per-node", "2", "-m", "lit_clid"]
        ddp = ("trainer.devices=2", "trainer.strategy=ddp")
        found = {"two processes": audit(folder, "two", records, *ddp, launcher=run)}
        for part in ("1/2", "2/2"):
            found["two parts"] = audit(folder, "parts", records, f"audit.part={part}")
        expected = Scores.load(one / "scores" / "target.parquet")
        for name, made in found.items():
            table = Scores.load(made / "scores" / "target.parquet")
            same = table.ids == expected.ids and (table.member == expected.member).all()
            most = float(np.abs(table.signals["loss"] - expected.signals["loss"]).max())
            print(f"{name}: the same {records} records: {same}, largest difference {most}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["judge", "memory", "shards", "sample", "parts"])
    parser.add_argument("--rows", type=int, help="records; none: as the page says")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    usual = {"judge": 10_000_000, "memory": 2000, "shards": 2000, "sample": 200_000, "parts": 128}
    rows = usual[arguments.what] if arguments.rows is None else arguments.rows
    folder = arguments.folder
    if folder is not None:
        works = {"judge": judged, "memory": of_files, "shards": of_shards, "sample": opened}
        works[arguments.what](rows, folder)
    elif arguments.what in ("parts", "sample"):
        {"parts": parts, "sample": sample}[arguments.what](rows)
    elif arguments.what != "judge":
        memory(rows, arguments.what)
    else:
        with TemporaryDirectory() as made:
            write(rows, shard_folder(Path(made) / "target.parquet"))
            words = ("judge", "--rows", str(rows), "--folder", made)
            print(f"{in_a_process(*words):.0f} s in all")


if __name__ == "__main__":
    main()
