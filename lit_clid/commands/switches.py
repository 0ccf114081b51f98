"""Words key=value of commands that read no configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lit_clid.errors import UserError, suggestion

BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True)
class Switches:
    """What a command was told, and its defaults."""

    values: Mapping[str, str | bool]

    def on(self, key: str) -> bool:
        """Whether a switch is on."""
        return self.values[key] is True

    def text(self, key: str) -> str:
        """What a key says."""
        return str(self.values[key])


def read_switches(
    command: str, words: Sequence[str], defaults: Mapping[str, str | bool]
) -> Switches:
    """Read a command's words.

    Args:
        command: for messages.
        words: key=value; true or false where the default is one of them.
        defaults: what a key says that no word names.

    Raises:
        UserError: for an unknown key, a word without "=", and a switch that is neither.
    """
    found = dict(defaults)
    for word in words:
        key, equals, value = word.partition("=")
        if key not in defaults or not equals:
            near = suggestion(key, list(defaults), listed="it takes")
            raise UserError(f"{command}: unknown word '{word}'{near}")
        if isinstance(defaults[key], bool):
            if value not in BOOLEANS:
                raise UserError(f"{command}: {key}={value} is neither true nor false")
            found[key] = BOOLEANS[value]
        else:
            found[key] = value
    return Switches(found)
