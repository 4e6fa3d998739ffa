"""Runs of earlier versions keep working; each format has a fixture here, which no later version may change.

`run-v1` was written by version 0.1.0 with the flags that its README.md lists; its newest checkpoint, of epoch
40, was taken out, so that the last epoch has to be trained again.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest

from lyric_lm import generate
from lyric_lm.cli import main
from lyric_lm.runs.run import Run

FIXTURES = Path(__file__).parent / "fixtures"
TEXT = "我推开那扇木门 她不识字 却认得所有节气 芒种泡青梅 芒种泡青"


@pytest.fixture
def old_run(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIXTURES / "run-v1", tmp_path / "run"))


def test_an_old_run_loads_and_writes_what_it_wrote(old_run: Path) -> None:
    run = Run.open(old_run)
    assert run.record()["format_version"] == 1
    assert (run.settings().corpus.max_chars, run.settings().optimizer.epochs) == (300, 40)
    assert list(run.settings().to_dict()) == list(run.record()["settings"])
    assert generate(run.load_model(), "我", 30) == TEXT


@pytest.mark.xla  # it was trained so, and XLA draws other dropout masks
def test_an_old_run_goes_on_to_the_end_that_it_had(old_run: Path) -> None:
    before = Run.open(old_run).load_model().get_weights()
    history = (old_run / "history.csv").read_text(encoding="utf-8").splitlines()
    samples = (old_run / "samples.txt").read_text(encoding="utf-8")
    assert main(["train", "--resume", "--run-dir", str(old_run), "--no-tensorboard"]) == 0
    # Another processor rounds otherwise, so not to the bit.
    for old, new in zip(before, Run.open(old_run).load_model().get_weights(), strict=True):
        np.testing.assert_allclose(new, old, rtol=1e-2, atol=1e-3)
    assert (old_run / "history.csv").read_text(encoding="utf-8").splitlines()[:40] == history[:40]
    assert (old_run / "samples.txt").read_text(encoding="utf-8") == samples


def test_an_old_run_can_be_trained_for_longer(old_run: Path) -> None:
    args = ["train", "--resume", "--run-dir", str(old_run), "--no-tensorboard", "--epochs", "42"]
    assert main(args) == 0
    assert len((old_run / "history.csv").read_text(encoding="utf-8").splitlines()) == 43
