"""`train`: what it returns, what it leaves behind, and what happens when the loss is no number."""

import csv
import dataclasses
import math
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from lyric_lm import RNNModel, generate
from lyric_lm.callbacks import ExactResume
from lyric_lm.callbacks.epoch_guards import EndingCallback
from lyric_lm.data import CorpusError, UnknownCharacterError, consecutive_batches, load_lyrics
from lyric_lm.errors import SettingsError
from lyric_lm.runs.checkpoints import read_newest_checkpoint
from lyric_lm.runs.record import describe_run
from lyric_lm.runs.run import Run
from lyric_lm.settings.config import CorpusConfig, ModelConfig, OptimizerConfig, ReportConfig, TrainConfig
from lyric_lm.training import compiled_model, load_texts, train
from lyric_lm.training.building import build_optimizer
from lyric_lm.training.texts import read_texts, validation_batches

B, T, H = 2, 3, 5
DATA = CorpusConfig(max_chars=90)
OPTIMIZER = OptimizerConfig(batch_size=B, num_steps=T, epochs=4, seed=11)
REPORT = ReportConfig(prefixes=(" ",))
CONFIG = TrainConfig(corpus=DATA, model=ModelConfig(hidden_size=H), optimizer=OPTIMIZER, report=REPORT)
VALIDATED = TrainConfig(
    corpus=CorpusConfig(max_chars=90, validation_split=0.3),
    model=ModelConfig(cell="gru", hidden_size=H, dropout=0.2),
    optimizer=OptimizerConfig(
        optimizer="adam", learning_rate=0.3, batch_size=B, num_steps=T, epochs=6, patience=2
    ),
    report=REPORT,
)


def new_run(path: Path, config: TrainConfig) -> Run:
    texts = load_texts(config)
    return Run.create(path, describe_run(config, texts.training, texts.validation))


def rows(run: Run) -> list[dict[str, str]]:
    with (run.path / "history.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_it_is_plain_keras_fit_from_the_seed(tmp_path: Path) -> None:
    with new_run(tmp_path, CONFIG) as run:
        outcome = train(CONFIG, run=run)
    model = outcome.model
    lyrics = load_lyrics("built-in", max_chars=90)
    keras.utils.set_random_seed(11)
    plain = RNNModel(keras.layers.SimpleRNNCell(H), lyrics.vocabulary)
    plain.compile(keras.optimizers.SGD(100.0))
    history = plain.fit(consecutive_batches(lyrics.ids, B, T), epochs=4, verbose=0).history
    np.testing.assert_equal(model.get_weights(), plain.get_weights(), strict=True)
    np.testing.assert_equal(run.load_model().get_weights(), plain.get_weights(), strict=True)
    assert [float(row["perplexity"]) for row in rows(run)] == history["perplexity"]
    assert [int(row["epoch"]) for row in rows(run)] == [1, 2, 3, 4]
    assert (outcome.state, outcome.epoch, outcome.message) == ("finished", 4, "")
    assert outcome.history.column("perplexity") == history["perplexity"]
    assert outcome.best("perplexity") == min((p, i + 1) for i, p in enumerate(history["perplexity"]))


def test_the_model_of_the_best_epoch_is_kept_where_a_text_is_held_out(tmp_path: Path) -> None:
    with new_run(tmp_path, VALIDATED) as run:
        outcome = train(VALIDATED, run=run)
    validation = load_texts(VALIDATED).validation
    assert validation is not None
    best = min(float(row["val_perplexity"]) for row in rows(run))
    assert outcome.best("val_perplexity") == (best, outcome.epoch)
    scored = outcome.model.evaluate(validation_batches(validation.ids), verbose=0, return_dict=True)
    assert scored["perplexity"] == pytest.approx(best, rel=1e-5)


class Poison(keras.callbacks.Callback):  # type: ignore[misc]
    """Makes the weights NaN before an epoch, and remembers them as they were."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self.before: list[np.ndarray[Any, Any]] = []
        self._epoch = epoch

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        del logs
        if epoch == self._epoch:
            self.before = self.model.get_weights()
            self.model.set_weights([np.full_like(weight, math.nan) for weight in self.before])


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_model(tmp_path: Path) -> None:
    poison = Poison(2)
    with new_run(tmp_path, CONFIG) as run:
        outcome = train(CONFIG, run=run, callbacks=[poison])
    assert (outcome.state, outcome.epoch) == ("diverged", 2)
    assert "in epoch 3: lower the learning" in outcome.message
    np.testing.assert_equal(outcome.model.get_weights(), poison.before, strict=True)
    np.testing.assert_equal(run.load_model().get_weights(), poison.before, strict=True)
    assert "after 3 of 4 epochs" in (run.path / "README.md").read_text(encoding="utf-8")


def test_a_loss_that_is_no_number_from_the_start_leaves_no_model(tmp_path: Path) -> None:
    with new_run(tmp_path, CONFIG) as run:
        outcome = train(CONFIG, run=run, callbacks=[Poison(0)])
    assert (outcome.state, outcome.epoch, outcome.best("loss")) == ("diverged", 0, None)
    assert re.search(r"in epoch 1: .*theta\.$", outcome.message)
    assert not (run.path / "model.keras").exists()


def test_a_callback_that_ends_the_training_names_its_end_which_a_resume_keeps(tmp_path: Path) -> None:
    class Prune(EndingCallback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            del logs
            if epoch == 1:
                self.end("pruned")

    with new_run(tmp_path, CONFIG) as run:
        outcome = train(CONFIG, run=run, callbacks=[Prune()])
        again = train(CONFIG, run=run, callbacks=[Prune()])
    for each in (outcome, again):
        assert (each.state, each.epoch, len(each.history)) == ("pruned", 2, 2)
    np.testing.assert_equal(again.model.get_weights(), outcome.model.get_weights(), strict=True)


def test_a_stop_that_was_asked_for_is_no_end_and_neither_is_an_epoch_to_train_until(tmp_path: Path) -> None:
    with new_run(tmp_path / "whole", VALIDATED) as run:
        whole = train(VALIDATED, run=run)
    with new_run(tmp_path / "parts", VALIDATED) as run:
        resume = ExactResume(run.checkpoints, [])
        ask = keras.callbacks.LambdaCallback(on_epoch_begin=lambda *_: resume.stop())
        first = train(VALIDATED, run=run, callbacks=[resume, ask])
        second = train(VALIDATED, run=run, until_epoch=2)
        third = train(VALIDATED, run=run)
    assert [each.state for each in (first, second, third)] == ["stopped", "finished", "finished"]
    assert [len(each.history) for each in (first, second, third)] == [1, 2, len(whole.history)]
    assert third.history == whole.history
    np.testing.assert_equal(third.model.get_weights(), whole.model.get_weights(), strict=True)


def test_a_model_that_was_trained_before_is_trained_as_a_new_one_would_be() -> None:
    texts = load_texts(CONFIG)
    model = train(CONFIG, texts=texts).model
    fresh = compiled_model(CONFIG, texts)
    fresh.optimizer.build(fresh.trainable_variables)
    for mine, its in [(model, fresh), (model.optimizer, fresh.optimizer)]:
        for variable, value in zip(mine.variables, its.variables, strict=True):
            variable.assign(value)
    again, new = train(CONFIG, texts=texts, model=model), train(CONFIG, texts=texts)
    assert again.model is model
    assert again.history == new.history
    np.testing.assert_equal(model.get_weights(), new.model.get_weights(), strict=True)


def test_a_run_has_the_same_files_whoever_trains_it(tmp_path: Path) -> None:
    lines: list[str] = []
    with new_run(tmp_path, VALIDATED) as run:
        outcome = train(VALIDATED, run=run, show=lines.append)
    assert sorted(path.name for path in run.path.iterdir() if path.name != ".lock") == [
        "README.md",
        "checkpoints",
        "config.json",
        "history.csv",
        "model.keras",
        "samples.txt",
        "texts.json.gz",
    ]
    report, _, *rest = lines
    assert report.startswith(f"epoch {len(outcome.history)}, perplexity ")  # the last is always due
    assert rest == [
        f"best validation perplexity {outcome.history.rows[outcome.epoch - 1]['val_perplexity']:.1f} "
        f"in epoch {outcome.epoch} of {len(outcome.history)}"
    ]


def test_patience_that_runs_out_ends_with_a_report_of_the_last_epoch(tmp_path: Path) -> None:
    config = dataclasses.replace(
        VALIDATED, optimizer=dataclasses.replace(VALIDATED.optimizer, epochs=40, patience=1)
    )
    with new_run(tmp_path, config) as run:
        outcome = train(config, run=run)
    assert outcome.epoch < len(outcome.history) < 40
    epochs = [line.split(",")[0] for line in (run.path / "samples.txt").read_text("utf-8").splitlines()[::2]]
    assert epochs == [f"epoch {len(outcome.history)}"]


def test_sizes_and_prefixes_that_nobody_gave_suit_the_text(tmp_path: Path) -> None:
    path = tmp_path / "song.txt"
    path.write_text("雨停风起\n" * 30, encoding="utf-8")
    optimizer = OptimizerConfig(epochs=1, seed=11)
    config = dataclasses.replace(
        CONFIG, corpus=CorpusConfig(corpus=str(path)), optimizer=optimizer, report=ReportConfig()
    )
    lines: list[str] = []
    texts = read_texts(config.corpus)
    with Run.create(tmp_path / "run", describe_run(config, texts.training)) as run:
        outcome = train(config, run=run, show=lines.append)
    assert outcome.state == "finished"
    assert ["too few for batches" in lines[0], "do not stand in the text" in lines[1]] == [True, True]
    kept = run.settings()
    assert kept.optimizer.batch_size < 32
    assert kept.report.prefixes == ("雨停",)
    assert kept.corpus == config.corpus


def test_samples_at_the_end_are_those_of_the_model_that_is_kept(tmp_path: Path) -> None:
    with new_run(tmp_path, VALIDATED) as run:
        outcome = train(VALIDATED, run=run, samples_at_end=True)
    perplexity = outcome.history.rows[outcome.epoch - 1]["perplexity"]
    *_, first, sample = (run.path / "samples.txt").read_text(encoding="utf-8").splitlines()
    assert first == f"epoch {outcome.epoch}, perplexity {perplexity:f}"
    assert sample == f" - {generate(run.load_model(), ' ', 50)}"


@pytest.mark.parametrize(
    ("config", "error"),
    [
        (TrainConfig(corpus=CorpusConfig(max_chars=40)), CorpusError),
        (TrainConfig(report=ReportConfig(prefixes=("Q",))), UnknownCharacterError),
        (TrainConfig(model=ModelConfig(hidden_size=10**7)), SettingsError),
    ],
)
def test_what_cannot_work_is_found_before_anything_is_written(config: TrainConfig, error: Any) -> None:
    with pytest.raises(error):
        load_texts(config)


def test_a_cosine_falls_to_a_hundredth_after_its_warm_up() -> None:
    config = OptimizerConfig(optimizer="adamw", learning_rate=0.2, schedule="cosine", warmup=0.25)
    optimizer = build_optimizer(config, total_steps=40)
    rates = [float(optimizer._learning_rate(step)) for step in (0, 5, 10, 25, 40)]
    assert rates == pytest.approx([0, 0.1, 0.2, 0.2 * (0.01 + 0.99 / 2), 0.002])
    with pytest.raises(ValueError, match="`total_steps` is needed"):
        build_optimizer(config)


@pytest.mark.parametrize("shown", [True, False])
def test_a_callers_callback_whose_memory_a_run_does_not_keep_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], shown: bool
) -> None:
    class Mine(keras.callbacks.Callback):  # type: ignore[misc]
        pass

    lines: list[str] = []
    plateau = keras.callbacks.ReduceLROnPlateau("loss")
    with new_run(tmp_path, CONFIG) as run:
        train(CONFIG, run=run, callbacks=[Mine(), plateau], show=lines.append if shown else None)
        checkpoint = read_newest_checkpoint(run.checkpoints, report=pytest.fail)
    said = lines if shown else capsys.readouterr().out.splitlines()
    assert [line.split(".")[0] for line in said if "ExactResume" in line] == [
        "ExactResume does not keep what these callbacks may remember: Mine"
    ]
    assert checkpoint is not None
    assert "ReduceLROnPlateau 1" in checkpoint.memory
