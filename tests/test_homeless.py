"""Containers and services: a user id without an entry, and no home folder, or one that cannot be written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# A user id without an entry, as `docker run --user 12345` gives.
CODE = """
import os, pwd, sys

def nobody(_):
    raise KeyError("getpwuid(): uid not found: 12345")

pwd.getpwuid = nobody
from lyric_lm.cli import main

sys.exit(main(sys.argv[1:]))
"""
FLAGS = "--max-chars 800 --batch-size 3 --num-steps 11 --hidden-size 4 --epochs 2 --every 1 --prefixes 的"
FOLDERS = ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "MPLCONFIGDIR", "KERAS_HOME")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such users")
@pytest.mark.slow
@pytest.mark.parametrize("home", [None, "/dev/null/nobody"])
def test_a_training_and_its_picture_need_no_home(tmp_path: Path, home: str | None) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in FOLDERS}
    environment |= {"PYTHONPATH": str(ROOT)} | ({} if home is None else {"HOME": home})
    for command in (["train", "--run-dir", "run", *FLAGS.split()], ["plot", "--run-dir", "run"]):
        done = subprocess.run(
            [sys.executable, "-c", CODE, *command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert {"model.keras", "plot.png", "tensorboard"} <= {path.name for path in (tmp_path / "run").iterdir()}
