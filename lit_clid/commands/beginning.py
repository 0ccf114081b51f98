"""`init`: look at a folder of records and a model, and write the configuration for them, with what
was found as comments.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from statistics import median
from typing import Any

from lit_clid import console
from lit_clid.commands.switches import Switches, read_switches
from lit_clid.config.options.data import DataOptions
from lit_clid.config.reading import CONFIGS, config_text, plain_config
from lit_clid.data.images import StoredImages
from lit_clid.data.source import Source as Records
from lit_clid.data.sources import open_source
from lit_clid.errors import UserError, few
from lit_clid.files import read_text, write_text
from lit_clid.hub import is_hub_id
from lit_clid.models.load import check_target
from lit_clid.source import DEMO, Source

USUAL = {"model": DEMO, "lora": "", "suspects": "", "out": ""}
"""What the words say that are not there."""
LOOKED = 200
"""Images whose sizes are looked at."""
MANY = 200_000
"""Records of which a sample is proposed."""


def main(arguments: Sequence[str]) -> None:
    """Write a configuration.

    Raises:
        UserError: if there are no records or no such model, or the file is there already.
    """
    places = [word for word in arguments if "=" not in word]
    told = read_switches("init", [word for word in arguments if "=" in word], USUAL)
    if len(places) != 1:
        raise UserError(
            "init: name one folder, file or hub id of records, as in lit-clid init my-images "
            "model=FOLDER out=mine.yaml"
        )
    (place,) = places
    name = _slug(place)
    file = Path(told.text("out") or f"{name}.yaml").expanduser()
    if file.exists():
        raise UserError(f"{file}: is there already; name another with out=FILE, or delete it")
    write_text(file, _written(place, told, name, file))
    console.say(f"{read_text(file)}\nwritten to {file}")


def _slug(place: str) -> str:
    """A run's name."""
    stem = Path(place).expanduser().resolve().stem if Path(place).exists() else place
    return re.sub(r"[^\w.-]+", "-", stem).strip("-.") or "mine"


def _located(named: str) -> str:
    """A hub id, or where a file or folder lies."""
    hub = is_hub_id(named.partition("::")[0]) and not Path(named).expanduser().exists()
    return named if hub else str(Path(named).expanduser().resolve())


def _written(place: str, told: Switches, name: str, file: Path) -> str:
    """The configuration's text."""
    model, path = told.text("model"), _located(place)
    data: dict[str, Any] = {"source": path}
    if path != place or Path(place).expanduser().exists():
        data = {"source": "imagefolder", "path": path}
    source = open_source(DataOptions(**data))
    target: dict[str, Any] = {"path": model if model == DEMO else _located(model)}
    if told.text("lora"):
        target["lora"] = [_located(told.text("lora"))]
    adapted = Source(model, lora=tuple((lora, 1.0) for lora in target.get("lora", ())))
    family = check_target(adapted)
    claimed = told.text("suspects")
    if claimed:
        data |= _suspects(claimed, told)
    elif adapted.lora and source.member is None:
        raise UserError(
            f"init: nothing says which records {target['lora'][0]} was trained on; name those in "
            f"question with suspects=, and as {place} comparable ones that it never saw, or give "
            "the records a column member"
        )
    recipe = "folder.yaml" if model == DEMO else f"models/{family.preset}.yaml"
    content, own = plain_config(CONFIGS / "folder.yaml"), not claimed and not adapted.lora
    preset = {} if model == DEMO else plain_config(CONFIGS / recipe)
    if not own:  # nothing is trained
        del content["finetune"]
        content["trainer"] = {key: content["trainer"][key] for key in ("accelerator", "devices")}
        preset = {key: preset[key] for key in preset.keys() & {"audit"}}
    content = _merged(content, preset)
    content = _merged(content, {"name": name, "data": data, "target": target})
    whose = quote(str(file))
    if not own and not adapted.lora and model != DEMO:
        content = _merged(content, {"audit": {"target": target["path"]}})
    trainings = [f"#   lit-clid train {whose}", f"#   lit-clid train {whose} role=shadow"]
    lines = [
        f"# Written by lit-clid init. Recipe: configs/{recipe} ({family.title}).",
        *(trainings if own else ()),
        f"#   lit-clid audit {whose}",
        "# `lit-clid check` says what that takes here, `lit-clid explain KEY` what a key means.",
        "#",
        *(f"# {line}" for line in _found(source, claimed)),
        "",
    ]
    return "\n".join(lines) + config_text(content)


def _suspects(named: str, told: Switches) -> dict[str, Any]:
    """The section of the data, so far as it tells of suspects.

    Raises:
        UserError: if there are none, or nothing says whose model they are asked about.
    """
    if told.text("model") == DEMO and not told.text("lora"):
        raise UserError("init: suspects are of somebody's model; name it with model= or lora=")
    place = _located(named)
    if is_hub_id(named):
        open_source(DataOptions(source=place))
        return {"suspects": place}
    open_source(DataOptions(source="imagefolder", path=place))
    return {"suspects": "imagefolder", "suspects_path": place}


def _merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """The second over the first, section by section."""
    found = dict(first)
    for key, value in second.items():
        inner = found.get(key)
        both = isinstance(value, dict) and isinstance(inner, dict)
        found[key] = _merged(inner, value) if both else value  # type: ignore[arg-type]
    return found


def _found(source: Records, claimed: str) -> list[str]:
    """What was found, a line each."""
    count, captions = len(source.ids), Counter(source.captions)
    lines = [f"found: {count:,} records with {len(captions):,} distinct captions"]
    if count > MANY:
        no_column = "" if source.member is not None else " data.member_column=null"
        lines.append(f"all are decoded at first; data.sample=20000{no_column} takes some of them")
    empty = captions.get("", 0)
    if empty:
        lines.append(f"{empty:,} captions are empty: data.on_error=skip leaves these records out")
    if 2 * len(captions) < count:
        lines.append("few captions serve all images: attacks that live on the caption are weak")
    several = [row for row in source.others or () if row]
    if several:
        lines.append(f"{len(several):,} records have several captions: see data.several_captions")
    if source.member is not None:
        told = Counter(source.member)
        lines.append(
            f"a column says who is a member: {told[True]:,} members, {told[False]:,} hold-outs, "
            f"{told[None]:,} suspects"
        )
    elif claimed:
        lines.append("these are compared with the suspects: records that the model never saw")
    else:
        lines.append(
            "no column says who is a member: members and hold-outs are drawn by the seed, "
            f"{count // 4:,} of each for target and shadow"
        )
    lines += _sizes(source)
    if source.left_out:
        lines.append(f"left out: {few(list(source.left_out), 3)}")
    lines += source.notes
    return lines


def _sizes(source: Records) -> list[str]:
    """How large the images are, as far as their headers tell."""
    images = source.open_image
    if not isinstance(images, StoredImages):
        return []
    step = max(1, len(source.ids) // LOOKED)
    sizes: list[tuple[int, int]] = []
    broken = 0
    for row in range(0, len(source.ids), step):
        try:
            sizes.append(images.size(row))
        except Exception:  # Pillow's decoders raise all kinds
            broken += 1
    if not sizes:
        return ["no image that was looked at decodes"]
    short = sorted(min(size) for size in sizes)
    line = f"shorter sides of {len(sizes)} images: {short[0]} to {short[-1]} pixels"
    line = f"{line}, half of them at least {median(short):g}"
    return [line, f"{broken} of them do not decode"] if broken else [line]
