"""The compiled loop of `generate`, for samplers that pick row by row and for beams."""

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from lyric_lm.generation.rules import Rule, with_barred
from lyric_lm.generation.samplers import Beam, Sampler
from lyric_lm.model.rnn_model import RNNModel


def compiled_loop(model: RNNModel, sampler: Sampler | Beam, rules: tuple[Rule, ...]) -> Any:
    """Compile the loop.

    Args:
        model: the model; its weights are read anew at each call.
        sampler: how to pick.
        rules: applied to the logits in this order.

    Returns:
        A compiled function `(logits, state, history, uniforms, num_chars) -> (ids, logits, state, history)`:
        logits float32 `(B, V)` for the first character to pick; history int32 `(B, R)`, the last R generated
        ids; uniforms float32 `(R, B)` in [0, 1); num_chars int32, at most R; ids int32 `(B, R)`, of which the
        first `num_chars` columns count. What comes out continues what goes in, except after a beam search.
        Where no rule reads the history it stays as it was: moving it on costs an eighth of a greedy step.
    """
    bar = functools.partial(with_barred, rules=rules, vocabulary=model.vocabulary)
    if isinstance(sampler, Beam):
        loop = _beam_loop(model, sampler, bar)
    else:
        loop = _row_loop(model, sampler, bar, keeps_history=bool(rules))
    return tf.function(loop, jit_compile=model.jit_compile)


def _row_loop(
    model: RNNModel, sampler: Sampler, bar: Callable[[Any, Any], Any], *, keeps_history: bool
) -> Callable[..., Any]:
    def loop(logits: Any, state: Any, history: Any, uniforms: Any, num_chars: Any) -> Any:
        batch_size, room = history.shape

        def body(t: Any, logits: Any, state: Any, history: Any, ids: Any) -> Any:
            chosen = sampler.choose(bar(logits, history), uniforms[t])  # (B,)
            logits, state = model(chosen[:, None], state)
            if keeps_history:
                history = tf.concat([history[:, 1:], chosen[:, None]], axis=1)
            return t + 1, logits[:, 0], state, history, ids.write(t, chosen)

        ids = tf.TensorArray(tf.int32, room).unstack(tf.zeros((room, batch_size), tf.int32))
        _, logits, state, history, ids = tf.while_loop(
            lambda t, *_: t < num_chars,
            body,
            (tf.constant(0), logits, state, history, ids),
            maximum_iterations=room,
        )
        return tf.transpose(ids.stack()), logits, state, history

    return loop


def _beam_loop(model: RNNModel, beam: Beam, bar: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    width = beam.width

    def loop(logits: Any, state: Any, history: Any, uniforms: Any, num_chars: Any) -> Any:
        del uniforms
        batch_size, vocab_size = logits.shape
        room = history.shape[1]
        first_row = tf.range(batch_size)[:, None] * width  # of each prefix's beams among all B * width rows

        def body(t: Any, scores: Any, logits: Any, state: Any, history: Any) -> Any:
            barred = tf.reshape(bar(logits, history), (batch_size, width, vocab_size))
            scores, parents, chosen = beam.extend(scores, barred)
            rows = tf.reshape(first_row + parents, (-1,))
            state = tf.nest.map_structure(lambda s: tf.gather(s, rows), state)
            chosen = tf.reshape(chosen, (-1, 1))
            history = tf.concat([tf.gather(history, rows)[:, 1:], chosen], axis=1)
            logits, state = model(chosen, state)
            return t + 1, scores, logits[:, 0], state, history

        rows = tf.nest.map_structure(lambda x: tf.repeat(x, width, axis=0), (logits, state, history))
        # All beams start as the same text, so only the first may be extended in the first step.
        scores = tf.tile(tf.constant([[0.0] + [-float("inf")] * (width - 1)]), (batch_size, 1))
        _, _, logits, state, history = tf.while_loop(
            lambda t, *_: t < num_chars, body, (tf.constant(0), scores, *rows), maximum_iterations=room
        )
        best = tf.nest.map_structure(lambda x: x[::width], (logits, state, history))
        # A beam's text is its history: parents reorder it as they go. The newest stands last.
        ids = tf.roll(best[2], num_chars, axis=1)
        return ids, *best

    return loop
