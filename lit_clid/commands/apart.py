"""An audit in parts: independent jobs ask about some of the records each, and share a run folder.

Nothing is exchanged while they ask. Each holds a lock of its own part; the job that finds the
answers about all records makes the tables, under the lock of the whole run.
"""

from contextlib import ExitStack

from lit_clid import console
from lit_clid.commands.holding import APART, LOCK, TRAININGS, held, refuse_beside
from lit_clid.commands.planned import planned
from lit_clid.commands.processes import shared
from lit_clid.commands.reading import Settings
from lit_clid.commands.sitting import all_there, ask_part, opened
from lit_clid.errors import UserError


def refuse_parts(config: Settings, what: str) -> None:
    """Refuse what asks about all records where a part was wanted."""
    if config.audit.parts[1] > 1:
        raise UserError(f"audit.part: {what} has no parts; leave it out")


def asked_apart(config: Settings) -> bool:
    """Ask about this job's part of every sitting; True if all answers are there.

    Raises:
        UserError: if another job works on this very part, or anything cannot be asked.
    """
    with held(config.folder, config.audit.part):
        refuse_beside(config.folder, LOCK, TRAININGS)
        models, split = opened(config)
        sittings, targets = planned(config, split, models)
        for sitting in sittings:
            ask_part(sitting, targets[sitting.model], config, split)
        # looked at when all were asked: others may have ended some of them in the meantime
        there = [all_there(sitting, config, split) for sitting in sittings]
    return bool(shared(all(there)))


def hold_whole(config: Settings, stack: ExitStack) -> bool:
    """Hold the whole run until the stack is left; False if somebody else does."""
    taken = True
    try:
        stack.enter_context(held(config.folder))
        refuse_beside(config.folder, APART)
    except UserError as error:
        console.say(f"part {config.audit.part} is asked; the tables are not made here: {error}")
        taken = False
    return bool(shared(taken))
