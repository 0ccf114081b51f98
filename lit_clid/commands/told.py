"""What Python code tells a command: a model, records, and words of the configuration."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from lit_clid.auditing.lineage import BASE, DEMO
from lit_clid.commands.given import FOLDER, Given, is_named
from lit_clid.commands.reading import Settings, read
from lit_clid.config.reading import CONFIGS, shipped
from lit_clid.errors import UserError
from lit_clid.models.kept import Kept, keep_pipeline
from lit_clid.models.load import check_target

PIPELINES = "pipelines"
"""Folder among the runs of pipelines that were handed over in memory."""


@dataclass(frozen=True)
class Told:
    """What a command is told.

    Args:
        given: the records, and which model they are about.
        words: of the configuration.
        named: the words name the run, or a file that does.
    """

    given: Given
    words: list[str]
    named: bool

    def opened(self) -> AbstractContextManager[Settings]:
        """The configuration, within which the records can be read."""
        return self.given.opened(self.words, named=self.named)


def audit_words(
    words: Sequence[Any],
    changes: Mapping[str, str],
    records: Mapping[str, Any],
    others: Mapping[str, Any],
) -> Told:
    """What an audit is told.

    Args:
        words: the model to audit, if it is named, then words of the configuration.
        changes: of the configuration by top keys, as words have them.
        records: by their kind.
        others: "shadow" and "reference", models beside the target.

    Raises:
        UserError: for records that do not go together, or a model that cannot be laid down.
    """
    model, told = _split(words)
    told += [f"{key}={value}" for key, value in changes.items()]
    where = _runs(told)
    kept = None if model is None else _laid_down(model, where)
    shadow, reference = others.get("shadow"), others.get("reference")
    if shadow is not None and not is_named(shadow):
        raise UserError(
            "shadow: a model does not say which records it was trained on; hand over its audit, "
            "lit_clid.audit(shadow, members=…, holdouts=…), or the folder of a shadow of this run"
        )
    if reference == BASE and kept is not None and kept.base is not None:
        reference = kept.base
    named: dict[str, str] = {}
    if kept is not None:
        named["audit.target"] = kept.folder
    if shadow is not None:
        named["audit.shadow"] = fspath(shadow)
    if reference is None:
        named["audit.reference"] = "null"
    elif reference != BASE:
        named["audit.reference"] = _laid_down(reference, where).folder
    return _told("audit", records, named, told)


def train_words(
    words: Sequence[Any], changes: Mapping[str, str], records: Mapping[str, Any]
) -> Told:
    """The same of a training: the first word may be the model to tune."""
    model, told = _split(words)
    told += [f"{key}={value}" for key, value in changes.items()]
    if model is None:
        return _told("train", records, {}, told)
    kept = _laid_down(model, _runs(told)).folder
    preset: list[str] = []
    if kept != DEMO:
        preset = [str(CONFIGS / "models" / f"{check_target(kept).preset}.yaml")]
    return _told("train", records, {"target.path": kept}, told, preset)


def _told(
    command: str,
    records: Mapping[str, Any],
    named: Mapping[str, str],
    words: Sequence[str],
    usual: Sequence[str] = (),
) -> Told:
    """Models before the words of the configuration, which have the last say.

    Args:
        usual: files that hold where none is named.
    """
    given = Given(records, named.get("audit.target"))
    given.check(command)
    files = [word for word in words if "=" not in word]
    others = [word for word in words if "=" in word]
    models = [f"{key}={value}" for key, value in named.items()]
    called = bool(files) or any(word.startswith("name=") for word in others)
    if usual and not files:
        files = [str(FOLDER), *usual]
    return Told(given, [*files, *models, *others], called)


def _runs(words: Sequence[str]) -> Path:
    """The folder of all runs."""
    return Path(read(words).runs).expanduser()


def _laid_down(model: Any, runs: Path) -> Kept:
    """Where a model lies: in its folder, or in that where a pipeline in memory is laid down."""
    if is_named(model):
        return Kept(fspath(model))
    return keep_pipeline(model, runs / PIPELINES)


def _split(words: Sequence[Any]) -> tuple[Any, list[str]]:
    """The model among the words, if the first one is one, and the words of the configuration.

    A YAML file, or a word with "=" that names nothing that exists, is none.
    """
    if not words or _is_word(words[0]):
        return None, [fspath(word) for word in words]
    first = words[0]
    model = fspath(first) if isinstance(first, (str, PathLike)) else first
    return model, [fspath(word) for word in words[1:]]


def _is_word(given: Any) -> bool:
    if not is_named(given):
        return False
    text = fspath(given)
    path = Path(text).expanduser()
    if path.suffix.lower() in (".yaml", ".yml") or ("=" in text and not path.exists()):
        return True
    return shipped(path).is_file() and path.suffix != ".safetensors"
