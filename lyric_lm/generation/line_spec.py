"""`LineSpec`: what a line must be like."""

import dataclasses
import functools
import re
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from lyric_lm.data import UnknownCharacterError, Vocabulary, name_characters
from lyric_lm.errors import SettingsError
from lyric_lm.generation.rhyme import (
    By,
    Sound,
    Unit,
    counts,
    is_han,
    last_word,
    line_length,
    possible_sounds,
    sound_of,
    unit_of,
)

LONGEST_LINE = 60  # units, where nothing is said
_RHYMES_NAMED = 20  # in an error


@dataclasses.dataclass(frozen=True)
class LineSpec:
    """What a line must be like; by default anything.

    Args:
        length: the number of letters and digits, or the least and the most of them; syllables where most
            letters of the model's vocabulary are Latin. Spaces and punctuation do not count. None: 1 to 60.
        rhyme: a text that the line rhymes with, but does not end in the same word as; or several.
        not_rhyme: texts that the line must not rhyme with.
        first: how the line begins, for an acrostic.
        words: what must stand in the line; a word of Latin letters as a word.
        by: how Mandarin rhymes, by "group" (十三辙) or by exact "final"; see `lyric_lm.generation.rhyme`.
        tones: whether Mandarin rhymes have the same tone.

    Raises:
        ValueError: a length is out of range, a text to rhyme with ends in nothing that can be read, or a
            word is empty.

    >>> line = LineSpec((3, 5), rhyme="方向", first="月")
    >>> line.fits("月光"), line.fits("月的光"), line.fits("月的方向"), line.fits("月，在天上！")
    (False, True, False, True)
    """

    length: int | tuple[int, int] | None = None
    rhyme: str | tuple[str, ...] = ()
    not_rhyme: tuple[str, ...] = ()
    first: str = ""
    words: tuple[str, ...] = ()
    by: By = "group"
    tones: bool = False

    def __post_init__(self) -> None:
        shortest, longest = self.lengths
        if not 1 <= shortest <= longest <= LONGEST_LINE:
            raise ValueError(
                f"`length` must be in [1, {LONGEST_LINE}], the least first. Received: length={self.length}"
            )
        for text in self.rhymes:
            sound = self._sound(text)
            if not sound.sounds and not sound.letters:
                raise ValueError(
                    f"`rhyme` must end in a character that can be read. Received: rhyme={text!r}"
                )
        if not all(self.words):
            raise ValueError("`words` must hold at least one character each. Received: an empty one")

    @property
    def lengths(self) -> tuple[int, int]:
        """The least and the greatest length."""
        if self.length is None:
            return 1, LONGEST_LINE
        return self.length if isinstance(self.length, tuple) else (self.length, self.length)

    @property
    def rhymes(self) -> tuple[str, ...]:
        """The texts to rhyme with."""
        return (self.rhyme,) if isinstance(self.rhyme, str) else self.rhyme

    def fits(self, line: str, unit: Unit = "characters") -> bool:
        """Whether a line is as it must be.

        Args:
            line: without its line end.
            unit: what its length is measured in.
        """
        shortest, longest = self.lengths
        return (
            line.startswith(self.first)
            and all(_contains(line, word) for word in self.words)
            and shortest <= line_length(line, unit) <= longest
            and self._ends_well(line)
        )

    def may_end(self, vocabulary: Vocabulary) -> NDArray[np.bool_]:
        """Which characters may be the line's last letter, bool `(V,)`; `fits` decides.

        A character that is read in several ways may if it may in one of them.
        """
        kinds, kind_of = _kinds_of_sounds(vocabulary, self.by, self.tones)
        may = np.array([self._may_end_in(sounds) for sounds in kinds])[kind_of]
        for word in map(last_word, self.rhymes):
            if is_han(word[:1]) and word in vocabulary:
                may[vocabulary.encode(word)] = False
        return may

    def check(self, vocabulary: Vocabulary) -> None:
        """Refuse what no line of such characters can be.

        Raises:
            UnknownCharacterError: the vocabulary lacks a character that the line must hold.
            SettingsError: no character of the vocabulary rhymes, or the words alone are too long.
        """
        if missing := vocabulary.missing(self.first + "".join(self.words)):
            raise UnknownCharacterError(
                f"The model does not know {name_characters(missing)}, which the line must hold: choose "
                "characters of the text that it was trained on.",
                characters=missing,
            )
        unit = unit_of(vocabulary.characters)
        needed = sum(line_length(text, unit) for text in (*self.words, self.first * (unit == "characters")))
        if needed > self.lengths[1]:
            raise SettingsError(
                f"The words to contain are {needed} {unit} long, the line at most {self.lengths[1]}: allow a "
                "longer line, or leave out a word."
            )
        letters = np.array([counts(char) for char in vocabulary.characters])
        if (self.rhymes or self.not_rhyme) and not (self.may_end(vocabulary)[: len(letters)] & letters).any():
            raise SettingsError(
                f"No character that the model knows {self._wanted()}: its rhymes are "
                f"{rhymes_of(vocabulary, self.by, self.tones)}."
            )

    def _wanted(self) -> str:
        parts = [f"rhymes with {text!r} ({self._sound(text)}) and is another" for text in self.rhymes]
        parts += [f"does not rhyme with {text!r} ({self._sound(text)})" for text in self.not_rhyme]
        return ", ".join(parts)

    def _sound(self, text: str) -> Sound:
        return sound_of(text, by=self.by, tones=self.tones)

    def _ends_well(self, line: str) -> bool:
        if not self.rhymes and not self.not_rhyme:
            return True
        sound, word = self._sound(line), last_word(line)
        return all(
            sound.rhymes_with(self._sound(text)) and word != last_word(text) for text in self.rhymes
        ) and not any(sound.rhymes_with(self._sound(text)) for text in self.not_rhyme)

    def _may_end_in(self, sounds: frozenset[str] | None) -> bool:
        """Whether a character that may sound so, or is none of a vocabulary's, may be the last letter."""
        if sounds is None:
            return False
        for text in self.rhymes:
            wanted = self._sound(text).sounds if is_han(last_word(text)[:1]) else frozenset()
            if sounds.isdisjoint(wanted) if wanted else sounds:
                return False
        return not sounds or not any(sounds <= self._sound(text).sounds for text in self.not_rhyme)


@functools.lru_cache(maxsize=64)
def _kinds_of_sounds(
    vocabulary: Vocabulary, by: By, tones: bool
) -> tuple[list[frozenset[str] | None], NDArray[np.int64]]:
    """The different sets of sounds that characters have, and each id's, `(V,)`; None is the unknown's."""
    sounds: list[frozenset[str] | None] = [
        possible_sounds(char, by=by, tones=tones) for char in vocabulary.characters
    ]
    sounds += [None] * (len(vocabulary) - len(sounds))
    kinds = list(dict.fromkeys(sounds))
    number = {kind: i for i, kind in enumerate(kinds)}
    return kinds, np.array([number[kind] for kind in sounds])


def rhymes_of(vocabulary: Vocabulary, by: By, tones: bool) -> str:
    """The Mandarin rhymes of a vocabulary, the most frequent first, each with its number of characters."""
    found = Counter(s for char in vocabulary.characters for s in possible_sounds(char, by=by, tones=tones))
    named = [f"{name} ({count})" for name, count in found.most_common(_RHYMES_NAMED)]
    more = f" and {len(found) - len(named)} more" if len(found) > len(named) else ""
    return (", ".join(named) or "none, as it has no Chinese characters") + more


def _contains(line: str, word: str) -> bool:
    if not word.isascii():
        return word in line
    return re.search(rf"(?<![A-Za-z]){re.escape(word)}(?![A-Za-z])", line) is not None
