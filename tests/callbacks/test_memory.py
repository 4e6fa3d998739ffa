"""What cannot be kept is said before the first step."""

import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from lyric_lm.callbacks import ExactResume

XY = np.eye(5), np.ones((5, 2))


def stock_model() -> keras.Model:
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    return model


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
