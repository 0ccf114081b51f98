"""How things were made, to JSON and back: whole, old, partial, wrong and newer files."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import old
import pytest

from lit_clid.about import About, Claims, Facts, ModelNote, read_about
from lit_clid.asked import AttackSpec
from lit_clid.errors import UserError
from lit_clid.plain import Plain
from lit_clid.source import Source

DOCUMENTS: list[tuple[type[Plain], dict[str, Any]]] = [
    (About, old.ABOUT),
    (ModelNote, old.NOTE),
    (Claims, old.CLAIMS),
]


def unversioned(content: Any) -> Any:
    """`content` without the version of any document in it."""
    if not isinstance(content, dict):
        return content
    return {key: unversioned(value) for key, value in content.items() if key != "version"}


@pytest.mark.parametrize(("kind", "content"), DOCUMENTS)
def test_round_trip(kind: type[Plain], content: dict[str, Any]) -> None:
    """Through text, an old file comes back with a version and otherwise as it was, key by key."""
    record = kind.from_json(content, "file")
    written = json.loads(json.dumps(record.as_json()))
    assert written == record.as_json()
    assert kind.from_json(written, "file") == record
    assert next(iter(written.items())) == ("version", 1)
    assert unversioned(written) == content


def test_what_is_empty_comes_back_empty() -> None:
    assert About.from_json(About().as_json(), "file") == About()
    assert ModelNote.from_json({}, "file").as_json() == {
        "version": 1,
        "facts": {},
        "base": None,
        "steps": 0,
        "val_loss": None,
    }


def test_an_old_note_is_told_in_full() -> None:
    note = ModelNote.from_json(old.NOTE, "file")
    assert note.facts.as_json() == old.FACTS
    assert list(note.facts.as_json()) == list(old.FACTS)
    assert note.facts.images_per_step == 32
    assert note.tuned_from == Source("demo")
    assert (note.steps, note.ended_at) == (20, 40)
    assert replace(note, stopping=None).ended_at == 20
    assert replace(note, config={"target": 3}).tuned_from is None


def test_partial_files_are_read() -> None:
    about = About.from_json({"attacks": {"x": {"columns": ["a", "b"], "rule": "first"}}}, "file")
    assert about == About(attacks={"x": AttackSpec(columns=("a", "b"), rule="first")})
    assert About.from_json({}, "file") == About()
    assert About.from_json({"claims": {}, "training": {}, "mine": [1]}, "file") == About()
    bare = Facts.from_json({"seed": 1}, "file")
    assert (bare.processes, bare.as_json()) == (None, {"seed": 1})


def test_old_and_new_claims_are_alike() -> None:
    """What sets of signals had as attacks counts no more; an attack's condition does."""
    had = {"kind": "Denoising", "condition": "caption", "t": [100], "draws": 2}
    has = {"kind": "Denoising", "t": [100], "draws": 2}
    loss = old.CLAIMS["attacks"]["loss"]
    before, now = (
        Claims.from_json({**old.CLAIMS, **more, "attacks": {"utility": spec, "loss": loss}}, "file")
        for spec, more in ((had, {}), (has, {"version": 1}))
    )
    assert before == now
    assert before.flat == now.flat
    assert "version" not in now.flat
    assert now.flat["attacks"] == ["loss", "utility"]
    assert now.flat["attacks.loss"]["condition"] == "caption"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1], "not the provenance of t.parquet; move it away"),
        (3, "not the provenance of t.parquet; move it away"),
        ({"attacks": ["x"]}, "'attacks' holds ['x'], not a mapping; mend it, or move the file"),
        ({"attacks": None}, "'attacks' holds None, not a mapping"),
        ({"attacks": {"x": 3}}, "holds 3, not a mapping"),
        ({"attacks": {"x": {"rule": "first"}}}, "'attacks.x.columns' is missing; add it"),
        ({"attacks": {"x": {"columns": ["a"]}}}, "'attacks.x.rule' is missing; add it"),
        (
            {"attacks": {"x": {"columns": "a", "rule": "first"}}},
            "'attacks.x.columns' holds 'a', not a list of texts",
        ),
        (
            {"attacks": {"x": {"columns": [1], "rule": "first"}}},
            "'attacks.x.columns' holds [1], not a list of texts",
        ),
        (
            {"attacks": {"x": {"columns": ["a"], "rule": ["first"]}}},
            "'attacks.x.rule' holds ['first'], not a text",
        ),
        (
            {"attacks": {"x": {"columns": ["a"], "rule": "first", "queries": "1"}}},
            "'attacks.x.queries' holds '1', not a whole number",
        ),
        ({"skipped": 3}, "'skipped' holds 3, not a list of texts"),
        ({"queries": {"records": True}}, "'queries.records' holds True, not a whole number"),
        ({"queries": {"records": 3}}, "'queries.per_record' is missing"),
        ({"claims": [1]}, "'claims' holds [1], not a mapping"),
        ({"claims": {"attacks": {"x": 1}}}, "'claims.attacks.x' holds 1, not a mapping"),
        ({"packages": {"torch": 2}}, "'packages.torch' holds 2, not a text"),
        ({"training": {"facts": {"seed": "a"}}}, "'training.facts.seed' holds 'a'"),
        ({"training": {"val_loss": "low"}}, "'training.val_loss' holds 'low', not a number"),
        ({"training": {"stopping": {"ended_by": "x"}}}, "'training.stopping.ended_at' is missing"),
        ({"version": 2}, "'version' is 2, and this lit-clid reads up to 1; install a newer one"),
        ({"claims": {"version": 2}}, "'claims.version' is 2, and"),
        ({"version": "new"}, "'version' holds 'new', not a whole number"),
        ({"model": "m" * 500 + "\n", "skipped": "s" * 500}, "'skipped' holds 'sss"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, content: object, message: str) -> None:
    written = {"attacks": {}, **content} if isinstance(content, dict) else content
    (tmp_path / "t.json").write_text(json.dumps(written))
    with pytest.raises(UserError) as error:
        read_about(tmp_path / "t.parquet")
    said = str(error.value)
    assert said.startswith(f"{tmp_path / 't.json'}: ")
    assert message in said
    assert "\n" not in said
    assert len(said) < len(str(tmp_path)) + 160


def test_a_table_without_json_tells_nothing(tmp_path: Path) -> None:
    assert read_about(tmp_path / "t.parquet") == About()
    (tmp_path / "t.json").write_text("{")
    with pytest.raises(UserError, match="not valid JSON"):
        read_about(tmp_path / "t.parquet")


@pytest.mark.parametrize("content", [{"version": "1.0.3"}, {"model": {"a": 1}}, {"config": "x"}])
def test_what_another_tool_wrote_beside_a_table_is_not_ours(
    content: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "t.json").write_text(json.dumps(content))
    assert read_about(tmp_path / "t.csv") == About()
