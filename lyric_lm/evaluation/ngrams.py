"""Interpolated Witten-Bell n-grams: the yardstick beside which a model's held-out perplexity is read."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lyric_lm.checks import check_at_least_one
from lyric_lm.data.id_arrays import checked_ids

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]


class WittenBell:
    """Interpolated Witten-Bell character n-gram.

    With c(h, w) the times id w followed the context h, c(h) their sum over w, T(h) the number of distinct
    ids that followed h, and h' the context h without its oldest id::

        P(w | h) = (c(h, w) + T(h) P(w | h')) / (c(h) + T(h))

    A context never followed by anything backs off wholly: P(w | h) = P(w | h'). Below the empty context
    stands the uniform distribution 1 / V, so that an id absent from training (the unknown class) still has
    its share. Witten & Bell 1991, "The zero-frequency problem", IEEE Trans. Inf. Theory 37(4), method C;
    the interpolated form is that of Chen & Goodman 1999, "An empirical study of smoothing techniques for
    language modeling", Computer Speech and Language 13(4).

    Every id counts, the first one too: it is a target of the empty context. On the Jay Chou corpus (first
    90 % counted; last 10 % scored with the counted part as `context`; V the 2,491 characters counted and one
    unknown class) order 2 has a perplexity of 233.9 over all targets and 193.5 over the known ones.

    Args:
        ids: int32 `(N,)`, the training text, N >= 1, each in [0, V).
        order: 1 (unigram) or more; a target is predicted from the `order - 1` ids before it.
        vocab_size: V, the number of classes, those unseen in training included.

    Raises:
        ValueError: `order` or `vocab_size` is below 1, or `ids` is empty, not one-dimensional integers, or
            holds an id outside [0, V).

    Example:
        After 0 0 1 the unigram is (2 + 2/3, 1 + 2/3, 2/3) / (3 + 2), the last class never having been seen.

        >>> unigram = WittenBell([0, 0, 1], order=1, vocab_size=3)
        >>> unigram.distribution([]).round(4).tolist()
        [0.5333, 0.3333, 0.1333]
        >>> bigram = WittenBell([0, 0, 1], order=2, vocab_size=3)
        >>> np.exp(bigram.log_probs([0, 1])).round(4).tolist()
        [0.5333, 0.4167]
    """

    def __init__(self, ids: ArrayLike, order: int, *, vocab_size: int):
        check_at_least_one(order=order, vocab_size=vocab_size)
        self.order = order
        self.vocab_size = vocab_size
        ids = checked_ids(ids, below=vocab_size).astype(np.int64)
        if not len(ids):
            raise ValueError("`ids` must hold at least one id to count. Received: an empty array")
        self._levels: list[_Level] = []
        rows = np.zeros(len(ids), np.int64)
        for depth in range(min(order, len(ids))):
            if depth:
                rows, contexts = _number(rows[1:] * vocab_size + ids[:-depth])
            else:
                contexts = np.zeros(1, np.int64)
            self._levels.append(_count(contexts, rows * vocab_size + ids[depth:], vocab_size))

    def log_probs(self, ids: ArrayLike, *, context: ArrayLike = ()) -> Floats:
        """Natural-log probability of each id given up to `order - 1` ids before it.

        The first ids have fewer before them and are predicted from those. The perplexity of a held-out part
        takes the end of the training part as `context`, so that every held-out character is a target with a
        whole context: `exp(-mean)`. A recurrent model's `(ids, next_ids)` pairs have no target for the first
        character; beside such a figure drop the first value.

        Args:
            ids: int32 `(N,)`, each in [0, V).
            context: int32 `(C,)`, ids that stand before the first one; C >= 0.

        Returns:
            float64 `(N,)`, nats, each below 0 (or 0 if V is 1).

        Raises:
            ValueError: `ids` or `context` is not one-dimensional integers in [0, V).
        """
        ids = checked_ids(ids, below=self.vocab_size)
        context = checked_ids(context, "context", below=self.vocab_size)
        known = min(len(context), self.order - 1)
        history = np.concatenate([context[len(context) - known :], ids]).astype(np.int64)
        probs = np.full(len(history), 1 / self.vocab_size)
        rows = np.zeros(len(history), np.int64)
        for depth, level in enumerate(self._levels[: len(history)]):
            if depth:
                rows = level.find_contexts(rows[1:], history[:-depth], self.vocab_size)
            keys = np.where(rows < 0, -1, rows * self.vocab_size + history[depth:])
            pairs = _find(level.pairs, keys)
            counts = np.where(pairs < 0, 0, level.pair_counts[pairs])
            totals, kinds = level.totals[rows], level.kinds[rows]
            shorter = probs[depth:]
            probs[depth:] = np.where(rows < 0, shorter, (counts + kinds * shorter) / (totals + kinds))
        log_probs: Floats = np.log(probs[known:])
        return log_probs

    def distribution(self, context: ArrayLike = ()) -> Floats:
        """Probability of every id after `context`.

        Args:
            context: int32 `(C,)`, the ids before; only the last `order - 1` matter; C >= 0.

        Returns:
            float64 `(V,)`, each in (0, 1], sum 1.

        Raises:
            ValueError: `context` is not one-dimensional integers in [0, V).
        """
        context = checked_ids(context, "context", below=self.vocab_size).astype(np.int64)
        probs = np.full(self.vocab_size, 1 / self.vocab_size)
        row = np.zeros(1, np.int64)
        for depth, level in enumerate(self._levels[: len(context) + 1]):
            if depth:
                row = level.find_contexts(row, context[-depth][None], self.vocab_size)
            if row[0] < 0:
                break
            first, last = np.searchsorted(
                level.pairs, (row[0] * self.vocab_size, (row[0] + 1) * self.vocab_size)
            )
            probs *= level.kinds[row]
            probs[level.pairs[first:last] % self.vocab_size] += level.pair_counts[first:last]
            probs /= level.totals[row] + level.kinds[row]
        return probs


@dataclass(frozen=True)
class _Level:
    """The counts of one context length; a context's row is its rank among `contexts`."""

    contexts: Ids  # (R,) sorted: row of the context one id shorter * V + the id before it
    totals: Ids  # (R,) c(h)
    kinds: Ids  # (R,) T(h)
    pairs: Ids  # (P,) sorted: row * V + w
    pair_counts: Ids  # (P,) c(h, w)

    def find_contexts(self, shorter: Ids, before: Ids, vocab_size: int) -> Ids:
        """Row of each context made of row `shorter` one level down and the id `before` it; -1 if unseen."""
        return _find(self.contexts, np.where(shorter < 0, -1, shorter * vocab_size + before))


def _count(contexts: Ids, pair_keys: Ids, vocab_size: int) -> _Level:
    pairs, pair_counts = np.unique(pair_keys, return_counts=True)
    rows = pairs // vocab_size
    # bincount's weights are float64: exact, for counts stay far below 2**53.
    totals = np.bincount(rows, weights=pair_counts, minlength=len(contexts)).astype(np.int64)
    return _Level(contexts, totals, np.bincount(rows, minlength=len(contexts)), pairs, pair_counts)


def _number(keys: Ids) -> tuple[Ids, Ids]:
    """Each key's rank among the distinct keys, int64 `(N,)`, and those keys, sorted."""
    distinct, ranks = np.unique(keys, return_inverse=True)
    return ranks, distinct


def _find(distinct: Ids, keys: Ids) -> Ids:
    """Each key's rank in the sorted `distinct`, or -1."""
    ranks = np.minimum(np.searchsorted(distinct, keys), len(distinct) - 1)
    return np.where(distinct[ranks] == keys, ranks, -1)
