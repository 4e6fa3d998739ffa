"""Score a text: how surprised a model is by each character, beside n-grams that learnt the same text."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from lyric_lm.data import CorpusError, Vocabulary
from lyric_lm.data.id_arrays import checked_ids
from lyric_lm.evaluation.ngrams import WittenBell
from lyric_lm.model.compiled_functions import compiled_function
from lyric_lm.model.rnn_model import RNNModel

Floats = NDArray[np.float64]

# Characters scored in one compiled call, and characters of the text before that the state is warmed up on.
_CHUNK, _WARM_UP = 256, 1024


@dataclasses.dataclass(frozen=True)
class Score:
    """What one model makes of a text of N targets.

    A perplexity over no target at all is NaN; over a target that the model holds impossible, infinite.
    """

    name: str  # of the model, as a table shows it
    surprisals: Floats  # (N,), nats: -log P(character | all characters before it)
    known: NDArray[np.bool_]  # (N,), whether the vocabulary has the character

    def only(self, targets: NDArray[np.bool_]) -> Self:
        """The score of some of the targets: bool `(N,)`."""
        return dataclasses.replace(self, surprisals=self.surprisals[targets], known=self.known[targets])

    @property
    def perplexity(self) -> float:
        """Over all targets, all unknown characters being one class."""
        return _exp(self.bits)

    @property
    def known_perplexity(self) -> float:
        """Over the targets that the vocabulary has."""
        return _exp(self.known_bits)

    @property
    def bits(self) -> float:
        """Bits per character over all targets."""
        return _mean(self.surprisals) / math.log(2)

    @property
    def known_bits(self) -> float:
        """Bits per character over the targets that the vocabulary has."""
        return _mean(self.surprisals[self.known]) / math.log(2)


def surprisals(model: RNNModel, ids: ArrayLike, *, context: ArrayLike) -> Floats:
    """How surprised the model is by each character, each read after all those before it.

    Every id is a target, whatever N is: the text is one row, its state carried from end to end, and starts
    from the state that the last 1,024 ids of the context leave behind. The softmax is computed in float64 and
    rounded once, so that the result does not depend on the order or the number of the other characters.

    Args:
        model: the model; neither its training state nor its metrics are touched.
        ids: int32 `(N,)`, each in [0, V); N >= 1.
        context: int32 `(C,)`, what stands before the text; C >= 1, for the first character needs one to
            be predicted from.

    Returns:
        float64 `(N,)`, nats, rounded to float32.

    Raises:
        ValueError: an array is empty, not of integers, or holds an id outside [0, V).
    """
    num_ids = len(model.vocabulary)
    ids = checked_ids(ids, below=num_ids)
    context = checked_ids(context, "context", below=num_ids)[-_WARM_UP:]
    for name, array in (("ids", ids), ("context", context)):
        if not len(array):
            raise ValueError(f"`{name}` must hold at least one id. Received: an empty array")
    sequence = np.concatenate([context, ids]).astype(np.int32)
    num_targets = len(sequence) - 1
    # Whole chunks only, so that one function is compiled; what the padding scores is cut off.
    sequence = np.pad(sequence, (0, -num_targets % _CHUNK))
    step = compiled_function(
        model,
        "score",
        lambda: tf.function(lambda *inputs: _score_chunk(model, *inputs), jit_compile=model.jit_compile),
    )
    state = model.initial_state(1)
    chunks = []
    for start in range(0, num_targets, _CHUNK):
        chunk = sequence[start : start + _CHUNK + 1]
        scored, state = step(tf.constant(chunk[None, :-1]), tf.constant(chunk[None, 1:]), state)
        chunks.append(scored.numpy())
    result: Floats = np.concatenate(chunks).astype(np.float64)[:num_targets][-len(ids) :]
    return result


def compare(
    model: RNNModel, text: str, *, training_text: str, context: str = "", orders: Sequence[int] = range(1, 6)
) -> list[Score]:
    """Score a text with a model and with interpolated Witten-Bell n-grams of the model's training text.

    All see the same: the same targets, the same characters before them, the model's vocabulary and one class
    for all other characters. The n-grams count a training text in which every character is known, so what
    they give the unknown class is their share of the uniform distribution. A vocabulary without an unknown
    token leaves a model nothing to predict an unknown character with: its surprisal is infinite, and the
    model reads on as if the character were not there.

    Args:
        model: the model.
        text: what to score.
        training_text: what the model learnt and the n-grams count.
        context: what stands before the text, for example the training text of a validation part. Where it is
            empty, the text's first character is the context and no target.
        orders: the n-grams' orders, each at least 1.

    Returns:
        The model's score, then one for each order.

    Raises:
        CorpusError: the text is too short, or holds no character that the vocabulary has.
    """
    context = context[-_WARM_UP:]
    if not context:
        context, text = text[:1], text[1:]
    if not text:
        raise CorpusError("A text to score must hold at least two characters: take a longer one.")
    vocabulary = model.vocabulary
    # The n-grams' ids: the vocabulary's, and the last one for every other character.
    classes = Vocabulary(vocabulary.characters, unknown=True)
    ids, context_ids = classes.encode(text), classes.encode(context)
    known = ids != classes.unknown_id
    if not known.any():
        raise CorpusError(
            f"None of the text's {len(text)} characters is among the {len(vocabulary.characters)} that the "
            "model knows: score a text in the language and script that it was trained on."
        )
    scores = [Score("this model", _model_surprisals(model, ids, context_ids, known), known)]
    training_ids = classes.encode(training_text)
    for order in orders:
        ngram = WittenBell(training_ids, order, vocab_size=len(classes))
        scores.append(Score(f"{order}-gram", -ngram.log_probs(ids, context=context_ids), known))
    return scores


def _model_surprisals(
    model: RNNModel, ids: NDArray[np.int32], context: NDArray[np.int32], known: NDArray[np.bool_]
) -> Floats:
    """As `surprisals`, but infinite for an unknown character where the model has no token for it."""
    if model.vocabulary.unknown_id is not None:
        return surprisals(model, ids, context=context)
    before = context[context < len(model.vocabulary)]
    readable = ids[known]
    scored = np.full(len(ids), np.inf)
    if len(before):
        scored[known] = surprisals(model, readable, context=before)
        return scored
    # Nothing stands before the first one, so it counts as a draw from all characters alike.
    scored[np.flatnonzero(known)[0]] = math.log(len(model.vocabulary))
    if len(readable) > 1:
        scored[np.flatnonzero(known)[1:]] = surprisals(model, readable[1:], context=readable[:1])
    return scored


def _score_chunk(model: RNNModel, ids: Any, next_ids: Any, state: Any) -> tuple[Any, Any]:
    features, state = model.features(ids, state)
    features, kernel, bias = (tf.cast(x, tf.float64) for x in (features, *model.output_weights()))
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(next_ids, features @ kernel + bias)
    return tf.cast(losses[0], tf.float32), state


def _mean(surprisals: Floats) -> float:
    return float(surprisals.mean()) if len(surprisals) else math.nan


def _exp(bits: float) -> float:
    return float(np.exp2(bits))  # infinity where a float cannot hold it
