"""`IdRange`: the one check of ids against the vocabulary, which costs a training nothing."""

from typing import Any

import tensorflow as tf

from lyric_lm.data.lineage import known_ids
from lyric_lm.data.vocabulary import Vocabulary

_CURE = "Load the text with load_lyrics(..., vocabulary=model.vocabulary)."


class IdRange:
    """The smallest and the largest id that compiled steps have met.

    An assertion inside a step is dropped by XLA, and to read through a dataset beforehand may draw from a
    generator or a shuffle. So what is known is checked before the first step, and each step notes its
    extremes in two variables, which are looked at when an epoch or an evaluation ends.

    Args:
        vocabulary: of V ids; legal are those in [0, V).
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._lowest = tf.Variable(tf.zeros((), tf.int64), trainable=False, name="lowest_id")
        self._highest = tf.Variable(tf.zeros((), tf.int64), trainable=False, name="highest_id")

    def clipped(self, ids: Any) -> Any:
        """Note a batch's extremes and make what lies outside legal, for this step: int32, of its shape."""
        wide = tf.cast(ids, tf.int64)
        self._lowest.assign(tf.minimum(self._lowest, tf.reduce_min(wide)))
        self._highest.assign(tf.maximum(self._highest, tf.reduce_max(wide)))
        return tf.cast(tf.clip_by_value(wide, 0, len(self._vocabulary) - 1), tf.int32)

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
        """Refuse arrays, and batches of ours, of another vocabulary or with an id outside this one.

        Args:
            data: whatever a method was given; what tells nothing without being drawn from is left alone.

        Raises:
            ValueError: one is.
        """
        for known in filter(None, map(known_ids, data)):
            if known.vocabulary not in (None, self._vocabulary):
                raise ValueError(
                    "The ids are those of another vocabulary than the model's: the same number stands for "
                    f"another character. {_CURE} Received: ids of {known.vocabulary}, a model of "
                    f"{self._vocabulary}"
                )
            self._check_extremes(known.lowest, known.highest)

    def _check_extremes(self, lowest: int, highest: int) -> None:
        if lowest < 0 or highest >= len(self._vocabulary):
            raise ValueError(
                f"`ids` must lie in [0, {len(self._vocabulary)}), the model's vocabulary. {_CURE} "
                f"Received: ids from {lowest} to {highest}"
            )
