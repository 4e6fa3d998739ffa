"""The command `lyric-lm evaluate`, on a run that the command `lyric-lm train` left."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from lyric_lm.cli import main
from lyric_lm.data import load_lyrics
from lyric_lm.runs.run import Run
from lyric_lm.training.texts import read_texts, validation_batches

SMALL = ("--max-chars", "700", "--hidden-size", "5", "--batch-size", "3", "--num-steps", "7", "--epochs", "4")


@pytest.fixture(scope="module")
def prefix() -> str:
    return load_lyrics("built-in", max_chars=2).text


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory, prefix: str) -> str:
    path = str(tmp_path_factory.mktemp("runs") / "held-out")
    # A rate so high that a later epoch is worse than an earlier one.
    flags = ("--validation-split", "0.1", "--optimizer", "adam", "--learning-rate", "0.3")
    assert main(["train", *SMALL, *flags, "--prefixes", prefix, "--run-dir", path]) == 0
    return path


def test_the_run_keeps_the_weights_of_the_epoch_with_the_best_validation_perplexity(run_dir: str) -> None:
    with (Path(run_dir) / "history.csv").open(encoding="utf-8") as file:
        history = [float(row["val_perplexity"]) for row in csv.DictReader(file)]
    assert min(history) < history[-1]
    run = Run.open(run_dir)
    validation = read_texts(run.settings().corpus).validation
    assert validation is not None
    model = run.load_model()
    model.compile()
    found = model.evaluate(validation_batches(validation.ids), verbose=0, return_dict=True)
    assert found["perplexity"] == pytest.approx(min(history), rel=1e-4)


def test_it_prints_a_table_of_80_columns_beside_five_ngrams_and_writes_what_it_sums_up(
    run_dir: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = tmp_path / "each.csv", tmp_path / "each.html"

    assert main(["evaluate", "--run-dir", run_dir, "--per-character", *map(str, reports)]) == 0

    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert max(len(line) for line in lines if not line.startswith("Each character's surprisal: ")) <= 80
    table = {line.split()[0]: line.split()[-4:] for line in lines if "gram" in line or "model " in line}
    assert [name for name in table if "gram" in name] == [f"{order}-gram" for order in range(1, 6)]
    with reports[0].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    text = load_lyrics("built-in", max_chars=700).text
    assert "".join(row["character"] for row in rows) == text[630:]
    bits = np.array([float(row["bits"]) for row in rows])
    known = np.array([row["known"] == "1" for row in rows])
    assert known.tolist() == [character in text[:630] for character in text[630:]]
    figures = [2 ** bits.mean(), bits.mean(), 2 ** bits[known].mean(), bits[known].mean()]
    assert [float(figure.replace(",", "")) for figure in table["this"]] == pytest.approx(figures, abs=0.06)
    assert "Unknown to the model: " + str((~known).sum()) in "\n".join(lines)
    assert "<!DOCTYPE html>" in reports[1].read_text(encoding="utf-8")


def test_it_scores_any_text_and_an_impossible_one_is_infinite(
    tmp_path: Path, prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path, song = str(tmp_path / "run"), tmp_path / "song.txt"
    assert main(["train", *SMALL[:-1], "1", "--prefixes", prefix, "--run-dir", path]) == 0
    song.write_text(f"{prefix}x{prefix}", encoding="utf-8")

    assert main(["evaluate", "--run-dir", path, "--corpus", str(song), "--max-order", "1"]) == 0

    lines = capsys.readouterr().out.splitlines()
    own, unigram = [line for line in lines if line.lstrip().startswith(("this model", "1-gram"))]
    assert own.split()[2:4] == ["∞", "∞"]
    assert all(math.isfinite(float(figure.replace(",", ""))) for figure in unigram.split()[1:])
    capsys.readouterr()
    assert main(["evaluate", "--run-dir", path]) == 2
    assert "nothing held out: name a text to score with --corpus" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [("xyz", "None of the text's 2 characters"), ("x", "at least two characters"), (" ", "white space")],
)
def test_a_text_that_cannot_be_scored_is_refused_in_one_sentence(
    run_dir: str, tmp_path: Path, content: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    song, report = tmp_path / "song.txt", tmp_path / "each.csv"
    song.write_text(content, encoding="utf-8")

    assert (
        main(["evaluate", "--run-dir", run_dir, "--corpus", str(song), "--per-character", str(report)]) == 2
    )

    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not report.exists()


def test_lines_that_were_learnt_and_too_many_unknown_characters_are_said(
    run_dir: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    learnt = read_texts(Run.open(run_dir).settings().corpus).training
    line = learnt.text[: learnt.line_starts[1]].strip()
    song, csv_file = tmp_path / "song.txt", tmp_path / "each.csv"
    song.write_text(f"{line}\nxyz\n{line[::-1]}\n", encoding="utf-8")

    words = ["evaluate", "--run-dir", run_dir, "--corpus", str(song), "--per-character", str(csv_file)]
    assert main(words) == 0

    out = capsys.readouterr().out
    assert "1 of 3 lines stand in the training text, which flatters.\n" in out
    rows = list(csv.DictReader(csv_file.read_text(encoding="utf-8").splitlines()))
    bits = [float(row["bits"]) for row in rows][len(line) :]  # of the other lines; the first has no target
    figure = out.split("Without them perplexity is ")[1].split()[0]
    assert float(figure.replace(",", "")) == pytest.approx(2 ** np.mean(bits), rel=1e-3)
    assert "A fifth or more" not in out
    song.write_text(f"{line[:6]}xyzxyz", encoding="utf-8")
    assert main(words[:5]) == 0
    assert "A fifth or more of the text is unknown to the model" in capsys.readouterr().out
