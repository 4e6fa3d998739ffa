"""`lyric-lm train`, typed as a user would."""

import csv
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lyric_lm.cli import main
from lyric_lm.data import load_lyrics
from lyric_lm.runs.run import Run
from lyric_lm.settings.config import TrainConfig

SMALL = (
    "--hidden-size 4 --batch-size 2 --num-steps 5 --max-chars 300 --every 1 --num-chars 6 --no-tensorboard"
)
TINY = [*SMALL.split(), "--epochs", "2", "--prefixes", "外婆"]


def train(*words: str | Path) -> int:
    return main(["train", *map(str, words)])


def refused(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    """What is said of a command that is refused: one sentence on stderr, exit status 2."""
    assert train(*words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("lyric-lm: ")
    assert captured.err.count("\n") == 1
    return captured.err


def test_every_default_is_the_chapters() -> None:
    config = TrainConfig()
    assert (config.model.cell, config.model.hidden_size, config.model.activation) == ("rnn", 256, "tanh")
    assert (config.optimizer.batch_size, config.optimizer.num_steps, config.optimizer.epochs) == (32, 35, 250)
    assert (config.optimizer.optimizer, config.optimizer.clipping_theta) == ("sgd", 0.01)
    assert (config.report.every, config.report.num_chars) == (50, 50)
    assert config.report.prefixes == ("分开", "不分开")
    assert config.corpus.max_chars == 10_000
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_run_is_reported_line_by_line_and_kept_in_its_folder(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert train("--run-dir", tmp_path / "run", *TINY) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert re.fullmatch(r"epoch 1, perplexity \d+\.\d{6}, time \d+\.\d\d sec", lines[0])
    assert re.fullmatch(r" - 外婆.{6}", lines[1])
    assert lines[2].startswith("epoch 2, ")
    assert "lyric-lm generate --run-dir" in lines[-1]
    run = Run.open(tmp_path / "run")
    assert run.settings().model.hidden_size == 4
    history = list(csv.DictReader((run.path / "history.csv").read_text().splitlines()))
    assert [row["epoch"] for row in history] == ["1", "2"]
    assert [f"{float(row['perplexity']):f}" in out for row in history] == [True, True]
    assert lines[1] in (run.path / "samples.txt").read_text(encoding="utf-8")
    model = run.load_model()
    assert model.vocabulary == load_lyrics(max_chars=300).vocabulary


def test_one_seed_gives_identical_weights_and_another_does_not(tmp_path: Path) -> None:
    weights = []
    for name, seed in [("a", 3), ("b", 3), ("c", 4)]:
        train("--run-dir", tmp_path / name, "--seed", str(seed), *TINY)
        weights.append(Run.open(tmp_path / name).load_model().get_weights())
    for a, b, c in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a != c).any() or not a.any()


@pytest.mark.parametrize(
    "options", ["--cell gru --activation relu", "--cell lstm --num-layers 2 --optimizer adam"]
)
def test_other_cells_layers_and_optimizers_train(options: str, tmp_path: Path) -> None:
    assert train("--run-dir", tmp_path / "run", *TINY, *options.split()) == 0
    layers = Run.open(tmp_path / "run").load_model().rnns
    assert [type(layer.cell).__name__ for layer in layers] in (["GRUCell"], ["LSTMCell", "LSTMCell"])


def test_a_folder_that_holds_a_run_is_kept_unless_told_otherwise(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run_dir = tmp_path / "run"
    train("--run-dir", run_dir, *TINY)
    capsys.readouterr()
    before = (run_dir / "model.keras").read_bytes()
    assert "--overwrite" in refused(capsys, "--run-dir", run_dir, *TINY, "--seed", "9")
    assert (run_dir / "model.keras").read_bytes() == before
    assert train("--run-dir", run_dir, *TINY, "--seed", "9", "--overwrite") == 0
    assert (run_dir / "model.keras").read_bytes() != before


def test_a_folder_of_other_files_is_not_touched(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    assert "not a run's" in refused(capsys, "--run-dir", tmp_path, *TINY, "--overwrite")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_model(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = [*TINY, "--learning-rate", "1e38", "--clipping-theta", "1e30", "--epochs", "5"]
    assert train("--run-dir", tmp_path / "run", *words) == 2
    assert "no longer a number" in capsys.readouterr().err
    if (tmp_path / "run" / "model.keras").exists():
        assert all(np.isfinite(w).all() for w in Run.open(tmp_path / "run").load_model().get_weights())


# ---------------------------------------------------------------- texts that cannot be used


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("missing.txt", None, "missing.txt"),
        ("empty.txt", b"", "empty"),
        ("broken.txt", b"\xff\xfe\xfa" * 5, "byte"),
        ("short.txt", b"abcdefghij", "batch_size"),
        ("no.zip", b"PK nonsense", "zip"),
    ],
)
def test_a_text_that_cannot_be_used_is_named_and_leaves_no_folder(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    path, run_dir = tmp_path / name, tmp_path / "run"
    if content is not None:
        path.write_bytes(content)
    message = refused(capsys, "--corpus", path, "--run-dir", run_dir, *TINY, "--prefixes", "a")
    assert words in message
    assert not run_dir.exists()


def test_archives_with_no_text_several_or_an_escaping_path_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for names, words in [([], "holds no .txt"), (["a.txt", "b.txt"], "b.txt"), (["../a.txt"], "..")]:
        path = tmp_path / "some.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, "歌词" * 50)
        assert words in refused(capsys, "--corpus", path, "--run-dir", tmp_path / "run", *TINY)


def test_a_prefix_that_the_text_lacks_is_refused_before_the_training(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert "龘" in refused(capsys, "--run-dir", tmp_path / "run", *TINY, "--prefixes", "龘")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("flag", ["epochs", "batch-size", "num-steps", "hidden-size", "every", "max-chars"])
def test_sizes_below_one_are_refused(flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        train("--run-dir", tmp_path / "run", f"--{flag}", "0")
    assert stopped.value.code == 2
    assert f"`{flag.replace('-', '_')}` must be at least 1" in re.sub(r"[\s│]+", " ", capsys.readouterr().err)
    assert not (tmp_path / "run").exists()


# ---------------------------------------------------------------- the whole process


def test_a_process_says_nothing_but_its_report(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "lyric_lm", "train", "--run-dir", str(tmp_path / "run"), *TINY]
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 5
    assert "\x1b" not in done.stdout
