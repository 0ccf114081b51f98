"""Repositories of the hub: what names one, which commit a file is of, why one is not to be had.

In the sections `target`, `audit` and `data`, `owner/name@revision` is a branch, tag or commit.
"""

import re
from collections.abc import Iterator
from pathlib import Path

REVISED = re.compile(r"(?P<repository>[\w-][\w.-]*(?:/[\w.-]+)?)@(?P<revision>[\w./+~-]+)")
UNKNOWN = 401
"""How a hub answers a token that has expired."""
COMMIT = re.compile(r"[0-9a-f]{40}")
PICKLED = (".ckpt", ".pt", ".pth", ".bin", ".pkl", ".pickle")
"""How files of weights are called that reading would run code of."""
WEIGHTS = (".safetensors", *PICKLED)
"""How files of weights are called."""
SNAPSHOTS = "snapshots"
"""Folder of the hub's cache that holds one folder a commit."""


def revised(named: str) -> tuple[str, str | None]:
    """Hub id and revision of `owner/name@revision`; anything else as it is: files of weights, and
    what lies here, with the revision or without.
    """
    found = REVISED.fullmatch(named)
    if found is None or named.endswith(WEIGHTS):
        return named, None
    repository, revision = found["repository"], found["revision"]
    first = repository.partition("/")[0] if "/" in revision else repository
    if any(Path(each).exists() for each in (named, repository, first)):
        return named, None
    return repository, revision


def is_hub_id(named: str) -> bool:
    """True for "name" or "owner/name", perhaps with "@revision", where no such folder exists and
    nothing marks it as a path.
    """
    name, _ = revised(named)
    return not name.startswith((".", "/", "~")) and name.count("/") <= 1 and not Path(name).exists()


def commit_of(file: Path) -> str | None:
    """The commit (40 hex digits) that a file of the hub's cache is of; None for any other file."""
    for parent in file.parents:
        if parent.parent.name == SNAPSHOTS and COMMIT.fullmatch(parent.name):
            return parent.name
    return None


def refusal(name: str, revision: str | None, error: BaseException, kind: str = "") -> str | None:
    """Why the hub refuses a repository and what to do about it, in a line; None where `error` is
    for another reason.

    Args:
        name: hub id.
        revision: that was asked for.
        error: of the hub's library, or of one above it that was raised for it.
        kind: of the repository as its address has it, such as "datasets/".
    """
    from huggingface_hub import get_token
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    login = "log in (hf auth login, or HF_TOKEN)"
    if get_token() is not None:
        login = "use a token that may read it (the one that is set may not)"
    for each in _reasons(error):
        if isinstance(each, GatedRepoError):
            page = f"https://huggingface.co/{kind}{name}"
            return f"{name} is gated; accept its licence at {page} and {login}"
        if isinstance(each, RevisionNotFoundError):
            said = revision or "main"
            return f"{name} has no revision {said}; name a branch, tag or commit of it"
        if isinstance(each, RepositoryNotFoundError):
            missing = "is neither a folder here nor on the hub, or private there"
            return f"{name} {missing}; check the spelling, or {login}"
        if isinstance(each, HfHubHTTPError) and each.response.status_code == UNKNOWN:
            return (
                f"{name}: the hub does not know the token that is set; log in again (hf auth login)"
            )
    return None


def _reasons(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it was raised for."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
