"""Keys explained, with what the configuration makes of them."""

from pathlib import Path

import pytest

from lit_clid.commands.explaining import main
from lit_clid.config.explained import explained
from lit_clid.config.reading import DEMO, layers
from lit_clid.errors import UserError

Printed = pytest.CaptureFixture[str]


def told(capsys: Printed, *words: str) -> str:
    main(words)
    return capsys.readouterr().out


def test_every_key_can_be_asked_for(capsys: Printed) -> None:
    names = [key.name for key in explained()]
    said = told(capsys, *names)
    assert [line for line in said.splitlines() if line in set(names)] == names
    assert "see the documentation" not in said


def test_each_layer_that_sets_a_key_is_named_in_order(
    capsys: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # longer places take two lines
    mine = Path("mine.yaml")
    mine.write_text("audit: {rows: 8}\n")
    said = told(capsys, "audit.rows", str(mine), "audit.rows=4", "audit.batch_size=2")
    assert [line.split(maxsplit=1)[1] for line in said.splitlines() if "  here" in line] == [
        f"8, set by {mine}",
        "4, set by audit.rows=4",
    ]
    assert "default  64" in said


def test_without_a_configuration_the_demos_is_meant(capsys: Printed) -> None:
    assert "  here     16, set by configs/demo.yaml" in told(capsys, "finetune.batch_size")
    assert all(layer.sets("trainer.max_steps") for layer in layers([], DEMO))


def test_a_section_names_its_keys(capsys: Printed) -> None:
    said = told(capsys, "evidence")
    assert said.startswith("evidence\n") and "evidence.fdr" in said and "  kind" not in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "name a key"),
        (["audit.row"], r"unknown key 'audit\.row'; did you mean 'audit\.rows'\?"),
        (["audit.rows", "nowhere.yaml"], "nowhere.yaml: no such config file"),
        (["audit.rows", "audit.rows=[1"], "not valid YAML"),
    ],
)
def test_a_mistake_is_one_line(words: list[str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        main(words)
