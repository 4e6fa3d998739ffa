"""Rules: what a continuation must not do, whatever the sampler.

A rule lowers or bars characters before the sampler picks. It sees what has been generated so far, the prefix
aside, and keeps nothing between steps, so rules compose with every sampler and with one another.
"""

import abc
import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from numpy.typing import ArrayLike

from lyric_lm.checks import whole_number
from lyric_lm.data import Vocabulary
from lyric_lm.originality.copy_guard import CopyGuard

_BARRED = -float("inf")


class Rule(abc.ABC):
    """Changes the logits of characters that should not come next."""

    @abc.abstractmethod
    def apply(self, logits: Any, history: Any) -> Any:
        """Lower or bar characters.

        Args:
            logits: float32 `(B, V)`.
            history: int32 `(B, R)`, the last R generated ids, newest last, -1 where there are none yet.

        Returns:
            float32 `(B, V)`; minus infinity bars a character.
        """


@dataclasses.dataclass(frozen=True)
class RepetitionPenalty(Rule):
    """Makes characters that were generated before less likely (Keskar et al., 2019, section 4.1).

    The logit of each is divided by `penalty` where positive and multiplied where negative.
    """

    penalty: float = 1.2  # >= 1; 1 changes nothing

    def __post_init__(self) -> None:
        if not 1 <= self.penalty < float("inf"):
            raise ValueError(f"`penalty` must be at least 1. Received: penalty={self.penalty}")

    def apply(self, logits: Any, history: Any) -> Any:
        seen = _marked(history, tf.ones_like(history, tf.bool), logits.shape[-1])
        lowered = tf.where(logits > 0, logits / self.penalty, logits * self.penalty)
        return tf.where(seen, lowered, logits)


@dataclasses.dataclass(frozen=True)
class NoRepeatNgram(Rule):
    """Bars a character that would complete an n-gram generated before (Paulus et al., 2018).

    Where that would leave no character at all, it bars none.
    """

    n: int = 4  # >= 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", whole_number("n", self.n))

    def apply(self, logits: Any, history: Any) -> Any:
        length = self.n - 1
        room = history.shape[1]
        if room <= length:
            return logits
        latest = history[:, room - length :]  # (B, n - 1)
        # Does the window that ends before position j equal the latest one?
        same = tf.ones_like(history[:, length:], tf.bool)
        for i in range(length):
            same &= history[:, i : room - length + i] == latest[:, i : i + 1]
        if length:
            same &= tf.reduce_all(latest >= 0, axis=1, keepdims=True)
        barred = _marked(history[:, length:], same, logits.shape[-1])
        left = tf.where(barred, _BARRED, logits)
        return tf.where(tf.reduce_any(left > _BARRED, axis=1, keepdims=True), left, logits)


class MaxCopy(Rule):
    """Never lets a verbatim run of training text grow past `max_copy` generated characters, exactly.

    A character is barred if the last `max_copy` generated ones, followed by it, stand in the training text.
    Tables and their proof of exactness: `lyric_lm.originality.copy_guard.CopyGuard`, whose `forbidden` this
    mirrors in TensorFlow operations.

    Args:
        ids: int32 `(N,)`, the training text.
        max_copy: the longest run in characters, >= 1.
        vocab_size: V.

    Raises:
        ValueError: `max_copy` is below 1, or so low for this text that a step could be left without choice.
    """

    def __init__(self, ids: ArrayLike, max_copy: int, *, vocab_size: int) -> None:
        guard = CopyGuard(ids, max_copy, vocab_size=vocab_size)
        # One id fewer than V: an unknown token is never generated.
        if guard.max_continuations >= vocab_size - 1:
            raise ValueError(
                f"`max_copy` is too low for this text: after some {max_copy} characters nearly every "
                f"character has followed, so none would be left. Received: max_copy={max_copy}"
            )
        self.max_copy = max_copy
        self._guard = guard
        self._content = (max_copy, vocab_size, hashlib.sha256(guard.training_ids.tobytes()).hexdigest())
        with tf.init_scope():  # held as tensors of the outermost context: constants would swell each graph
            self._multipliers = tf.constant(guard.multipliers)
            self._bucket_splits = tf.constant(guard.bucket_splits)
            self._positions = tf.constant(guard.positions)
            self._training_ids = tf.constant(guard.training_ids)
            self._continuation_splits = tf.constant(guard.continuation_splits)
            self._continuations = tf.constant(guard.continuations)

    def __eq__(self, other: object) -> bool:
        # By content, so that a rule made anew finds the loop that was compiled for the first one.
        return self._content == other._content if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._content)

    def apply(self, logits: Any, history: Any) -> Any:
        missing = max(0, self.max_copy - history.shape[1])
        state = tf.pad(history, [(0, 0), (missing, 0)], constant_values=-1)[:, -self.max_copy :]
        row = self._row_of(state)
        first = tf.gather(self._continuation_splits, tf.maximum(row, 0))
        last = tf.where(row < 0, first, tf.gather(self._continuation_splits, row + 1))
        slots = first[:, None] + tf.range(self._guard.max_continuations)  # (B, W)
        ids = tf.gather(self._continuations, tf.minimum(slots, len(self._guard.continuations) - 1))
        barred = _marked(ids, slots < last[:, None], logits.shape[-1])
        return tf.where(barred, _BARRED, logits)

    def _row_of(self, state: Any) -> Any:
        """The table's row of each window of generated ids, int32 (B,); -1 for one that stands nowhere."""
        guard = self._guard
        hashes = tf.reduce_sum(tf.cast(state, tf.int64) * self._multipliers, axis=1)
        masked = tf.bitwise.bitwise_and(hashes, tf.constant(guard.hash_mask, tf.int64))
        shift = tf.constant(guard.hash_shift, tf.int64)
        buckets = tf.cast(tf.bitwise.right_shift(masked, shift), tf.int32)
        rows = tf.gather(self._bucket_splits, buckets)[:, None] + tf.range(guard.max_bucket)  # (B, P)
        in_bucket = rows < tf.gather(self._bucket_splits, buckets + 1)[:, None]
        rows = tf.minimum(rows, len(guard.positions) - 1)
        places = tf.gather(self._positions, rows)[:, :, None] + tf.range(self.max_copy)
        same = in_bucket & tf.reduce_all(tf.gather(self._training_ids, places) == state[:, None], axis=2)
        return tf.reduce_max(tf.where(same, rows, -1), axis=1)


def with_barred(logits: Any, history: Any, rules: Sequence[Rule], vocabulary: Vocabulary) -> Any:
    """The logits, an unknown token barred and the rules applied in order; shapes as `Rule.apply` has them."""
    if vocabulary.unknown_id is not None:
        logits += tf.one_hot(vocabulary.unknown_id, logits.shape[-1], on_value=_BARRED, off_value=0.0)
    for rule in rules:
        logits = rule.apply(logits, history)
    return logits


def _marked(ids: Any, which: Any, vocab_size: int) -> Any:
    """Whether each id of the vocabulary stands among those of its row that are marked: bool (B, V)."""
    columns = tf.where(which & (ids >= 0), ids, vocab_size)  # column V takes what does not count
    rows = tf.broadcast_to(tf.range(tf.shape(ids)[0])[:, None], tf.shape(ids))
    counts = tf.zeros((tf.shape(ids)[0], vocab_size + 1), tf.int32)
    places = tf.stack([rows, columns], axis=-1)
    return tf.tensor_scatter_nd_max(counts, places, tf.ones_like(ids))[:, :-1] > 0
