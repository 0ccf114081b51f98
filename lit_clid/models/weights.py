"""Files of weights, here or on a hub: found, told from pickles, and looked at without loading."""

import json
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from lit_clid.errors import UserError, few, first_line
from lit_clid.hub import PICKLED, commit_of, is_hub_id, refusal, revised
from lit_clid.models.demo import PIPELINE
from lit_clid.source import DEMO, Source

INDEX = "model_index.json"
"""What diffusers calls the file that names the parts of a pipeline."""
LORA_FILE = "pytorch_lora_weights.safetensors"
"""What diffusers calls the file in a folder of LoRA factors."""
LORA_FILES = (LORA_FILE, "adapter_model.safetensors")
"""The same of diffusers and peft."""
CONFIGURATION = "adapter_config.json"
"""What peft calls the file that tells α."""
TOKEN_FILES = ("learned_embeds.safetensors",)
"""The same of learned tokens."""
NETWORK_FILES = ("diffusion_pytorch_model.safetensors",)
"""The same of a denoiser."""
LENGTH = 8
"""Bytes before the header of safetensors, which tell its length."""
LONGEST = 100_000_000
"""Bytes of the longest header that the format allows."""


def locate(path: str) -> str:
    """The folder, file or hub id that `path` means."""
    if path == DEMO:
        return str(PIPELINE)
    return str(Path(path).expanduser()) if path.startswith("~") else path


class AbsentError(UserError):
    """A repository of the hub that is there, and lacks a file."""


def hub_file(name: str, file: str, revision: str | None = None) -> Path:
    """A file of a hub id, fetched unless it is here.

    Raises:
        UserError: if it is not to be had.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(name, file, revision=revision))
    except (OSError, ValueError, EntryNotFoundError) as error:
        refused = refusal(name, revision, error)
        if refused is not None:
            raise UserError(refused) from None
        if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
            raise AbsentError(f"{name} has no file {file}; look at what it holds") from None
        raise UserError(
            f"{name}: neither a folder here nor reachable as a hub id ({first_line(error)}); check "
            "the spelling and the network, or give a local diffusers folder"
        ) from None


def find_file(named: str, usual: Sequence[str], key: str) -> Path:
    """The file of weights that a name means.

    Args:
        named: the file, a folder that holds one, or a hub id: owner/name, or owner/name::file.
        usual: what it is called in a folder that holds it, or in a hub id.
        key: of the configuration, for messages.

    Raises:
        UserError: if there is none, or it is pickled.
    """
    hub, _, inside = named.partition("::")
    hub, revision = revised(hub)
    place = Path(locate(named))
    _refuse_pickle(inside or named, key)
    if place.is_dir():
        here = [place / name for name in usual if (place / name).is_file()]
        if not here:
            for file in place.iterdir():
                _refuse_pickle(str(file), key)
            raise UserError(f"{key}: {named} holds no {' or '.join(usual)}; name the file itself")
        place = here[0]
    elif inside or (is_hub_id(named) and place.suffix != ".safetensors"):
        return _of_hub(hub, revision, [inside] if inside else usual)
    if not place.is_file():
        raise UserError(f"{key}: no file {named}; check the spelling")
    check_whole(place)
    return place


def _of_hub(hub: str, revision: str | None, names: Sequence[str]) -> Path:
    """The first of the files that a hub id has, with peft's configuration beside it if there is
    one: the library keeps both in one folder.
    """
    name, found = first_of(hub, revision, names)
    with suppress(UserError):  # factors whose α nobody tells are refused
        hub_file(hub, str(Path(name).with_name(CONFIGURATION)), revision)
    return found


def first_of(hub: str, revision: str | None, names: Sequence[str]) -> tuple[str, Path]:
    """The first of some files that a hub id has, by its name.

    Raises:
        AbsentError: if it has none of them.
        UserError: if the last is not to be had.
    """
    *others, last = names
    for name in others:
        with suppress(UserError):  # why it is not to be had the last one tells
            return name, hub_file(hub, name, revision)
    try:
        return last, hub_file(hub, last, revision)
    except AbsentError:
        way = "name one that it has, as in owner/name::file"
        raise AbsentError(f"{hub} has no file {' or '.join(names)}; {way}") from None


def _refuse_pickle(name: str, key: str) -> None:
    if Path(name).suffix in PICKLED:
        raise UserError(
            f"{key}: {name} is pickled, and reading it could run anything; get it as .safetensors"
        )


def header(file: Path) -> dict[str, Any]:
    """What safetensors say of themselves: by tensor `dtype` and `shape`, and `__metadata__`.

    Raises:
        UserError: if it is none, or a part of one.
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        first = stream.read(LENGTH)
        length = int.from_bytes(first, "little")
        start = stream.read(min(length, size, LONGEST))
    if (first + start).startswith(b"version https://git-lfs"):
        raise UserError(f"{file}: is a pointer of Git LFS; fetch it with git lfs pull")
    try:
        told: dict[str, Any] = json.loads(start)
        ends = [_end(told[name]) for name in told if name != "__metadata__"]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise UserError(f"{file}: is truncated, or no safetensors; fetch it again") from None
    whole = LENGTH + length + max(ends, default=0)
    if size < whole:
        raise UserError(f"{file}: is truncated ({size:,} of {whole:,} bytes); fetch it again")
    return told


def _end(tensor: Any) -> int:
    """Where a tensor ends, counted from the header's end.

    Raises:
        ValueError, LookupError, TypeError: if its entry is not what the format asks for.
    """
    _, end = tensor["data_offsets"]
    numbers = [*tensor["data_offsets"], *tensor["shape"]]
    if not isinstance(tensor["dtype"], str) or any(type(k) is not int or k < 0 for k in numbers):
        raise ValueError("a dtype, shape or place that is none")
    return int(end)


def read_tensors(file: Path) -> dict[str, Any]:
    """The tensors of a file of safetensors, on the CPU."""
    from safetensors.torch import load_file

    return load_file(str(file))


def check_whole(file: Path) -> None:
    """Refuse a truncated file of safetensors."""
    header(file)


def check_folder(folder: Path) -> None:
    """Refuse truncated safetensors, and shards that are not there."""
    for file in sorted(folder.glob("*.safetensors")):
        check_whole(file)
    for index in sorted(folder.glob("*.safetensors.index*.json")):
        try:
            shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (ValueError, KeyError, AttributeError):
            raise UserError(f"{index}: is no index of shards; fetch it again") from None
        missing = sorted(name for name in shards if not (folder / name).is_file())
        if missing:
            raise UserError(f"{folder}: its shards {few(missing, 3)} are missing; fetch them again")


def put_on(source: Source) -> dict[str, Path]:
    """The files that are put on a pipeline, by the names that they go by.

    Raises:
        UserError: as `find_file`.
    """
    found: dict[str, Path] = {}
    if source.network is not None and not Path(locate(source.network)).is_dir():
        found[source.network] = find_file(source.network, NETWORK_FILES, "target.network")
    for name, _ in source.lora:
        found[name] = find_file(name, LORA_FILES, "target.lora")
    for name in source.textual_inversion:
        found[name] = find_file(name, TOKEN_FILES, "target.textual_inversion")
    return found


def pipeline_commit(source: Source) -> str | None:
    """The commit of the hub id of a pipeline; None where it lies here."""
    if source.is_single_file or not is_hub_id(locate(source.path)):
        return None
    return commit_of(hub_file(source.path, INDEX, source.revision))


def commits(source: Source) -> dict[str, str]:
    """The commits of the hub ids that a model is made of, by what they are called."""
    found = {name: commit_of(file) for name, file in put_on(source).items()}
    found[source.named] = pipeline_commit(source)
    if source.is_single_file and source.config is not None and is_hub_id(source.config):
        place = revised(source.config)
        found[source.config] = commit_of(hub_file(place[0], INDEX, place[1]))
    return {name: commit for name, commit in found.items() if commit is not None}


def hashes(source: Source) -> dict[str, str] | None:
    """SHA-256 of the files that a model is made of beside its pipeline; None if there are none."""
    files = put_on(source)
    if source.network is not None and source.network not in files:
        folder = Path(locate(source.network))
        files |= {str(file): file for file in sorted(folder.rglob("*.safetensors"))}
    if source.is_single_file:
        files[source.path] = Path(locate(source.path))
    return {name: _hash(file) for name, file in files.items()} or None


@lru_cache(maxsize=64)
def _hash(file: Path) -> str:
    digest = sha256()
    with file.open("rb") as stream:
        while block := stream.read(1 << 24):
            digest.update(block)
    return digest.hexdigest()
