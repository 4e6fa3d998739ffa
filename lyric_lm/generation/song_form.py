"""`SongForm`: the stanzas of a song, how long their lines are, which of them rhyme and how they begin."""

import dataclasses
import itertools
import re
from collections.abc import Callable
from typing import Self

from lyric_lm.errors import SettingsError
from lyric_lm.generation.line_spec import LONGEST_LINE
from lyric_lm.generation.rhyme import By, Unit, line_length, sound_of

MOST_LINES = 200
FREE = "-"  # in place of a rhyme's letter: the line rhymes as it happens


@dataclasses.dataclass(frozen=True)
class FormLine:
    """One line of a form."""

    length: tuple[int, int]  # the least and the most, in characters or syllables
    rhyme: str = FREE  # lines of one stanza with the same letter rhyme, those with others do not
    first: str = ""  # how it begins


@dataclasses.dataclass(frozen=True)
class SongForm:
    """Stanzas of lines.

    >>> form = SongForm.parse("7 7 5-6 7", "AABA", acrostic="春眠不觉")
    >>> [line.first + line.rhyme for line in form.stanzas[0]], form.stanzas[0][2].length
    (['春A', '眠A', '不B', '觉A'], (5, 6))
    """

    stanzas: tuple[tuple[FormLine, ...], ...]

    @property
    def lines(self) -> tuple[FormLine, ...]:
        """The lines of all stanzas."""
        return tuple(itertools.chain(*self.stanzas))

    @classmethod
    def parse(cls, lengths: str, rhyme: str = "", *, acrostic: str = "") -> Self:
        """Read a form as a person writes it.

        Args:
            lengths: a length for each line, "7" or "5-8", stanzas parted by "/": "7 7 5 7 / 7 7 5 7".
            rhyme: a letter for each line, or for each line of one stanza, if all stanzas have as many: each
                stanza then has rhymes of its own. Lines of one letter rhyme, those of different letters do
                not; "-" or "x" is free. "" leaves all lines free. Spaces and "/" are for the eye.
            acrostic: what the lines begin with, a character each; "" leaves them free, a space a single one.

        Raises:
            SettingsError: a length is none, there are no lines or too many, or the rhyme or the acrostic has
                not as many letters as the form has lines.
        """
        stanzas = [[_length(word) for word in part.split()] for part in lengths.split("/")]
        form = cls(tuple(tuple(FormLine(length) for length in stanza) for stanza in stanzas if stanza))
        if not 1 <= len(form.lines) <= MOST_LINES:
            raise SettingsError(
                f'A form has 1 to {MOST_LINES} lines, each with its length, as in "7 7 5 7". '
                f"Received: {lengths!r:.80}"
            )
        return form._with_rhyme(re.sub(r"[xX]", FREE, re.sub(r"[\s/|]", "", rhyme)))._with_acrostic(acrostic)

    @classmethod
    def of_text(
        cls, text: str, unit: Unit, *, by: By = "group", tones: bool = False, acrostic: str = ""
    ) -> Self:
        """The form of a text: its stanzas, the length of each line, and which lines of a stanza rhyme.

        Args:
            text: lines; blank ones part stanzas.
            unit: what lengths are measured in.
            by: how Mandarin rhymes.
            tones: whether with the tones.
            acrostic: as `parse`'s.

        Raises:
            SettingsError: it has no line, too many, or one that is too long.
        """
        parts = [part.splitlines() for part in re.split(r"\n\s*\n", text.strip())]
        stanzas = []
        for part in parts:
            lines = [line for line in part if line_length(line, unit)]
            lengths = [line_length(line, unit) for line in lines]
            if max(lengths, default=0) > LONGEST_LINE:
                raise SettingsError(
                    f"The template has a line of {max(lengths)} {unit}; {LONGEST_LINE} is the most: give it "
                    "line breaks."
                )
            letters = _letters(lines, by, tones)
            stanzas.append(
                tuple(FormLine((n, n), letter) for n, letter in zip(lengths, letters, strict=True))
            )
        form = cls(tuple(stanza for stanza in stanzas if stanza))
        if not 1 <= len(form.lines) <= MOST_LINES:
            raise SettingsError(
                f"A template has 1 to {MOST_LINES} lines of text. This one has {len(form.lines)}."
            )
        return form._with_acrostic(acrostic)

    def _with_rhyme(self, letters: str) -> Self:
        if wrong := re.sub(r"[A-Za-z-]", "", letters):
            raise SettingsError(f'A rhyme scheme has letters and "-", as in AABA. Received: {wrong[0]!r}')
        if not letters:
            return self
        sizes = {len(stanza) for stanza in self.stanzas}
        if len(letters) != len(self.lines):
            if sizes != {len(letters)}:
                raise SettingsError(
                    f"The rhyme scheme {letters!r:.80} has {len(letters)} letters, the form "
                    f"{len(self.lines)} lines: give a letter for each line, or for each of one stanza if all "
                    "have as many."
                )
            letters *= len(self.stanzas)
        rhymes = iter(letters)
        return self._changed(lambda line: dataclasses.replace(line, rhyme=next(rhymes)))

    def _with_acrostic(self, acrostic: str) -> Self:
        if len(acrostic) > len(self.lines):
            raise SettingsError(
                f"The acrostic {acrostic!r:.80} has {len(acrostic)} characters, the form only "
                f"{len(self.lines)} lines: give a line for each."
            )
        firsts = itertools.chain(acrostic, itertools.repeat(""))
        return self._changed(lambda line: dataclasses.replace(line, first=next(firsts).strip()))

    def _changed(self, change: Callable[[FormLine], FormLine]) -> Self:
        return type(self)(tuple(tuple(change(line) for line in stanza) for stanza in self.stanzas))


def _length(word: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", word)
    shortest, longest = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= shortest <= longest <= LONGEST_LINE:
        raise SettingsError(
            f"A length of a form is a number from 1 to {LONGEST_LINE}, or two with the least first, as in "
            f"5-8. Received: {word!r:.40}"
        )
    return shortest, longest


def _letters(lines: list[str], by: By, tones: bool) -> list[str]:
    """A letter for each rhyme of a stanza, in order; free where no other line has it."""
    sounds = [sound_of(line, by=by, tones=tones) for line in lines]
    letters = [FREE] * len(lines)
    names = iter("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    for i, sound in enumerate(sounds):
        same = [j for j in range(i, len(lines)) if letters[j] == FREE and sound.rhymes_with(sounds[j])]
        if letters[i] == FREE and len(same) > 1 and (name := next(names, "")):
            for j in same:
                letters[j] = name
    return letters
