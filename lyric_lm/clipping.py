"""`clip_by_global_norm`: the chapter's gradient clipping."""

from typing import Any

import tensorflow as tf


def clip_by_global_norm(
    gradients: list[Any], theta: float | None, *, loss_scale: Any = 1.0
) -> tuple[list[Any], Any]:
    """Scale gradients so that their global L2 norm is at most theta (Pascanu et al., 2013).

    All gradients together count as one vector g, which becomes min(1, theta / |g|) g.

    Args:
        gradients: tensors, or slices as the gradient of an embedding comes: one slice per character read,
            whose repeats a norm would count apart, so they are summed first.
        theta: the largest norm allowed, > 0; None leaves the gradients alone.
        loss_scale: what the loss was multiplied by under mixed precision; theta is, too.

    Returns:
        `(gradients, norm)`: dense tensors, and their float32 norm before clipping, without the loss scale.

    >>> (clipped,), norm = clip_by_global_norm([tf.constant([3.0, 4.0])], 1.0)
    >>> [round(g, 2) for g in clipped.numpy().tolist()], float(norm)
    ([0.6, 0.8], 5.0)
    """
    gradients = [tf.convert_to_tensor(g) for g in gradients]
    norm = tf.sqrt(tf.add_n([tf.reduce_sum(tf.square(tf.cast(g, tf.float32))) for g in gradients]))
    if theta is not None:
        limit = theta * loss_scale
        factor = tf.where(norm > limit, limit / norm, tf.ones(()))
        gradients = [g * tf.cast(factor, g.dtype) for g in gradients]
    return gradients, norm / loss_scale
