"""The command `lyric-lm tune`."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

import lyric_lm.tuning
from lyric_lm.cli import main
from lyric_lm.cli.setting_values import SettingValues
from lyric_lm.cli.tune import Tune
from lyric_lm.data import Lyrics
from lyric_lm.runs.run import Run
from lyric_lm.settings.config import ModelConfig, OptimizerConfig
from lyric_lm.settings.recipe import generalize

SMALL = ["--max-chars", "62", "--num-steps", "5", "--epochs", "2", "--num-chars", "4"]


def test_it_searches_and_leaves_a_run(
    lyrics: Lyrics, run_dir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["tune", *SMALL, "--batch-size", "2", "--prefixes", lyrics.text[:2]]
    command += ["--hidden-size", "3", "--max-trials", "2"]
    assert main([*command, "--run-dir", str(run_dir)]) == 0
    output = capfd.readouterr().out
    assert "2/2  learning_rate=" in output
    assert "Search: Running" not in output  # KerasTuner's own account
    assert f"lyric-lm generate --run-dir {run_dir / 'best'}" in output
    assert Run.open(run_dir / "best").load_model().rnns[0].cell.units == 3
    assert (run_dir / "perplexity.png").read_bytes()[:4] == b"\x89PNG"


def test_ctrl_c_says_how_to_go_on(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(lyric_lm.tuning, "search", interrupted, raising=False)
    assert main(["tune", "--run-dir", str(run_dir)]) == 130
    assert f"kept in {run_dir}: give the same command again" in capfd.readouterr().out


def test_with_the_recipe_it_searches_around_the_recipes_values(
    lyrics: Lyrics, run_dir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    prefix, recipe = lyrics.text[:2], generalize(540)
    flags = ["--max-chars", "600", "--epochs", "1", "--num-chars", "4", "--prefixes", prefix]
    flags += ["--hidden-size", "3", "--dropout", "0.1", "0.2", "--max-trials", "1", "--no-pruning"]
    assert main(["tune", "--recipe", "generalize", *flags, "--run-dir", str(run_dir)]) == 0
    assert "val_perplexity" in capfd.readouterr().out
    settings = Run.open(run_dir / "best").settings()
    assert settings.model.hidden_size == 3
    assert settings.model.dropout in (0.1, 0.2)
    assert settings.optimizer.learning_rate not in (None, recipe.optimizer.learning_rate)
    assert settings.corpus.validation_split == recipe.corpus.validation_split
    assert (settings.model.cell, settings.optimizer.optimizer) == ("gru", "adamw")
    assert settings.optimizer.batch_size == recipe.optimizer.batch_size


@pytest.mark.parametrize("recipe", [[], ["--recipe", "generalize"]])
def test_the_names_of_version_0_1_work_with_a_line_of_notice(
    recipe: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []

    def remember(command: Tune) -> int:
        asked.append(command)
        return 0

    monkeypatch.setattr(Tune, "run", remember)
    former = ["--hidden-sizes", "4", "6", "--learning-rates=0.5", "2.5", "--step_counts", "7", "8"]
    now = ["--hidden-size", "4", "6", "--learning-rate=0.5", "2.5", "--num-steps", "7", "8"]
    assert main(["tune", *recipe, *former]) == 0
    notice = capfd.readouterr().err
    assert notice.count("\n") == 1
    for old, new in (("--hidden-sizes", "--hidden-size"), ("--learning-rates", "--learning-rate")):
        assert f"{old} is called {new} now" in notice
    assert main(["tune", *recipe, *now]) == 0
    assert capfd.readouterr().err == ""
    assert asked[0] == asked[1]
    assert asked[0].values.hidden_size == (4, 6)


def test_each_searched_setting_is_a_flag_of_a_training() -> None:
    trained = {f.name for part in (ModelConfig, OptimizerConfig) for f in dataclasses.fields(part)}
    assert {f.name for f in dataclasses.fields(SettingValues)} == trained


@pytest.mark.parametrize(
    ("flags", "cure"),
    [
        (["--batch-size", "2", "--objective", "bleu"], "--objective takes loss or perplexity"),
        (["--batch-size", "2", "--learning-rate", "3", "--hidden-size", "4"], "give --learning-rate"),
        (["--batch-size", "2", "--hidden-size", "3", "0"], "--hidden-size must be at least 1"),
        (["--batch-size", "2", "600"], "the largest --batch-size"),
    ],
)
def test_what_cannot_work_is_one_sentence_and_exit_status_2(
    flags: list[str], cure: str, lyrics: Lyrics, run_dir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["tune", *SMALL, "--prefixes", lyrics.text[:2], *flags, "--run-dir", str(run_dir)]
    assert main(command) == 2
    error = capfd.readouterr().err
    assert error.startswith("lyric-lm: ")
    assert cure in error
    assert error.count("\n") == 1
    assert not run_dir.exists()


@pytest.mark.parametrize(
    "flags",
    [
        ["--max-trials", "0"],
        ["--hidden-size", "4", "4"],
        ["--hidden-size", "0"],
        ["--hidden-size"],
        ["--learning-rate", "2", "1"],
        ["--port", "99999"],
    ],
)
def test_values_out_of_range_are_refused_when_the_flags_are_read(flags: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["tune", *flags])
    assert stopped.value.code == 2
