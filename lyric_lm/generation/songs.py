"""`write_songs`: songs of a form, by a beam search over whole lines."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

from lyric_lm.checks import check_at_least_one
from lyric_lm.errors import SettingsError
from lyric_lm.generation.candidate_lines import unlike
from lyric_lm.generation.line_drawer import Line, LineDrawer, Reading
from lyric_lm.generation.line_spec import LineSpec
from lyric_lm.generation.rhyme import By
from lyric_lm.generation.rules import Rule
from lyric_lm.generation.samplers import Sampler, Temperature
from lyric_lm.generation.song_form import FREE, FormLine, SongForm
from lyric_lm.model.rnn_model import RNNModel

_BEAMS, _DRAWS = 8, 24  # songs kept after each line, and lines drawn for each of them
_CHILDREN = 3  # of one song, kept at most: the others come from other songs
_TRIES = 8  # draws of a line, before the form counts as one that cannot be met
_REPEATED = 3.0  # bits that a line costs if all its characters stand in the song already


@dataclasses.dataclass(frozen=True)
class Song:
    """A song and its form."""

    form: SongForm
    lines: tuple[Line, ...]

    def __str__(self) -> str:
        """The lines, with a blank one between two stanzas."""
        lines = iter(self.lines)
        return "\n\n".join("\n".join(next(lines).text for _ in stanza) for stanza in self.form.stanzas)


def write_songs(
    model: RNNModel,
    form: SongForm,
    *,
    count: int = 1,
    prefix: str = "",
    sampler: Sampler | None = None,
    rules: Sequence[Rule] = (),
    by: By = "group",
    tones: bool = False,
    seed: int | None = None,
) -> Iterator[Song]:
    """Write songs of one form, each chosen as a whole.

    For each line, many are drawn after each of the best songs so far, those that do not fit sifted out, and
    the best of the longer songs kept: so a first line is given up if nothing good rhymes with it. No line
    comes twice, in all songs.

    Args:
        model: the model.
        form: of each song.
        count: songs, >= 1.
        prefix: the text before each song; it is not part of it.
        sampler: how to draw; None is `Temperature(0.8)`.
        rules: what a song must not do; `MaxCopy` keeps its lines from being copied.
        by: how Mandarin rhymes.
        tones: whether with the same tone.
        seed: the same seed gives the same songs; None draws one.

    Yields:
        The songs, as they are ready.

    Raises:
        ValueError: `count` is below 1.
        UnknownCharacterError: the model does not know a character of the prefix or the acrostic.
        SettingsError: the form cannot be met.
    """
    check_at_least_one(count=count)
    for line in form.lines:
        LineSpec(line.length, first=line.first).check(model.vocabulary)
    search = _Search(LineDrawer(model, sampler or Temperature(0.8), rules, seed=seed), form, by, tones)
    start = search.drawer.read(prefix)
    for _ in range(count):
        song = search.song(start)
        search.used.update(line.text for line in song.lines)
        yield song


@dataclasses.dataclass(frozen=True)
class _Beam:
    """The beginning of a song, and the row where it has been read to."""

    row: int = 0
    lines: tuple[Line, ...] = ()
    cost: float = 0.0  # its lines' scores and repetitions, in bits, summed up

    def with_line(self, line: Line) -> "_Beam":
        sung = set("".join(earlier.text for earlier in self.lines))
        repeated = sum(char in sung for char in line.text) / len(line.text)
        return _Beam(line.row, (*self.lines, line), self.cost + line.score + _REPEATED * repeated)


@dataclasses.dataclass
class _Search:
    drawer: LineDrawer
    form: SongForm
    by: By
    tones: bool
    used: set[str] = dataclasses.field(default_factory=set)  # lines of the songs before

    def song(self, start: Reading) -> Song:
        beams, reading = [_Beam()], start
        place = 0  # of the stanza's first line
        for stanza in self.form.stanzas:
            for i, line in enumerate(stanza):
                beams, reading = self._longer(beams, reading, stanza[:i], line, place)
            place += len(stanza)
        return Song(self.form, beams[0].lines)

    def _longer(
        self,
        beams: list[_Beam],
        reading: Reading,
        before: tuple[FormLine, ...],
        form_line: FormLine,
        place: int,
    ) -> tuple[list[_Beam], Reading]:
        """The best songs with one line more, the best first."""
        beams = [beams[i % len(beams)] for i in range(_BEAMS)]
        specs = [self._spec(beam.lines[place:], before, form_line) for beam in beams]
        rows = [beam.row for beam in beams for _ in range(_DRAWS)]
        for _ in range(_TRIES):
            lines, after = self.drawer.draw(reading.rows(rows), specs)
            longer = []
            for i, (beam, spec) in enumerate(zip(beams, specs, strict=True)):
                own = [line for line in lines if line.row // _DRAWS == i and self._is_new(line, beam)]
                longer += [beam.with_line(line) for line in self._first(own, spec)]
            if longer:
                return self._best(longer), after
        raise SettingsError(self._failure(specs[0], len(beams[0].lines)))

    def _spec(self, stanza: tuple[Line, ...], before: tuple[FormLine, ...], form_line: FormLine) -> LineSpec:
        """What a line must be like after those of its stanza that stand already."""
        same = [line.text for line, form in zip(stanza, before, strict=True) if form.rhyme == form_line.rhyme]
        others = [
            line.text
            for line, form in zip(stanza, before, strict=True)
            if form.rhyme not in (form_line.rhyme, FREE)
        ]
        is_free = form_line.rhyme == FREE
        return LineSpec(
            form_line.length,
            rhyme=() if is_free else tuple(same),
            not_rhyme=() if is_free else tuple(others),
            first=form_line.first,
            by=self.by,
            tones=self.tones,
        )

    def _is_new(self, line: Line, beam: _Beam) -> bool:
        return line.text not in self.used and all(line.text != earlier.text for earlier in beam.lines)

    def _first(self, lines: list[Line], spec: LineSpec) -> list[Line]:
        """The best few that fit; reading aloud what does not get so far would take longer than drawing."""
        return list(itertools.islice(self.drawer.fitting(lines, spec), _CHILDREN))

    def _best(self, longer: list[_Beam]) -> list[_Beam]:
        """The best songs, as long as there are some in which the last lines differ."""
        longer = sorted(longer, key=lambda beam: beam.cost)
        latest = list(unlike([beam.lines[-1] for beam in longer]))
        best = [beam for beam in longer if any(beam.lines[-1] is line for line in latest)]
        return (best + [beam for beam in longer if beam not in best])[:_BEAMS]

    def _failure(self, spec: LineSpec, place: int) -> str:
        shortest, longest = spec.lengths
        length = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
        wanted = [f"{length} {self.drawer.unit}"]
        if spec.first:
            wanted.append(f"begins with {spec.first!r}")
        if spec.rhymes:
            wanted.append(
                f"rhymes with {spec.rhymes[0]!r} and ends in another word than {len(spec.rhymes)} before"
            )
        return (
            f"No line {place + 1} was found ({', '.join(wanted)}) in {_TRIES * _BEAMS * _DRAWS} draws: give "
            "lines more room, as in 5-9, fewer rhymes, or a higher --temperature."
        )
