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
    assert config.corpus.limit == 10_000
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_run_is_reported_line_by_line_and_kept_in_its_folder(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert train("--run-dir", tmp_path / "run", *TINY) == 0
    out, err = capsys.readouterr()
    assert err == ""
    text, few, model_line, *lines = out.splitlines()
    assert text == "Text: built-in, 300 of its 17,639 characters (--max-chars), utf-8."
    assert few.startswith("300 characters are few")
    assert re.fullmatch(
        r"Model: rnn, 4 units, \d+ different characters, [\d,]+ parameters. Run: .*", model_line
    )
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


def test_the_last_epoch_is_reported_whatever_the_period(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert train("--run-dir", tmp_path / "run", *TINY, "--every", "50") == 0
    assert "epoch 2, perplexity" in capsys.readouterr().out


def test_a_text_of_ones_own_trains_without_a_flag_more(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    song = tmp_path / "song.txt"
    song.write_text("rain on the roof\nrain in the street\nsun\n" * 9, encoding="utf-8")
    words = ["--hidden-size", "3", "--epochs", "1", "--no-tensorboard", "--validation-split", "0.2"]
    assert train("--corpus", song, "--run-dir", tmp_path / "run", *words) == 0
    out = capsys.readouterr().out
    for said in (
        "360 characters, utf-8.",
        "Held out: the end of the text, 72 characters.",
        "72 held-out characters decide nothing",
        "'rain' and 'sun' (--prefixes)",
        "they are of 2 x 35 (--batch-size, --num-steps)",
        " - rain",
    ):
        assert said in out
    assert Run.open(tmp_path / "run").settings().report.prefixes == ("rain", "sun")


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
        ("short.txt", b"abcdefghij", "--batch-size"),
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


def test_archives_with_no_text_or_an_escaping_path_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for names, words in [([], "holds no text"), (["../a.txt"], "..")]:
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
    assert f"lyric-lm: --{flag} must be at least 1. Received: --{flag} 0" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


# ---------------------------------------------------------------- the whole process


def test_a_process_says_nothing_but_its_report(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "lyric_lm", "train", "--run-dir", str(tmp_path / "run"), *TINY]
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 8
    assert "\x1b" not in done.stdout


def test_a_run_goes_on_and_writes_after_its_text_changed_or_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "".join(f"{a}{b}\n" for a in "分开不来去" for b in "山水风雨云")
    (tmp_path / "songs.txt").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    words = "--hidden-size 3 --batch-size 2 --num-steps 3 --no-tensorboard --prefixes 分 --num-chars 4"
    train = ["train", "--run-dir", "run", "--corpus", "songs.txt", *words.split()]
    assert main([*train, "--epochs", "1"]) == 0
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "songs.txt").rename(tmp_path / "elsewhere" / "moved.txt")
    (tmp_path / "songs.txt").write_text("新歌" * 50, encoding="utf-8")
    monkeypatch.chdir(tmp_path / "elsewhere")

    assert main(["generate", "--run-dir", "../run", "--max-copy", "2", "--report", "--num-chars", "9"]) == 0
    assert main(["evaluate", "--run-dir", "../run", "--corpus", "moved.txt"]) == 0
    resume = ["train", "--resume", "--run-dir", "../run", "--epochs"]
    assert main([*resume, "2"]) == 0
    assert main([*resume, "3", "--corpus", "moved.txt"]) == 0
    capsys.readouterr()
    assert main([*resume, "4", "--corpus", "../songs.txt"]) == 2
    assert "This is not the text of the run" in capsys.readouterr().err


def test_a_resume_without_a_checkpoint_says_that_it_begins_again(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert train("--run-dir", tmp_path / "run", *TINY) == 0
    first = capsys.readouterr().out
    for checkpoint in (tmp_path / "run" / "checkpoints").iterdir():
        checkpoint.unlink()

    assert train("--resume", "--run-dir", tmp_path / "run") == 0
    second = capsys.readouterr().out

    assert "The run keeps no checkpoint to go on from: it begins again" in second
    assert _reports(second) == _reports(first)


def _reports(out: str) -> list[str]:
    return [line.split(", time")[0] for line in out.splitlines() if line.startswith(("epoch ", " - "))]
