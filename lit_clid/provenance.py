"""Where a result comes from: versions, commit, machine.

Results of different making are never mixed.
"""

import platform
import subprocess
from collections.abc import Mapping
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lit_clid.about import Made
from lit_clid.errors import UserError, few

PACKAGES = (
    "lit-clid",
    "torch",
    "lightning",
    "diffusers",
    "transformers",
    "torchmetrics",
    "datasets",
    "peft",
    "xgboost-cpu",
    "xgboost",
)


def provenance(device: str) -> Made:
    """Versions, git commit, platform, device and UTC time."""
    versions = {name: _version(name) for name in PACKAGES}
    return Made(
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        commit=_commit(),
        python=platform.python_version(),
        platform=platform.platform(),
        device=device,
        packages={name: found for name, found in versions.items() if found},
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The project's git commit, or None outside a checkout of it."""
    home = Path(__file__).parent.parent
    command = ["git", "-C", str(home), "rev-parse", "--show-toplevel", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    top, commit = done.stdout.splitlines()
    return commit if Path(top).resolve() == home.resolve() else None  # else it is a user's own


def refuse_changes(found: Mapping[str, Any], wanted: Mapping[str, Any], what: str) -> None:
    """Raise UserError naming every fact in which `what` was made otherwise than is wanted now."""
    changed = [
        f"{key} is {wanted.get(key)!r} now and was {found.get(key)!r}"
        for key in sorted({*found, *wanted})
        if found.get(key) != wanted.get(key)
    ]
    if changed:
        raise UserError(
            f"{what}: made otherwise ({few(changed, 4)}); use the old values, another name=…, or "
            "delete it"
        )
