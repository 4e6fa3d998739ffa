"""The compiled loop that draws whole lines: many rows at once, each until its own line end."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lyric_lm.data import Vocabulary
from lyric_lm.generation.line_ends import line_end
from lyric_lm.generation.rhyme import Unit, counts
from lyric_lm.generation.rules import Rule, with_barred
from lyric_lm.generation.samplers import Sampler
from lyric_lm.model.rnn_model import RNNModel

_VOWELS = "aeiouyAEIOUY"
_INNER_SPACES = " \u3000"  # that may stand in a line which a newline ends


class Limits(NamedTuple):
    """What each of the B rows of a draw must keep to.

    `pieces` are characters that must come in this order, each from its step on. Where a row would otherwise
    get too long they come at once.
    """

    shortest: Any  # int32 (B,), the least number of units before the end
    longest: Any  # int32 (B,), the most
    may_end: Any  # bool (B, V), characters that may be the line's last letter
    pieces: Any  # int32 (B, L), ids; -1 behind the last
    steps: Any  # int32 (B, L), the earliest step of each piece
    at_word: Any  # bool (B, L), whether it must not stand inside a word


class Drawn(NamedTuple):
    """What a draw gave: B rows of up to R steps."""

    ids: Any  # int32 (B, R), the line end included; -1 behind it
    log_probs: Any  # float32 (B, R), of each character under the model alone; 0 behind the end
    complete: Any  # bool (B,), whether the row came to an end within its limits
    cost: Any  # float32 (B,), nats: -log of the probability that limits and rules left, over all steps
    logits: Any  # float32 (B, V), for the character after the line end
    state: Any  # the model's, after the line end
    history: Any  # int32 (B, H), the latest generated ids, the line end included


class _Progress(NamedTuple):
    """How far each row is, each of shape (B,)."""

    length: Any  # int32, units so far
    latest: Any  # int32, the latest id; -1 before the first
    letter: Any  # int32, the latest letter's id; -1 before the first
    piece: Any  # int32, the next piece
    done: Any  # bool, whether the line has ended
    alive: Any  # bool, whether there was a choice at each step
    cost: Any  # float32, nats, as `Drawn`'s


@dataclasses.dataclass(frozen=True)
class LineAlphabet:
    """The kinds of characters of a vocabulary of size V, each bool `(V,)`."""

    end: str  # what ends a line: a newline, else a space; "" where the vocabulary has neither
    ends: NDArray[np.bool_]
    spaces: NDArray[np.bool_]  # white space that may stand in a line
    barred: NDArray[np.bool_]  # other white space
    letters: NDArray[np.bool_]  # what is no space and no punctuation
    units: NDArray[np.bool_]  # what makes a line longer: letters, or vowels where syllables count
    groups: NDArray[np.bool_]  # of these a run counts once: vowels where syllables count

    @classmethod
    def of(cls, vocabulary: Vocabulary, unit: Unit) -> "LineAlphabet":
        """That of a vocabulary whose lines are measured in characters or in syllables."""
        end = line_end(vocabulary)
        padding = len(vocabulary) - len(vocabulary.characters)  # the unknown token

        def marked(kind: Any) -> NDArray[np.bool_]:
            return np.array([*map(kind, vocabulary.characters), *[False] * padding])

        inner = marked(lambda char: end == "\n" and char in _INNER_SPACES)
        ends, letters = marked(lambda char: char == end), marked(counts)
        groups = marked(lambda char: unit == "syllables" and char in _VOWELS)
        units = groups if unit == "syllables" else letters
        return cls(end, ends, inner, marked(str.isspace) & ~inner & ~ends, letters, units, groups)


def line_loop(model: RNNModel, sampler: Sampler, rules: tuple[Rule, ...], alphabet: LineAlphabet) -> Any:
    """Compile the loop.

    Args:
        model: the model; its weights are read anew at each call.
        sampler: how to pick among what the limits and the rules allow.
        rules: applied to the logits in this order.
        alphabet: of the model's vocabulary.

    Returns:
        A compiled function `(logits, state, history, uniforms, limits) -> Drawn`: logits float32 `(B, V)` for
        a line's first character; history int32 `(B, H)`; uniforms float32 `(R, B)` in [0, 1).
    """
    # Without XLA, which compiles it for ten seconds and runs it no faster: the rows are many, the steps few.
    return tf.function(_LineLoop(model, sampler, rules, alphabet).draw)


@dataclasses.dataclass(frozen=True)
class _LineLoop:
    model: RNNModel
    sampler: Sampler
    rules: tuple[Rule, ...]
    alphabet: LineAlphabet

    def draw(self, logits: Any, state: Any, history: Any, uniforms: Any, limits: Limits) -> Drawn:
        room, num_rows = uniforms.shape
        zeros = tf.zeros(num_rows, tf.int32)
        progress = _Progress(zeros, zeros - 1, zeros - 1, zeros, zeros > 0, zeros == 0, tf.zeros(num_rows))
        ids = tf.TensorArray(tf.int32, room).unstack(tf.fill((room, num_rows), -1))
        log_probs = tf.TensorArray(tf.float32, room).unstack(tf.zeros((room, num_rows)))

        def body(t: Any, reading: Any, progress: _Progress, ids: Any, log_probs: Any) -> Any:
            logits, _, history = reading
            done, (allowed, forced) = progress.done, self._allowed(t, progress, limits)
            barred = with_barred(logits, history, self.rules, self.model.vocabulary)
            barred = tf.where(allowed, barred, -float("inf"))
            alive = progress.alive & (done | tf.reduce_any(barred > -float("inf"), axis=1))
            chosen = self.sampler.choose(tf.where(alive[:, None], barred, logits), uniforms[t])  # (B,)
            total = tf.reduce_logsumexp(logits, axis=1)
            scored = tf.gather(logits, chosen, batch_dims=1) - total
            lost = tf.where(done | ~alive, 0.0, total - tf.reduce_logsumexp(barred, axis=1))
            progress = progress._replace(alive=alive, cost=progress.cost + lost)
            progress = self._after(chosen, progress, forced, limits)
            ids = ids.write(t, tf.where(done, -1, chosen))
            log_probs = log_probs.write(t, tf.where(done, 0.0, scored))
            return t + 1, self._read(chosen, reading, done), progress, ids, log_probs

        _, reading, progress, ids, log_probs = tf.while_loop(
            lambda _t, _reading, progress, *_: tf.reduce_any(~progress.done & progress.alive),
            body,
            (tf.constant(0), (logits, state, history), progress, ids, log_probs),
            maximum_iterations=room,
        )
        written = tf.transpose(ids.stack()), tf.transpose(log_probs.stack())
        return Drawn(*written, progress.done & progress.alive, progress.cost, *reading)

    def _read(self, chosen: Any, reading: Any, done: Any) -> Any:
        """Logits, state and history after one more character; as they were where the line had ended."""
        _, state, history = reading
        logits, state = self.model(chosen[:, None], state)
        after = logits[:, 0], state, tf.concat([history[:, 1:], chosen[:, None]], axis=1)
        return tf.nest.map_structure(lambda old, new: tf.where(done[:, None], old, new), reading, after)

    def _allowed(self, t: Any, progress: _Progress, limits: Limits) -> tuple[Any, Any]:
        """Which characters may come next, bool (B, V), and which rows take their next piece, bool (B,)."""
        kinds = self.alphabet
        length, in_word = progress.length, _is(kinds.letters, progress.latest)
        grows = kinds.units & ~(kinds.groups & _is(kinds.groups, progress.latest)[:, None])  # (B, V)
        allowed = ~(grows & (length >= limits.longest)[:, None])
        allowed &= ~grows | limits.may_end | (length < limits.longest - 1)[:, None]
        # Spaces and punctuation stand behind a letter, one at a time, and no space where the line must end.
        allowed &= kinds.letters | kinds.ends | in_word[:, None]
        allowed &= ~(kinds.spaces & (length >= limits.longest)[:, None])
        piece = _at(limits.pieces, progress.piece)
        may_end = (length >= limits.shortest) & (piece < 0) & ~_is(kinds.spaces, progress.latest)
        may_end &= tf.gather(limits.may_end, tf.maximum(progress.letter, 0), batch_dims=1)
        allowed &= ~kinds.ends | (may_end & (progress.letter >= 0))[:, None]
        forced = self._forced(t, progress, piece, in_word, limits)
        one_piece = tf.one_hot(piece, len(kinds.ends), on_value=True, off_value=False)
        return tf.where(forced[:, None], one_piece, allowed & ~kinds.barred), forced

    def _forced(self, t: Any, progress: _Progress, piece: Any, in_word: Any, limits: Limits) -> Any:
        at_word = _at(limits.at_word, progress.piece)
        is_left = tf.range(limits.pieces.shape[1]) >= progress.piece[:, None]
        left = tf.cast(is_left & _is(self.alphabet.units, limits.pieces), tf.int32)
        hurry = progress.length + tf.reduce_sum(left, axis=1) >= limits.longest
        due = (t >= _at(limits.steps, progress.piece)) | hurry
        return (piece >= 0) & due & ~(at_word & in_word)

    def _after(self, chosen: Any, progress: _Progress, forced: Any, limits: Limits) -> _Progress:
        kinds = self.alphabet
        grows = _is(kinds.units, chosen) & ~(_is(kinds.groups, chosen) & _is(kinds.groups, progress.latest))
        length = progress.length + tf.cast(grows, tf.int32)
        return progress._replace(
            length=length,
            latest=chosen,
            letter=tf.where(_is(kinds.letters, chosen), chosen, progress.letter),
            piece=progress.piece + tf.cast(forced, tf.int32),
            done=progress.done | (_is(kinds.ends, chosen) if kinds.end else length >= limits.longest),
        )


def _is(kind: NDArray[np.bool_], ids: Any) -> Any:
    """Whether each id is of a kind; -1 is of none."""
    return tf.gather(tf.constant(kind), tf.maximum(ids, 0)) & (ids >= 0)


def _at(rows: Any, index: Any) -> Any:
    """Each row's value at its index; behind the end the last one, which is -1 or counts for nothing."""
    return tf.gather(rows, tf.minimum(index, rows.shape[1] - 1), batch_dims=1)
