"""The READMEs are true: commands parse, Python compiles, imported names exist, links lead somewhere."""

import ast
import importlib
import importlib.util
import json
import re
import shlex
from pathlib import Path
from urllib.parse import unquote

import pytest

from lyric_lm.cli import COMMANDS
from lyric_lm.cli.command_flags import flag_groups
from lyric_lm.cli.parsing import parse
from lyric_lm.cli.recipe import asked_recipe

ROOT = Path(__file__).parents[1]
FRONT = ("README.md", "README.zh.md")
# The rooms' READMEs; a run's own in tests/fixtures was written by a training.
READMES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("callbacks", "data", "lyric_lm", "tests", "tuning")
    for path in (ROOT / folder).rglob("README.md")
    if "fixtures" not in path.parts
)
READMES = [*FRONT, "CONTRIBUTING.md", *READMES]
NOTEBOOKS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "lyric_lm").rglob("*.ipynb"))
NOT_OF_THE_COMMAND = ("CONTRIBUTING.md", "tests/benchmarks/README.md")  # whose flags are other programs'

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


def text_of(name: str) -> str:
    """A page, or what of a notebook is text."""
    text = (ROOT / name).read_text(encoding="utf-8")
    if not name.endswith(".ipynb"):
        return text
    return "\n".join("".join(c["source"]) for c in json.loads(text)["cells"] if c["cell_type"] == "markdown")


def blocks(name: str, *languages: str) -> list[str]:
    """The fenced blocks in one of these languages."""
    return [content for language, content in _BLOCK.findall(text_of(name)) if language in languages]


def commands(name: str) -> list[list[str]]:
    """The words after each `lyric-lm` of the shell blocks and, where it has flags, of the text."""
    shell = [line for block in blocks(name, "sh", "bash") for line in block.splitlines()]
    spans = [span for span in _SPAN.findall(_BLOCK.sub("", text_of(name))) if " --" in span or "&&" in span]
    found = []
    for line in [*shell, *spans]:
        for command in line.replace("\\", "/").split("&&"):
            words = shlex.split(command, comments=True)
            at = next((i for i, word in enumerate(words) if word.split("/")[-1] == "lyric-lm"), None)
            if at is not None:
                found.append(words[at + 1 :])
    return found


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = _HEADING.findall(_BLOCK.sub("", path.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", READMES)
def test_the_commands_parse(name: str) -> None:
    for command, *words in commands(name):
        if command in ("--help", "--version") or "--help" in words:
            continue
        words = ["0" if word == "S" else word for word in words]  # S stands for a seed
        try:
            parse(command, COMMANDS[command], words, asked_recipe(command, words))
        except SystemExit:
            pytest.fail(f"{name}: lyric-lm {command} {shlex.join(words)}")


@pytest.mark.parametrize("name", [name for name in READMES if name not in NOT_OF_THE_COMMAND])
def test_the_flags_named_by_themselves_exist(name: str) -> None:
    named = {
        span.split()[0] for span in _SPAN.findall(_BLOCK.sub("", text_of(name))) if span.startswith("--")
    }
    flags = {
        "--" + flag.name.replace("_", "-")
        for command in COMMANDS.values()
        for group in flag_groups(command)
        for flag in group.flags
    }
    switched_off = {flag.replace("--", "--no-", 1) for flag in flags}
    assert named <= flags | switched_off | {"--help", "--help-all", "--version"}


@pytest.mark.parametrize("name", FRONT)
def test_the_front_pages_have_commands(name: str) -> None:
    assert {words[0] for words in commands(name)} >= set(COMMANDS)


@pytest.mark.parametrize("name", READMES)
def test_the_python_compiles_and_the_names_that_it_imports_exist(name: str) -> None:
    for block in blocks(name, "python"):
        tree = ast.parse(block)
        compile(tree, name, "exec")
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    assert importlib.util.find_spec(alias.name) is not None, alias.name
            elif isinstance(node, ast.ImportFrom):
                module = importlib.import_module(node.module or "")
                for alias in node.names:
                    assert hasattr(module, alias.name), f"{node.module}.{alias.name}"


@pytest.mark.parametrize("name", [*READMES, "CHANGELOG.md", *NOTEBOOKS])
def test_the_links_lead_somewhere(name: str) -> None:
    for link in _LINK.findall(_BLOCK.sub("", text_of(name))):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = unquote(link).partition("#")
        path = (ROOT / name).parent / file if file else ROOT / name
        assert path.exists(), f"{name}: {link}"
        assert path.resolve().is_relative_to(ROOT.resolve()), f"{name}: {link}"
        if anchor:
            assert anchor in anchors(path), f"{name}: {link}"


def test_the_front_page_is_one_page() -> None:
    assert len(text_of("README.md").splitlines()) <= 120


def test_the_two_front_pages_name_each_other_and_show_the_same_code() -> None:
    assert "](README.zh.md)" in text_of("README.md")
    assert "](README.md)" in text_of("README.zh.md")

    def code(name: str) -> list[str]:
        return [re.sub(r"  # .*", "", block) for block in blocks(name, "sh", "python", "text")]

    assert [block for block in code("README.md") if "pytest" not in block] == code("README.zh.md")


def test_every_room_with_a_page_is_named_on_the_front_page() -> None:
    named = set(_LINK.findall(text_of("README.md")))
    rooms = {name for name in READMES if name not in FRONT}
    assert rooms <= {link.partition("#")[0] for link in named}
