"""The lines of the code: files and functions one can read at a sitting, one comprehension a
statement.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PLACES = ("lit_clid/**/*.py", "benchmarks/*.py", "docs/*.py", "*.py")
CODE = sorted(file for place in PLACES for file in ROOT.glob(place))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def path(file: Path) -> str:
    return str(file.relative_to(ROOT))


def written(statement: ast.stmt) -> Iterator[ast.AST]:
    """What a statement holds beside the statements in it."""
    for child in ast.iter_child_nodes(statement):
        if not isinstance(child, (ast.stmt, ast.ExceptHandler, ast.match_case)):
            yield from ast.walk(child)


@pytest.mark.parametrize("file", CODE, ids=path)
def test_at_most_one_comprehension_a_statement(file: Path) -> None:
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    for statement in [node for node in nodes if isinstance(node, ast.stmt)]:
        found = [node for node in written(statement) if isinstance(node, COMPREHENSIONS)]
        assert len(found) <= 1, f"{path(file)}:{statement.lineno}"


@pytest.mark.parametrize("file", CODE, ids=path)
def test_no_file_is_long(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 260


@pytest.mark.parametrize("file", CODE, ids=path)
def test_no_function_is_long(file: Path) -> None:
    """Without its docstring."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[ast.get_docstring(node) is not None :] or node.body
            lines = (body[-1].end_lineno or 0) - body[0].lineno + 1
            assert lines <= 50, f"{path(file)}:{node.lineno}: {node.name} has {lines} lines"


@pytest.mark.parametrize("file", TESTS, ids=path)
def test_no_test_is_long(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 260
