"""`StatefulModel`: a Keras model whose hidden state outlives a batch, under plain `fit`."""

import abc
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from lyric_lm.data.lineage import epoch_numbers, mixes_rows
from lyric_lm.model.batch_loop import BatchLoop
from lyric_lm.model.carried_state import CarriedState
from lyric_lm.model.fit_data import check_pairs, check_rows, rows_of_a_batch, rows_of_batches, split_arrays
from lyric_lm.model.fit_hooks import (
    StartEpoch,
    TimeSteps,
    asks_for_bar,
    asks_for_batches,
    first_of_all,
    steps_at_once,
    tell_of_each_other,
)
from lyric_lm.model.keras_internals import (
    CALLED_BY_FIT,
    WholeBatches,
    hide_strategy,
    supports_jit,
    tracing_expected,
)
from lyric_lm.model.notebook_bar import NotebookBar, in_notebook
from lyric_lm.model.replicas import check_scope, check_shares, on_each_replica, prepare, strategy_in_scope


class StatefulModel(keras.Model, abc.ABC):  # type: ignore[misc]
    """What `fit`, `evaluate` and the methods for single batches do with a state; abstract.

    It owns two states. Training's is zero at each epoch's start and carried from batch to batch; evaluation's
    is zero at its start and its own, so that a validation or an `evaluate` in between disturbs nothing. A
    subclass names its state in `initial_state`, and its steps read and keep it with `_carried` and `_keep`.

    Args:
        stateful: whether the state is carried; False gives every batch a zero state.
    """

    def __init__(self, *, stateful: bool, **kwargs: Any) -> None:
        strategy = strategy_in_scope()
        super().__init__(**kwargs)
        self.strategy = strategy  # None: one device
        hide_strategy(self)
        self.stateful = stateful
        self.training_seconds = 0.0  # of the latest epoch's training steps alone
        self._training_state = CarriedState(self._initial_tensors, self.strategy)
        self._evaluation_state = CarriedState(self._initial_tensors, self.strategy)
        self._validation_rows: int | None = None  # B of the validation of the present `fit`; None: not known

    @abc.abstractmethod
    def initial_state(self, batch_size: Any) -> list[list[Any]]:
        """The state that a text starts from, mostly zero: for each layer a list of float `(B, H)`."""

    @abc.abstractmethod
    def check_ids(self, *data: Any) -> None:
        """Raise ValueError where data given to a method hold ids that the model cannot know."""

    @abc.abstractmethod
    def check_ids_met(self) -> None:
        """Raise ValueError where a step since the last call met such ids."""

    def _initial_tensors(self, rows: int) -> list[Any]:
        return tf.nest.flatten(self.initial_state(rows))  # type: ignore[no-any-return]

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
        """Put back the state that a text starts from; `fit` does so at each epoch's start."""
        if self._training_state.rows:
            self._training_state.start()

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | None = None,
        class_weight: None = None,
        sample_weight: None = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> keras.callbacks.History:
        """Train as `keras.Model.fit` does, with the state zeroed at each epoch's start.

        Where `compile` left `steps_per_execution` at 1 and no callback has a hook for training batches, up to
        32 steps run as one compiled loop; a progress bar then moves in jumps.

        Args: as `keras.Model.fit`'s, but for these.
            verbose: "auto" is one bar for all epochs in a notebook, elsewhere one for each, as Keras' is.
            callbacks: one that has a method `set_callbacks` is given the list of all of them at the start.
            shuffle: None shuffles arrays where the model is not `stateful`, as Keras does, and nothing else.
            class_weight: None; all characters weigh alike.
            sample_weight: None, likewise.

        Raises:
            ValueError: before the first step: data to train or validate on are not pairs of ids `(B, T)` in
                batches of one size, or an argument contradicts the carried state.
        """
        if shuffle and self.stateful:
            raise ValueError(
                "`shuffle` breaks the carried state. Leave it out, or build the model with `stateful=False`."
            )
        training, validation = split_arrays(x, y, sample_weight, validation_split, validation_data)
        check_pairs(*training, class_weight)
        self._check_data(*training[:2])
        rows = self._rows(training[0], batch_size, steps_per_epoch and steps_per_epoch * epochs)
        check_shares(self.strategy, rows_of_a_batch(training[0], batch_size, steps_per_epoch))
        if validation is not None:
            check_pairs(*validation, name="validation_data")
            self._check_data(*validation[:2])
            size = validation_batch_size or batch_size
            self._validation_rows = self._rows(validation[0], size, validation_steps, "validation_data")
        check = self._size_by_batch(self._training_state) if self.stateful and rows is None else None
        one_by_one = check or self.strategy or self.run_eagerly or asks_for_batches(callbacks)
        at_once = 1 if one_by_one else steps_at_once(training[0], batch_size, steps_per_epoch)
        tell_of_each_other(callbacks)
        self.make_train_function()
        own_hooks = self._own_hooks(x, rows or 0)
        if in_notebook() and asks_for_bar(verbose, callbacks):
            own_hooks, verbose = [*own_hooks, NotebookBar()], 0
        with (
            self.train_function.running(size=at_once, check=check),
            first_of_all(own_hooks, callbacks, self) as all_callbacks,
        ):
            return super().fit(
                x,
                y,
                batch_size=batch_size,
                epochs=epochs,
                verbose=verbose,
                callbacks=all_callbacks,
                validation_split=validation_split,
                validation_data=validation_data,
                shuffle=not self.stateful and hasattr(x, "shape") if shuffle is None else shuffle,
                initial_epoch=initial_epoch,
                steps_per_epoch=steps_per_epoch,
                validation_steps=validation_steps,
                validation_batch_size=validation_batch_size,
                validation_freq=validation_freq,
            )

    def _own_hooks(self, x: Any, rows: int) -> list[keras.callbacks.Callback]:
        """What `fit` does at each epoch's start, apart from the user's callbacks."""
        loop, state = self.train_function, self._training_state
        own = [TimeSteps(), StartEpoch(lambda _: loop.start_over())]
        if self.stateful:
            own.append(StartEpoch(lambda _: state.start(rows)))
        return [*own, *(StartEpoch(number.assign) for number in epoch_numbers(x))]

    def _check_data(self, x: Any, y: Any) -> None:
        """Refuse ids outside the vocabulary, and rows that do not continue each other."""
        self.check_ids(x, y)
        if self.stateful and mixes_rows(x):
            raise ValueError(
                "`random_batches` and `shuffle` mix the rows that a carried state goes on from: use "
                "consecutive_batches or varied_batches, or build the model with `stateful=False`."
            )

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: None = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Evaluate as `keras.Model.evaluate` does, from a zero state of its own, apart from training's.

        Args: as `keras.Model.evaluate`'s, but `sample_weight` is None: all characters weigh alike.

        Raises:
            ValueError: before the first step: the data are not pairs of ids `(B, T)` in batches of one size.
        """
        if kwargs.get(CALLED_BY_FIT):
            rows = self._validation_rows
        else:
            check_pairs(x, y, sample_weight)
            self._check_data(x, y)
            rows = self._rows(x, batch_size, steps)
        check = None
        if self.stateful:
            self._evaluation_state.start(rows or 0)
            check = None if rows else self._size_by_batch(self._evaluation_state)
        self.make_test_function()
        with self._metrics_restored(), self.test_function.running(check=check):
            logs = super().evaluate(
                x,
                y,
                batch_size=batch_size,
                verbose=verbose,
                steps=steps,
                callbacks=callbacks,
                return_dict=return_dict,
                **kwargs,
            )
        return tf.nest.map_structure(float, logs)

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: None = None,
        class_weight: None = None,
        return_dict: bool = False,
    ) -> Any:
        """One training step; the state is carried on from the last one, until `reset_state`."""
        check_pairs(x, y, sample_weight, class_weight)
        self.check_ids(x, y)
        check_shares(self.strategy, len(x))
        self._training_state.fit_to(len(x))
        return super().train_on_batch(x, y, return_dict=return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: None = None, return_dict: bool = False
    ) -> Any:
        """One evaluation step from the zero state; training is not disturbed."""
        check_pairs(x, y, sample_weight)
        self.check_ids(x, y)
        self._evaluation_state.start(len(x))
        with self._metrics_restored():
            return super().test_on_batch(x, y, return_dict=return_dict)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """As `keras.Model.predict`; each batch from the initial state."""
        self.check_ids(x)
        with tracing_expected():
            logits = super().predict(x, batch_size, verbose, steps, callbacks)
        self.check_ids_met()
        return logits

    def predict_on_batch(self, x: Any) -> Any:
        """As `keras.Model.predict_on_batch`, from the initial state."""
        self.check_ids(x)
        with tracing_expected():
            return super().predict_on_batch(x)

    @property
    def num_replicas(self) -> int:
        """How many replicas share a batch; 1 on one device."""
        return 1 if self.strategy is None else self.strategy.num_replicas_in_sync

    @property
    def distribute_strategy(self) -> Any:
        """What Keras' own trainer is to take for a strategy."""
        return super().distribute_strategy if self.strategy is None else WholeBatches()

    def make_train_function(self, force: bool = False) -> Any:
        """Keras' train function as a `BatchLoop`, which `fit` may let run ahead."""
        prepare(self)
        if self.train_function is None or force:  # type: ignore[has-type]
            self.train_function = BatchLoop(self, on_each_replica(self, self.train_step))
        return self.train_function

    def make_test_function(self, force: bool = False) -> Any:
        """Keras' test function as a `BatchLoop`, which may look at each batch."""
        prepare(self)
        if self.test_function is None or force:  # type: ignore[has-type]
            self.test_function = BatchLoop(self, on_each_replica(self, self.test_step))
        return self.test_function

    def make_predict_function(self, force: bool = False) -> Any:
        """Keras' predict function, on one device."""
        check_scope(self.strategy)
        return super().make_predict_function(force)

    def logs_of_all_replicas(self, logs: dict[str, Any]) -> dict[str, Any]:
        """The metrics so far, in the place of those that a step has returned for one replica."""
        result = self.get_metrics_result()
        return {name: result.get(name, value) for name, value in logs.items()}

    def _get_metrics_result_or_logs(self, logs: Any) -> Any:
        if self.strategy is None:
            return super()._get_metrics_result_or_logs(logs)
        return self.logs_of_all_replicas(logs)

    def _rows(self, x: Any, batch_size: int | None, steps: int | None, name: str = "x") -> int | None:
        return rows_of_batches(x, batch_size, steps=steps, name=name) if self.stateful else None

    def _size_by_batch(self, carried: CarriedState) -> Callable[[Any], None]:
        """A function that gives the state the first batch's size and refuses a later batch of another."""

        def check(batch: Any) -> None:
            rows = int(tf.nest.flatten(batch)[0].shape[0])
            if carried.rows:
                check_rows(rows, carried.rows)
            else:
                carried.start(rows)

        return check

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
        # Keras' own "auto" leaves XLA off on machines without an accelerator, where it pays here. Under a
        # strategy a step is of several devices, which XLA does not compile as one.
        return self.strategy is None and supports_jit(self)
