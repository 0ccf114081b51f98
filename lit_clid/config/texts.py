"""Texts as they were written: what a key holds that takes text is never read as a number or a date.

YAML makes 7 of 007, 20240105 of 2024_01_05, false of off and a comment of what follows " #". In a
file a plain scalar leaves no doubt what was written, and a word of the command line none at all.
"""

import re
from collections.abc import Iterator
from typing import Any

from lit_clid.config.schema import KEYS

TEXTS = {key: kind is not str for key, kind in KEYS.items() if kind in (str, str | None)}
"""Every key that takes text, and whether it may be null."""
NULLS = ("null", "Null", "NULL")
INTERPOLATION = re.compile(r"(\\*)\$\{")
STRING, NULL, MAP, MERGE = (f"tag:yaml.org,2002:{name}" for name in ("str", "null", "map", "merge"))


def text_layer(key: str, typed: str) -> Any:
    """The layer that sets a key of `TEXTS` to what was typed; null is null where the key may be
    that, and quotes around the whole are left off.
    """
    from omegaconf import OmegaConf

    quoted = len(typed) > 1 and typed[0] == typed[-1] and typed[0] in "\"'"
    value = None if TEXTS[key] and typed in NULLS else _literal(typed[1:-1] if quoted else typed)
    for part in reversed(key.split(".")):
        value = {part: value}
    return OmegaConf.create(value)


def _literal(text: str) -> Any:
    """`text`, safe from interpolation."""
    return INTERPOLATION.sub(lambda found: found[1] * 2 + r"\${", text)


def as_written(text: str, key: str = "") -> Any:
    """The layer of a YAML text, or of a value for the dotted `key`.

    Names on the left, and plain scalars where a key takes text, stay as they are written.

    Raises:
        yaml.YAMLError: if it is none.
    """
    import yaml
    from omegaconf import OmegaConf

    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if node is None:
        node = yaml.ScalarNode(NULL, "null") if key else yaml.MappingNode(MAP, [])
    if not key and isinstance(node, yaml.ScalarNode):
        raise yaml.YAMLError("one value, and no 'key: value' lines")
    for part in reversed(key.split(".") if key else []):
        pair = (yaml.ScalarNode(STRING, part), node)
        node = yaml.MappingNode(MAP, [pair])
    for scalar in _texts(node, "", set()):
        scalar.tag, scalar.style = STRING, '"'
    return OmegaConf.create(yaml.serialize(node, allow_unicode=True))


def _texts(node: Any, key: str, seen: set[int]) -> Iterator[Any]:
    """The scalars below `node`, which stands at the dotted `key`, that are texts."""
    import yaml

    if id(node) in seen:  # an alias
        return
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode) and node.style is None:
        if key in TEXTS and node.tag != NULL:
            yield node
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _texts(each, "", seen)
    elif isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if isinstance(name, yaml.ScalarNode) and name.tag != MERGE:
                yield name
            inner = f"{key}.{name.value}" if key else str(name.value)
            yield from _texts(value, inner, seen)
