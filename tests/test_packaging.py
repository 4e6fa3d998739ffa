"""What is built and installed: `lyric_lm` and nothing else, also from a clone without symbolic links."""

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
USE = (
    "import lyric_lm, lyric_lm.data, lyric_lm.callbacks, lyric_lm.tuning;"
    "print(len(lyric_lm.data.load_lyrics(max_chars=10_000).ids), lyric_lm.__file__)"
)

pytestmark = pytest.mark.skipif(
    not (ROOT / ".git").exists(), reason="a released archive has no clone to make"
)


def run(*words: str | Path, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env={**__import__("os").environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(name="clone", scope="module")
def _clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone as Windows makes it: the three links are small text files."""
    folder = tmp_path_factory.mktemp("windows") / "clone"
    run("git", "clone", "-q", "-c", "core.symlinks=false", ROOT, folder, cwd=ROOT)
    assert (folder / "lyric_lm" / "data").read_text(encoding="utf-8") == "../data"
    return folder


def test_a_wheel_built_from_the_sdist_holds_the_package_and_its_corpus(clone: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "build", "--outdir", tmp_path, clone, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"lyric_lm"}
    wanted = [
        "py.typed",
        "model/rnn_model.py",
        "data/lyrics.txt",
        "callbacks/lyric_samples.py",
        "tuning/__init__.py",
    ]
    assert {f"lyric_lm/{name}" for name in wanted} <= set(names)
    target = tmp_path / "site"
    run(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", target, wheel, cwd=tmp_path)
    assert {p.name.split("-")[0] for p in target.iterdir()} == {"lyric_lm", "bin"}
    assert run(sys.executable, "-c", USE, cwd=tmp_path, PYTHONPATH=str(target)).split() == [
        "10000",
        str(target / "lyric_lm" / "__init__.py"),
    ]


def test_an_editable_install_of_a_clone_without_links_imports_every_folder(
    clone: Path, tmp_path: Path
) -> None:
    environment = tmp_path / "venv"
    venv.create(environment, symlinks=True)
    (python,) = environment.glob("*/python" if sys.platform != "win32" else "*/python.exe")
    paths = {"base": str(environment), "platbase": str(environment)}
    site = Path(sysconfig.get_path("purelib", vars=paths))
    # The packages of the running environment, so that TensorFlow need not be installed again.
    (site / "running.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    run(python, "-m", "pip", "install", "-q", "--no-deps", "-e", clone, cwd=tmp_path)
    count, file = run(python, "-c", USE, cwd=tmp_path).split()
    assert (count, Path(file)) == ("10000", clone / "lyric_lm" / "__init__.py")
