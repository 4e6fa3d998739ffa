"""`Perplexity`: the metric that a language model is judged by."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="lyric_lm")
class Perplexity(keras.metrics.Mean):  # type: ignore[misc]
    """exp of the mean cross-entropy per character: among how many characters the model is in doubt.

    >>> metric = Perplexity()
    >>> metric.update_state(0.0, sample_weight=10)  # a batch's mean loss, its characters
    >>> metric.update_state(3.0, sample_weight=20)
    >>> round(float(metric.result()), 3)  # exp(60 / 30)
    7.389
    """

    _direction = "down"  # what EarlyStopping, ModelCheckpoint and the like look for

    def __init__(self, name: str = "perplexity", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def result(self) -> Any:
        return tf.exp(super().result())
