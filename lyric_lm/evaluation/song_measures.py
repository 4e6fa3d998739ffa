"""How much of a song texts have: rhyme, regular lines, variety, loops; and how much is copied."""

import dataclasses
import re
from collections import Counter
from collections.abc import Sequence

from lyric_lm.data.characters import SONG_END
from lyric_lm.generation.rhyme import Unit, last_word, line_length, sound_of
from lyric_lm.originality.copy_index import CopyIndex
from lyric_lm.originality.measures import originality

STANZA = 4  # lines, where a text has no blank lines between stanzas


@dataclasses.dataclass(frozen=True)
class SongMeasures:
    """Shares in [0, 1] over all lines, or all characters, of some songs."""

    num_lines: int
    rhymed: float  # lines that rhyme with another line of their stanza which ends in another word
    as_long: float  # lines as long as another line of their stanza
    distinct: float  # distinct lines / lines
    loops: float  # characters inside loops
    longest_copied_run: int | None  # characters; None where nothing was compared
    copied_8: float | None  # 8-grams that stand in the training text

    def cells(self) -> list[str]:
        """The measures as a table shows them, in the order of the fields."""
        shares = (self.rhymed, self.as_long, self.distinct, self.loops)
        copied = ["-" if self.longest_copied_run is None else f"{self.longest_copied_run}"]
        copied += ["-" if self.copied_8 is None else f"{self.copied_8:.1%}"]
        return [f"{self.num_lines:,}", *(f"{share:.1%}" for share in shares), *copied]


def song_measures(
    stanzas: Sequence[Sequence[str]], *, unit: Unit, index: CopyIndex | None = None
) -> SongMeasures:
    """Measure some songs.

    Args:
        stanzas: of all songs, each a list of lines; at least one line.
        unit: what the length of a line is measured in.
        index: of the training text; None leaves out how much is copied.

    Raises:
        ValueError: there is no line.

    >>> song_measures([["走在风里", "月亮很低", "说不出口"], ["雨"]], unit="characters").cells()
    ['4', '50.0%', '75.0%', '100.0%', '0.0%', '-', '-']
    """
    lines = [line for stanza in stanzas for line in stanza]
    if not lines:
        raise ValueError("`stanzas` must hold at least one line. Received: none")
    joined = "\n".join(lines)
    copying = originality(joined, index or CopyIndex(joined))
    return SongMeasures(
        num_lines=len(lines),
        rhymed=sum(_rhymed(stanza) for stanza in stanzas) / len(lines),
        as_long=sum(_as_long(stanza, unit) for stanza in stanzas) / len(lines),
        distinct=len(set(lines)) / len(lines),
        loops=copying.loops,
        longest_copied_run=copying.longest_copied_run if index else None,
        copied_8=copying.copied_ngrams[8] if index else None,
    )


def stanzas_of(text: str, end: str) -> list[list[str]]:
    """A text's stanzas: parted by blank lines where newlines end its lines, else four lines each.

    Of songs apart each has its own.

    Args:
        text: lines.
        end: what ends a line; see `lyric_lm.generation.line_ends.line_end`.
    """
    if SONG_END in text:
        return [stanza for song in text.split(SONG_END) for stanza in stanzas_of(song, end)]
    if end == "\n":
        parts = [re.split(r"\n+", part) for part in re.split(r"\n\s*\n", text)]
        stanzas = [[line.strip() for line in part if line.strip()] for part in parts]
        if len(stanzas) > 1:
            return [stanza for stanza in stanzas if stanza]
        lines = [line for stanza in stanzas for line in stanza]
    else:
        lines = text.split()
    return [lines[i : i + STANZA] for i in range(0, len(lines), STANZA)]


def _rhymed(stanza: Sequence[str]) -> int:
    ends = [(sound_of(line), last_word(line)) for line in stanza]
    return sum(
        any(sound.rhymes_with(other) and word != against for other, against in ends) for sound, word in ends
    )


def _as_long(stanza: Sequence[str], unit: Unit) -> int:
    lengths = Counter(line_length(line, unit) for line in stanza)
    return sum(count for count in lengths.values() if count > 1)
