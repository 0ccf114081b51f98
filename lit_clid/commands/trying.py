"""Trying a command without carrying it out, refused where there is no such trial."""

from typing import Any

from lit_clid.config.schema import Config
from lit_clid.errors import UserError


def refuse_dry(config: Config[Any, Any], what: str) -> None:
    """Refuse a dry run or a check of what has none, instead of carrying it out."""
    if config.dry_run:
        raise _has_none("dry_run", what)
    refuse_check(config, what)


def refuse_check(config: Config[Any, Any], what: str) -> None:
    """The same of a check alone."""
    if config.check:
        raise _has_none("check", what)


def _has_none(key: str, what: str) -> UserError:
    return UserError(
        f"{key}: {what} has none; leave it out, or try it on one audit of one of the models"
    )
