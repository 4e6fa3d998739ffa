"""`lyric-lm write`."""

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lyric_lm.checks import check_at_least_one, check_not_negative
from lyric_lm.cli.given_run import advised, drawing, fitted, open_run, say, training_text
from lyric_lm.data.printable import printable
from lyric_lm.settings.config import SamplingConfig, check_at_most

if TYPE_CHECKING:
    from lyric_lm.data import Lyrics, Vocabulary
    from lyric_lm.generation.song_form import SongForm
    from lyric_lm.generation.songs import Song

_MOST_SONGS = 1000
LENGTHS, RHYME = "7 7 7 7 / 7 7 7 7", "AABA"  # where no form is given


@dataclasses.dataclass(frozen=True)
class Write:
    """Write songs: of a form, with rhymes, each chosen as a whole; or line by line, together with you."""

    # how characters are picked; what is not given is as in the training's samples, or else temperature 0.8,
    # no four characters twice and no more than eight copied in a row
    sampling: SamplingConfig
    run_dir: Path | None = None  # the folder of a finished run; None: the newest
    form: str | None = None  # a length for each line, as in "7 7 5-6 7"; a "/" between stanzas
    rhyme: str | None = None  # a letter for each line, as in AABA; "-" or "x" is free
    template: Path | None = None  # a text whose stanzas, lengths and rhymes to take
    acrostic: str = ""  # what the lines begin with, a character each
    prefix: str = ""  # a text that the songs go on from; it is not printed
    num_songs: int = 1  # how many songs to write
    rhyme_by: Literal["group", "final"] = "group"  # Mandarin: by the groups of 十三辙, or by the exact final
    tones: bool = False  # Mandarin: rhyme in the same tone only
    seed: int | None = None  # the same seed gives the same songs; None: others each time
    report: bool = False  # print a table of each line's length, rhyme, bits and copied run on standard error
    report_file: Path | None = None  # write that table to a file
    interactive: bool = False  # choose among lines and write your own; /help lists the commands

    def __post_init__(self) -> None:
        check_at_least_one(num_songs=self.num_songs)
        check_at_most(self, num_songs=_MOST_SONGS)
        check_not_negative(seed=self.seed)
        if self.sampling.beam_width is not None:
            raise ValueError("Songs are chosen among many lines, and `beam_width` finds one: leave it out")
        if self.template is not None and (self.form is not None or self.rhyme is not None):
            raise ValueError("`template` gives lengths and rhymes: leave out `form` and `rhyme`")
        names = ("form", "rhyme", "template", "acrostic", "prefix", "report", "report_file")
        given = [name for name in names if getattr(self, name)]
        if self.interactive and given:
            raise ValueError(f"`interactive` writes line by line: leave out `{given[0]}`")

    def run(self) -> None:
        """Print the songs, or start a session."""
        from lyric_lm.generation.building import build_rules, build_sampler
        from lyric_lm.generation.songs import write_songs

        run = open_run(self.run_dir)
        model = run.load_model()
        learnt = training_text(run, model.vocabulary)
        sampling = drawing(advised(self.sampling, run))
        if self.interactive:
            from lyric_lm.cli.session import Session

            Session(model, learnt, sampling, seed=self.seed, liked=run.path / "liked.txt").run()
            return
        form = self._form(model)
        songs: list[Song] = []
        for song in write_songs(
            model,
            form,
            count=self.num_songs,
            prefix=fitted(self.prefix, model.vocabulary),
            sampler=build_sampler(sampling),  # type: ignore[arg-type] # no beam comes here
            rules=build_rules(sampling, learnt),
            by=self.rhyme_by,
            tones=self.tones,
            seed=self.seed,
        ):
            # Stanzas are parted by a blank line, so several songs of stanzas need two.
            print("\n" * (bool(songs) * min(2, len(form.stanzas))) + printable(str(song)), flush=True)
            songs.append(song)
        if self.report or self.report_file is not None:
            self._report(songs, learnt)

    def _form(self, model: Any) -> "SongForm":
        from lyric_lm.data import read_text
        from lyric_lm.generation.rhyme import unit_of
        from lyric_lm.generation.song_form import SongForm

        acrostic = self._known_acrostic(model.vocabulary)
        if self.template is not None:
            unit = unit_of(model.vocabulary.characters)
            text = read_text(self.template)
            return SongForm.of_text(text, unit, by=self.rhyme_by, tones=self.tones, acrostic=acrostic)
        if self.form is not None:
            return SongForm.parse(self.form, self.rhyme or "", acrostic=acrostic)
        if acrostic:
            return SongForm.parse("7 " * len(acrostic), self.rhyme or "", acrostic=acrostic)
        return SongForm.parse(LENGTHS, self.rhyme or RHYME)

    def _known_acrostic(self, vocabulary: "Vocabulary") -> str:
        """The acrostic in characters that the model knows."""
        from lyric_lm.data import UnknownCharacterError, name_characters
        from lyric_lm.generation.prefix import fit_prefix

        known, missing = "", ""
        for char in self.acrostic:
            try:
                found = fit_prefix(char, vocabulary).text if char.strip() else char
            except UnknownCharacterError:
                missing += char
                continue
            if found != char:
                say(f"acrostic: {char!r} was read as {found!r}")
            known += found[:1]
        if missing:
            raise UnknownCharacterError(
                f"No line can begin with {name_characters(missing)}: the model knows "
                f"{len(vocabulary.characters):,} other characters, those of the text that it was trained on.",
                characters=missing,
            )
        return known

    def _report(self, songs: list["Song"], learnt: "Lyrics") -> None:
        from lyric_lm.cli.song_report import song_report
        from lyric_lm.generation.rhyme import unit_of
        from lyric_lm.runs.atomic_files import write_atomically

        text = song_report(
            songs,
            learnt.text,
            unit=unit_of(learnt.vocabulary.characters),
            by=self.rhyme_by,
            tones=self.tones,
        )
        if self.report:
            print("\n" + printable(text), file=sys.stderr)
        if self.report_file is not None:
            write_atomically(self.report_file, lambda path: path.write_text(text, encoding="utf-8"))
