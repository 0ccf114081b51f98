"""The split of a run, with the captions that a model writes where people have none."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import blake2b
from pathlib import Path

import torch

from lit_clid import console
from lit_clid.about import Captioner
from lit_clid.commands.holding import held
from lit_clid.commands.reading import Settings
from lit_clid.data.deal import Alone
from lit_clid.data.described import Describe, Images, in_batches
from lit_clid.data.split import Split, load_split
from lit_clid.data.twins import Sameness
from lit_clid.data.written import Written, add_written, read_written, refuse_other
from lit_clid.errors import MOST, ManyError, UserError, WriteError
from lit_clid.files import write_text
from lit_clid.hub import is_hub_id
from lit_clid.models.captioner import load_captioner
from lit_clid.models.captions import caption_keys
from lit_clid.provenance import provenance
from lit_clid.source import Source

REFUSED = "refused.txt"
"""File of a run that lists records which cannot be used."""
PAUSE = 1.0
"""Seconds between looks of a process that waits for the first one's captions."""
PATIENCE = 3600.0
"""Seconds without a new caption after which it gives up; a captioner may have to be downloaded."""
LETTERS = 60
"""Most letters of a captioner's name in that of its file."""


def split_of(
    config: Settings, model: str | Source, *, folder: Path | None = None, alone: Alone = Alone.NO
) -> Split:
    """Re-read the split of a run and verify it, or draw it.

    Args:
        model: a pipeline whose tokenizers say which captions are one.
        folder: of the run; None means the configuration's own.
        alone: whether records are kept for a shadow.

    Raises:
        UserError: as `load_split`, and for a captioner that cannot describe the images.
    """
    same, own = partial(caption_keys, model), folder or config.folder
    with _listing(own):
        split = load_split(
            config.data, config.seed, own, same, alone=alone, write=describer(config)
        )
    if console.is_first_process():
        (own / REFUSED).unlink(missing_ok=True)
    return split


def planned_split(
    config: Settings, folder: Path, same: Sameness, *, alone: Alone = Alone.NO
) -> Split:
    """The split of a run that is only planned, for which no captioner is loaded.

    Args:
        folder: where it is drawn.
        same: which captions are one caption to the model.
        alone: whether records are kept for a shadow.
    """
    return load_split(config.data, config.seed, folder, same, alone=alone, write=_unwritten)


@contextmanager
def _listing(folder: Path) -> Iterator[None]:
    """Bad records that a message leaves out stand in a file of the run until they are mended."""
    try:
        yield
    except ManyError as error:
        file = folder / REFUSED
        if len(error.items) <= MOST or not console.is_first_process():
            raise
        with suppress(WriteError):
            write_text(file, "".join(f"{item}\n" for item in error.items))
            raise error.listed_in(file) from None
        raise


def _unwritten(images: Images) -> Written:
    """Stand-ins for captions, each image its own."""
    return Written({name: f"image {name}" for name in images})


def describer(config: Settings) -> Describe:
    """What has images described by the model that `data.captions` names."""
    return partial(_describe, config)


def captions_file(config: Settings) -> Path:
    """Where the captions of all runs lie that the model wrote."""
    name = str(config.data.captions)
    folder = None if is_hub_id(name) else Path(name).expanduser().resolve()
    mark = blake2b(str(folder or name).encode(), digest_size=4).hexdigest()
    plain = re.sub(r"[^\w.-]+", "-", folder.name if folder else name).strip("-.")[:LETTERS]
    return Path(config.runs).expanduser() / "captions" / f"{plain}-{mark}.jsonl"


def _describe(config: Settings, images: Images) -> Written:
    """The images' captions, of which the first process writes those that are not in the file."""
    path = captions_file(config)
    written = read_written(path)
    if images.keys() <= written.captions.keys():
        return written
    if not console.is_first_process():
        return _await(images, path)
    with held(path.parent, path.stem):
        _write(config, images, path)
    return read_written(path)


def _await(images: Images, path: Path) -> Written:
    """The captions, once the first process has written all of them."""
    written, grown = read_written(path), time.monotonic()
    while not images.keys() <= written.captions.keys():
        time.sleep(PAUSE)
        now = read_written(path)
        if len(now.captions) > len(written.captions):
            grown = time.monotonic()
        elif time.monotonic() > grown + PATIENCE:
            raise UserError(f"{path}: the first process writes no captions; look at what it says")
        written = now
    return written


def _write(config: Settings, images: Images, path: Path) -> None:
    written, name = read_written(path), str(config.data.captions)
    missing = {image: images[image] for image in images if image not in written.captions}
    if not missing:
        return
    gpu = on_gpu(config)
    device = torch.device("cuda", torch.cuda.current_device()) if gpu else torch.device("cpu")
    captioner = load_captioner(name, half=gpu).to(device)
    made = provenance(str(device))
    by = Captioner(
        model=name,
        fingerprint=captioner.fingerprint,
        decoding=captioner.decoding,
        created=made.created,
        transformers=made.packages.get("transformers"),
        commit=captioner.commit,
    )
    refuse_other(by, written.by, path)
    known = len(images) - len(missing)
    had = f" ({known} had been before)" if known else ""
    console.say(f"captions: {name} describes {len(missing)} images{had}, see {path}")
    add_written(path, by, in_batches(missing, captioner.describe))
    captioner.to(torch.device("cpu"))


def on_gpu(config: Settings) -> bool:
    """Whether models of this configuration run on a card."""
    return torch.cuda.is_available() and config.trainer.get("accelerator", "auto") in (
        "auto",
        "gpu",
        "cuda",
    )
