"""Every key has its meaning, kind and default, from the options' docstrings."""

from dataclasses import fields, is_dataclass

from lit_clid.config.explained import entries, explained, explanation
from lit_clid.config.schema import KEYS, WRITTEN, Config


def test_every_key_is_explained() -> None:
    keys = list(explained())
    assert {key.name for key in keys} == set(KEYS)
    assert not [key.name for key in keys if not key.text or not key.kind]


def test_docstrings_explain_no_key_that_is_not_there() -> None:
    sections = [f.type for f in fields(WRITTEN) if isinstance(f.type, type)]
    for cls in [Config, *filter(is_dataclass, sections)]:
        assert set(entries(cls)) == {each.name for each in fields(cls)}


def test_an_entry_may_explain_several_keys_and_span_lines() -> None:
    texts = {key.name: key.text for key in explained()}
    assert texts["audit.target"] == texts["audit.shadow"]
    assert texts["audit.posterior"].endswith("noise keyed by the record.")
    assert texts["audit"] == "How a model is asked."


def test_kinds_and_defaults_are_said_as_yaml_writes_them() -> None:
    said = {key.name: (key.kind, key.usual) for key in explained()}
    assert said["data.members"] == ("whole number or null", "256")
    assert said["audit.shadow"] == ("text or null", "null")
    assert said["audit.compile"] == ("true or false or text", "false")
    assert said["audit.offload"] == ("true or false", "false")
    assert said["grid.checkpoints"] == ("list of numbers", "[]")
    assert said["attacks"] == ("names", "")


def test_the_explanation_fits_its_width() -> None:
    for width in (80, 120):
        lines = explanation(width).splitlines()
        assert max(map(len, lines)) <= width
        assert sum(line.startswith("  ") and line[2] != " " for line in lines) == len(list(KEYS))
