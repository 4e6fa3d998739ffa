"""A small trained run, for the commands that write."""

from pathlib import Path

import pytest

from lyric_lm.cli import main


@pytest.fixture(name="run_dir", scope="session")
def _run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trained") / "run"
    words = "--hidden-size 24 --batch-size 4 --num-steps 10 --max-chars 800 --epochs 40 --no-tensorboard"
    words += " --cell gru --optimizer adam --learning-rate 0.03 --clipping-theta 1"
    assert main(["train", "--run-dir", str(path), "--prefixes", "外婆", *words.split()]) == 0
    return path
