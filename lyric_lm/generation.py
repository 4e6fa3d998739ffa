"""`generate`: the one sampling loop, compiled."""

from collections.abc import Sequence
from typing import Any, overload

import numpy as np
import tensorflow as tf

from lyric_lm.data import Vocabulary
from lyric_lm.model import RNNModel
from lyric_lm.samplers import Greedy, Sampler

# Loops are compiled for lengths of 64, 128, 256, ...; one serves every shorter text.
_SHORTEST_LOOP = 64


# A str is a sequence of str too; without the two forms below, one prefix would seem to give a list.
@overload
def generate(
    model: RNNModel,
    prefix: str,
    num_chars: int = ...,
    *,
    sampler: Sampler | None = ...,
    seed: int | None = ...,
) -> str: ...
@overload
def generate(
    model: RNNModel,
    prefix: list[str] | tuple[str, ...],
    num_chars: int = ...,
    *,
    sampler: Sampler | None = ...,
    seed: int | None = ...,
) -> list[str]: ...
def generate(
    model: RNNModel,
    prefix: str | Sequence[str],
    num_chars: int = 50,
    *,
    sampler: Sampler | None = None,
    seed: int | None = None,
) -> str | list[str]:
    """Continue a prefix: warm the state up on it, then sample one character after another.

    The chapter's `predict_rnn_keras`. The prefix is fed as one sequence; the sampling is one compiled loop,
    compiled again only for another sampler, number of prefixes or power of two of `num_chars`. Training and
    its carried state are not touched, and weights changed by training are seen at once.

    Args:
        model: the model.
        prefix: text to continue, at least one character; or several, continued together.
        num_chars: characters to add, >= 1.
        sampler: how to pick; None is `Greedy()`, the chapter's.
        seed: for samplers that draw; the same seed gives the same text. None draws one.

    Returns:
        Prefix and continuation; a list where `prefix` is one.

    Raises:
        ValueError: a prefix is empty, or `num_chars` is below 1.
        UnknownCharacterError: a prefix holds a character that the vocabulary lacks.
    """
    prefixes = [prefix] if isinstance(prefix, str) else list(prefix)
    if num_chars < 1:
        raise ValueError(f"`num_chars` must be at least 1. Received: num_chars={num_chars}")
    if not prefixes:
        return []
    logits, state = _warm_up(model, [_encode_prefix(model.vocabulary, text) for text in prefixes])
    ids = _sample(model, logits, state, num_chars, sampler or Greedy(), seed)
    texts = [text + model.vocabulary.decode(row) for text, row in zip(prefixes, ids, strict=True)]
    return texts[0] if isinstance(prefix, str) else texts


def _encode_prefix(vocabulary: Vocabulary, text: str) -> np.ndarray[Any, Any]:
    if not text:
        raise ValueError("`prefix` must hold at least one character. Received: prefix=''")
    if vocabulary.unknown_id is not None and vocabulary.missing(text):
        # Without its unknown token, whose id is the last, a vocabulary refuses instead of guessing.
        vocabulary = Vocabulary(vocabulary.characters)
    return vocabulary.encode(text)


def _warm_up(model: RNNModel, prefixes: list[np.ndarray[Any, Any]]) -> tuple[Any, Any]:
    """Logits after each prefix, float32 (B, V), and the state there; prefixes of one length go together."""
    if "_warm_up_function" not in model.__dict__:
        # Attributes set this way stay out of Keras' tracking of layers and variables.
        model.__dict__["_warm_up_function"] = tf.function(
            lambda ids: _last_logits(model, ids), input_signature=[tf.TensorSpec((None, None), tf.int32)]
        )
    lengths = np.array([len(ids) for ids in prefixes])
    order: list[int] = []
    parts = []
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        order.extend(rows.tolist())
        parts.append(model.__dict__["_warm_up_function"](np.stack([prefixes[row] for row in rows])))
    back = np.argsort(order)
    return tf.nest.map_structure(lambda *tensors: tf.gather(tf.concat(tensors, 0), back), *parts)  # type: ignore[no-any-return]


def _last_logits(model: RNNModel, ids: Any) -> tuple[Any, Any]:
    logits, state = model(ids)
    return logits[:, -1], state


def _sample(
    model: RNNModel, logits: Any, state: Any, num_chars: int, sampler: Sampler, seed: int | None
) -> np.ndarray[Any, Any]:
    """Sampled ids, int32 (B, num_chars)."""
    room = max(_SHORTEST_LOOP, 1 << (num_chars - 1).bit_length())
    uniforms = np.zeros((room, len(logits)), np.float32)
    uniforms[:num_chars] = np.random.default_rng(seed).random((num_chars, len(logits)), np.float32)
    loops = model.__dict__.setdefault("_sampling_loops", {})
    if sampler not in loops:
        loops[sampler] = _sampling_loop(model, sampler)
    ids = loops[sampler](logits, state, uniforms, num_chars)
    return ids.numpy()[:num_chars].T  # type: ignore[no-any-return]


def _sampling_loop(model: RNNModel, sampler: Sampler) -> Any:
    """The compiled loop: (logits (B, V), state, uniforms (room, B), num_chars) -> ids (room, B)."""
    unknown_id = model.vocabulary.unknown_id

    def loop(logits: Any, state: Any, uniforms: Any, num_chars: Any) -> Any:
        room, batch_size = uniforms.shape

        def body(t: Any, logits: Any, state: Any, ids: Any) -> tuple[Any, Any, Any, Any]:
            if unknown_id is not None:
                barred = tf.one_hot([unknown_id], logits.shape[-1], on_value=-float("inf"), off_value=0.0)
                logits += barred
            chosen = sampler.choose(logits, uniforms[t])
            logits, state = model(chosen[:, None], state)
            return t + 1, logits[:, 0], state, ids.write(t, chosen)

        ids = tf.TensorArray(tf.int32, room, element_shape=(batch_size,))
        ids = ids.unstack(tf.zeros((room, batch_size), tf.int32))
        *_, ids = tf.while_loop(
            lambda t, *_: t < num_chars, body, (tf.constant(0), logits, state, ids), maximum_iterations=room
        )
        return ids.stack()

    return tf.function(loop, jit_compile=model.jit_compile, reduce_retracing=False)
