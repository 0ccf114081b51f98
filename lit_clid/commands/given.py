"""Records that Python code hands to a command, as the configuration names them: in memory beside
folders, files and hub ids.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from lit_clid.commands.reading import Settings, read
from lit_clid.config.options.data import MEMORY, DataOptions
from lit_clid.config.reading import CONFIGS
from lit_clid.data.handed import given_source, handed
from lit_clid.data.source import Source
from lit_clid.errors import UserError
from lit_clid.hub import is_hub_id

FOLDER = CONFIGS / "folder.yaml"
"""What holds for records of one's own where nothing else is named."""
KEYS = {
    "records": ("source", "path"),
    "members": ("source", "path"),
    "holdouts": ("nonmember_source", "nonmember_path"),
    "suspects": ("suspects", "suspects_path"),
}
"""Kinds of records → the keys of `data` that name them."""
LETTERS = 8
"""Of a hash in the name of a run."""


@dataclass(frozen=True)
class Given:
    """Records by their kind, a key of `KEYS`, and the model that they are about.

    Args:
        records: those that were handed over; each a folder, file, hub id, or in memory.
        model: a folder, file or hub id; None means the run's own.
        trains: the run's own model is to be trained.
    """

    records: Mapping[str, Any]
    model: str | None = None
    trains: bool = False

    def check(self, command: str) -> None:
        """Refuse kinds that do not go together.

        Raises:
            UserError: saying what to hand over.
        """
        kinds = set(self.records)
        if "records" in kinds and kinds & {"members", "holdouts"}:
            raise UserError(
                f"{command}: records are dealt by their member column or the seed; hand over "
                "either them, or members and holdouts"
            )
        if "members" in kinds and "holdouts" not in kinds:
            raise UserError(
                f"{command}: members alone can be compared with nothing; hand over holdouts, "
                "records of the same kind that the model was not trained on"
            )
        if kinds == {"holdouts"}:
            raise UserError(
                f"{command}: holdouts alone answer nothing; hand over members or suspects as well"
            )
        if kinds == {"suspects"}:
            raise UserError(
                f"{command}: suspects have to be compared; hand over holdouts, records of the "
                "same kind that the model was not trained on"
            )

    def changes(self) -> dict[str, str]:
        """Dotted keys of `data` that name the records."""
        found = dict[str, str]()
        for kind, given in self.records.items():
            source, path = KEYS[self._played(kind)]
            own, place = _named(self._played(kind), given)
            found[f"data.{source}"] = own
            if place is not None:
                found[f"data.{path}"] = place
        if "records" not in self.records and self.records:
            found["data.member_column"] = "null"  # what they are is said
        return found

    @contextmanager
    def opened(self, words: Sequence[str], *, named: bool) -> Iterator[Settings]:
        """The configuration that words and records come to, within which these can be read.

        Args:
            words: YAML files and key=value words.
            named: they name the run; otherwise the records and the model do.
        """
        if not self.records:
            yield read(words)
            return
        told = [*words, *(f"{key}={value}" for key, value in self.changes().items())]
        first, held = read(told, FOLDER), dict[str, Source]()
        options = first.data
        for kind, given in self.records.items():
            if not is_named(given):
                own = replace(options, member_column=None) if kind == "suspects" else options
                held[self._played(kind)] = given_source(given, kind, own)
        if not named:
            told += self._call(held, first)
        with handed(held):
            yield read(told, FOLDER)

    def _played(self, kind: str) -> str:
        """What records are to the configuration: who claims has hold-outs alone and suspects."""
        claims = kind == "holdouts" and "members" not in self.records
        return "records" if claims else kind

    def _call(self, held: Mapping[str, Source], config: Settings) -> list[str]:
        """Words that name the run; a model that was trained there on these records is its own."""
        name = f"records-{self._mark(held, config.data, None)}"
        own = Path(config.runs).expanduser() / name / "target"
        model = self.model
        if model is None and config.target.source.parts and not (self.trains or own.exists()):
            model = str(config.target.source)  # nobody trained one here
        if model is None:
            return [f"name={name}"]
        if Path(model).expanduser().resolve() == own.resolve():
            return [f"name={name}", "audit.target=null"]
        asked = (model, config.seed, config.written["attacks"], config.audit.precision)
        return [f"name=records-{self._mark(held, config.data, asked)}"]

    def _mark(self, held: Mapping[str, Source], options: DataOptions, asked: object) -> str:
        """A hash of which records they are, and of what else a run may not mix."""
        told: list[object] = [asked, sorted(self.changes().items())]
        for name, source in sorted(held.items()):
            told.append((name, source.ids, source.captions))
        drawn = {**options.drawn_from}
        if options.sample is None:  # as runs of before there were samples are called
            del drawn["sample"]
        told.append(sorted((key, str(value)) for key, value in drawn.items()))
        return blake2b(str(told).encode(), digest_size=16).hexdigest()[:LETTERS]


def is_named(given: Any) -> bool:
    return isinstance(given, (str, PathLike))


def _named(kind: str, given: Any) -> tuple[str, str | None]:
    """The source and path that name records."""
    if not is_named(given):
        return MEMORY, kind
    text = fspath(given)
    if not Path(text).expanduser().exists() and is_hub_id(text) and "*" not in text:
        return text, None
    return "imagefolder", str(Path(text).expanduser().resolve())
