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
    "compiled_steps",
    "expect_tracing",
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
