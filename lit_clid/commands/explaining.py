"""What keys of the configuration mean, and what holds for them in the one that was given."""

from collections.abc import Sequence
from pathlib import Path

from lit_clid import console
from lit_clid.config.explained import SECTION, Key, as_yaml, explained, hanging
from lit_clid.config.reading import DEMO, Layer, layers
from lit_clid.errors import UserError, few, suggestion

WIDTH = 100


def main(arguments: Sequence[str]) -> None:
    """Explain the keys that are named; further words are a configuration."""
    keys = {key.name: key for key in explained()}
    wanted = [word for word in arguments if not _configures(word)]
    if not wanted:
        raise UserError(f"explain: name a key, such as {few(['audit.rows', 'finetune'])}")
    for word in wanted:
        if word not in keys:
            raise UserError(f"explain: unknown key {word!r}{suggestion(word, list(keys))}")
    configured = layers([word for word in arguments if _configures(word)], DEMO)
    told = [_told(keys[word], list(keys.values()), configured) for word in wanted]
    console.say("\n\n".join(told))


def _configures(word: str) -> bool:
    return "=" in word or Path(word).suffix in (".yaml", ".yml")


def _told(key: Key, every: Sequence[Key], configured: Sequence[Layer]) -> str:
    """A key's lines, or those of a section: its meaning and the names of its keys."""
    lines = [key.name]
    if key.kind == SECTION:
        inside = [other.name for other in every if other.name.startswith(f"{key.name}.")]
        return "\n".join([*lines, _line("meaning", key.text), _line("keys", ", ".join(inside))])
    lines += [_line("kind", key.kind), _line("default", key.usual or "what the command decides")]
    for layer in configured:
        if layer.sets(key.name):
            here = f"{as_yaml(layer.value(key.name))}, set by {layer.name}"
            lines.append(_line("here", here))
    lines.append(_line("meaning", key.text or "see the documentation"))
    return "\n".join(lines)


def _line(name: str, text: str) -> str:
    return hanging(f"  {name:9s}", text, WIDTH)
