"""What a model is made of: where its weights lie, and what is put on them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lit_clid.errors import UserError
from lit_clid.hub import WEIGHTS, revised

DEMO = "demo"
"""The embedded base."""


@dataclass(frozen=True)
class Source:
    """Names alone; nothing is looked at.

    Args:
        path: folder of a diffusers pipeline, hub id, "demo", or single file of a whole one;
            "owner/name@revision" is taken apart.
        variant: of its weights.
        revision: branch, tag or commit of a hub id.
        config: folder or hub id whose configs and tokenizers a single file is read with.
        network: file or folder of a denoiser that takes the place of the pipeline's own.
        lora: LoRA files, folders or hub ids, each with the weight that it is added with.
        textual_inversion: files of learned tokens, likewise.
    """

    path: str
    variant: str | None = None
    revision: str | None = None
    config: str | None = None
    network: str | None = None
    lora: tuple[tuple[str, float], ...] = ()
    textual_inversion: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        path, revision = revised(self.path)
        if revision is None or path == DEMO:
            return
        if self.revision not in (None, revision):
            raise UserError(
                f"target.revision: {self.revision}, where target.path says {self.path}; leave out "
                "one of them"
            )
        object.__setattr__(self, "path", path)
        object.__setattr__(self, "revision", revision)

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "Source":
        """The source that the section `target` of a configuration names.

        Raises:
            UserError: if LoRA files and their weights are not as many.
        """
        files, weights = options.get("lora") or [], options.get("lora_weights") or []
        if weights and len(weights) != len(files):
            raise UserError(
                f"target.lora_weights: {len(weights)} weights for {len(files)} files of "
                "target.lora; give one each, or none"
            )
        return cls(
            options["path"],
            options.get("variant"),
            options.get("revision"),
            options.get("config"),
            options.get("network"),
            tuple(zip(files, weights or [1.0] * len(files), strict=True)),
            tuple(options.get("textual_inversion") or []),
        )

    @property
    def parts(self) -> tuple[str, ...]:
        """What is put on the pipeline at `path`."""
        network = () if self.network is None else (self.network,)
        return (*network, *(file for file, _ in self.lora), *self.textual_inversion)

    @property
    def base(self) -> "Source":
        """What it was tuned from: itself without adapters or, where it has none, with the
        pipeline's own denoiser.
        """
        if self.lora or self.textual_inversion:
            return replace(self, lora=(), textual_inversion=())
        return replace(self, network=None)

    @property
    def named(self) -> str:
        """`path` with the revision, if there is one."""
        return self.path if self.revision is None else f"{self.path}@{self.revision}"

    @property
    def configs_revision(self) -> str | None:
        """That of the hub id where configs and tokenizers lie."""
        if self.is_single_file:
            return None if self.config is None else revised(self.config)[1]
        return self.revision

    @property
    def fetching(self) -> dict[str, str]:
        """That revision as the libraries take it."""
        revision = self.configs_revision
        return {} if revision is None else {"revision": revision}

    @property
    def is_single_file(self) -> bool:
        """True for a file that is named as one of weights."""
        return Path(self.path).suffix in WEIGHTS

    def __str__(self) -> str:
        weighed = [file if weight == 1 else f"{weight:g} · {file}" for file, weight in self.lora]
        network = [] if self.network is None else [self.network]
        return " + ".join([self.named, *network, *weighed, *self.textual_inversion])


def as_source(model: str | Source) -> Source:
    """A source of nothing but a path, where no more is told."""
    return Source(model) if isinstance(model, str) else model
