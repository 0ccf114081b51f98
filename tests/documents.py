"""The commands that a document asks its reader to type, and whether they would be understood."""

import argparse
import importlib.util
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from runs import DEMO, ROOT
from torch.distributed.run import get_args_parser

from lit_clid.auditing.attacks import Attack
from lit_clid.commands.beginning import USUAL as BEGUN
from lit_clid.commands.experiment.plan import read_jobs
from lit_clid.commands.explaining import main as explain
from lit_clid.commands.line import COMMANDS
from lit_clid.commands.listing import LISTS
from lit_clid.commands.pushing import PUSHED
from lit_clid.commands.reading import read
from lit_clid.commands.switches import read_switches
from lit_clid.config.named import NOTHING
from lit_clid.config.reading import read_config

LAUNCHED = r"(?:lit-clid|python|make|torchrun|srun|sbatch|pip) .+"
CONFIGS = ["configs/demo.yaml", "configs/experiments/defenses.yaml"]
"""What the word CONFIGS of a document stands for."""
SBATCH = {
    "--array": r"\d+-\d+",
    "--nodes": r"\d+",
    "--ntasks-per-node": r"\d+",
    "--wrap": "srun .+|python .+",
}
"""Its options that the documents use → what they take."""
SRUN = ("--kill-on-bad-exit=1",)
"""Likewise."""


GUIDE = (ROOT / "docs" / "attacks" / "add-your-own.md").read_text(encoding="utf-8")


def example_attack() -> dict[str, Attack]:
    """The guide's class, under the name that the guide's line gives it."""
    names: dict[str, Any] = {"__name__": "lit_clid.auditing.attacks.word_order"}
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    exec(compile(code, "add-your-own.md", "exec"), names)
    (line,) = re.findall(r'^    ("word_order": .*),$', GUIDE, re.MULTILINE)
    found: dict[str, Attack] = eval(f"{{{line}}}", names)
    return found


def commands(document: Path) -> list[str]:
    """Lines of code that start a program, and such words within a sentence."""
    text = document.read_text(encoding="utf-8")
    fenced = "\n".join(re.findall(r"^```(?:bash|sh|console)?\n(.*?)^```", text, re.M | re.S))
    return [
        *re.findall(rf"^ {{4}}(?:\$ )?({LAUNCHED})$", text, re.M),
        *re.findall(rf"^(?:\$ )?({LAUNCHED})$", fenced, re.M),
        *re.findall(rf"`({LAUNCHED.replace('.', '[^`]')})`", text),
    ]


def check_command(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a command names what does not exist or says what is not understood; no word of it
    is left out.
    """
    monkeypatch.chdir(ROOT)
    program, *words = shlex.split(command, comments=True)
    if program == "make":
        check_make(words)
    elif program == "lit-clid":
        check_called(*words)
    elif program == "pip":
        check_pip(words)
    elif program == "sbatch":
        check_command(wrapped(words), monkeypatch)
    elif program == "srun":
        own = [word for word in words if word in SRUN]
        check_command(shlex.join(words[len(own) :]), monkeypatch)
    elif program == "torchrun":
        check_python(launched(words), monkeypatch)
    else:
        check_python(words, monkeypatch)


def wrapped(words: Sequence[str]) -> str:
    """The command line that sbatch is to run, its own or a file's, after options of which each has
    its value.
    """
    files = [k for k, word in enumerate(words) if word.endswith(".sbatch")]
    end = files[0] if files else len(words)
    options = dict(zip(words[:end:2], words[1:end:2], strict=True))
    for option, value in options.items():
        assert re.fullmatch(SBATCH[option], value), f"{option} {value}"
    if not files:
        return options["--wrap"]
    text = (ROOT / words[end]).read_text(encoding="utf-8").replace("\\\n", "")
    (line,) = re.findall(r"^srun .+$", text, re.M)
    told = line.replace('"$@"', shlex.join(words[end + 1 :]))
    return re.sub(r"\$\{[^}]*\}|\$\w+", "1", told)


def launched(words: Sequence[str]) -> list[str]:
    """What python is told by torchrun, whose own parser takes its options."""
    parsed = get_args_parser().parse_args(list(words))
    assert parsed.module and not parsed.no_python
    return ["-m", parsed.training_script, *parsed.training_script_args]


def check_called(name: str, *arguments: str) -> None:
    """One of `lit-clid`'s commands, and what it is told."""
    assert name in COMMANDS
    if "--help" in arguments:
        assert arguments == ("--help",)
    elif name == "list":
        assert set(arguments) <= set(LISTS)
    elif name == "explain":
        explain(arguments)
    elif name == "init":
        assert len([word for word in arguments if "=" not in word]) == 1
        read_switches("init", [word for word in arguments if "=" in word], BEGUN)
    elif name == "judge":
        own = [word for word in arguments[1:] if not word.startswith("baseline=")]
        assert "=" not in arguments[0]
        read_config(own, DEMO, NOTHING, NOTHING)
    elif name == "compare":
        assert len([word for word in arguments if "=" not in word]) > 1
        assert {word.split("=")[0] for word in arguments if "=" in word} <= {"out"}
    elif name == "push":
        assert not arguments or "=" not in arguments[0]
        read_switches("push", arguments[1:], PUSHED)
    elif name == "verify":
        assert "=" not in arguments[0]
        read_config(arguments[1:], DEMO, NOTHING, NOTHING)
    else:
        check_arguments(name, arguments)


def check_make(words: Sequence[str]) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^(\w+):", makefile, re.M))
    variables = set(re.findall(r"^(\w+) \?=", makefile, re.M))
    assert {word for word in words if "=" not in word} <= targets
    assert {word.split("=")[0] for word in words if "=" in word} <= variables


def check_pip(words: Sequence[str]) -> None:
    if list(words) == ["install", "."]:
        return
    assert words[:2] == ["install", "-e"]
    (extra,) = re.fullmatch(r"\.\[(\w+)\]", words[2]).groups()  # type: ignore[union-attr]
    assert f"\n{extra} = [" in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert len(words) == 3


def check_python(words: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    if words[:2] == ["-m", "lit_clid"]:
        check_called(*words[2:])
        return
    if words[0] == "-m":
        package, _, name = words[1].rpartition(".")
        assert package.split(".")[0] == "lit_clid"
        assert importlib.util.find_spec(words[1]) is not None
        arguments = list(words[2:])
    else:
        assert (ROOT / words[0]).is_file()
        name, arguments = Path(words[0]).stem, list(words[1:])
    if words[0].startswith("benchmarks/"):
        check_benchmark(ROOT / words[0], arguments, monkeypatch)
    elif words[0].startswith("examples/"):
        assert len(arguments) == 1  # a folder
    elif name in COMMANDS:
        check_called(name, *arguments)
    else:
        assert not arguments


def check_arguments(name: str, words: Sequence[str]) -> None:
    """Every word is a configuration that exists or a key that is known."""
    arguments = [each for word in words for each in (CONFIGS if word == "CONFIGS" else [word])]
    arguments = [re.sub(r"\$\w+", "1", word) for word in arguments]
    config = read(arguments)
    assert config.attacks
    if name == "experiment":
        assert read_jobs(arguments, config, Path(DEMO))


def check_benchmark(
    script: Path, arguments: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own parser takes every argument."""
    parse = argparse.ArgumentParser.parse_args

    def parse_args(self: argparse.ArgumentParser, *_: object) -> None:
        parse(self, list(arguments))
        raise SystemExit(0)

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_args)
    monkeypatch.setattr(sys, "path", [str(script.parent), *sys.path])
    spec = importlib.util.spec_from_file_location(f"benchmark_{script.stem}", script)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    with pytest.raises(SystemExit) as end:
        module.main()
    assert end.value.code == 0
