"""Names of Keras and TensorFlow that are not public, with the versions they were seen in and why."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf
from keras.src.trainers.compile_utils import MetricsList
from keras.src.trainers.trainer import model_supports_jit

# The argument that `fit` adds where it calls `evaluate`, which need not look at the data again; 3.12 to 3.15.
CALLED_BY_FIT = "_use_cached_eval_dataset"

__all__ = [
    "CALLED_BY_FIT",
    "DirectedMetric",
    "WholeBatches",
    "build_unbuilt",
    "compiled_steps",
    "expect_tracing",
    "hide_strategy",
    "passing_summed_gradients",
    "profiles_batches",
    "supports_jit",
    "tracing_expected",
]


def compiled_steps(model: keras.Model, step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function that runs `step` on `model.steps_per_execution` batches of an iterator, compiled.

    It keeps the number of its first call. `Trainer._make_function`, 3.12 to 3.15: what is public,
    `make_train_function`, hands out one function only.
    """
    return model._make_function(step)  # type: ignore[no-any-return]


class WholeBatches:
    """What Keras' trainer takes for its strategy where `replicas` shares out batches instead; 3.13 to 3.15.

    Its own way breaks with a compiled loop over batches, fails for every model under several workers, and
    averages metrics over replicas.
    """

    def experimental_distribute_dataset(self, dataset: Any) -> Any:
        return dataset

    def run(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        return function(*args)


def hide_strategy(model: keras.Model) -> None:
    """Let `fit` and `evaluate` not build the model symbolically, as they do where it has a strategy."""
    model._distribute_strategy = None


def build_unbuilt(model: keras.Model, y: Any, y_pred: Any) -> None:
    """Make the variables that Keras would make in the first step, where a replica cannot; 3.13 to 3.15."""
    if model.optimizer is not None and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    if model._compile_metrics is not None and not model._compile_metrics.built:
        model._compile_metrics.build(y, y_pred)


@contextlib.contextmanager
def passing_summed_gradients(optimizer: Any) -> Iterator[None]:
    """Keep an optimizer from summing gradients over replicas, as it does after any clipping; 3.13 to 3.15."""
    attributes = vars(getattr(optimizer, "inner_optimizer", optimizer))
    attributes["_all_reduce_sum_gradients"] = list
    try:
        yield
    finally:
        del attributes["_all_reduce_sum_gradients"]


def supports_jit(model: keras.Model) -> bool:
    """What `jit_compile="auto"` goes by where there is an accelerator; 3.12 to 3.15."""
    return bool(model_supports_jit(model))


@contextlib.contextmanager
def tracing_expected() -> Iterator[None]:
    """Without TensorFlow's warning of frequent tracing: it counts by source line, so across models.

    Keras' functions of five models that ran one loop each look to it like one function traced five times.
    """
    logger = tf.get_logger()
    logger.addFilter(_is_not_about_tracing)
    try:
        yield
    finally:
        logger.removeFilter(_is_not_about_tracing)


def expect_tracing(function: Any) -> Any:
    """The `tf.function`, which will say nothing of frequent tracing: for one that each model has its own of.

    What TensorFlow 2.20 to 2.21 set for functions of their own, without a public name.
    """
    function._omit_frequent_tracing_warning = True
    return function


def _is_not_about_tracing(record: logging.LogRecord) -> bool:
    return "triggered tf.function retracing" not in str(record.msg)


def profiles_batches(callback: keras.callbacks.TensorBoard) -> bool:
    """Whether `profile_batch` was given. Seen in 3.12 to 3.15; the argument itself is not kept."""
    return bool(getattr(callback, "_should_trace", True))


class DirectedMetric(MetricsList):  # type: ignore[misc]
    """A metric whose direction Keras finds: `MonitorCallback`, 3.12 to 3.15, looks inside of such lists only.

    Args:
        metric: has a `_direction`, "up" or "down".
    """

    def __init__(self, metric: keras.metrics.Metric) -> None:
        super().__init__([metric], name=metric.name)
        self.metric = metric

    def result(self) -> Any:
        return self.metric.result()
