"""`push`: upload what an audit says of a model, and perhaps the model, to a repository of the hub,
which is private unless the caller says otherwise.

Nothing of a single record goes along unless the page is asked for.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lit_clid import console
from lit_clid.commands.switches import Switches, read_switches
from lit_clid.errors import UserError, first_line
from lit_clid.files import read_json
from lit_clid.hub import is_hub_id
from lit_clid.models.note import NOTE
from lit_clid.models.weights import INDEX

PUSHED: dict[str, str | bool] = {"to": "", "private": True, "model": False, "page": False}
"""What the command is told, and what it does untold."""
FOLDER = "audit"
"""Of the repository, where the report lies."""
FIGURES = ("report.md", "results.csv", "roc.svg")
"""Files of a report that say nothing of a single record."""
PAGE = ("report.html", "report.json")
"""Those that name records."""
BEGIN, END = "<!-- membership audit: begin -->", "<!-- membership audit: end -->"
"""Around the section of a card that a later push replaces."""
TAGS = ["membership-inference", "privacy", "lit-clid"]
FORBIDDEN = (401, 403)
"""How a hub answers who may not write."""
RATE = "0.01"
"""False-positive rate whose true-positive rate stands in the card's metadata."""


def main(arguments: Sequence[str]) -> None:
    """Push RUN.

    Raises:
        UserError: if there is nothing to push, the repository is public and nobody said that it may
            be, or the hub refuses.
    """
    folder, asked = _read(arguments)
    report = folder / "report.json"
    whole = report.is_file() and (folder / "report.md").is_file()
    told = read_json(report) if whole else None
    model = folder / "target"
    if asked.on("model") and not (model / INDEX).is_file():
        raise UserError(
            f"{model}: no model of the run's own there; leave out model=true to push the report"
        )
    if told is None and not asked.on("model"):
        raise UserError(
            f"{folder}: no report.json and report.md there; run lit-clid audit first, or push the "
            "model alone with model=true"
        )
    from huggingface_hub import get_token
    from huggingface_hub.errors import HfHubHTTPError

    if get_token() is None:
        raise UserError("push: no token; log in (hf auth login, or HF_TOKEN)")
    try:
        url = _push(folder, asked, told)
    except HfHubHTTPError as error:
        if error.response.status_code in FORBIDDEN:
            raise UserError(
                f"push: the token that is set may not write to {asked.text('to')}; use one that may"
            ) from None
        raise UserError(f"push: the hub refuses ({first_line(error)}); try again later") from None
    except (OSError, ValueError) as error:
        raise UserError(f"push: {first_line(error)}; look at the file, or the network") from None
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


def _push(folder: Path, asked: Switches, told: Mapping[str, Any] | None) -> str:
    """Upload all in one commit; where it can be looked at."""
    from huggingface_hub import CommitOperationAdd, HfApi

    hub, to = HfApi(), asked.text("to")
    made = hub.create_repo(to, private=asked.on("private"), exist_ok=True)
    if asked.on("private") and not hub.model_info(to).private:
        raise UserError(
            f"push: {to} is public; say private=false to push there, or name another repository"
        )
    files = dict(_files(folder, asked))
    console.say(
        f"push: {len(files) + 1} files to {to} "
        f"({'private' if asked.on('private') else 'public'}): README.md, "
        f"{', '.join(_shown(list(files)))}"
    )
    adding = [CommitOperationAdd(place, str(file)) for place, file in files.items()]
    card = _card(to, folder, told, asked)
    adding.append(CommitOperationAdd("README.md", card.encode()))
    hub.create_commit(to, adding, commit_message="Membership audit by lit-clid")
    return str(made)


def _files(folder: Path, asked: Switches) -> Iterator[tuple[str, Path]]:
    """Where a file goes → the file."""
    for name in (*FIGURES, *(PAGE if asked.on("page") else ())):
        if (folder / name).is_file():
            yield f"{FOLDER}/{name}", folder / name
    model = folder / "target"
    for file in sorted(model.rglob("*")) if asked.on("model") else ():
        if file.is_file() and file.name != NOTE:  # it tells of this machine's folders
            yield file.relative_to(model).as_posix(), file


def _shown(places: Sequence[str]) -> list[str]:
    """Files of the report by name, those of the model by their folder."""
    return list(dict.fromkeys(p if p.startswith(FOLDER) else p.split("/")[0] for p in places))


def _card(to: str, folder: Path, told: Mapping[str, Any] | None, asked: Switches) -> str:
    """The model card: the one that is there, with the audit's section and figures put in."""
    from huggingface_hub import ModelCard, ModelCardData
    from huggingface_hub.errors import EntryNotFoundError

    try:
        card = ModelCard.load(to)
    except EntryNotFoundError:
        named = to.rpartition("/")[2]
        card = ModelCard(f"---\n{ModelCardData(tags=TAGS).to_yaml()}\n---\n\n# {named}\n")
    card.data.tags = list(dict.fromkeys([*(card.data.tags or []), *TAGS]))
    if asked.on("model"):
        card.data.library_name, card.data.pipeline_tag = "diffusers", "text-to-image"
    if told is not None:
        card.data.model_name = card.data.model_name or to.rpartition("/")[2]
        ours = _results(told)
        kinds = {each.task_type for each in ours}
        others = [each for each in card.data.eval_results or [] if each.task_type not in kinds]
        card.data.eval_results = [*others, *ours] or None
        section = (folder / "report.md").read_text(encoding="utf-8").replace("\n# ", "\n## ")
        card.text = _with(card.text, f"#{section}" if section.startswith("# ") else section)
    return str(card)


def _with(text: str, section: str) -> str:
    """A card's text with the audit's section in the place of an older one, or at its end."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before.rstrip()}\n\n{BEGIN}\n{section.strip()}\n{END}\n{after}"


def _results(told: Mapping[str, Any]) -> list[Any]:
    """The verdict's figures as the hub's cards hold them."""
    from huggingface_hub import EvalResult

    name, about = told["headline"], told["provenance"]["target"]
    grade, data = told["attacks"].get(name, {}), (about.get("config") or {}).get("data", {})
    source = str(data.get("source", "a table"))
    figures = {
        "auroc": ("AUROC", grade.get("auroc")),
        f"tpr_at_fpr_{RATE}": ("TPR at 1 % FPR", (grade.get("tpr_at_fpr") or {}).get(RATE)),
    }
    return [
        EvalResult(
            task_type="membership-inference",
            task_name="Membership inference",
            dataset_type=source,
            dataset_name=source,
            dataset_revision=(about.get("commits") or {}).get(source),
            metric_type=kind,
            metric_name=f"{title} of {name}",
            metric_value=round(found["value"], 4),
            metric_args={"low": round(found["low"], 4), "high": round(found["high"], 4)},
        )
        for kind, (title, found) in figures.items()
        if isinstance(found, Mapping)
    ]
