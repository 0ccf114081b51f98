"""The card of a model that is pushed: what an audit says, without places of this machine."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lit_clid.data.images import EMBEDDED
from lit_clid.errors import UserError, first_line
from lit_clid.hub import revised
from lit_clid.judging.report.markdown import literal

BEGIN, END = "<!-- membership audit: begin -->", "<!-- membership audit: end -->"
"""Around the section of a card that a later push replaces."""
TAGS = ["membership-inference", "privacy", "lit-clid"]
TASK = "membership-inference"
RATE = "0.01"
"""False-positive rate whose true-positive rate stands in the card's metadata."""
PRIVATE = "private records"
"""What records are called that lie on this machine."""
PLACES = {
    "model", "base", "table", "path", "root", "source", "nonmember_source", "nonmember_path",
    "suspects", "suspects_path", "captions", "target", "shadow", "reference", "network", "lora",
    "textual_inversion", "config", "scores", "shadow_scores",
}  # fmt: skip
"""Keys of a report's provenance that may name places."""


def section(folder: Path, told: Mapping[str, Any], to: str) -> str:
    """The report in words, as it may leave the machine: places by their last name.

    Args:
        folder: of the run.
        told: its report.json.
        to: what the model is called in the place of where it lies.
    """
    text = (folder / "report.md").read_text(encoding="utf-8")
    provenance = told["provenance"]
    places = set(_places(provenance)) - _on_hub(provenance)
    own = told["provenance"]["target"].get("model")
    for place in sorted(places, key=len, reverse=True):
        name = to if place == own else Path(place.replace("\\", "/")).name
        if not name:  # a disk's root, which says nothing
            continue
        for written in (literal(place), place):
            text = text.replace(written, literal(name))
    return text


def _places(told: Any, key: str = "") -> Iterator[str]:
    """Files and folders of this machine that a provenance names."""
    if isinstance(told, Mapping):
        for name, value in told.items():
            yield from _places(value, str(name))
    elif isinstance(told, list):
        for value in told:
            yield from _places(value, key)
    elif isinstance(told, str) and key in PLACES and _is_place(told):
        yield told


def _is_place(named: str) -> bool:
    return "/" in named or "\\" in named or named.startswith("~")


def _on_hub(told: Mapping[str, Any]) -> set[str]:
    """What a provenance names that came from the hub: its commit is known."""
    found = set[str]()
    for about in told.values():
        commits = about.get("commits") if isinstance(about, Mapping) else None
        for name in commits or {}:
            found |= {name, name.removeprefix("datasets/")}
    return found


def results(told: Mapping[str, Any]) -> list[Any]:
    """The verdict's figures as the hub's cards hold them; none of an audit that stopped early, and
    no rate that so few hold-outs cannot show.

    Args:
        told: a report.json.
    """
    from huggingface_hub import EvalResult

    name, about = told.get("headline"), told["provenance"]["target"]
    grade = told.get("attacks", {}).get(name, {})
    figures = {
        "auroc": ("AUROC", grade.get("auroc")),
        f"tpr_at_fpr_{RATE}": ("TPR at 1 % FPR", (grade.get("tpr_at_fpr") or {}).get(RATE)),
    }
    data = _data(about)
    found: list[Any] = []
    for kind, (title, figure) in figures.items():
        if not isinstance(figure, Mapping) or figure.get("value") is None:
            continue
        ends = {end: figure.get(end) for end in ("low", "high")}
        result = EvalResult(
            task_type=TASK,
            task_name="Membership inference",
            **data,
            metric_type=kind,
            metric_name=f"{title} of {name}",
            metric_value=round(figure["value"], 4),
            metric_args={end: round(value, 4) for end, value in ends.items() if value is not None},
        )
        found.append(result)
    return found


def _data(about: Mapping[str, Any]) -> dict[str, Any]:
    """The records as a card names them: a hub id or embedded drawings, and nothing of others."""
    told = about.get("config")
    options = told.get("data") if isinstance(told, Mapping) else None
    source = str(options.get("source") or "") if isinstance(options, Mapping) else ""
    name, _ = revised(source)
    commit = (about.get("commits") or {}).get(f"datasets/{source}")
    shown = name if source in EMBEDDED or commit is not None else PRIVATE
    return {"dataset_type": shown, "dataset_name": shown, "dataset_revision": commit}


def card(old: str | None, to: str, said: str | None, figures: list[Any], *, model: bool) -> str:
    """A model card with an audit's section and figures put in; all else stays as it is.

    Args:
        old: the card that is there; None makes one.
        to: the repository.
        said: the section; None takes an older one out.
        figures: see `results`.
        model: whether the repository holds the model.

    Raises:
        UserError: if the old card's metadata cannot be read.
    """
    from huggingface_hub import ModelCard, ModelCardData

    name = to.rpartition("/")[2]
    new = f"---\n{ModelCardData(tags=TAGS).to_yaml()}\n---\n\n# {name}\n"
    try:
        made = ModelCard(new if old is None else old)
    except Exception as error:  # yaml's own, and the hub's library's
        raise UserError(
            f"push: the README.md of {to} has metadata that cannot be read ({first_line(error)}); "
            "mend it there"
        ) from None
    data: Any = made.data
    data.tags = list(dict.fromkeys([*(data.tags or []), *TAGS]))
    if model:
        data.library_name, data.pipeline_tag = "diffusers", "text-to-image"
    others = [each for each in data.eval_results or [] if each.task_type != TASK]
    data.eval_results = [*others, *figures] or None
    if data.eval_results:
        data.model_name = data.model_name or name
    made.text = _with(made.text, said)
    return str(made)


def _with(text: str, said: str | None) -> str:
    """A card's text with the section in the place of an older one, or at its end."""
    before, rest = text, ""
    if BEGIN in text and END in text.partition(BEGIN)[2]:
        before, _, rest = text.partition(BEGIN)
        rest = rest.partition(END)[2]
    ours = "" if said is None else f"{BEGIN}\n{_deeper(said.strip())}\n{END}\n"
    return f"{before.rstrip()}\n\n{ours}{rest.lstrip()}"


def _deeper(text: str) -> str:
    """Its headings a level deeper, below the card's own."""
    lines = text.split("\n")
    return "\n".join(f"#{line}" if line.startswith("#") else line for line in lines)
