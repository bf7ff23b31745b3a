"""Every snippet in the README and the docs runs, every link leads somewhere, and the docs build without a warning."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import typer

from skiagraph.cli import app

PROJECT = Path(__file__).parent.parent
FRONT = sorted(PROJECT.glob("*.md"))
PAGES = sorted((PROJECT / "docs").rglob("*.md"))
FENCE = re.compile(r"^```(?P<language>\w*)[^\n]*\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)(?P<path>[^)#\s]+)")

# Setting the project up is what `make` and tests/test_wheel.py do; `sh` marks such blocks, and they are not run again.
RUN = ("python", "console", "bash")


class Snippet(NamedTuple):
    """A fenced block that is run: its language, its text and the line of the page where its text begins."""

    language: str
    body: str
    line: int


def name(page: Path) -> str:
    return page.relative_to(PROJECT).as_posix()


def snippets(page: Path) -> list[Snippet]:
    text = page.read_text(encoding="utf-8")
    return [
        Snippet(block["language"], block["body"], text.count("\n", 0, block.start("body")) + 1)
        for block in FENCE.finditer(text)
        if block["language"] in RUN
    ]


def commands(snippet: Snippet) -> str:
    """The shell commands of a block: all of `bash`; of `console` the lines after a dollar sign, the rest is output."""
    if snippet.language == "bash":
        return snippet.body
    return "\n".join(line.removeprefix("$ ") for line in snippet.body.splitlines() if line.startswith("$ "))


def run_shell(snippet: Snippet, page: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-eu", "-c", commands(snippet)],
        env={**os.environ, "PATH": path, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{name(page)}:{snippet.line}\n{done.stdout}\n{done.stderr}"


def run_python(snippet: Snippet, page: Path, namespace: dict[str, object]) -> None:
    # Blank lines in front, so that a traceback names the line of the page.
    code = compile("\n" * (snippet.line - 1) + snippet.body, str(page), "exec")
    exec(code, namespace)


@pytest.mark.parametrize("page", [page for page in FRONT + PAGES if snippets(page)], ids=name)
def test_every_snippet_of_a_page_runs_in_the_order_of_the_page(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "__main__"}
    done = 0
    for snippet in snippets(page):
        if snippet.language == "python":
            run_python(snippet, page, namespace)
        else:
            run_shell(snippet, page)
        done += 1
    assert done == len(list(snippets(page))) > 0


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_of_the_docs_has_no_block_of_unknown_kind(page):
    languages = {block["language"] for block in FENCE.finditer(page.read_text(encoding="utf-8"))}
    assert languages <= {*RUN, "sh", "text", "json", "toml", "csv"}


@pytest.mark.parametrize("page", FRONT + PAGES, ids=name)
def test_every_link_to_a_file_leads_to_a_file(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    lost = [link["path"] for link in LINK.finditer(text) if not (page.parent / link["path"]).exists()]
    assert not lost


def options_of(command) -> set[str]:
    """The options of a command, and of the commands inside of it."""
    own = {option for row in command.params for option in row.opts if option.startswith("--")}
    inner = getattr(command, "commands", {})
    return own.union(*(options_of(one) for one in inner.values())) - ({"--help"} if inner else set())


def test_the_page_of_commands_names_every_command_and_every_option():
    text = (PROJECT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    parts = dict(re.findall(r"^## (\w+)$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    commands = typer.main.get_command(app).commands
    assert set(parts) == set(commands)
    for command, part in parts.items():
        options = options_of(commands[command])
        assert set(re.findall(r"^\| `(--[\w-]+)`", part, re.MULTILINE)) == options, command


def test_the_docs_build_without_a_warning(tmp_path):
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--site-dir",
        str(tmp_path / "site"),
    ]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=PROJECT, env=quiet, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "site" / "index.html").is_file()
    assert "WARNING" not in done.stderr
