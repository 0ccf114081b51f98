"""One command at a time in a run folder, but for parts of the work that do not disturb each other;
it can be written, and its disk may fill up.
"""

import os
import shlex
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from getpass import getuser
from pathlib import Path
from textwrap import shorten

from filelock import FileLock, Timeout

from lit_clid import console
from lit_clid.errors import UserError, WriteError
from lit_clid.files import BARRED, FAULTS, FULL, read_json, unwritable, write_json
from lit_clid.plain import Plain

LOCK = ".lock"
"""The file in a run folder that is locked while a command works there."""
PARTS = f".part-*{LOCK}"
"""Those of commands that do a part of the work."""
APART = f".part-*-of-*{LOCK}"
"""Of these, those of parts of the records."""
TRAININGS = f".part-train-*{LOCK}"
"""Of these, those of the training of a role."""
LOOK = 1.0
"""Seconds in which a command that only looks whether somebody holds a lock has let it go."""


@dataclass(frozen=True)
class Holder(Plain):
    """Who works in a run folder, for the one who is refused.

    Args:
        user: name of the account.
        host: name of the machine.
        process: its number there.
        command: how it was called.
        since: date and time of its start, with the time zone.
    """

    user: str
    host: str
    process: int
    command: str
    since: str

    def __str__(self) -> str:
        who = f"{self.user}@{self.host}, process {self.process}"
        return f"{who}, since {self.since}: {self.command}"


@contextmanager
def held(folder: Path, part: str = "") -> Iterator[None]:
    """Keep other commands out of a run folder; whoever holds it may hold it again within.

    The operating system gives the lock back when the process ends, however it does. Only the first
    of several processes holds it. Where the folder may not be written nothing is held: who can
    only read disturbs nobody.

    Args:
        folder: of the run, made if there is none, and removed if nothing was written to it.
        part: of the work in it that does not disturb other parts; the whole of it is refused
            beside the training of a role.

    Raises:
        UserError: naming the holder and its start, if another process holds it.
        WriteError: if it cannot be made, or the disk filled up in the meantime.
    """
    name = f".part-{part.replace('/', '-of-')}{LOCK}" if part else LOCK
    lock = _lock(folder.resolve() / name)
    outermost = not lock.is_locked
    taken = outermost and console.is_first_process() and _take(lock, folder)
    try:
        if not part:
            refuse_beside(folder, TRAININGS)
        yield
    except Exception as error:
        told = error if isinstance(error, WriteError) else unwritable(error, folder, FULL)
        if told is None or not outermost or getattr(told, "kept", None):
            raise
        raise WriteError(str(told), _kept(folder)) from error
    finally:
        if taken:
            _give_back(lock, folder)


def refuse_beside(folder: Path, *patterns: str) -> None:
    """Refuse to work in a run folder beside others who hold another of its locks.

    Args:
        patterns: of the locks' names.

    Raises:
        UserError: naming the holder and its start.
    """
    found = [path for pattern in patterns for path in sorted(folder.resolve().glob(pattern))]
    for path in found if console.is_first_process() else []:
        lock = _lock(path)
        if lock.is_locked:  # ours
            continue
        with suppress(OSError, NotImplementedError):
            try:
                lock.acquire()
            except Timeout:
                raise UserError(_refusal(path, folder)) from None
            lock.release()


def _lock(path: Path) -> FileLock:
    """The one lock that this process has of a file."""
    return FileLock(path, timeout=LOOK, mode=0o666, is_singleton=True)


def _take(lock: FileLock, folder: Path) -> bool:
    """True if the lock is ours now, False where nothing can be held."""
    path = Path(lock.lock_file)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise UserError(_refusal(path, folder)) from None
    except (OSError, NotImplementedError) as error:
        if getattr(error, "errno", None) in BARRED:
            return False
        told = unwritable(error, folder, FAULTS)
        if told is not None:
            raise told from None
        console.say(f"note: {folder}: its disk knows no locks; start no second command there")
        return False
    try:
        write_json(_facts(path), _ourselves().as_json())
    except BaseException:
        _give_back(lock, folder)
        raise
    return True


def _give_back(lock: FileLock, folder: Path) -> None:
    """Leave the folder as it would be without a lock; the lock's own file stays among others."""
    path = Path(lock.lock_file)
    with suppress(OSError):
        _facts(path).unlink(missing_ok=True)
        left = list(path.parent.iterdir())
        if path in left and all(file.name.endswith(LOCK) for file in left):
            path.unlink()
            folder.rmdir()
    lock.release()


def _refusal(lock: Path, folder: Path) -> str:
    who = _holder(lock) or "another process"
    return f"{folder}: in use by {who}; wait until it has ended, or give this run another name=…"


def _facts(lock: Path) -> Path:
    return lock.with_name(f"{lock.name}.json")


def _holder(lock: Path) -> Holder | None:
    """Who holds it, as far as it has said so yet."""
    try:
        return Holder.from_json(read_json(_facts(lock)), str(_facts(lock)))
    except (OSError, UserError):
        return None


def _ourselves() -> Holder:
    try:
        user = getuser()
    except (OSError, KeyError, ImportError):  # a container without that account
        user = str(os.getuid()) if hasattr(os, "getuid") else "unknown"
    script = Path(sys.argv[0]).name.replace("__main__.py", "lit-clid")
    command = shorten(shlex.join([script, *sys.argv[1:]]), 200, placeholder=" …")
    since = datetime.now().astimezone().isoformat(" ", "seconds")
    return Holder(user, socket.gethostname(), os.getpid(), command, since)


def _kept(folder: Path) -> Path | None:
    """The folder, if anything but the lock lies there."""
    found = [file for file in folder.glob("*") if not file.name.startswith(".")]
    return folder if found else None
