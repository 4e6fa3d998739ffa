"""What a training step minimises and how its gradients are clipped."""

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
    if logits.shape.rank == 3:  # time-major, as `RNNNetwork.call` made them; a mean has no order
        logits, ids = tf.transpose(logits, (1, 0, 2)), tf.transpose(ids)
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


def clip_by_global_norm(
    gradients: list[Any], theta: float | None, *, loss_scale: Any = 1.0
) -> tuple[list[Any], Any]:
    """Scale gradients so that their global L2 norm is at most theta (Pascanu et al., 2013).

    All gradients together count as one vector g, which becomes min(1, theta / |g|) g.

    Args:
        gradients: tensors, or slices as the gradient of an embedding comes: one slice per character read,
            whose repeats a norm would count apart, so they are summed first; None for a weight that the loss
            does not depend on.
        theta: the largest norm allowed, > 0; None leaves the gradients alone.
        loss_scale: what the loss was multiplied by under mixed precision; theta and the norm are without it.

    Returns:
        `(gradients, norm)`: dense tensors, or None where there was None, and their float32 norm before
            clipping, without the loss scale.

    >>> (clipped,), norm = clip_by_global_norm([tf.constant([3.0, 4.0])], 1.0)
    >>> [round(g, 2) for g in clipped.numpy().tolist()], float(norm)
    ([0.6, 0.8], 5.0)
    """
    gradients = [None if g is None else tf.convert_to_tensor(g) for g in gradients]
    # Unscaled before they are squared: the squares of scaled gradients overflow long before these do.
    unscaled = [tf.cast(g, tf.float32) / loss_scale for g in gradients if g is not None]
    norm = tf.sqrt(tf.add_n([tf.zeros(()), *(tf.reduce_sum(tf.square(g)) for g in unscaled)]))
    if theta is not None:
        factor = tf.where(norm > theta, theta / norm, tf.ones(()))
        gradients = [None if g is None else g * tf.cast(factor, g.dtype) for g in gradients]
    return gradients, norm
