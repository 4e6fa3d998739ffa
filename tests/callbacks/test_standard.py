"""The order of a training's callbacks, which each of them relies on."""

from pathlib import Path
from typing import Any

import keras
import pytest

from lyric_lm.callbacks import ExactResume, LyricSamples
from lyric_lm.callbacks.standard import StandardCallbacks
from lyric_lm.generation.sample_writer import SampleWriter
from lyric_lm.originality.copy_index import CopyIndex
from lyric_lm.runs.run import Run
from lyric_lm.settings.config import DashboardConfig, TrainConfig


def names(extra: tuple[Any, ...] = (), **changed: Any) -> list[str]:
    given: dict[str, Any] = {
        "samples": SampleWriter(["a"]),
        "copy_index": lambda: CopyIndex("abcab"),
        "run": None,
        "show": None,
        "dashboard": None,
        "monitor": None,
    }
    made = StandardCallbacks.of(TrainConfig(), extra, **given | changed)
    return [type(callback).__name__ for callback in made.in_order()]


def test_all_of_them_in_order(tmp_path: Path) -> None:
    everything = {"run": Run(tmp_path), "show": print, "dashboard": DashboardConfig(), "monitor": "loss"}
    assert names((keras.callbacks.TerminateOnNaN(),), **everything) == [
        "ValidationReport",
        "LyricSamples",
        "TerminateOnNaN",
        "TensorBoard",
        "LastGoodModel",
        "RunHistory",
        "EarlyStopping",
        "ExactResume",
    ]


def test_without_a_run_or_anybody_to_show_it_to_only_the_figures_are_kept() -> None:
    assert names() == ["LastGoodModel", "RunHistory"]
    assert names(dashboard=DashboardConfig()) == names()
    assert names(show=print) == ["ValidationReport", "LyricSamples", *names()]


def test_a_checkpoint_callback_of_the_callers_takes_the_place_of_the_runs_own(tmp_path: Path) -> None:
    given = (ExactResume(tmp_path, [], every=7), keras.callbacks.TerminateOnNaN())
    made = names(given, run=Run(tmp_path), dashboard=DashboardConfig(tensorboard=False))
    assert made == ["LyricSamples", "TerminateOnNaN", "LastGoodModel", "RunHistory", "ExactResume"]


def test_samples_are_written_in_one_way_wherever_they_are_shown() -> None:
    writer = SampleWriter(["a"], num_chars=3, seed=5)
    assert LyricSamples(writer).samples is not None
    assert SampleWriter.of(writer) == writer
    assert SampleWriter.of(writer, num_chars=4) == SampleWriter(["a"], num_chars=4, seed=5)
    for settings, problem in [
        ({"num_chars": 0}, "at least 1"),
        ({"prefixes": "ab"}, "a list"),
        ({"prefixes": [""]}, "one"),
    ]:
        with pytest.raises(ValueError, match=problem):
            SampleWriter(**settings)  # type: ignore[arg-type]
