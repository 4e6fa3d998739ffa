"""`BatchLoop`: a model's train or test function, which may run batches ahead of Keras' count."""

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from lyric_lm.model.keras_internals import compiled_steps, tracing_expected


class BatchLoop:
    """Calls a step for each batch of an iterator, several of them in one compiled loop where `fit` allows it.

    Keras' own way to such a loop, `model.steps_per_execution`, also changes how often hooks run, how
    `steps_per_epoch` is counted and what `evaluate` and `predict` do. Here Keras goes on counting batches one
    by one: the first of `size` calls runs all their batches, the others return what it returned. So nothing
    has to be given back but the size.

    Args:
        model: whose step it is.
        step: `model.train_step` or `model.test_step`.
    """

    def __init__(self, model: keras.Model, step: Callable[[Any], Any]) -> None:
        self._model, self._step = model, step
        self._functions: dict[int, Callable[[Any], Any]] = {}  # by the number of steps that they run
        self._size = 1
        self._check: Callable[[Any], None] | None = None
        self.start_over()

    def start_over(self) -> None:
        """Forget what was run ahead: a new epoch begins."""
        self._ahead, self._logs = 0, None

    def forget_compiled(self) -> None:
        """Compile the step anew before the next batch: what it was compiled from has changed."""
        self._functions.clear()

    @contextlib.contextmanager
    def running(self, *, size: int = 1, check: Callable[[Any], None] | None = None) -> Iterator[None]:
        """Set how batches are run, for as long as the context lasts.

        Args:
            size: batches in one compiled loop, used where `compile` left `steps_per_execution` at 1. It
                divides the epoch's batches, or the data end with the epoch.
            check: called with each batch before its step; only without a larger size.
        """
        before = self._size, self._check
        self._size, self._check = size, check
        self.start_over()
        try:
            yield
        finally:
            self._size, self._check = before
            self.start_over()

    def __call__(self, iterator: Any) -> Any:
        """Run the next batch, or return the logs of the loop that it was part of."""
        steps = self._model.steps_per_execution
        if not isinstance(iterator, tf.data.Iterator):  # the single batch of `train_on_batch`
            logs = self._run(steps, iterator)
            return logs if self._model.strategy is None else self._model.logs_of_all_replicas(logs)
        if self._check is not None:
            batches = list(itertools.islice(iterator, steps))
            for batch in batches:
                self._check(batch)
            if not batches:
                raise StopIteration  # as Keras' own function does
            return self._run(steps, iter(batches))
        if self._ahead:
            self._ahead -= 1
            return self._logs
        if steps == 1 and not self._model.stop_training:
            steps, self._ahead = self._size, self._size - 1
        self._logs = self._run(steps, iterator)
        return self._logs

    def _run(self, steps: int, iterator: Any) -> Any:
        if steps not in self._functions:
            self._functions[steps] = compiled_steps(self._model, self._step)
        before, self._model.steps_per_execution = self._model.steps_per_execution, steps
        try:
            with tracing_expected():
                return self._functions[steps](iterator)
        finally:
            self._model.steps_per_execution = before
