"""The one check of an array of ids that somebody hands in."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def checked_ids(ids: ArrayLike, name: str = "ids", *, below: int | None = None) -> NDArray[np.integer]:
    """`ids` as a NumPy array, or the error that names the argument.

    Args:
        ids: integers `(N,)`, N >= 0, each in [0, below).
        name: the argument's name, for the message.
        below: V where the vocabulary is known; None sets no upper bound.

    Returns:
        integers `(N,)`, of the type they had; an empty list becomes int32.

    Raises:
        ValueError: `ids` is not one-dimensional, not of integers, or holds one outside [0, below).

    Example:
        >>> checked_ids([0, 2], below=2)
        Traceback (most recent call last):
        ValueError: `ids` must lie in [0, 2). Received: ids from 0 to 2
    """
    array = np.asarray(ids)
    if array.ndim == 1 and not array.size:
        return array.astype(np.int32)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(
            f"`{name}` must be a one-dimensional array of integers. "
            f"Received: dtype={array.dtype}, shape={array.shape}"
        )
    if array.min() < 0 or (below is not None and array.max() >= below):
        bound = "be 0 or more" if below is None else f"lie in [0, {below})"
        raise ValueError(f"`{name}` must {bound}. Received: ids from {array.min()} to {array.max()}")
    return array
