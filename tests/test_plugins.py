"""Plug-ins: attacks, defenses and families of packages that are installed beside this one."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from runs import Run

from lit_clid.auditing.attacks import ATTACKS, Loss
from lit_clid.commands.known import KNOWN_ATTACKS
from lit_clid.commands.reading import read
from lit_clid.errors import UserError
from lit_clid.models.families import FAMILIES, KNOWN
from lit_clid.plugins import ALLOWED, declared

ATTACK = """
from dataclasses import dataclass
from lit_clid.auditing.attacks import Loss


@dataclass(frozen=True)
class Late(Loss):
    \"\"\"The loss at a late timestep.\"\"\"

    t: tuple[int, ...] = (700,)
    title: str = "late loss"


LATE = Late()
NOTHING = 7
"""


FAULTY = f"""{ATTACK}

class Faulty(Loss):
    def __post_init__(self) -> None:
        raise ValueError("no luck today")
"""


class Package:
    """A package as pip would have installed it."""

    def __init__(self, site: Path) -> None:
        self.site = site

    def install(self, module: str, text: str, *points: tuple[str, str, str]) -> None:
        (self.site / f"{module}.py").write_text(text)
        folder = self.site / f"{module}-1.2.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.2\n")
        lines = [f"[lit_clid.{group}]\n{name} = {value}\n" for group, name, value in points]
        (folder / "entry_points.txt").write_text("".join(lines))
        declared.cache_clear()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    yield Package(folder)
    for name in [name for name in sys.modules if name.startswith("plugged_")]:
        del sys.modules[name]


def test_an_attack_of_another_package_is_asked_by_its_name(site: Package) -> None:
    site.install("plugged_one", ATTACK, ("attacks", "late", "plugged_one:LATE"))
    plain = read([])
    assert "late" not in plain.attacks and "plugged_one" not in sys.modules
    found = read(["attacks={late: {t: [600, 700]}, later: {attack: late}, loss: null}"]).attacks
    assert found["late"].timesteps == ((600, 700),) and found["late"].title == "late loss"
    assert found["later"].timesteps == ((700,),) and list(found) == ["late", "later", "loss"]
    by_class = ("attacks", "late", "plugged_two:Late")
    site.install("plugged_two", ATTACK, by_class)
    with pytest.raises(UserError, match=r"attack 'late': is given by plugged_\w+ 1\.2, plugged_"):
        read(["attacks=[late]"])
    assert list(read([]).attacks) == list(plain.attacks)


def test_what_cannot_be_had_is_one_line(site: Package, run: Run) -> None:
    site.install("plugged_three", "import nowhere_at_all", ("attacks", "broken", "plugged_three:X"))
    site.install("plugged_four", ATTACK, ("attacks", "seven", "plugged_four:NOTHING"))
    site.install("plugged_five", ATTACK, ("attacks", "loss", "plugged_five:LATE"))
    fault = r"attack 'broken' of plugged_three 1\.2: cannot be imported \(ModuleNotFoundError: No "
    with pytest.raises(UserError, match=fault):
        read(["attacks=[broken]"])
    with pytest.raises(UserError, match=r"plugged_four 1\.2: gives int, not Attack"):
        read(["attacks=[seven]"])
    with pytest.raises(UserError, match=r"'loss': is given by lit-clid, plugged_five 1\.2"):
        read(["attacks=[loss]"])
    code, said = run("list", "attacks")
    assert code == 0 and "monte_carlo" in said and "cannot be imported" in said
    site.install("plugged_six", FAULTY, ("attacks", "faulty", "plugged_six:Faulty"))
    with pytest.raises(UserError, match=r"plugged_six 1\.2: cannot be made \(no luck today\)"):
        read(["attacks=[faulty]"])
    code, said = run("list", "attacks")
    assert code == 0 and "monte_carlo" in said and "cannot be made (no luck today)" in said


def test_a_family_of_another_package(site: Package) -> None:
    text = """
from dataclasses import replace
from lit_clid.models.families.sdxl import SDXL
TURBO = replace(SDXL, title="Turbo", pipeline="TurboPipeline")
"""
    site.install("plugged_six", text, ("families", "TurboPipeline", "plugged_six:TURBO"))
    assert "TurboPipeline" in KNOWN and "TurboPipeline" not in FAMILIES
    assert KNOWN["TurboPipeline"].title == "Turbo"
    assert KNOWN["StableDiffusionPipeline"] is FAMILIES["StableDiffusionPipeline"]


def test_a_class_that_a_configuration_names_needs_leave(
    site: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.install("plugged_seven", ATTACK)
    words = ["attacks={mine: {class: 'plugged_seven:Late', t: [500]}}"]
    with pytest.raises(UserError, match=f"allow it with {ALLOWED}=1"):
        read(words)
    assert "plugged_seven" not in sys.modules
    monkeypatch.setenv(ALLOWED, "1")
    (mine,) = read(words).attacks.values()
    assert isinstance(mine, Loss) and mine.timesteps == ((500,),)
    for text, fault in (
        ("plugged_seven:Lost", "cannot be imported"),
        ("plugged_seven", "is not written as package.module:Name"),
        ("plugged_seven:NOTHING", "gives int, not Attack"),
    ):
        with pytest.raises(UserError, match=fault):
            read([f"attacks={{mine: {{class: '{text}'}}}}"])


def test_a_class_may_lie_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plugged_here.py").write_text(ATTACK)
    monkeypatch.setenv(ALLOWED, "1")
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place not in ("", ".")])
    monkeypatch.chdir(tmp_path)
    (mine,) = read(["attacks={mine: {class: 'plugged_here:Late', t: [500]}}"]).attacks.values()
    assert isinstance(mine, Loss)
    del sys.modules["plugged_here"]


def test_what_is_here_is_known_without_plug_ins() -> None:
    assert set(ATTACKS) <= set(KNOWN_ATTACKS) and len(KNOWN_ATTACKS) >= len(ATTACKS)
    assert "lost" not in KNOWN_ATTACKS
    with pytest.raises(KeyError):
        KNOWN_ATTACKS["lost"]
