"""`LineDrawer`: from what a line must be like to drawn lines, on top of the compiled loop."""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from lyric_lm.errors import SettingsError
from lyric_lm.generation.generate import encode_prefix, warm_up
from lyric_lm.generation.line_loop import Drawn, Limits, LineAlphabet, line_loop
from lyric_lm.generation.line_spec import LineSpec
from lyric_lm.generation.rhyme import Unit, counts, unit_of
from lyric_lm.generation.rules import Rule
from lyric_lm.generation.samplers import Sampler
from lyric_lm.model.compiled_functions import compiled_function
from lyric_lm.model.rnn_model import RNNModel

_HISTORY = 256  # latest ids that rules see
_LETTERS_A_SYLLABLE = 8
_REPEATED = 4.0  # bits that a line of one character again and again counts for more
_LEAST_PIECES = 8  # and for 8, 16, ... characters that must come
_LEAST_STEPS = 16  # loops are compiled for 16, 32, 64, ... steps; one serves every shorter line


class Reading(NamedTuple):
    """Where a text has been read to, for B rows."""

    logits: Any  # float32 (B, V), for the next character
    state: Any  # the model's
    history: Any  # int32 (B, R), the latest generated ids, newest last; -1 for what was not generated

    def rows(self, rows: ArrayLike) -> "Reading":
        """The rows named, each as often as it is."""
        picked = tf.nest.map_structure(lambda x: tf.gather(x, rows), (self.logits, self.state, self.history))
        return Reading(*picked)


@dataclasses.dataclass(frozen=True)
class Line:
    """A line without its end."""

    text: str
    bits: float  # per character under the model alone, the line end among the characters
    # Bits by which limits and rules bent the line: the probability that they left at each step, summed up.
    cost: float = dataclasses.field(default=0.0, compare=False, repr=False)
    row: int = dataclasses.field(default=0, compare=False, repr=False)  # of the draw that it comes from

    @property
    def score(self) -> float:
        """How unlikely the line is, how far it was bent and how much it repeats itself; the lower the better.

        What is likeliest of all is dull: 啦啦啦啦.
        """
        repeated = 1 - len(set(self.text)) / max(1, len(self.text))
        return self.bits + self.cost / 2 + _REPEATED * repeated


class LineDrawer:
    """Draws lines with one model, sampler and rules.

    Args:
        model: the model.
        sampler: how to pick among what the line allows.
        rules: what a text must not do, over all its lines.
        seed: the same seed gives the same lines; None draws one.
    """

    def __init__(
        self, model: RNNModel, sampler: Sampler, rules: Sequence[Rule], *, seed: int | None = None
    ) -> None:
        self.model = model
        self.unit: Unit = unit_of(model.vocabulary.characters)
        self.alphabet = LineAlphabet.of(model.vocabulary, self.unit)
        self._random = np.random.default_rng(seed)
        key = ("lines", sampler, tuple(rules))
        self._loop = compiled_function(
            model, key, lambda: line_loop(model, sampler, tuple(rules), self.alphabet)
        )

    def read(self, text: str, history: ArrayLike = ()) -> Reading:
        """Read the text that stands before a line; where it does not end a line, as if it did.

        Args:
            text: "" begins a song.
            history: int32 `(N,)`, ids at the text's end that were generated before, -1 for others.

        Raises:
            UnknownCharacterError: the model does not know a character of the text.
            SettingsError: the text is empty and the model knows no line end that could stand before it.
        """
        end = self.alphabet.end
        begins = not text and self.model.vocabulary.song_end_id is not None
        if not text and not end and not begins:
            raise SettingsError(
                "This model has learnt neither line ends nor spaces, so it cannot begin a song by itself: "
                "give it a text to go on from."
            )
        text += "" if begins or text.endswith(end) else end
        logits, state = warm_up(self.model, [encode_prefix(self.model.vocabulary, text)])
        latest = np.full((1, _HISTORY), -1, np.int32)
        earlier = np.asarray(history, np.int32)[-_HISTORY:]
        latest[0, _HISTORY - len(earlier) :] = earlier
        return Reading(logits, state, tf.constant(latest))

    def draw(self, reading: Reading, lines: Sequence[LineSpec]) -> tuple[list[Line], Reading]:
        """Draw a line in each row.

        Args:
            reading: where each of B rows goes on from; the same B each time saves compiling.
            lines: what they must be like; the first for the first B / `len(lines)` rows, and so on.

        Returns:
            Those lines that came to their end in time, of which most fit, and where each row was left.
        """
        num_rows = reading.logits.shape[0]
        longest = max(line.lengths[1] for line in lines)
        longest_text = longest * (_LETTERS_A_SYLLABLE if self.unit == "syllables" else 2)
        room = max(_LEAST_STEPS, 1 << longest_text.bit_length())
        uniforms = self._random.random((room, num_rows), np.float32)
        limits = self._limits(lines, num_rows // len(lines))
        drawn: Drawn = self._loop(*reading, tf.constant(uniforms), limits)
        return list(self._lines(drawn)), Reading(drawn.logits, drawn.state, drawn.history)

    def fitting(self, lines: Sequence[Line], line: LineSpec) -> Iterator[Line]:
        """The lines that fit, each text once, the best first."""
        seen = set()
        for drawn in sorted(lines, key=lambda drawn: drawn.score):
            if drawn.text not in seen and line.fits(drawn.text, self.unit):
                seen.add(drawn.text)
                yield drawn

    def _lines(self, drawn: Drawn) -> Iterator[Line]:
        ids, log_probs, complete = drawn.ids.numpy(), drawn.log_probs.numpy(), drawn.complete.numpy()
        lengths = (ids >= 0).sum(axis=1)
        bits = -log_probs.sum(axis=1) / (math.log(2) * np.maximum(lengths, 1))
        costs = drawn.cost.numpy() / math.log(2)
        for row in np.flatnonzero(complete):
            text = self.model.vocabulary.decode(ids[row, : lengths[row]])
            yield Line(text.removesuffix(self.alphabet.end), float(bits[row]), float(costs[row]), int(row))

    def _limits(self, lines: Sequence[LineSpec], rows_each: int) -> Limits:
        lengths = np.repeat(np.array([line.lengths for line in lines], np.int32), rows_each, axis=0)
        if self.unit == "syllables":
            lengths[:, 1] += 1 + lengths[:, 1] // 4  # an estimate: a silent e counts, too
        if not self.alphabet.end:
            lengths[:] = self._random.integers(lengths[:, :1], lengths[:, 1:], endpoint=True)
        vocabulary = self.model.vocabulary
        may_end = np.ones((len(lines), len(vocabulary)), np.bool_)
        if self.unit == "characters":
            may_end = np.stack([line.may_end(vocabulary) for line in lines])
        pieces = [self._pieces(line) for line in lines for _ in range(rows_each)]
        size = max(_LEAST_PIECES, 1 << max(len(ids) for ids, _, _ in pieces).bit_length())
        ids, steps, at_word = (np.zeros((len(pieces), size), kind) for kind in (np.int32, np.int32, np.bool_))
        ids[:] = -1
        for row, (own_ids, own_steps, own_at_word) in enumerate(pieces):
            size = len(own_ids)
            ids[row, :size], steps[row, :size], at_word[row, :size] = own_ids, own_steps, own_at_word
        return Limits(
            shortest=tf.constant(lengths[:, 0]),
            longest=tf.constant(lengths[:, 1]),
            may_end=tf.repeat(tf.constant(may_end), rows_each, axis=0),
            pieces=tf.constant(ids),
            steps=tf.constant(steps),
            at_word=tf.constant(at_word),
        )

    def _pieces(self, line: LineSpec) -> tuple[list[int], list[int], list[bool]]:
        """Ids, steps and whether a word begins: the line's beginning, then its words in a random order.

        Words come at random places, so that a draw tries many.
        """
        texts = [line.words[i] for i in self._random.permutation(len(line.words))]
        free = line.lengths[0] - len(line.first) - sum(map(len, texts)) - bool(line.rhymes)
        gaps = np.sort(self._random.integers(0, max(free, 0) + 1, len(texts))).tolist()
        steps, at_word = [0] * len(line.first), [False] * len(line.first)
        for gap, text in zip(gaps, texts, strict=True):
            steps += [len(steps) + gap] + [0] * (len(text) - 1)
            at_word += [text[0].isascii() and counts(text[0])] + [False] * (len(text) - 1)
        return self.model.vocabulary.encode(line.first + "".join(texts)).tolist(), steps, at_word
