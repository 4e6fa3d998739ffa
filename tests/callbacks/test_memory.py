"""What cannot be kept is said before the first step."""

import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from lyric_lm import RNNModel
from lyric_lm.callbacks import ExactResume
from lyric_lm.data import Vocabulary, consecutive_batches
from lyric_lm.runs.checkpoints import read_newest_checkpoint

XY = np.eye(5), np.ones((5, 2))


def stock_model() -> keras.Model:
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    return model


def fit_ours(callbacks: list[Any], epochs: int = 1, *, as_list: type = list) -> keras.callbacks.History:
    vocabulary = Vocabulary("abc")
    model = RNNModel(keras.layers.SimpleRNNCell(4), vocabulary)
    model.compile("sgd", run_eagerly=True)
    batches = consecutive_batches(vocabulary.encode("abcab" * 3), 2, 3)
    given = callbacks if as_list is list else as_list(callbacks, model=model, epochs=epochs)
    return model.fit(batches, epochs=epochs, verbose=0, callbacks=given)


def kept(folder: Path) -> list[str]:
    """Whose memory the newest checkpoint holds."""
    checkpoint = read_newest_checkpoint(folder, report=pytest.fail)
    assert checkpoint is not None
    return sorted(checkpoint.memory)


class MyStop(keras.callbacks.EarlyStopping):  # type: ignore[misc]
    """It may remember more than Keras' does."""


@pytest.mark.parametrize("silent", [keras.callbacks.LambdaCallback(), MyStop(), keras.callbacks.Callback()])
def test_a_callback_that_does_not_say_what_it_remembers_is_named(tmp_path: Path, silent: Any) -> None:
    known = keras.callbacks.EarlyStopping()
    with pytest.raises(ValueError, match=rf"state_dict.*leave them out.*Received: {type(silent).__name__}$"):
        ExactResume(tmp_path, remember=[known, silent])


def test_a_second_way_to_go_on_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"BackupAndRestore .*or ExactResume, not both"):
        ExactResume(tmp_path, remember=keras.callbacks.BackupAndRestore(tmp_path / "b"))


def refused(tmp_path: Path, callbacks: list[Any]) -> str:
    """What `fit` says; nothing may have been trained."""
    model = stock_model()
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        model.fit(*XY, verbose=0, callbacks=callbacks)
    assert int(model.optimizer.iterations) == 0
    assert not (tmp_path / "checkpoints").exists()
    return str(caught.value)


def test_what_cannot_be_kept_is_named_before_the_first_step(tmp_path: Path) -> None:
    class Watch(keras.callbacks.Callback):  # type: ignore[misc]
        def __init__(self, state: Any) -> None:
            super().__init__()
            self._state = state

        def state_dict(self) -> Any:
            return self._state

        def load_state_dict(self, state: Any) -> None:
            raise NotImplementedError

    for state, problem in [
        ({"file": Path()}, "cannot keep `file` of Watch.*Received: .*Path"),
        ({"seen": [{"a": {1: frozenset()}}]}, "cannot keep `seen` of Watch.*Received: frozenset"),
        ([3], "`Watch.state_dict..` must return a dict. Received: list"),
    ]:
        watch = Watch(state)
        assert re.search(problem, refused(tmp_path, [watch, ExactResume(tmp_path / "checkpoints", watch)]))


def test_it_must_come_after_what_it_remembers(tmp_path: Path) -> None:
    early, plateau = keras.callbacks.EarlyStopping(), keras.callbacks.ReduceLROnPlateau()
    resume = ExactResume(tmp_path / "checkpoints", [early, plateau])
    for callbacks in ([early, resume, plateau], [early, resume]):
        problem = refused(tmp_path, callbacks)
        assert re.search("must come last .*Received not before it: ReduceLROnPlateau$", problem)


def test_a_callback_that_the_checkpoints_do_not_know_is_named(tmp_path: Path) -> None:
    early = keras.callbacks.EarlyStopping("loss")
    stock_model().fit(*XY, epochs=2, verbose=0, callbacks=[early, ExactResume(tmp_path, early)])
    told: list[str] = []
    callbacks = [
        keras.callbacks.EarlyStopping("loss"),
        keras.callbacks.ReduceLROnPlateau("loss"),
        keras.callbacks.TerminateOnNaN(),
    ]
    resume = ExactResume(tmp_path, callbacks, report=told.append)
    stock_model().fit(*XY, epochs=3, verbose=0, callbacks=[*callbacks, resume])
    assert told == [f"The checkpoints in {resume.folder} do not know ReduceLROnPlateau 1: it starts anew."]


def with_memory() -> list[keras.callbacks.Callback]:
    early = keras.callbacks.EarlyStopping("loss", patience=9)
    return [early, keras.callbacks.ReduceLROnPlateau("loss"), keras.callbacks.TerminateOnNaN()]


@pytest.mark.parametrize("as_list", [list, keras.callbacks.CallbackList])
def test_in_our_fit_all_that_say_what_they_remember_are_kept_and_the_others_named(
    tmp_path: Path, as_list: type
) -> None:
    told: list[str] = []
    for extra, named in [
        ([], []),
        ([MyStop("loss"), keras.callbacks.LambdaCallback()], ["MyStop, LambdaCallback"]),
    ]:
        folder = tmp_path / str(len(extra))
        fit_ours([*extra, *with_memory(), ExactResume(folder, report=told.append)], as_list=as_list)
        assert kept(folder) == ["EarlyStopping 1", "History 1", "ReduceLROnPlateau 1"]
        assert [
            re.findall(r"not keep what .*: (.*)\. Give .*name all others", line)[0] for line in told
        ] == named


def test_what_was_kept_unnamed_is_given_back(tmp_path: Path) -> None:
    for epochs in (2, 5):
        early = keras.callbacks.EarlyStopping("loss", mode="max", patience=2)
        history = fit_ours([early, ExactResume(tmp_path, report=pytest.fail)], epochs)
    assert (history.epoch, early.best_epoch) == ([0, 1, 2], 0)


def test_in_our_fit_a_memory_that_is_left_out_is_named(tmp_path: Path) -> None:
    told: list[str] = []
    best = keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", "loss", save_best_only=True)
    others = with_memory()
    silent = keras.callbacks.LambdaCallback()
    resume = ExactResume(tmp_path / "checkpoints", remember=others[1:2], report=told.append)
    fit_ours([silent, *others, best, resume])
    assert kept(resume.folder) == ["History 1", "ReduceLROnPlateau 1"]
    (line,) = told
    assert re.search(
        r"not keep what .*: EarlyStopping, ModelCheckpoint\. Name them in `remember`, or leave", line
    )


def test_the_fit_of_another_model_does_not_say_what_callbacks_it_has_which_is_said(tmp_path: Path) -> None:
    told: list[str] = []
    resume = ExactResume(tmp_path, report=told.append)
    fit_ours([*with_memory(), resume])
    assert told == []
    stock_model().fit(
        *XY, verbose=0, callbacks=[*with_memory(), ExactResume(tmp_path / "b", report=told.append)]
    )
    assert [line.split(":")[1] for line in told] == [" name them in `remember`, [] if none has a memory."]
    assert kept(tmp_path / "b") == ["History 1"]


def test_order_and_rivals_are_checked_for_callbacks_that_nobody_named(tmp_path: Path) -> None:
    resume = ExactResume(tmp_path / "checkpoints", report=pytest.fail)
    early, *others = with_memory()
    with pytest.raises(ValueError, match=r"must come last .*Received not before it: ReduceLROnPlateau$"):
        fit_ours([early, resume, *others])
    with pytest.raises(ValueError, match=r"BackupAndRestore .*or ExactResume, not both"):
        fit_ours([keras.callbacks.BackupAndRestore(tmp_path / "b"), resume])
    assert not resume.folder.exists()
