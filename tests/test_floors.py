"""The rules of the house that a machine can check: floors, first lines, small rooms, a light front door."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
SOURCE = PROJECT / "src" / "skiagraph"
ROOMS = sorted(SOURCE.rglob("*.py"))
SCRIPTS = [
    file
    for folder in ("tests", "examples", "benchmarks")
    for file in sorted((PROJECT / folder).rglob("*.py"))
]
VAGUE = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}

# Where an import may stand inside a function: the face, commands of the shell, engines, and the one door to
# packages that are optional.
LATE_IMPORTS = ("__init__.py", "cli/", "inference/", "task/registry.py")


def name(file: Path) -> str:
    return file.relative_to(PROJECT).as_posix()


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function's body; signature and docstring are not counted, for they are what is read from outside."""
    documented = ast.get_docstring(function, clean=False) is not None
    body = function.body[1:] if documented else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_imports_only_go_down():
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-logo", "--no-cache"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "package", ["torch", "pydicom", "openvino", "onnxruntime", "scipy", "nibabel", "typer"]
)
def test_importing_skiagraph_loads_nothing_heavy(package):
    code = f"import sys, skiagraph; sys.exit({package!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("file", ROOMS + SCRIPTS, ids=name)
def test_each_file_opens_with_one_sentence_that_says_what_it_is_for(file):
    text = file.read_text(encoding="utf-8")
    said = ast.get_docstring(ast.parse(text))
    assert said, "the file has no docstring"
    assert text.removeprefix("#!/usr/bin/env python3\n").startswith('"""'), (
        "the docstring is not the first line"
    )
    assert said.splitlines()[0].strip().endswith((".", "?", "!")), "the first line is no sentence"


@pytest.mark.parametrize("file", ROOMS + SCRIPTS, ids=name)
def test_no_room_is_larger_than_500_lines(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 500


@pytest.mark.parametrize("file", [file for file in ROOMS if "migrations" not in file.parts], ids=name)
def test_no_function_is_longer_than_40_lines(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    long = {function.name: length(function) for function in functions(tree) if length(function) > 40}
    assert not long


@pytest.mark.parametrize(
    "file",
    [file for file in ROOMS if not file.relative_to(SOURCE).as_posix().startswith(LATE_IMPORTS)],
    ids=name,
)
def test_imports_stand_at_the_top_of_the_file(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    late = [
        f"{function.name}, line {node.lineno}"
        for function in functions(tree)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not late


@pytest.mark.parametrize("file", ROOMS, ids=name)
def test_a_room_is_named_for_what_is_in_it(file):
    assert not VAGUE & set(file.relative_to(SOURCE).with_suffix("").parts)


@pytest.mark.parametrize("file", ROOMS, ids=name)
def test_the_library_reads_no_environment_and_prints_nothing(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    door = (
        file == SOURCE / "cli" / "__init__.py"
    )  # starts the process: may say how many threads algebra takes
    wrong = [
        f"line {node.lineno}"
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"} and not door)
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print")
    ]
    assert not wrong
