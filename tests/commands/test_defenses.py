"""The defenses that a configuration asks for."""

from pathlib import Path

import pytest

from lit_clid.commands.reading import build_defenses, read
from lit_clid.errors import UserError


def test_overlays_add_up_and_take_away(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("defenses: [flip, word_shuffle]\n")
    (tmp_path / "b.yaml").write_text("defenses: {word_shuffle: {redraw: false}, blur: {}}\n")
    files = [str(tmp_path / name) for name in ("a.yaml", "b.yaml")]
    config = read([*files, "defenses.flip=false", "defenses=[jpeg]"])
    chosen = config.defenses.chosen
    assert set(chosen) == {"word_shuffle", "blur", "jpeg"}
    assert not chosen["word_shuffle"].redraw  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (["flp"], "unknown defense 'flp'; did you mean 'flip'"),
        ({"flip": {"probabilty": 1}}, "unknown parameter 'probabilty'; did you mean 'probability'"),
        ({"flip": 3}, r"defenses.flip: 3 is not a mapping of parameters, such as \{share: 0.1\}"),
        ("flip", "defenses: 'flip' is neither a list of names nor a mapping"),
        ({"word_deletion": {"share": 1.5}}, r"share = 1.5 is not a share in \(0, 1\]"),
        ({"word_deletion": {"redraw": "often"}}, "redraw: 'often' is not true or false"),
        ({"rephrasing": {"templates": ["a drawing"]}}, r"needs exactly one \{\}"),
        ({"random_resized_crop": {"scale": [0.9, 0.5]}}, r"scale = \[0.9, 0.5\] is not a range"),
        ({"jpeg": {"quality": [0, 50]}}, r"within 1…100"),
        ({"dp": {"noise_multiplier": 1.0}}, "either epsilon or noise_multiplier"),
        ({"dp": {"delta": 2}}, "delta = 2 must be smaller than 1"),
        ({"privacy_budget": {"attack": "clid_vec"}}, "is not a cheap one without a shadow"),
        (
            {"mine": {"defense": "privacy_budget", "attack": "gsa1"}},
            r"defenses\.mine: attack = 'gsa1' is not a cheap one",
        ),
        ({"dp": None, "cutmix": None}, "cutmix put something of one member into another's"),
        ({"dp": None, "mixup": None, "caption_shuffle": None}, "mixup, caption_shuffle put"),
        (
            {"dp": None, "privacy_budget": None},
            "privacy_budget looks at members outside of dp's noise",
        ),
        ({"mp_lora": None, "smp_lora": None}, "mp_lora, smp_lora are of one kind"),
    ],
)
def test_bad_defenses_are_one_clear_line(wanted: object, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        build_defenses(wanted)
    assert "\n" not in str(error.value)
