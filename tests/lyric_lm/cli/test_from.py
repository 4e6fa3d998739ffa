"""`lyric-lm train --from R`, typed as a user would."""

from pathlib import Path

import numpy as np
import pytest

from lyric_lm.cli import main
from lyric_lm.runs.run import Run

SMALL = (
    "--hidden-size 4 --batch-size 2 --num-steps 5 --max-chars 300 --epochs 1 --num-chars 6 --no-tensorboard"
)


@pytest.fixture(name="old", scope="module")
def _old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("from") / "old"
    words = ["--prefixes", "外婆", "--validation-split", "0.2", "--clipping-theta", "0.5"]
    assert main(["train", "--run-dir", str(path), *SMALL.split(), *words]) == 0
    return path


@pytest.fixture(name="song")
def _song(tmp_path: Path) -> Path:
    path = tmp_path / "song.txt"
    path.write_text("rain on the roof\n外婆 rain in the street\nsun\n" * 9, encoding="utf-8")
    return path


def train(*words: object) -> int:
    return main(["train", "--no-tensorboard", *map(str, words)])


def test_it_takes_the_runs_settings_where_no_flag_says_otherwise_and_resumes_to_the_bit(
    old: Path, song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--from", old, "--corpus", song, "--dropout", "0.1", "--patience", "7"]
    assert train(*given, "--epochs", "3", "--run-dir", tmp_path / "whole") == 0
    out = capsys.readouterr().out
    assert f"From: {old}; 11 of the text's characters are new to it." in out
    settings = Run.open(tmp_path / "whole").settings()
    assert (settings.model.hidden_size, settings.model.dropout, settings.optimizer.clipping_theta) == (
        4,
        0.1,
        0.5,
    )
    assert (settings.corpus.limit, settings.corpus.validation_split) == (None, 0.2)
    assert (settings.report.prefixes, settings.optimizer.patience) == (("外婆",), 7)

    assert train(*given, "--epochs", "1", "--run-dir", tmp_path / "parts") == 0
    assert train("--resume", "--run-dir", tmp_path / "parts", "--epochs", "3") == 0
    weights = [Run.open(tmp_path / name).load_model().get_weights() for name in ("whole", "parts")]
    np.testing.assert_equal(weights[0], weights[1])

    for checkpoint in (tmp_path / "parts" / "checkpoints").iterdir():
        checkpoint.unlink()
    capsys.readouterr()
    assert train("--resume", "--run-dir", tmp_path / "parts") == 0
    assert "it begins again" in capsys.readouterr().out
    np.testing.assert_equal(Run.open(tmp_path / "parts").load_model().get_weights(), weights[0])
    assert main(["evaluate", "--run-dir", str(tmp_path / "parts")]) == 0


def test_the_recipe_has_a_schedule_of_its_own_for_it(old: Path, song: Path, tmp_path: Path) -> None:
    words = [
        "--recipe",
        "generalize",
        "--from",
        old,
        "--corpus",
        song,
        "--epochs",
        "1",
        "--run-dir",
        tmp_path / "run",
    ]
    assert train(*words) == 0
    settings = Run.open(tmp_path / "run").settings()
    assert (settings.model.cell, settings.model.hidden_size, settings.model.tie_embeddings) == (
        "rnn",
        4,
        False,
    )
    assert (settings.optimizer.optimizer, settings.optimizer.schedule) == ("adamw", "cosine")
    assert settings.optimizer.learning_rate < 8e-3  # type: ignore[operator] # the recipe's for a new model


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--from {old} --corpus {song} --hidden-size 5", "keeps its network: --hidden-size is 4 there"),
        ("--from {old} --corpus {song} --cell gru --num-layers 2", "--cell is 'rnn' there"),
        ("--from {tmp}/nothing --corpus {song}", "holds no run"),
        ("--from {tmp} --corpus {song}", "holds no run"),
        ("--from {old} --corpus {tmp}/none.txt", "There is no file"),
        ("--from {old} --run-dir {old} --overwrite", "--overwrite would delete"),
        ("--from {old} --run-dir {old}", "already holds a run"),
    ],
)
def test_what_cannot_be_gone_on_from_is_one_sentence_and_leaves_nothing(
    old: Path, song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str, said: str
) -> None:
    given = words.format(old=old, song=song, tmp=tmp_path).split()
    run_dir = [] if "--run-dir" in given else ["--run-dir", tmp_path / "run"]
    before = (old / "model.keras").read_bytes()
    assert train(*given, *run_dir) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()
    assert (old / "model.keras").read_bytes() == before


@pytest.mark.parametrize("words", ["--from {old} --resume --run-dir {old}", "--from"])
def test_flags_that_contradict_each_other_are_refused(
    old: Path, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        train(*words.format(old=old).split())
    assert "from" in capsys.readouterr().err


def test_a_dry_run_says_what_the_run_will_cost_and_writes_nothing(
    old: Path, song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    files = {path: path.stat().st_mtime_ns for path in old.rglob("*")}
    assert train("--dry-run", "--from", old, "--corpus", song, "--epochs", "30") == 0
    out = capsys.readouterr().out
    for said in (
        "Parameters: ",
        "FLOP in matrix products",
        "characters/s",
        "for 30 epochs of",
        "largest batch",
    ):
        assert said in out
    assert not list((tmp_path / "here").iterdir())
    assert files == {path: path.stat().st_mtime_ns for path in old.rglob("*")}
