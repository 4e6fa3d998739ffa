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
# Each floor may import those before it; the roof, the last, is imported by nobody.
FLOORS = ["lyric_lm.data", "lyric_lm", "lyric_lm.callbacks", "lyric_lm.tuning", "lyric_lm.cli"]
FOLDERS = {
    "data": "lyric_lm.data",
    "callbacks": "lyric_lm.callbacks",
    "tuning": "lyric_lm.tuning",
    "lyric_lm/cli": "lyric_lm.cli",
    "lyric_lm/evaluation": "lyric_lm",
    "lyric_lm/generation": "lyric_lm",
    "lyric_lm/originality": "lyric_lm",
    "lyric_lm/runs": "lyric_lm",
    "lyric_lm": "lyric_lm",
}
SOURCES = sorted(
    path for folder in FOLDERS for path in (ROOT / folder).glob("*.py") if path.name != "__main__.py"
)


def floor_of(module: str) -> int | None:
    """The floor of a module of ours; None for anybody else's."""
    matches = [i for i, name in enumerate(FLOORS) if module == name or module.startswith(name + ".")]
    deeper = [i for i in matches if FLOORS[i] != "lyric_lm"]
    return next(iter(deeper or matches), None)


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
    own = FLOORS.index(FOLDERS[path.parent.relative_to(ROOT).as_posix()])
    for module in imports_of(path):
        floor = floor_of(module)
        assert floor is None or floor <= own, f"{path.relative_to(ROOT)} imports {module} from above"


@pytest.mark.parametrize("path", sorted((ROOT / "data").glob("*.py")), ids=lambda p: p.name)
def test_the_ground_floor_needs_numpy_tensorflow_and_the_standard_library_only(path: Path) -> None:
    allowed = {"numpy", "tensorflow", "keras", "lyric_lm", *sys.stdlib_module_names}
    assert {module.split(".")[0] for module in imports_of(path)} <= allowed


def test_pytest_runs_through_links_and_wheels_through_the_mapping_to_the_same_folders() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    for folder in ("callbacks", "data", "tuning"):
        assert settings["package-dir"][f"lyric_lm.{folder}"] == folder
    expected = {"lyric_lm", *(f"lyric_lm.{Path(folder).name}" for folder in FOLDERS if folder != "lyric_lm")}
    assert set(settings["packages"]) == expected


def test_top_level_holds_only_what_the_user_asked_for() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("a released archive also holds what the build adds")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    folders = {line.split("/")[0] for line in tracked.splitlines() if "/" in line}
    assert folders <= {"lyric_lm", "callbacks", "tuning", "data", "tests", ".ci"}


@pytest.mark.parametrize("name", ["lyric_lm", "lyric_lm.data", "lyric_lm.callbacks", "lyric_lm.tuning"])
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
    for name in tracked.splitlines():
        path = ROOT / name
        if path.is_file() and path.suffix in {".py", ".md", ".toml", ".yaml", ".json", ".csv", ".txt", ""}:
            assert not banned.search(path.read_text(encoding="utf-8", errors="ignore")), name
