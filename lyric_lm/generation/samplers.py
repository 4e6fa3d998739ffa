"""Samplers: how the next character is picked from the model's logits, inside the compiled loop.

Each is a frozen dataclass, so two of equal settings share one compiled loop. Randomness comes in as one
uniform number per choice, drawn outside: the same numbers give the same text, compiled or not.
"""

import abc
import dataclasses
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from lyric_lm.checks import whole_number
from lyric_lm.settings.config import check_temperature


class Sampler(abc.ABC):
    """Picks the next character of each row."""

    @abc.abstractmethod
    def choose(self, logits: Any, uniform: Any) -> Any:
        """Pick one id per row.

        Args:
            logits: float32 `(B, V)`; minus infinity bars a character.
            uniform: float32 `(B,)`, in [0, 1).

        Returns:
            int32 `(B,)`.
        """


@dataclasses.dataclass(frozen=True)
class Greedy(Sampler):
    """The likeliest character, as the chapter predicts.

    >>> Greedy().choose([[0.1, 0.7, 0.2]], [0.5]).numpy().tolist()
    [1]
    """

    def choose(self, logits: Any, uniform: Any) -> Any:
        del uniform
        return tf.argmax(logits, axis=-1, output_type=tf.int32)


@dataclasses.dataclass(frozen=True)
class Temperature(Sampler):
    """A draw from softmax(logits / temperature): below 1 safer, above 1 more surprising."""

    temperature: float = 1.0  # >= 0.001

    def __post_init__(self) -> None:
        check_temperature(self.temperature)

    def choose(self, logits: Any, uniform: Any) -> Any:
        return draw(logits / self.temperature, uniform)


@dataclasses.dataclass(frozen=True)
class TopK(Sampler):
    """A draw from the k likeliest characters only (Fan et al., 2018); ties with the k-th stay in."""

    k: int = 10  # >= 1
    temperature: float = 1.0  # >= 0.001

    def __post_init__(self) -> None:
        check_temperature(self.temperature)
        object.__setattr__(self, "k", whole_number("k", self.k))

    def choose(self, logits: Any, uniform: Any) -> Any:
        logits = tf.convert_to_tensor(logits, tf.float32) / self.temperature
        return draw(only_top_k(logits, self.k), uniform)


@dataclasses.dataclass(frozen=True)
class TopP(Sampler):
    """A draw from the smallest set of likeliest characters with probability p (Holtzman et al., 2020).

    With `k` too, from the smallest set that has p of the probability of the k likeliest.
    """

    p: float = 0.9  # in (0, 1]
    temperature: float = 1.0  # >= 0.001
    k: int | None = None  # >= 1; None: all characters

    def __post_init__(self) -> None:
        check_temperature(self.temperature)
        if self.k is not None:
            TopK(self.k)  # its checks
        if not 0 < self.p <= 1:
            raise ValueError(f"`p` must be in (0, 1]. Received: p={self.p}")

    def choose(self, logits: Any, uniform: Any) -> Any:
        logits = tf.convert_to_tensor(logits, tf.float32) / self.temperature
        if self.k is not None:
            logits = only_top_k(logits, self.k)
        return draw(only_top_p(logits, self.p), uniform)


@dataclasses.dataclass(frozen=True)
class Beam:
    """The likeliest continuation as a whole, searched among the `width` best of each length.

    A width of V to the power of `num_chars - 1` searches all; 1 is greedy.
    """

    width: int = 4  # >= 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "width", whole_number("width", self.width))

    def extend(self, scores: Any, logits: Any) -> tuple[Any, Any, Any]:
        """Keep the best `width` of all one-character extensions.

        Args:
            scores: float32 `(B, width)`, log-probability of each beam; minus infinity for one not yet in use.
            logits: float32 `(B, width, V)`; minus infinity bars a character.

        Returns:
            `(scores, parents, ids)`: each `(B, width)`, the best first; parents are indices of beams.
        """
        num_ids = logits.shape[-1]
        total = scores[:, :, None] + tf.nn.log_softmax(logits)
        best = tf.math.top_k(tf.reshape(total, (-1, self.width * num_ids)), self.width)
        return best.values, best.indices // num_ids, best.indices % num_ids


def only_top_k(logits: Any, k: Any) -> Any:
    """The logits, all but the k largest of each row barred."""
    kept = _fewest_largest(logits, lambda kept: tf.reduce_sum(tf.cast(kept, tf.int32), axis=-1) >= k)
    return tf.where(kept, logits, -float("inf"))


def only_top_p(logits: Any, p: Any) -> Any:
    """The logits, all barred but the fewest of each row that have probability p together."""
    shares = tf.nn.softmax(logits)
    kept = _fewest_largest(logits, lambda kept: tf.reduce_sum(tf.where(kept, shares, 0.0), axis=-1) >= p)
    return tf.where(kept, logits, -float("inf"))


def _fewest_largest(logits: Any, enough: Callable[[Any], Any]) -> Any:
    """The largest logits of each row, as few as are enough, ties with the least of them too: bool (B, V).

    The threshold is found bit by bit, since a float's bits, read as an integer, are in the float's order.
    That is exact in 32 passes over V, where XLA would sort at ten times the cost.

    Args:
        logits: float32 (B, V).
        enough: bool (B, V) -> bool (B,), whether a set of logits is; a larger set must be, too. Where not
            even all are, all are kept.
    """
    bits = tf.bitcast(logits, tf.int32)
    ordered = tf.where(bits < 0, tf.bitwise.bitwise_xor(bits, 0x7FFFFFFF), bits)
    least = tf.where(enough(ordered >= 0), 0, tf.int32.min)  # (B,)
    for bit in range(30, -1, -1):
        higher = least + (1 << bit)
        least = tf.where(enough(ordered >= higher[:, None]), higher, least)
    return ordered >= least[:, None]


def draw(logits: Any, uniform: Any) -> Any:
    """Invert the cumulative distribution at `uniform`: int32 (B,).

    The cumulative sum is taken in two levels, over blocks and inside the block that is hit: XLA's own cumsum
    and its random generators cost several times the model's step on a CPU.
    """
    logits = tf.convert_to_tensor(logits, tf.float32)
    weights = tf.exp(logits - tf.reduce_max(logits, axis=-1, keepdims=True))  # (B, V)
    num_ids = logits.shape[-1]
    block = int(num_ids**0.5) + 1
    weights = tf.pad(weights, [(0, 0), (0, block * block - num_ids)])
    weights = tf.reshape(weights, (-1, block, block))  # (B, block, block)
    target = tf.convert_to_tensor(uniform, tf.float32) * tf.reduce_sum(weights, axis=[1, 2])
    row, target = _first_above(tf.reduce_sum(weights, axis=2), target)
    column, _ = _first_above(tf.gather(weights, row, batch_dims=1), target)
    return row * block + column


def _first_above(weights: Any, target: Any) -> tuple[Any, Any]:
    """First index whose cumulative weight exceeds the target, int32 (B,), and the target left inside it."""
    cumulative = weights @ tf.linalg.band_part(tf.ones((weights.shape[-1],) * 2), 0, -1)
    # Rounding may leave the target at the very end; the last entry with weight takes it.
    positive = weights > 0
    last = weights.shape[-1] - 1 - tf.argmax(positive[:, ::-1], axis=-1, output_type=tf.int32)
    index = tf.reduce_sum(tf.cast(cumulative <= target[:, None], tf.int32), axis=-1)
    index = tf.minimum(index, last)
    before = tf.gather(cumulative, index, batch_dims=1) - tf.gather(weights, index, batch_dims=1)
    return index, target - before
