"""`mean_cross_entropy`: softmax and cross-entropy in one, with a gradient that reuses the forward pass."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def mean_cross_entropy(logits: Any, ids: Any, *, label_smoothing: float = 0.0) -> Any:
    """Mean over all characters of -log softmax(logits)[id], in nats.

    With label smoothing a (Szegedy et al., 2016) each target is 1 - a of its own character and a / V of every
    one. The gradient, (softmax(logits) - target) / N, takes its exponentials from the forward pass; automatic
    differentiation under XLA computes them twice.

    Args:
        logits: float32 `(..., V)`.
        ids: int32 `(...)`, in [0, V).
        label_smoothing: a, in [0, 1).

    Returns:
        float32 scalar.

    >>> logits = tf.math.log([[0.5, 0.25, 0.25], [0.125, 0.125, 0.75]])
    >>> round(float(mean_cross_entropy(logits, tf.constant([0, 1]))), 4)  # (log 2 + log 8) / 2
    1.3863
    """
    logits, ids = tf.convert_to_tensor(logits), tf.convert_to_tensor(ids)
    num_ids = logits.shape[-1]
    even = label_smoothing / num_ids

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def loss_of(logits: Any) -> tuple[Any, Callable[[Any], Any]]:
        highest = tf.reduce_max(logits, axis=-1, keepdims=True)
        exponentials = tf.exp(logits - highest)  # (..., V)
        sums = tf.reduce_sum(exponentials, axis=-1, keepdims=True)
        scores = (1 - label_smoothing) * tf.gather(logits, ids, batch_dims=ids.shape.rank)
        if label_smoothing:
            scores += label_smoothing * tf.reduce_mean(logits, axis=-1)
        losses = tf.squeeze(tf.math.log(sums) + highest, -1) - scores

        def grad(upstream: Any) -> Any:
            scale = upstream / tf.cast(tf.size(ids), tf.float32)
            targets = tf.one_hot(ids, num_ids, on_value=1 - label_smoothing + even, off_value=even)
            return exponentials * (scale / sums) - scale * targets

        return tf.reduce_mean(losses), grad

    return loss_of(logits)
