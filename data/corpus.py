"""A text as a model learns it: characters, ids, lines and songs."""

import dataclasses
import hashlib
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt

from lyric_lm.data.characters import SONG_END
from lyric_lm.data.errors import CorpusError
from lyric_lm.data.known_ids import remember_encoding
from lyric_lm.data.origin import Origin
from lyric_lm.data.repeats import each_chorus_once
from lyric_lm.data.vocabulary import Vocabulary


@dataclass(frozen=True)
class Lyrics:
    """A text of N characters, ready for a model; made by `load_lyrics`."""

    text: str = field(repr=False)  # N characters
    ids: npt.NDArray[np.int32] = field(repr=False, compare=False)  # (N,), read-only: vocabulary.encode(text)
    vocabulary: Vocabulary
    source: str  # "built-in", "jaychou" or a path
    sha256: str  # of the text in UTF-8, as it stands here, in hexadecimal
    line_starts: npt.NDArray[np.int64] = field(repr=False, compare=False)  # (L,), of the source's lines
    # (S,), of its songs: each file, row of a table or record is one
    song_starts: npt.NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(1, np.int64), repr=False, compare=False
    )
    origin: Origin | None = field(default=None, repr=False, compare=False)  # what was read, and how

    @classmethod
    def _of(
        cls,
        text: str,
        vocabulary: Vocabulary,
        source: str,
        *,
        line_starts: npt.NDArray[np.int64],
        song_starts: npt.NDArray[np.int64],
        origin: Origin | None,
    ) -> Self:
        ids = vocabulary.encode(text)
        ids.flags.writeable = False
        remember_encoding(ids, vocabulary)
        digest = hashlib.sha256(text.encode()).hexdigest()
        return cls(text, ids, vocabulary, source, digest, line_starts, song_starts, origin)

    @property
    def songs_apart(self) -> bool:
        """Whether a mark stands before, between and after the songs, as with `load_lyrics(songs="apart")`."""
        return self.text.startswith(SONG_END)

    @property
    def is_held(self) -> bool:
        """Whether memory holds the text, and not only a map of its ids; see `StoredLyrics`."""
        return True

    @property
    def held(self) -> "Lyrics":
        """What of the text memory holds: all of it, or of one on disk the end, `HELD_CHARS` characters."""
        return self

    def part(self, start: int, stop: int) -> "Lyrics":
        """Some of the characters, with the same vocabulary.

        Args:
            start: the first, >= 0.
            stop: the one after the last, > start.
        """
        text = self.text[start:stop]
        starts = {"line_starts": self.line_starts, "song_starts": self.song_starts}
        within = {name: _within(places, start, text) for name, places in starts.items()}
        return self._of(text, self.vocabulary, self.source, origin=self.origin, **within)

    def known_by(self, vocabulary: Vocabulary) -> Self:
        """The same text in another vocabulary's ids.

        Raises:
            UnknownCharacterError: it lacks a character and has no unknown token.
            CorpusError: the text is too large to be encoded again.
        """
        return dataclasses.replace(self, vocabulary=vocabulary, ids=vocabulary.encode(self.text))

    def split(
        self, validation_split: float, *, min_count: int | None = None, max_vocabulary: int | None = None
    ) -> tuple["Lyrics", "Lyrics"]:
        """Part the text into a training and a validation text, the latter from the end.

        The parts are contiguous because songs repeat their lines: shuffled, many a line would be in both.
        Both have one vocabulary: the training part's characters and an unknown token for all others. Songs
        that are apart stay whole, and both parts have the mark between them.

        Args:
            validation_split: share of the N characters, in (0, 1), that goes to validation; rounded, to whole
                songs where they are apart.
            min_count: the fewest occurrences in the training part of a character that is known.
            max_vocabulary: the largest V; the commonest characters of the training part are known.

        Returns:
            The training text and the validation text.

        Raises:
            ValueError: if the share is not in (0, 1).
            CorpusError: if one part would be empty; of songs apart, if there is one only.

        >>> from lyric_lm.data import load_lyrics
        >>> training, validation = load_lyrics("built-in", max_chars=1_000).split(0.1)
        >>> len(training.text), len(validation.text)
        (900, 100)
        """
        middle = self._middle(len(self.text), validation_split)
        if self.songs_apart:
            middle = self._nearest_song(middle)
        first = middle - self.songs_apart  # of the validation text
        training, validation = self.text[:middle], self.text[first:]
        vocabulary = Vocabulary.from_text(
            training, unknown=True, min_count=min_count, max_vocabulary=max_vocabulary
        )
        parts = (training, 0), (validation, first)
        return tuple(  # type: ignore[return-value] # two of them
            self._of(
                text,
                vocabulary,
                self.source,
                line_starts=_within(self.line_starts, first, text),
                song_starts=_within(self.song_starts, first, text),
                origin=self.origin,
            )
            for text, first in parts
        )

    @staticmethod
    def _middle(size: int, validation_split: float) -> int:
        if not 0 < validation_split < 1:
            raise ValueError(
                f"`validation_split` must lie in (0, 1). Received: validation_split={validation_split}"
            )
        middle = size - round(size * validation_split)
        if not 0 < middle < size:
            raise CorpusError(
                f"A text of {size} characters is too short to be split by "
                f"validation_split={validation_split}: one part would be empty; take a longer text."
            )
        return middle

    def _nearest_song(self, place: int) -> int:
        """Where the song that is not the first starts nearest to a place."""
        if len(self.song_starts) < 2:
            raise CorpusError(
                "A text of one song cannot be split between songs: take several files, let blank lines end "
                "songs (song_gap=1), or keep them together (songs=together)."
            )
        others = self.song_starts[1:]
        return int(others[np.abs(others - place).argmin()])

    def without_repeats(self) -> Self:
        """The same text with each chorus sung once: where two lines in a row stood before, both are left out.

        Songs repeat their choruses, and what a model reads a dozen times it learns by heart. To leave repeats
        out of the training text is the remedy against copying of Lee et al. (2022), "Deduplicating training
        data makes language models better". A line alone may come back, as who speaks in a play does. Lines
        are the source's, also where line ends are spaces now; white space around them does not count, empty
        ones neither, of which one stays where several would be left in a row.

        Returns:
            The shorter text with the same vocabulary.

        >>> from lyric_lm.data import load_lyrics
        >>> song = load_lyrics("built-in")
        >>> song.without_repeats().text == song.text  # no chorus in it comes back
        True
        """
        text, line_starts, song_starts = each_chorus_once(self.text, self.line_starts, self.song_starts)
        return self._of(
            text,
            self.vocabulary,
            self.source,
            line_starts=line_starts,
            song_starts=song_starts,
            origin=self.origin,
        )


def _within(starts: npt.NDArray[np.int64], first: int, part: str) -> npt.NDArray[np.int64]:
    """Where lines or songs start in a part of a text, counted from there; what goes on in it starts it."""
    own = starts[(starts >= first) & (starts < first + len(part))] - first
    return np.unique(np.append(int(part.startswith(SONG_END)), own))
