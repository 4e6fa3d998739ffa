"""The house: imports point down, names are public where scripts rely on them."""

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# The floors from the ground up, each with its rooms. A room may import the rooms of lower floors, and itself;
# two rooms of one floor do not know each other. The roof, the last, is imported by nobody.
FLOORS = [
    ["lyric_lm.checks", "lyric_lm.keras_registration", "lyric_lm.lazy_names"],
    ["lyric_lm.data"],
    ["lyric_lm.errors"],
    ["lyric_lm.backend", "lyric_lm.settings"],
    ["lyric_lm.model", "lyric_lm.originality"],
    ["lyric_lm.generation", "lyric_lm.runs"],
    ["lyric_lm.display", "lyric_lm.evaluation", "lyric_lm.export"],
    ["lyric_lm.callbacks"],
    ["lyric_lm.training"],
    ["lyric_lm.tuning"],
    ["lyric_lm.cli"],
]
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
TOP_LEVEL = ("callbacks", "data", "tuning")  # folders that are installed and imported as lyric_lm.<folder>
# `lyric_lm/__init__.py` and `__main__.py` are the front door: they only name what is inside.
SOURCES = {
    path: room
    for room in FLOOR_OF
    for name in [room.removeprefix("lyric_lm.")]
    for folder in [ROOT / (name if name in TOP_LEVEL else f"lyric_lm/{name}")]
    for path in (sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")])
}


def room_of(module: str) -> str | None:
    """The room that a module of ours lies in; None for anybody else's."""
    return next((room for room in FLOOR_OF if module == room or module.startswith(room + ".")), None)


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports between folders are absolute"
            found.update({node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)})
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down_only(path: Path) -> None:
    own = SOURCES[path]
    for module in imports_of(path):
        room = room_of(module)
        if room not in (None, own):
            assert FLOOR_OF[room] < FLOOR_OF[own], f"{path.relative_to(ROOT)} imports {module}"


def test_each_source_file_lies_in_a_room() -> None:
    here = {path for folder in (*TOP_LEVEL, "lyric_lm") for path in (ROOT / folder).rglob("*.py")}
    strangers = {path.relative_to(ROOT).as_posix() for path in here - SOURCES.keys()}
    assert strangers == {"lyric_lm/__init__.py", "lyric_lm/__main__.py"}


# What a kind of file needs, and most people never: imported when one is met, and named if it is missing.
MET_WITH = {
    "data/compression.py": {"backports"},
    "data/origin.py": {"opencc"},
    "data/readers/word.py": {"docx"},
}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "data").rglob("*.py")), ids=lambda p: p.relative_to(ROOT).as_posix()
)
def test_the_ground_floor_needs_numpy_tensorflow_and_the_standard_library_only(path: Path) -> None:
    allowed = {"numpy", "tensorflow", "keras", "lyric_lm", *sys.stdlib_module_names}
    special = MET_WITH.get(path.relative_to(ROOT).as_posix(), set())
    assert {module.split(".")[0] for module in imports_of(path)} <= allowed | special
    at_the_head = {
        name.name.split(".")[0]
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in (node.names if isinstance(node, ast.Import) else [ast.alias(node.module or "")])
    }
    assert not at_the_head & special


def test_pytest_runs_through_links_and_wheels_through_the_mapping_to_the_same_folders() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    for folder in TOP_LEVEL:
        assert settings["package-dir"][f"lyric_lm.{folder}"] == folder
    packages = {
        ".".join(["lyric_lm", *path.parent.relative_to(ROOT).parts[path.is_relative_to(ROOT / "lyric_lm") :]])
        for folder in (*TOP_LEVEL, "lyric_lm")
        for path in (ROOT / folder).rglob("__init__.py")
    }
    assert set(settings["packages"]) == packages


def test_each_folder_of_code_is_a_package_and_no_tracked_file_is_ignored() -> None:
    for path in SOURCES:
        assert (path.parent / "__init__.py").is_file(), f"{path.parent.relative_to(ROOT)} has no __init__.py"
    if (ROOT / ".git").exists():
        command = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout == ""


def test_top_level_holds_only_what_the_user_asked_for() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("a released archive also holds what the build adds")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    folders = {line.split("/")[0] for line in tracked.splitlines() if "/" in line}
    assert folders <= {"lyric_lm", "callbacks", "tuning", "data", "tests", ".ci"}


@pytest.mark.parametrize(
    "name",
    [
        "lyric_lm",
        "lyric_lm.data",
        "lyric_lm.generation",
        "lyric_lm.callbacks",
        "lyric_lm.export",
        "lyric_lm.settings",
        "lyric_lm.training",
        "lyric_lm.tuning",
    ],
)
def test_the_public_surface_is_sorted_and_there(name: str) -> None:
    package = importlib.import_module(name)
    assert package.__all__ == sorted(package.__all__)
    for public in package.__all__:
        assert getattr(package, public) is not None


def test_help_needs_no_tensorflow() -> None:
    code = (
        "import sys, lyric_lm.cli; print([m for m in ('tensorflow', 'keras', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_registry_or_machine_is_named_in_the_repository() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("needs the list of tracked files")
    # Put together here, so that this file does not name them either.
    banned = re.compile(
        "|".join(["pypi" + r"\.org", "python" + "hosted", "npm" + "js", "/" + "root/", "/" + "work/"])
    )
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    texts = {".py", ".md", ".ipynb", ".toml", ".yaml", ".json", ".csv", ".txt", ""}
    for path in map(ROOT.joinpath, tracked.splitlines()):
        if path.is_file() and path.suffix in texts:
            assert not banned.search(path.read_text(encoding="utf-8", errors="ignore")), path
