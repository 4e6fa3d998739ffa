"""`StoredLyrics`: a text whose ids lie on disk, of which memory holds only what is asked for."""

import hashlib
from typing import Self, final

import numpy as np

from lyric_lm.data.corpus import Lyrics
from lyric_lm.data.errors import CorpusError
from lyric_lm.data.known_ids import remember_encoding
from lyric_lm.data.store import Store
from lyric_lm.data.vocabulary import Vocabulary

HELD_CHARS = 2_000_000
"""The most characters of such a text that are looked at as a text, not as ids."""

HELD_ONLY = (
    "The training text is not held in memory: what is compared with it (copying, n-grams, repeated lines) "
    f"is compared with its last {HELD_CHARS:,} characters."
)
"""Said where such a comparison is made."""

_MOST_HELD_OUT = 32_000_000  # characters; a validation text of more stays on disk, too


@final
class StoredLyrics(Lyrics):
    """A text of N characters, of which `ids` is a memory map of uint8, uint16 or uint32 `(N,)`.

    Made by `load_lyrics` of a large text. Its line starts are those of its first million characters, its
    songs are one.

    Args:
        store: what lies on disk.
        source: a path, or several.
        start: the first of its characters.
        stop: the one after the last; None: to the end.
        vocabulary: the store's, or one that has an unknown token besides; None: the store's.
    """

    _store: Store
    _start: int

    def __init__(
        self,
        store: Store,
        source: str,
        *,
        start: int = 0,
        stop: int | None = None,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        stop = store.num_chars if stop is None else stop
        is_whole = (start, stop) == (0, store.num_chars)
        place = f"{store.sha256} {start} {stop}".encode()
        starts = store.line_starts[(store.line_starts >= start) & (store.line_starts <= stop)] - start
        known = store.vocabulary if vocabulary is None else vocabulary
        everything = store.ids()
        values = {
            "_store": store,
            "_start": start,
            # Slices have the whole map for their base, so the note is the whole's.
            "ids": everything[start:stop],
            "vocabulary": known,
            "source": source,
            "sha256": store.sha256 if is_whole else hashlib.sha256(place).hexdigest(),
            "line_starts": np.union1d(0, starts),
            "song_starts": np.zeros(1, np.int64),
            "origin": store.origin,
        }
        remember_encoding(everything, known)
        for name, value in values.items():
            object.__setattr__(self, name, value)  # a frozen dataclass sets its fields so, too

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StoredLyrics):
            return NotImplemented
        return (self.sha256, self.vocabulary) == (other.sha256, other.vocabulary)

    def __hash__(self) -> int:
        return hash((self.sha256, self.vocabulary))

    @property
    def text(self) -> str:
        """Refused: it is not held in memory.

        Raises:
            CorpusError: always, with the cure.
        """
        raise CorpusError(
            f"{self.source!r} has {len(self.ids):,} characters, more than are held in memory: leave out what "
            "needs the whole text (skip_repeats), or take its first part (max_chars=10000000)."
        )

    @property
    def is_held(self) -> bool:
        """False."""
        return False

    @property
    def songs_apart(self) -> bool:
        """False."""
        return False

    @property
    def held(self) -> Lyrics:
        """Its last `HELD_CHARS` characters."""
        return self.part(max(0, len(self.ids) - HELD_CHARS), len(self.ids))

    def part(self, start: int, stop: int) -> Lyrics:
        """Some of its characters, held in memory, with the same vocabulary.

        Args:
            start: the first, >= 0.
            stop: the one after the last, > start.
        """
        text = self.vocabulary.decode(np.array(self.ids[start:stop]))
        code_points = np.frombuffer(text.encode("utf-32-le"), "<u4")
        return Lyrics._of(
            text,
            self.vocabulary,
            self.source,
            line_starts=np.append(0, np.flatnonzero(code_points[:-1] == ord("\n")) + 1),
            song_starts=np.zeros(1, np.int64),
            origin=self.origin,
        )

    def known_by(self, vocabulary: Vocabulary) -> Self:
        """The same text by a vocabulary that has an unknown token besides.

        Raises:
            CorpusError: the vocabulary differs in more.
        """
        if vocabulary == self.vocabulary:
            return self
        drops_unknown = self.vocabulary.unknown_id is not None and vocabulary.unknown_id is None
        if vocabulary.characters != self.vocabulary.characters or drops_unknown:
            raise CorpusError(
                f"{self.source!r} is too large to be encoded by another vocabulary than its own: train anew "
                "on it, without --from, or take its first part (max_chars=10000000)."
            )
        return self._cut(0, len(self.ids), vocabulary)

    def split(
        self, validation_split: float, *, min_count: int | None = None, max_vocabulary: int | None = None
    ) -> tuple[Lyrics, Lyrics]:
        """Part the text as `Lyrics.split` does, but for the vocabulary: the whole text's stays.

        Args:
            validation_split: share of the N characters, in (0, 1).
            min_count: as the text was loaded with.
            max_vocabulary: as the text was loaded with.

        Returns:
            The training text, on disk, and the validation text, in memory unless it is large as well.
        """
        del min_count, max_vocabulary
        size = len(self.ids)
        middle = self._middle(size, validation_split)
        vocabulary = Vocabulary(self.vocabulary.characters, unknown=True)
        held_out = self._cut(middle, size, vocabulary)
        in_memory = size - middle <= _MOST_HELD_OUT
        return self._cut(0, middle, vocabulary), held_out.part(0, size - middle) if in_memory else held_out

    def _cut(self, start: int, stop: int, vocabulary: Vocabulary) -> Self:
        first = self._start + start
        return type(self)(
            self._store, self.source, start=first, stop=self._start + stop, vocabulary=vocabulary
        )
