"""What Python code tells a command: a model, records, and words of the configuration."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from lit_clid.auditing.lineage import BASE
from lit_clid.commands.given import FOLDER, Given, is_named
from lit_clid.commands.reading import Settings, read
from lit_clid.config.reading import CONFIGS, layers, shipped
from lit_clid.errors import UserError
from lit_clid.models.kept import Kept, keep_pipeline
from lit_clid.models.load import check_target
from lit_clid.models.note import read_note
from lit_clid.source import DEMO

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
    changes: Mapping[str, object],
    records: Mapping[str, Any],
    others: Mapping[str, Any],
) -> Told:
    """What an audit is told.

    Args:
        words: the model to audit, if it is named, then words of the configuration.
        changes: of the configuration by top keys, plain values.
        records: by their kind.
        others: "shadow" and "reference", models beside the target.

    Raises:
        UserError: for records that do not go together, or a model that cannot be laid down.
    """
    model, told = _split(words, "audit")
    told += as_words(changes)
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
    if kept is not None and not (records or _is_known(kept) or any(map(_tells_records, told))):
        raise UserError(
            "audit: hand over the records to ask the model about: members=…, holdouts=…, or "
            "suspects=… beside holdouts"
        )
    if reference is None:
        named["audit.reference"] = "null"
    elif reference != BASE:
        named["audit.reference"] = _laid_down(reference, where).folder
    return _told("audit", records, named, told)


def train_words(
    words: Sequence[Any], changes: Mapping[str, object], records: Mapping[str, Any]
) -> Told:
    """The same of a training: the first word may be the model to tune."""
    model, told = _split(words, "train")
    told += as_words(changes)
    if model is None:
        return _told("train", records, {}, told)
    kept = _laid_down(model, _runs(told)).folder
    preset: list[str] = []
    if kept != DEMO:
        preset = [str(CONFIGS / "models" / f"{check_target(kept).preset}.yaml")]
    return _told("train", records, {"target.path": kept}, told, preset)


def as_words(changes: Mapping[str, object]) -> list[str]:
    """Changes as words: a text as it is, anything else as JSON."""
    words: list[str] = []
    for key, value in changes.items():
        plain = fspath(value) if isinstance(value, PathLike) else value
        if not isinstance(plain, str):
            try:
                plain = json.dumps(plain, default=_as_plain, ensure_ascii=False)
            except TypeError:
                raise UserError(
                    f"{key}: {value!r} is no plain value; give numbers, texts, lists or mappings"
                ) from None
        words.append(f"{key}={plain}")
    return words


def _as_plain(value: Any) -> Any:
    """A path as text, and a number or array of numpy or torch as plain numbers."""
    return value.tolist() if hasattr(value, "tolist") else fspath(value)


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
    given = Given(records, named.get("audit.target"), trains=command == "train")
    given.check(command)
    files = [word for word in words if "=" not in word]
    others = [word for word in words if "=" in word]
    models = [f"{key}={value}" for key, value in named.items()]
    told = layers(files, FOLDER) if files else []
    whole = any(layer.sets("name") for layer in told)
    called = whole or any(word.startswith("name=") for word in others)
    if not whole and (records or usual):  # overlays
        files = [str(FOLDER), *usual, *files]
    return Told(given, [*files, *models, *others], called)


def _is_known(kept: Kept) -> bool:
    """Whether a model says which records it was trained on, or is the embedded base."""
    return kept.folder == DEMO or read_note(kept.folder) is not None


def _tells_records(word: str) -> bool:
    """Whether a word is a file, or may name what is asked about."""
    key, _, value = word.partition("=")
    told = key.removeprefix("data.") if key != "data" else value
    return not value or any(name in told for name in ("source", "path", "suspects", "member"))


def _runs(words: Sequence[str]) -> Path:
    """The folder of all runs."""
    return Path(read(words).runs).expanduser()


def _laid_down(model: Any, runs: Path) -> Kept:
    """Where a model lies: in its folder, or in that where a pipeline in memory is laid down."""
    if is_named(model):
        return Kept(fspath(model))
    return keep_pipeline(model, runs / PIPELINES)


def _split(words: Sequence[Any], command: str) -> tuple[Any, list[str]]:
    """The model among the words, if the first one is one, and the words of the configuration.

    A YAML file, or a word with "=" that names nothing that exists, is none.

    Raises:
        UserError: for a further word that is no text.
    """
    first = bool(words) and not _is_word(words[0])
    others = words[1:] if first else words
    for word in others:
        if not is_named(word):
            raise UserError(
                f"{command}: a {type(word).__name__} stands where a YAML file or key=value is "
                "read; hand over records by name, as in members=…, holdouts=…"
            )
    texts = [fspath(word) for word in others]
    if not first:
        return None, texts
    return fspath(words[0]) if is_named(words[0]) else words[0], texts


def _is_word(given: Any) -> bool:
    if not is_named(given):
        return False
    text = fspath(given)
    path = Path(text).expanduser()
    if path.suffix.lower() in (".yaml", ".yml") or ("=" in text and not path.exists()):
        return True
    return shipped(path).is_file() and path.suffix != ".safetensors"
