"""`generate` and `stream`: the one sampling loop, compiled."""

from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from lyric_lm.checks import whole_number
from lyric_lm.data import UnknownCharacterError, Vocabulary, name_characters
from lyric_lm.data.characters import SONG_END
from lyric_lm.generation.compiled_loop import compiled_loop
from lyric_lm.generation.line_ends import before_stop
from lyric_lm.generation.rules import MaxCopy, Rule
from lyric_lm.generation.samplers import Beam, Greedy, Sampler
from lyric_lm.model.compiled_functions import compiled_function
from lyric_lm.model.rnn_model import RNNModel

# Loops are compiled for lengths of 64, 128, 256, ...; one serves every shorter text.
_SHORTEST_LOOP = 64
_STREAMED_AT_ONCE = 8


# A str is a sequence of str too; without the two forms below, one prefix would seem to give a list.
@overload
def generate(
    model: RNNModel,
    prefix: str,
    num_chars: int = ...,
    *,
    sampler: Sampler | Beam | None = ...,
    rules: Sequence[Rule] = ...,
    seed: int | None = ...,
    stop: str | Sequence[str] = ...,
) -> str: ...
@overload
def generate(
    model: RNNModel,
    prefix: list[str] | tuple[str, ...],
    num_chars: int = ...,
    *,
    sampler: Sampler | Beam | None = ...,
    rules: Sequence[Rule] = ...,
    seed: int | None = ...,
    stop: str | Sequence[str] = ...,
) -> list[str]: ...
def generate(
    model: RNNModel,
    prefix: str | Sequence[str],
    num_chars: int = 50,
    *,
    sampler: Sampler | Beam | None = None,
    rules: Sequence[Rule] = (),
    seed: int | None = None,
    stop: str | Sequence[str] = (),
) -> str | list[str]:
    r"""Continue a prefix: warm the state up on it, then sample one character after another.

    The chapter's `predict_rnn_keras`. The prefix is fed as one sequence; the sampling is one compiled loop,
    compiled again only for other settings, another number of prefixes or another power of two of
    `num_chars`. Training and its carried state are not touched, and weights changed by training are seen at
    once. An unknown token is never generated. Where the model has learnt songs apart (`load_lyrics(...,
    songs="apart")`), a prefix begins a song, "" too, and its continuation ends where the song does.

    Args:
        model: the model.
        prefix: text to continue, at least one character unless songs are apart; or several, continued
            together. The same prefix several times gives several samples.
        num_chars: characters to add, >= 1.
        sampler: how to pick; None is `Greedy()`, the chapter's.
        rules: what the continuation must not do, applied in this order, but `MaxCopy` before the others: it
            bars without exception, where `NoRepeatNgram` gives way.
        seed: for samplers that draw; the same seed gives the same text. None draws one.
        stop: texts before which a continuation ends, as "\n" at its first line end; or one.

    Returns:
        Prefix and continuation; a list where `prefix` is one.

    Raises:
        ValueError: a prefix or `stop` is empty, `num_chars` is below 1, or a sampler or rule is none.
        UnknownCharacterError: a prefix holds a character that the vocabulary lacks.
    """
    prefixes = _checked_prefixes(prefix)
    pieces = _pieces(model, prefixes, num_chars, num_chars, sampler, rules, seed) if prefixes else iter(())
    stops = (SONG_END, *((stop,) if isinstance(stop, str) else stop))
    texts = [
        text + before_stop("".join(parts), stops) for text, *parts in zip(prefixes, *pieces, strict=True)
    ]
    return texts[0] if isinstance(prefix, str) else texts


def stream(
    model: RNNModel,
    prefix: str,
    num_chars: int = 50,
    *,
    sampler: Sampler | None = None,
    rules: Sequence[Rule] = (),
    seed: int | None = None,
    history: ArrayLike = (),
) -> Iterator[str]:
    """The continuation that `generate` gives, in pieces of a few characters as they come.

    Args: as `generate`'s; a `Beam` knows its first character only at the end, so it cannot be streamed. And
        history: int32 `(N,)`, ids at the prefix's end that the model has generated before, -1 for those that
            it has not: the rules go on from there. By default they begin afresh, the prefix aside.

    Yields:
        One to eight characters; the prefix is not repeated.

    Raises:
        ValueError: as `generate`, or `sampler` is a `Beam`.
        UnknownCharacterError: as `generate`.
    """
    if isinstance(sampler, Beam):
        raise ValueError(
            "`sampler` cannot be a Beam here: its text is known at the end only. Use `generate`."
        )
    for (piece,) in _pieces(model, [prefix], num_chars, _STREAMED_AT_ONCE, sampler, rules, seed, history):
        sung = before_stop(piece, (SONG_END,))
        if sung:
            yield sung
        if len(sung) < len(piece):
            return


def _pieces(
    model: RNNModel,
    prefixes: list[str],
    num_chars: int,
    at_once: int,
    sampler: Sampler | Beam | None,
    rules: Sequence[Rule],
    seed: int | None,
    history: ArrayLike = (),
) -> Iterator[list[str]]:
    """Continuations of all prefixes, `at_once` characters at a time, after the same history."""
    num_chars = whole_number("num_chars", num_chars)
    encoded = [encode_prefix(model.vocabulary, text) for text in prefixes]
    sampler = Greedy() if sampler is None else sampler
    _check_sampling(sampler, rules)
    rules = tuple(sorted(rules, key=lambda rule: not isinstance(rule, MaxCopy)))
    loop = compiled_function(model, (sampler, rules), lambda: compiled_loop(model, sampler, rules))
    random = np.random.default_rng(seed)
    earlier = np.asarray(history, np.int32) if rules else np.empty(0, np.int32)
    room = max(_SHORTEST_LOOP, 1 << (num_chars + len(earlier) - 1).bit_length())
    logits, state = warm_up(model, encoded)
    latest: Any = np.full((len(prefixes), room), -1, np.int32)
    latest[:, room - len(earlier) :] = earlier
    for done in range(0, num_chars, at_once):
        count = min(at_once, num_chars - done)
        uniforms = np.zeros((room, len(prefixes)), np.float32)
        uniforms[:count] = random.random((count, len(prefixes)), np.float32)
        ids, logits, state, latest = loop(logits, state, latest, uniforms, tf.constant(count, tf.int32))
        yield [model.vocabulary.decode(row) for row in ids.numpy()[:, :count]]


def _checked_prefixes(prefix: Any) -> list[str]:
    prefixes: list[Any] = [prefix] if isinstance(prefix, (str, bytes)) else list(prefix)
    for text in prefixes:
        if not isinstance(text, str):
            raise ValueError(f"`prefix` must be a string or several. Received: prefix={prefix!r:.60}")
    return prefixes


def _check_sampling(sampler: Any, rules: Any) -> None:
    if not isinstance(sampler, (Sampler, Beam)):
        raise ValueError(
            "`sampler` must be a sampler made by a call, say lyric_lm.Temperature(0.8). "
            f"Received: sampler={sampler!r}"
        )
    if not isinstance(rules, (list, tuple)) or not all(isinstance(rule, Rule) for rule in rules):
        raise ValueError(
            "`rules` must be a list of rules made by a call, say [lyric_lm.NoRepeatNgram(4)]. "
            f"Received: rules={rules!r}"
        )


def encode_prefix(vocabulary: Vocabulary, text: str) -> np.ndarray[Any, Any]:
    """Ids of a prefix, int32 (N,); an unknown token does not stand in for a character that is missing.

    Where songs are apart, it begins one: the mark stands before it.

    Raises:
        ValueError: the prefix is empty, and songs are not apart.
        UnknownCharacterError: it holds a character that the vocabulary lacks.
    """
    if vocabulary.song_end_id is not None:
        text = SONG_END + text
    if not text:
        raise ValueError("`prefix` must hold at least one character. Received: prefix=''")
    if missing := vocabulary.missing(text):
        raise UnknownCharacterError(
            f"The model does not know {name_characters(missing)}: write the prefix without, or let "
            "`lyric_lm.fit_prefix` find near forms.",
            characters=missing,
        )
    return vocabulary.encode(text)


def warm_up(model: RNNModel, prefixes: list[np.ndarray[Any, Any]]) -> tuple[Any, Any]:
    """Logits after each prefix, float32 (B, V), and the state there; prefixes of one length go together."""
    read = compiled_function(model, "warm-up", lambda: _warm_up_function(model))
    lengths = np.array([len(ids) for ids in prefixes])
    order: list[int] = []
    parts = []
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        order.extend(rows.tolist())
        parts.append(read(np.stack([prefixes[row] for row in rows])))
    back = np.argsort(order)
    return tf.nest.map_structure(lambda *tensors: tf.gather(tf.concat(tensors, 0), back), *parts)  # type: ignore[no-any-return]


def _warm_up_function(model: RNNModel) -> Any:
    def last_logits(ids: Any) -> tuple[Any, Any]:
        logits, state = model(ids)
        return logits[:, -1], state

    return tf.function(last_logits, input_signature=[tf.TensorSpec((None, None), tf.int32)])
