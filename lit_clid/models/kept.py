"""A pipeline of diffusers that somebody holds in memory, laid down in a folder.

What is asked is the folder, so that an audit can go on after its process, its figures name files
with hashes, and the pipeline itself stays as it is, wherever it lies.
"""

import copy
import filecmp
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from operator import attrgetter
from pathlib import Path
from secrets import token_hex
from typing import Any

import torch
from torch.nn import Module, Parameter

from lit_clid.errors import UserError, few, first_line
from lit_clid.files import settle_all, writing
from lit_clid.models.families import KNOWN
from lit_clid.models.note import NOTE
from lit_clid.models.quantised import plain_tensors
from lit_clid.models.quiet import quiet_imports
from lit_clid.models.weights import INDEX

IS_META = attrgetter("is_meta")
LETTERS = 12
"""Of a pipeline's hash in the name of its folder."""


@dataclass(frozen=True)
class Kept:
    """Where a pipeline lies.

    Args:
        folder: of it, with its adapters folded in, or a hub id.
        base: the same without them; None where it has none.
    """

    folder: str
    base: str | None = None


def keep_pipeline(pipeline: Any, folder: Path) -> Kept:
    """Lay a pipeline down below `folder`, unless the same one lies there already.

    LoRA that was put on it by diffusers or peft is folded in, at the weights it is set to.

    Raises:
        UserError: if it is no pipeline of a known family, or its weights cannot be written.
    """
    name = type(pipeline).__name__
    if name not in KNOWN:
        raise UserError(
            f"a {name} is no pipeline that can be asked; give one of {few(list(KNOWN))}, a "
            "folder or a hub id"
        )
    networks = {n: p for n, p in pipeline.components.items() if isinstance(p, Module)}
    _refuse_elsewhere(networks)
    adapted = {n: part for n, part in networks.items() if next(_adapters(part), None)}
    place = folder / f"pipeline-{_mark(pipeline, networks)}"
    folded = {n: _folded(part, active=True) for n, part in adapted.items()}
    note = _lay_down(pipeline, folded, place)
    if note is not None and not adapted:
        _keep_note(note, place)
    if not any(any(map(_is_heard, _adapters(part))) for part in adapted.values()):
        return Kept(str(place))
    base = place.with_name(f"{place.name}-base")
    _lay_down(pipeline, {n: _folded(part, active=False) for n, part in adapted.items()}, base)
    return Kept(str(place), str(base))


def _refuse_elsewhere(networks: dict[str, Module]) -> None:
    """Weights that accelerate keeps elsewhere are not in the pipeline."""
    absent = [name for name, part in networks.items() if any(map(IS_META, part.parameters()))]
    if absent:
        raise UserError(
            f"the weights of {few(absent)} are not in the pipeline (they are offloaded); call its "
            "remove_all_hooks() first, or name its folder or hub id"
        )


def _adapters(part: Module) -> Iterator[Any]:
    """Layers of a network that have factors, as peft makes them."""
    return (module for module in part.modules() if hasattr(module, "get_base_layer"))


def _is_heard(layer: Any) -> bool:
    """Whether a layer's factors have a part in its answers."""
    return not layer.disable_adapters and bool(layer.active_adapters or layer.merged)


def _mark(pipeline: Any, networks: dict[str, Module]) -> str:
    """A hash of what decides the pipeline's answers."""
    digest = blake2b(digest_size=16)
    told = [type(pipeline).__name__, _plain(pipeline.config)]
    for name, part in sorted(pipeline.components.items()):
        config: Any = getattr(part, "config", None)
        told.append(f"{name} {type(part).__name__} {_plain(config)}")
        if hasattr(part, "get_vocab"):
            told += [str(sorted(part.get_vocab().items())), _plain(part.init_kwargs)]
            told.append(str(part.model_max_length))
    for name, part in sorted(networks.items()):
        for key, value in sorted(part.state_dict().items()):
            digest.update(f"{name}.{key} {value.dtype} {tuple(value.shape)}".encode())
            for tensor in plain_tensors(value):
                raw = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
                digest.update(raw.numpy().data)
        for layer in _adapters(part):
            state = (layer.active_adapters, layer.disable_adapters, layer.merged_adapters)
            told.append(f"{state} {getattr(layer, 'scaling', None)}")
    digest.update("\n".join(told).encode())
    return digest.hexdigest()[:LETTERS]


def _plain(config: Any) -> str:
    """What a configuration says, where it was read from and by which version aside."""
    told = config.to_dict() if hasattr(config, "to_dict") else dict(config or {})
    return str(sorted(f"{key} {value}" for key, value in told.items() if key[:1] != "_"))


def _folded(part: Module, *, active: bool) -> Any:
    """A copy of a network on the CPU without adapters: folded in as they are set, or left out.

    What factors are added to is in float32: half precision would round most of them away.
    """
    from diffusers.utils.peft_utils import recurse_remove_peft_layers

    memo: dict[int, Any] = {}
    for parameter in part.parameters():
        value = parameter.detach().to("cpu", copy=True)
        memo[id(parameter)] = Parameter(value, requires_grad=False)
    own: Any = copy.deepcopy(part, memo).to("cpu")
    for layer in _adapters(own):
        wanted = active and not layer.disable_adapters
        if wanted and not layer.merged:
            layer.float()
            layer.merge()
        elif layer.merged and not wanted:
            layer.float()
            layer.unmerge()
    if getattr(own, "_hf_peft_config_loaded", False):  # it would write its factors alone
        own._hf_peft_config_loaded = False
    return recurse_remove_peft_layers(own)


def _lay_down(pipeline: Any, changed: dict[str, Any], place: Path) -> Path | None:
    """Write a pipeline, with other networks in place of some, whole or not at all.

    Returns:
        The folder that it was read from, if that has a note; None if it has none.
    """
    read_from = Path(str(pipeline.config.get("_name_or_path") or ""))
    note = read_from if (read_from / NOTE).is_file() else None
    if (place / INDEX).is_file():
        return note
    shown = copy.copy(pipeline)
    for name, part in changed.items():
        setattr(shown, name, part)
    part_of_it = place.with_name(f".{place.name}.{os.getpid()}-{token_hex(3)}.part")
    with writing(place, part_of_it), quiet_imports():
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            shown.save_pretrained(part_of_it, safe_serialization=True)
        except (TypeError, ValueError, NotImplementedError, AttributeError) as error:
            raise UserError(
                f"the pipeline cannot be written ({first_line(error)}); name its folder or hub id"
            ) from None
        settle_all(part_of_it)
        try:
            part_of_it.rename(place)
        except OSError:
            if not (place / INDEX).is_file():  # of another process that laid down the same
                raise
            shutil.rmtree(part_of_it)
    return note


def _keep_note(folder: Path, place: Path) -> None:
    """Lay the note of how a model was trained beside it, if it is that folder's model still."""
    for file in sorted(place.rglob("*.safetensors")):
        other = folder / file.relative_to(place)
        if not other.is_file() or not filecmp.cmp(file, other, shallow=False):
            return
    shutil.copyfile(folder / NOTE, place / NOTE)
