"""`IdRange`: the one check of ids against the vocabulary that costs a training nothing."""

from typing import Any

import numpy as np
import tensorflow as tf

from lyric_lm.data.lineage import id_range


class IdRange:
    """The smallest and the largest id that compiled steps have met.

    An assertion inside a step is dropped by XLA, and to read through a dataset beforehand may draw from a
    generator or a shuffle. So what is known is checked before the first step, and each step notes its
    extremes in two variables, which are looked at when an epoch or an evaluation ends.

    Args:
        num_ids: V; ids are legal in [0, V).
    """

    def __init__(self, num_ids: int) -> None:
        self._num_ids = num_ids
        self._lowest = tf.Variable(tf.zeros((), tf.int64), trainable=False, name="lowest_id")
        self._highest = tf.Variable(tf.zeros((), tf.int64), trainable=False, name="highest_id")

    def clipped(self, ids: Any) -> Any:
        """Note a batch's extremes and make what lies outside legal, for this step: int32, of its shape."""
        wide = tf.cast(ids, tf.int64)
        self._lowest.assign(tf.minimum(self._lowest, tf.reduce_min(wide)))
        self._highest.assign(tf.maximum(self._highest, tf.reduce_max(wide)))
        return tf.cast(tf.clip_by_value(wide, 0, self._num_ids - 1), tf.int32)

    def check_met(self) -> None:
        """Raise if a step has met an id outside the vocabulary, and forget it.

        Raises:
            ValueError: one has.
        """
        lowest, highest = int(self._lowest.numpy()), int(self._highest.numpy())
        self._lowest.assign(0)
        self._highest.assign(0)
        self._check_extremes(lowest, highest)

    def check(self, *data: Any) -> None:
        """Refuse arrays, and batches of ours, that hold an id outside the vocabulary.

        Args:
            data: whatever a method was given; what tells no range without being drawn from is left alone.

        Raises:
            ValueError: one does.
        """
        for x in data:
            if (extremes := id_range(x)) is not None:
                self._check_extremes(*extremes)
            elif isinstance(x, (np.ndarray, tf.Tensor)) and np.asarray(x).dtype.kind in "iu" and len(x):
                self._check_extremes(int(np.min(x)), int(np.max(x)))

    def _check_extremes(self, lowest: int, highest: int) -> None:
        if lowest < 0 or highest >= self._num_ids:
            raise ValueError(
                f"`ids` must lie in [0, {self._num_ids}), the model's vocabulary: load the text with "
                f"load_lyrics(..., vocabulary=model.vocabulary). Received: ids from {lowest} to {highest}"
            )
