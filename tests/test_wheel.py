"""What a wheel holds, so that `pip install .` is all that a user needs."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from runs import CONFIGS, ROOT


@pytest.mark.slow
def test_a_wheel_holds_configs_pages_weights_and_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(tmp_path)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True, timeout=300)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (entry,) = [name for name in names if name.endswith("entry_points.txt")]
        assert "lit-clid = lit_clid.commands.line:main" in archive.read(entry).decode()
    package = ROOT / "lit_clid"
    wanted = [f"lit_clid/configs/{file.relative_to(CONFIGS)}" for file in CONFIGS.rglob("*.yaml")]
    beside = ("**/*.j2", "judging/pages/*.css", "judging/pages/*.js")
    for pattern in ("**/*.py", *beside, "models/demo/pipeline/**/*", "**/card.md", "py.typed"):
        files = [file for file in package.glob(pattern) if file.is_file()]
        assert files, pattern
        wanted += [str(file.relative_to(ROOT)) for file in files]
    assert not set(wanted) - names
