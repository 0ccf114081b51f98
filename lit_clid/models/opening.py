"""A pipeline from its files, folder, hub id or single file, and what is put on it.

A denoiser that lies in a folder in half precision stays so, the rest is in float32.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from lit_clid.errors import UserError, first_line
from lit_clid.hub import is_hub_id
from lit_clid.models.families import Family
from lit_clid.models.folding import fold_file
from lit_clid.models.quantised import is_quantised
from lit_clid.models.quiet import quiet_imports, silent
from lit_clid.models.tokens import teach_tokens
from lit_clid.models.variants import half_precision
from lit_clid.models.weights import check_folder, locate, pipeline_commit, put_on, read_tensors
from lit_clid.source import Source


def open_pipeline(
    source: Source, family: Family, lacking: Sequence[str], variant: str | None, place: str
) -> Any:
    """The pipeline that a source names, on the CPU.

    Args:
        source: what it is made of.
        family: its own.
        lacking: optional parts that it goes without.
        variant: of its weights.
        place: where its configs and tokenizers lie.

    Raises:
        UserError: if a part does not load, or what is put on it does not fit.
    """
    more = {**family.loading, **dict.fromkeys(lacking)}
    with quiet_imports():
        import diffusers

        kind = getattr(diffusers, family.pipeline)
        if source.is_single_file:
            file = Path(locate(source.path))
            pipeline = _of_file(kind, file, place, {**more, **source.fetching})
        else:
            own = Path(locate(source.path)) / family.network
            changed = source.lora or source.network is not None
            half = None if changed else half_precision(own, variant)
            if half is not None:
                more["torch_dtype"] = {family.network: half, "default": torch.float32}
            pipeline = _of_folder(kind, source, variant, more)
        files = put_on(source)
        if source.network is not None:
            replace_network(pipeline, family, source, files, place)
        _to_float32(pipeline, None if source.lora else getattr(pipeline, family.network))
        for name in source.textual_inversion:
            teach_tokens(pipeline, files[name])
        for name, strength in source.lora:
            fold_file(pipeline, family, files[name], strength)
    return pipeline


def _of_folder(kind: Any, source: Source, variant: str | None, more: Mapping[str, Any]) -> Any:
    for part in sorted(Path(locate(source.path)).glob("*/")):
        check_folder(part)
    commit = pipeline_commit(source)  # every part of one, whatever comes next
    try:
        return kind.from_pretrained(
            locate(source.path),
            use_safetensors=True,
            variant=variant,
            revision=commit or source.revision,
            **more,
        )
    except Exception as error:  # safetensors, tokenizers and both hub libraries raise their own
        way = "export it again"
        if "variant" in str(error):
            way = "name its variant with target.variant or audit.variant"
        elif isinstance(error, ImportError):
            way = "install what it names"
        raise UserError(
            f"{source.path}: the pipeline does not load ({first_line(error)}); {way}"
        ) from None


def _of_file(kind: Any, file: Path, place: str, more: Mapping[str, Any]) -> Any:
    if not hasattr(kind, "from_single_file"):
        raise UserError(
            f"{file}: a {kind.__name__} is not read from a single file; give its diffusers folder"
        )
    try:
        with silent():
            return kind.from_single_file(
                str(file),
                config=place,
                torch_dtype=torch.float32,
                local_files_only=not is_hub_id(place),
                **more,
            )
    except Exception as error:  # likewise
        said = first_line(error)
        if "missing in the checkpoint" in said or "text_encoder" in str(error):
            raise UserError(
                f"{file}: holds no whole pipeline ({said}); name its base with target.path, and "
                "this file with target.network"
            ) from None
        raise UserError(
            f"{file}: does not load with the configs of {place} ({said}); name those of its own "
            "family with target.config"
        ) from None


def replace_network(
    pipeline: Any, family: Family, source: Source, files: Mapping[str, Path], place: str
) -> None:
    """Put a denoiser of the same architecture in the place of a pipeline's own.

    Raises:
        UserError: if it is of another.
    """
    own, named = getattr(pipeline, family.network), str(source.network)
    try:
        with silent():
            if named in files:
                network = _network_of_file(own, family, files[named], place, source.fetching)
            else:
                network = _network_of_folder(own, family, Path(locate(named)))
    except UserError:
        raise
    except Exception as error:  # torch, safetensors and diffusers raise their own
        raise UserError(
            f"target.network: {named} is no {type(own).__name__} of this base "
            f"({first_line(error)}); name its own base with target.path"
        ) from None
    setattr(pipeline, family.network, network)


def _network_of_file(
    own: Any, family: Family, file: Path, place: str, more: Mapping[str, str]
) -> Any:
    """From its own names, or from those of its first release, which diffusers translates."""
    weights = read_tensors(file)
    if set(weights) == set(own.state_dict()):
        own.load_state_dict(weights)
        return own
    if not hasattr(own, "from_single_file"):
        raise ValueError(f"its weights have other names, such as {min(weights, default='none')}")
    network = type(own).from_single_file(
        str(file),
        config=place,
        subfolder=family.network,
        torch_dtype=torch.float32,
        local_files_only=not is_hub_id(place),
        **more,
    )
    left = [name for name, value in network.state_dict().items() if value.is_meta]
    if left:
        raise ValueError(f"it lacks {left[0]}")
    return network


def _network_of_folder(own: Any, family: Family, folder: Path) -> Any:
    inside = folder / family.network
    folder = inside if inside.is_dir() else folder
    check_folder(folder)
    network = type(own).from_pretrained(str(folder), use_safetensors=True)
    alike = {name: value.shape for name, value in own.state_dict().items()}
    for name, value in network.state_dict().items():
        if is_quantised(network):
            break
        if alike.get(name) != value.shape:
            raise ValueError(f"{name} is of another shape")
    return network


def _to_float32(pipeline: Any, but: Any) -> None:
    """Every part but one, and but what is quantised, whose own arithmetic stays."""
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module) and part is not but and not is_quantised(part):
            part.to(torch.float32)
