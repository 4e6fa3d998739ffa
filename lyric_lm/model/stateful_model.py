"""`StatefulModel`: a Keras model whose hidden state outlives a batch, under plain `fit`."""

import abc
import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf
from keras.src.trainers.trainer import model_supports_jit  # no public name

from lyric_lm.model.carried_state import CarriedState, batch_size_of
from lyric_lm.model.fit_hooks import (
    NumberEpoch,
    TimeSteps,
    ZeroState,
    asks_for_batches,
    steps_per_execution_for,
)


class StatefulModel(keras.Model, abc.ABC):  # type: ignore[misc]
    """What `fit`, `evaluate` and the methods for single batches do with a state; abstract.

    It owns two states. Training's is zero at each epoch's start and carried from batch to batch; evaluation's
    is zero at its start and its own, so that a validation or an `evaluate` in between disturbs nothing. A
    subclass names its state in `initial_state`, and its steps read and keep it with `_carried` and `_keep`.

    Args:
        stateful: whether the state is carried; False gives every batch a zero state.
    """

    def __init__(self, *, stateful: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stateful = stateful
        self.training_seconds = 0.0  # of the latest epoch's training steps alone
        self._training_state = CarriedState()
        self._evaluation_state = CarriedState()

    @abc.abstractmethod
    def initial_state(self, batch_size: Any) -> list[list[Any]]:
        """A zero state: for each layer a list of float `(B, H)`."""

    def _carried(self, carried: CarriedState, ids: Any) -> list[list[Any]]:
        """The state that a step over ids, int32 (B, T), starts from."""
        if not self.stateful:
            return self.initial_state(tf.shape(ids)[0])
        structure = self.initial_state(1)
        return tf.nest.pack_sequence_as(structure, carried.read(ids.shape[0]))  # type: ignore[no-any-return]

    def _keep(self, carried: CarriedState, state: Any) -> None:
        """Keep the state that a step ended with."""
        if self.stateful:
            carried.assign(tf.nest.flatten(state))

    @property
    def carried_state(self) -> list[Any]:
        """What training carries from batch to batch: for each layer a list of float `(B, H)` arrays.

        Empty before the first epoch, and where the model is not `stateful`.
        """
        arrays = self._training_state.numpy()
        return tf.nest.pack_sequence_as(self.initial_state(1), arrays) if arrays else []

    def reset_state(self) -> None:
        """Zero the carried training state; `fit` does so at each epoch's start."""
        self._training_state.zero()

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Train as `keras.Model.fit` does, with the state zeroed at each epoch's start.

        Where `compile` left `steps_per_execution` at 1 and no callback asks for every batch, up to 32 steps
        run as one compiled loop.

        Args: as `keras.Model.fit`'s, except `shuffle`, which is False: rows continue each other.
        """
        if kwargs.setdefault("shuffle", False) and self.stateful:
            raise ValueError(
                "`shuffle` breaks the carried state. Leave it out, or build the model with `stateful=False`."
            )
        if not isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks = list(tf.nest.flatten(callbacks or []))
            if self.stateful:
                size = batch_size_of(x, batch_size)
                callbacks.insert(0, ZeroState(self._training_state, self._state_shapes(), size))
            if isinstance(epoch := getattr(x, "epoch", None), tf.Variable):
                callbacks.insert(0, NumberEpoch(epoch))
            callbacks.insert(0, TimeSteps())
        if self.steps_per_execution in (1, self._own_steps):  # else the user's choice in `compile`
            every_batch = self.run_eagerly or any(map(asks_for_batches, callbacks))
            self._set_steps_per_execution(1 if every_batch else steps_per_execution_for(x))
        return super().fit(x, y, batch_size, epochs, verbose, callbacks, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, batch_size: int | None = None, **kwargs: Any) -> Any:
        """Evaluate as `keras.Model.evaluate` does, from a zero state of its own, apart from training's."""
        if self.stateful:
            self._evaluation_state.zero(self._state_shapes(), batch_size_of(x, batch_size))
        with self._metrics_restored():
            return super().evaluate(x, y, batch_size, **kwargs)

    def train_on_batch(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """One training step; the state is carried on from the last one, until `reset_state`."""
        self._training_state.fit_to(self._state_shapes(), len(x))
        return super().train_on_batch(x, *args, **kwargs)

    def test_on_batch(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """One evaluation step from the zero state; training is not disturbed."""
        self._evaluation_state.zero(self._state_shapes(), len(x))
        with self._metrics_restored():
            return super().test_on_batch(x, *args, **kwargs)

    def _state_shapes(self) -> list[Any]:
        return [(int(s.shape[-1]), s.dtype) for s in tf.nest.flatten(self.initial_state(1))]

    @contextlib.contextmanager
    def _metrics_restored(self) -> Iterator[None]:
        """Put back the metrics of an epoch in progress, which evaluation resets and reuses."""
        saved = [(v, v.numpy()) for metric in self.metrics for v in metric.variables]
        try:
            yield
        finally:
            for variable, value in saved:
                variable.assign(value)

    def _resolve_auto_jit_compile(self) -> bool:
        # Keras' own "auto" leaves XLA off on machines without an accelerator, where it pays here.
        return bool(model_supports_jit(self))

    _own_steps = 1

    def _set_steps_per_execution(self, steps: int) -> None:
        if steps != self.steps_per_execution:  # type: ignore[has-type]
            self.steps_per_execution = self._own_steps = steps
            self.train_function = self.test_function = None  # compiled for another number of steps
