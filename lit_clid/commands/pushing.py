"""`push`: upload what an audit says of a model, and perhaps the model, to a repository of the hub,
which is private unless the caller says otherwise.

Nothing of a single record or group goes along unless the page is asked for, and no place of this
machine.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lit_clid import console
from lit_clid.commands.cards import card, results, section
from lit_clid.commands.switches import Switches, read_switches
from lit_clid.errors import UserError, first_line
from lit_clid.files import read_json
from lit_clid.hub import is_hub_id
from lit_clid.models.note import NOTE
from lit_clid.models.weights import INDEX

PUSHED: dict[str, str | bool] = {"to": "", "private": True, "model": False, "page": False}
"""What the command is told, and what it does untold."""
CARD = "README.md"
FOLDER = "audit"
"""Of the repository, where the report lies."""
FIGURES = ("results.csv", "roc.svg")
"""Files of a report that say nothing of a single record, beside its words."""
PAGE = ("report.html", "report.json")
"""Those that name records, and hold the configuration with its paths."""
ORIGIN = "_name_or_path"
"""Key of a part's config that says where it was read from."""
FORBIDDEN = (401, 403)
"""How a hub answers who may not write."""
BROKEN = 500
"""From where on a hub's answer says that it, not the request, is at fault."""


def main(arguments: Sequence[str]) -> None:
    """Push RUN.

    Raises:
        UserError: if there is nothing to push, the report names groups or is of another model, the
            repository is public and nobody said that it may be, or the hub refuses.
    """
    folder, asked = _read(arguments)
    told = _report(folder, asked)
    from huggingface_hub import get_token
    from huggingface_hub.errors import HfHubHTTPError

    if get_token() is None:
        raise UserError("push: no token; log in (hf auth login, or HF_TOKEN)")
    try:
        url = _push(folder, asked, told)
    except UserError:
        raise
    except HfHubHTTPError as error:
        status, why = error.response.status_code, first_line(error)
        if status in FORBIDDEN:
            raise UserError(
                f"push: the token that is set may not write to {asked.text('to')}; use one that "
                f"may ({why})"
            ) from None
        later = "; try again later" if status >= BROKEN else ""
        raise UserError(f"push: the hub refuses ({why}){later}") from None
    except Exception as error:  # of the library's client, whichever it is
        raise UserError(f"push: {first_line(error)}; look at the network") from None
    console.say(f"pushed to {url}")


def _read(arguments: Sequence[str]) -> tuple[Path, Switches]:
    """The run's folder, and what the words after it say."""
    example = "lit-clid push runs/demo to=owner/name"
    if not arguments or "=" in arguments[0]:
        raise UserError(f"push: name a run's folder, as in {example}")
    asked = read_switches("push", arguments[1:], PUSHED)
    to = asked.text("to")
    if not is_hub_id(to) or to.count("/") != 1 or "@" in to:
        raise UserError(f"push: to={to} is no repository; name one as owner/name, as in {example}")
    return Path(arguments[0]).expanduser(), asked


def _report(folder: Path, asked: Switches) -> Mapping[str, Any] | None:
    """What the run's report says; None where only the model is pushed."""
    model, report = folder / "target", folder / "report.json"
    if asked.on("model") and not (model / INDEX).is_file():
        raise UserError(
            f"{model}: no model of the run's own there; leave out model=true to push the report"
        )
    if not (report.is_file() and (folder / "report.md").is_file()):
        if asked.on("model"):
            return None
        raise UserError(
            f"{folder}: no report.json and report.md there; run lit-clid audit first, or push the "
            "model alone with model=true"
        )
    told: Mapping[str, Any] = read_json(report)
    if asked.on("model") and _trained(told) != _trained_here(model):
        raise UserError(
            f"{report}: is of another model than {model}; audit this one first, or leave out "
            "model=true"
        )
    groups = (told.get("suspects") or {}).get("groups")
    if groups and not asked.on("page"):
        raise UserError(
            f"{report}: names {len(groups)} groups, which may be people; page=true pushes it as it "
            "is"
        )
    return told


def _trained(told: Mapping[str, Any]) -> tuple[Any, Any]:
    """What tells one training from another, of the model that a report is of."""
    note = told["provenance"]["target"].get("training") or {}
    return note.get("created"), note.get("facts")


def _trained_here(model: Path) -> tuple[Any, Any]:
    """The same of a model in a folder."""
    note = read_json(model / NOTE) if (model / NOTE).is_file() else {}
    return note.get("created"), note.get("facts")


def _push(folder: Path, asked: Switches, told: Mapping[str, Any] | None) -> str:
    """Upload all in one commit; where it can be looked at."""
    from huggingface_hub import CommitOperationAdd, HfApi

    hub, to = HfApi(), asked.text("to")
    said = None if told is None else section(folder, told, to)
    figures = [] if told is None else results(told)
    files = dict(_files(folder, asked))
    if said is not None:
        files[f"{FOLDER}/report.md"] = said.encode()
    made = hub.create_repo(to, private=asked.on("private"), exist_ok=True)
    there = hub.model_info(to)
    if asked.on("private") and not there.private:
        raise UserError(
            f"push: {to} is public; say private=false to push there, or name another repository"
        )
    files[CARD] = card(_card_of(to), to, said, figures, model=asked.on("model")).encode()
    state = "private" if there.private else "public"
    console.say(f"push: {len(files)} files to {to} ({state}): {', '.join(_shown(sorted(files)))}")
    adding = [
        CommitOperationAdd(place, str(held) if isinstance(held, Path) else held)
        for place, held in files.items()
    ]
    message = "Membership audit by lit-clid"
    hub.create_commit(to, adding, commit_message=message, parent_commit=there.sha)
    return str(made)


def _files(folder: Path, asked: Switches) -> Iterator[tuple[str, Path | bytes]]:
    """Where a file goes → the file, or what it holds without places of this machine."""
    for name in (*FIGURES, *(PAGE if asked.on("page") else ())):
        if (folder / name).is_file():
            yield f"{FOLDER}/{name}", folder / name
    model = folder / "target"
    for file in sorted(model.rglob("*")) if asked.on("model") else ():
        place = file.relative_to(model)
        if file.is_file() and file.name not in (NOTE, CARD) and not str(place).startswith("."):
            yield place.as_posix(), _without_origin(file) if file.suffix == ".json" else file


def _without_origin(file: Path) -> Path | bytes:
    """A config without where its part was read from."""
    told = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(told, dict) or ORIGIN not in told:
        return file
    kept = {key: value for key, value in told.items() if key != ORIGIN}
    return json.dumps(kept, indent=2, ensure_ascii=False).encode()


def _shown(places: Sequence[str]) -> list[str]:
    """Files of the report by name, those of the model by their folder."""
    return list(dict.fromkeys(p if p.startswith(FOLDER) else p.split("/")[0] for p in places))


def _card_of(to: str) -> str | None:
    """The card that a repository has."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import RemoteEntryNotFoundError

    try:
        return Path(hf_hub_download(to, CARD)).read_text(encoding="utf-8")
    except RemoteEntryNotFoundError:
        return None
