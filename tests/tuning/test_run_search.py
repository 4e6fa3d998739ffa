"""Whole searches of the smallest models."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import filelock
import keras
import keras_tuner as kt
import pytest

from lyric_lm.callbacks.epoch_progress import EpochProgress
from lyric_lm.errors import (
    CorpusError,
    RunExistsError,
    RunLockedError,
    RunMismatchError,
    RunWriteError,
    SearchError,
    SettingsError,
)
from lyric_lm.generation.generate import generate
from lyric_lm.runs.curves import RunCurves
from lyric_lm.runs.run import HISTORY, MODEL, Run
from lyric_lm.settings.changes import with_settings
from lyric_lm.settings.config import CorpusConfig, TrainConfig
from lyric_lm.training import train
from lyric_lm.tuning import RNNTuner, SearchConfig, SearchRunConfig, SearchSpace, search
from lyric_lm.tuning.trial_records import trial_number

SPACE = SearchSpace(learning_rate=(1.0, 60.0), hidden_size=(4, 6))
Search = Callable[..., RNNTuner]


@pytest.fixture
def small_search(base: TrainConfig, run_dir: Path) -> Search:
    def run(config: TrainConfig = base, space: SearchSpace = SPACE, **options: Any) -> RNNTuner:
        overwrite = options.pop("overwrite", False)
        keep = options.pop("keep_checkpoints", False)
        names = {field.name for field in dataclasses.fields(SearchConfig)}
        settings = SearchConfig(**{name: options.pop(name) for name in list(options) if name in names})
        where = SearchRunConfig(options.pop("run_dir", run_dir), overwrite=overwrite, keep_checkpoints=keep)
        return search(config, space, settings=settings, run=where, **options)

    return run


def scores(tuner: RNNTuner) -> dict[int, float]:
    return {trial_number(trial_id): trial.score for trial_id, trial in tuner.oracle.trials.items()}


def test_an_interrupted_search_goes_on_and_ends_as_an_uninterrupted_one(
    small_search: Search, run_dir: Path, tmp_path: Path
) -> None:
    def interrupt(line: str) -> None:
        if line.startswith("2/"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small_search(max_trials=4, write=interrupt)
    assert (run_dir / "best" / MODEL).is_file()  # the best so far
    first = run_dir / "trials" / "1" / HISTORY
    written = first.stat().st_mtime_ns
    lines: list[str] = []
    resumed = small_search(max_trials=4, write=lines.append)
    assert first.stat().st_mtime_ns == written
    going_on, *trials = lines
    found = {number: score for number, score in scores(resumed).items() if number < 3}
    best = min(found, key=lambda number: found[number])
    assert going_on.startswith(f"Going on after 2 trials; the best so far: trial {best}  ")
    assert going_on.endswith(f"  {found[best]:.4g}")
    assert [line.split()[0] for line in trials] == ["3/4", "4/4"]
    assert scores(resumed) == scores(small_search(max_trials=4, run_dir=tmp_path / "whole"))

    more: list[str] = []
    small_search(max_trials=5, write=more.append)
    assert [line.split()[0] for line in more] == ["Going", "5/5"]


def test_whoever_watches_is_told_of_each_epoch_of_each_trial(
    small_search: Search, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[tuple[str, int, int]] = []

    def watch(name: str, epochs: int) -> list[Any]:
        return [EpochProgress(lambda done, _: seen.append((name, epochs, done)))]

    tuner = small_search(max_trials=2, watch=watch)
    epochs = tuner.hypermodel.base.optimizer.epochs
    trained = {number: len(tuner.records.values(number)) for number in (1, 2)}
    assert seen == [(f"trial {n}", epochs, i + 1) for n in trained for i in range(trained[n])]
    assert "ExactResume" not in capsys.readouterr().out


def test_a_trial_s_figures_are_those_of_a_training_with_its_settings(
    small_search: Search, run_dir: Path
) -> None:
    tuner = small_search(max_trials=2)
    config = tuner.records.config(2)
    assert config.to_dict() == Run.open(run_dir / "trials" / "2").settings().to_dict()
    perplexity = train(config).history.column("perplexity")
    assert tuner.records.values(2) == perplexity
    assert tuner.oracle.trials["1"].score == min(perplexity)


def test_the_best_run_is_an_ordinary_run_and_losers_keep_no_model(
    small_search: Search, run_dir: Path, base: TrainConfig
) -> None:
    tuner = small_search(max_trials=3, keep_checkpoints=True)
    assert len(list(run_dir.glob("trials/*/model.keras"))) == 3
    best = min(scores(tuner), key=lambda number: scores(tuner)[number])
    tuner = small_search(max_trials=3)
    assert [path.parent.name for path in run_dir.glob("trials/*/model.keras")] == [str(best)]
    assert [path.parent.name for path in run_dir.glob("trials/*/checkpoints")] == [str(best)]
    run = Run.open(run_dir / "best")
    (model,) = tuner.get_best_models()
    for mine, its in zip(model.get_weights(), run.load_model().get_weights(), strict=True):
        assert (mine == its).all()
    with pytest.raises(SearchError, match=r"was not kept.*keep_checkpoints=True"):
        tuner.get_best_models(2)
    tuner.results_summary()
    tuner.search_space_summary()
    assert tuner.hypermodel.build(tuner.get_best_hyperparameters()[0]).built
    assert run.settings() == tuner.records.config(best)
    prefix, curves = base.report.prefixes[0], RunCurves.read(run_dir / "best")
    assert curves.samples == [generate(run.load_model(), prefix, base.report.num_chars)]
    assert str(run_dir / "best") in (run_dir / "best" / "README.md").read_text(encoding="utf-8")


def test_a_trial_that_diverges_is_bad_and_not_a_failure(small_search: Search) -> None:
    def extra(hp: kt.HyperParameters, config: TrainConfig) -> TrainConfig:
        rate = hp.Choice("rate", [1e38, 30.0])
        return with_settings(config, {"learning_rate": rate, "clipping_theta": 1e30 if rate > 1e30 else 1e-2})

    fixed = SearchSpace(learning_rate=(1.0, 1.5), hidden_size=(4,))
    tuner = small_search(space=fixed, extra=extra, tuner="grid", max_trials=11)
    vocabulary_size = len(tuner.hypermodel.vocabulary)
    wild = [i for i, t in tuner.oracle.trials.items() if t.hyperparameters.values["rate"] > 1e30]
    assert wild
    for trial_id in wild:
        assert tuner.oracle.trials[trial_id].status == "COMPLETED"
        assert tuner.oracle.trials[trial_id].score == vocabulary_size**2
        assert tuner.records.results()[trial_number(trial_id)].state in ("diverged", "pruned")
    assert tuner.records.best() not in [trial_number(trial_id) for trial_id in wild]


def test_a_failed_trial_shows_its_error_and_three_in_a_row_end_the_search(
    small_search: Search, run_dir: Path
) -> None:
    def extra(hp: kt.HyperParameters, config: TrainConfig) -> TrainConfig:
        if hp.Choice("broken", ["no", "yes"]) == "yes":
            raise OSError("the disk\nis on fire")
        return config

    lines: list[str] = []
    space = SearchSpace(learning_rate=(9.0, 60.0), hidden_size=(4,))
    with pytest.raises(SearchError, match=r"last 3 trials failed.*the disk is on fire.*error\.txt.*kept"):
        small_search(space=space, extra=extra, search_seed=3, max_trials=30, write=lines.append)
    failed = [path.parent for path in run_dir.glob("trials/*/error.txt")]
    assert len(failed) >= 3
    assert "OSError: the disk\nis on fire" in (failed[0] / "error.txt").read_text()
    assert sum("failed: OSError: the disk is on fire" in line for line in lines) == len(failed)


def test_failed_trials_are_done_again_once_their_cause_is_mended(small_search: Search, run_dir: Path) -> None:
    broken = [True]

    class Fire(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            del epoch, logs
            if broken[0]:
                raise OSError("the disk is on fire")

    with pytest.raises(SearchError, match=r"last 2 trials failed.*on fire.*without --overwrite"):
        small_search(max_trials=2, pruning=False, callbacks=[Fire()])
    broken[0] = False
    tuner = small_search(max_trials=2, pruning=False, callbacks=[Fire()])
    assert {result.state for result in tuner.records.results().values()} == {"finished"}
    assert not list(run_dir.glob("trials/*/error.txt"))


@pytest.mark.slow
def test_an_interrupted_hyperband_search_ends_as_an_uninterrupted_one(
    small_search: Search, base: TrainConfig, run_dir: Path, tmp_path: Path
) -> None:
    config = with_settings(base, {"epochs": 3, "optimizer": "adam"})

    def interrupt(line: str) -> None:
        if line.startswith("3 "):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small_search(config, tuner="hyperband", write=interrupt)
    assert len(list(run_dir.glob("trials/*/checkpoints"))) == 3  # which a further round goes on from
    resumed = small_search(config, tuner="hyperband")
    assert "failed" not in {result.state for result in resumed.records.results().values()}
    assert scores(resumed) == scores(small_search(config, tuner="hyperband", run_dir=tmp_path / "whole"))
    assert len(list(run_dir.glob("trials/*/checkpoints"))) == 1  # the best one's: nothing is left to do


def test_a_short_trial_under_a_schedule_is_part_of_the_whole_training_that_it_names(
    small_search: Search, base: TrainConfig
) -> None:
    config = with_settings(base, {"epochs": 3, "optimizer": "adam", "schedule": "cosine"})
    tuner = small_search(config, tuner="hyperband", max_trials=1)
    config = tuner.records.config(1)
    assert config.optimizer.epochs == 3
    values = tuner.records.values(1)
    assert 0 < len(values) < 3
    assert values == train(config).history.column("perplexity")[: len(values)]


def test_three_learning_rates_are_tried_one_by_one(small_search: Search) -> None:
    space = SearchSpace(learning_rate=(1.0, 5.0, 10.0), hidden_size=(4,))
    tuner = small_search(space=space, max_trials=3, tuner="grid")
    varied = [tuner.hypermodel.varied(trial.hyperparameters) for trial in tuner.oracle.trials.values()]
    assert varied == [{"learning_rate": 1.0}, {"learning_rate": 5.0}, {"learning_rate": 10.0}]


def test_hyperband_goes_on_where_a_trial_stopped(small_search: Search, base: TrainConfig) -> None:
    tuner = small_search(
        with_settings(base, {"epochs": 3, "optimizer": "adam"}), tuner="hyperband", max_trials=5
    )
    later = [t for t in tuner.oracle.trials.values() if "tuner/trial_id" in t.hyperparameters.values]
    assert later
    number, epochs = trial_number(later[0].trial_id), later[0].hyperparameters.values["tuner/epochs"]
    values = tuner.records.values(number)
    assert len(values) == epochs
    assert values == train(tuner.records.config(number)).history.column("perplexity")[:epochs]


def test_with_a_held_out_part_a_trial_is_that_of_a_training_too(
    small_search: Search, base: TrainConfig
) -> None:
    config = with_settings(
        base, {"validation_split": 0.2, "num_steps": 4, "rotate": True, "schedule": "cosine"}
    )
    tuner = small_search(config, max_trials=2)
    assert tuner.oracle.objective.name == "val_perplexity"
    values = train(tuner.records.config(2)).history.column("val_perplexity")
    assert tuner.records.values(2) == values
    assert tuner.oracle.trials["1"].score == min(values)


@pytest.mark.parametrize("number", [1, 2])
def test_a_kept_trial_goes_on_exactly_as_any_run_does(
    number: int, small_search: Search, run_dir: Path
) -> None:
    space = SearchSpace(learning_rate=(1.0, 5.0, 9.0), hidden_size=(4,))
    tuner = small_search(space=space, tuner="grid", max_trials=2, keep_checkpoints=True)
    config = with_settings(tuner.records.config(number), {"epochs": 8})
    with Run.resume(run_dir / "trials" / str(number)) as run:
        resumed = train(config, run=run)
    expected = train(config)
    assert len(resumed.history) == 8
    assert resumed.history.column("perplexity") == expected.history.column("perplexity")
    for mine, its in zip(resumed.model.get_weights(), expected.model.get_weights(), strict=True):
        assert (mine == its).all()


def test_a_best_run_that_was_trained_further_is_not_replaced(small_search: Search, run_dir: Path) -> None:
    tuner = small_search(max_trials=1)
    with Run.resume(run_dir / "best") as run:
        train(with_settings(tuner.records.config(1), {"epochs": 7}), run=run)
    small_search(max_trials=1)
    assert len(Run.open(run_dir / "best").history()) == 7


def test_another_search_is_not_continued(small_search: Search, base: TrainConfig, run_dir: Path) -> None:
    small_search(max_trials=1)
    stored = json.loads((run_dir / "search.json").read_text())
    others: list[tuple[str, dict[str, Any]]] = [
        (
            "hidden_size was .4, 6. and is now .4, 7.",
            {"space": SearchSpace(learning_rate=(1.0, 60.0), hidden_size=(4, 7))},
        ),
        ("objective was 'perplexity' and is now 'loss'", {"objective": "loss"}),
        ("epochs was 5 and is now 6", {"config": with_settings(base, {"epochs": 6})}),
        ("corpus training was", {"config": with_settings(base, {"max_chars": 61})}),
        ("tuner was 'random' and is now 'grid'", {"tuner": "grid"}),
    ]
    for difference, options in others:
        with pytest.raises(RunMismatchError, match=rf"{difference}.*--run-dir.*--overwrite"):
            small_search(max_trials=1, **options)
    assert json.loads((run_dir / "search.json").read_text()) == stored
    tuner = small_search(max_trials=1, objective="loss", overwrite=True)
    assert len(tuner.oracle.trials) == 1


def test_a_folder_of_other_things_is_left_alone(small_search: Search, run_dir: Path) -> None:
    run_dir.mkdir()
    (run_dir / "diary.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(RunExistsError, match="not a search's"):
            small_search(overwrite=overwrite)
    assert (run_dir / "diary.txt").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_one_sentence(small_search: Search, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunWriteError, match=r"Cannot write .*file.search"):
        small_search(run_dir=tmp_path / "file" / "search")


def test_two_searches_do_not_share_a_folder(small_search: Search, run_dir: Path) -> None:
    run_dir.mkdir()
    with filelock.FileLock(run_dir / ".lock"), pytest.raises(RunLockedError, match="at work"):
        small_search()


def test_what_cannot_work_leaves_no_folder(small_search: Search, base: TrainConfig, run_dir: Path) -> None:
    with pytest.raises(SettingsError, match="takes loss or perplexity"):
        small_search(objective="bleu")
    with pytest.raises(SettingsError, match="nothing to search"):
        small_search(with_settings(base, {"learning_rate": 1.0}), SearchSpace(hidden_size=(4,)))
    with pytest.raises(CorpusError, match=r"too large for the text.*num_steps=300"):
        small_search(space=SearchSpace(hidden_size=(4, 6), num_steps=(5, 300)))
    with pytest.raises(CorpusError, match="There is no file"):
        small_search(dataclasses.replace(base, corpus=CorpusConfig(corpus="gone.txt")))
    assert not run_dir.exists()
