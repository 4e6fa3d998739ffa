"""`lyric-lm evaluate`."""

import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyric_lm.checks import check_at_least_one

if TYPE_CHECKING:
    from lyric_lm.data import Lyrics, Vocabulary
    from lyric_lm.evaluation.repeated_lines import RepeatedLines
    from lyric_lm.evaluation.scoring import Score
    from lyric_lm.settings.config import CorpusConfig

_TOO_MUCH_UNKNOWN = 0.2  # of a text's characters


@dataclasses.dataclass(frozen=True)
class Evaluate:
    """Score a text with a trained model, beside n-grams that learnt the same training text."""

    run_dir: Path  # the folder of a finished run
    # the text to score, as for train; None: what the run held out
    corpus: str | tuple[str, ...] | None = None
    encoding: str | None = None  # of that text's files; None to recognise it
    max_order: int = 5  # n-grams of orders 1 to this one
    per_character: tuple[Path, ...] = ()  # files to write each character's surprisal to, .csv or .html
    songs: bool = False  # instead, measure the songs that the model writes, beside its training text
    seed: int = 0  # of the songs

    def __post_init__(self) -> None:
        check_at_least_one(max_order=self.max_order)
        if self.songs and (self.corpus is not None or self.per_character):
            raise ValueError("`songs` are measured without a text to score: leave out what goes with it")

    def run(self) -> None:
        """Print the table and write the reports."""
        from lyric_lm.data.stored_lyrics import HELD_ONLY
        from lyric_lm.evaluation.repeated_lines import repeated_lines
        from lyric_lm.evaluation.scoring import compare
        from lyric_lm.evaluation.surprisal_report import check_report_name, write_report
        from lyric_lm.runs.run import Run
        from lyric_lm.training.texts import texts_of

        if self.songs:
            self._measure_songs()
            return
        for path in self.per_character:
            check_report_name(path)
        run = Run.open(self.run_dir)
        config = run.settings().corpus
        texts = texts_of(run)
        model = run.load_model()
        source, lyrics, context = self._text_to_score(config, texts, model.vocabulary)
        learnt = texts.training.held
        text = lyrics.text
        scores = compare(
            model,
            text,
            training_text=learnt.text,
            context=context,
            orders=range(1, self.max_order + 1),
        )
        targets = text if context else text[1:]
        _print_table(scores, source=source, text=targets)
        repeated = repeated_lines(lyrics, learnt)
        if not texts.training.is_held:
            print(HELD_ONLY)
        for line in _cautions(scores[0], repeated, repeated.is_new[len(text) - len(targets) :]):
            print(line)
        for path in self.per_character:
            write_report(path, targets, scores[0], source=source)
            print(f"Each character's surprisal: {path}")

    def _measure_songs(self) -> None:
        from lyric_lm.cli.given_run import advised, drawing, open_run, training_text
        from lyric_lm.cli.songs_table import songs_table
        from lyric_lm.cli.write import LENGTHS, RHYME
        from lyric_lm.generation.song_form import SongForm
        from lyric_lm.settings.config import SamplingConfig

        run = open_run(self.run_dir)
        model = run.load_model()
        learnt = training_text(run, model.vocabulary)
        sampling = drawing(advised(SamplingConfig(), run))
        print(songs_table(model, learnt, sampling, SongForm.parse(LENGTHS, RHYME), seed=self.seed))

    def _text_to_score(
        self, config: "CorpusConfig", texts: Any, vocabulary: "Vocabulary"
    ) -> "tuple[str, Lyrics, str]":
        """The text's name, the text, and the text before it."""
        from lyric_lm.data import Vocabulary, load_lyrics
        from lyric_lm.errors import SettingsError

        if self.corpus is not None:
            classes = Vocabulary(vocabulary.characters, unknown=True)
            reading = {**config.reading, "encoding": self.encoding}
            lyrics = load_lyrics(self.corpus, vocabulary=classes, **reading)
            return lyrics.source, _scored(lyrics), ""
        if texts.validation is None:
            raise SettingsError(
                f"{self.run_dir} was trained with nothing held out: name a text to score with --corpus, "
                "or train with --validation-split 0.1."
            )
        if config.validation_corpus is not None:
            return texts.validation.source, _scored(texts.validation), ""
        source = f"{texts.training.source}, the last {100 * (config.validation_split or 0):g} %"
        if texts.validation.songs_apart:  # what stands before its first song tells nothing of it
            return f"{source} in whole songs", texts.validation, ""
        return source, _scored(texts.validation), texts.training.held.text


def _scored(lyrics: "Lyrics") -> "Lyrics":
    """What of a text is scored: all of it, or of one that is not held in memory the beginning."""
    from lyric_lm.data.stored_lyrics import HELD_CHARS

    if lyrics.is_held:
        return lyrics
    print(
        f"Of {len(lyrics.ids):,} characters the first {HELD_CHARS:,} are scored; the text is not in memory."
    )
    return lyrics.part(0, HELD_CHARS)


def _print_table(scores: list["Score"], *, source: str, text: str) -> None:
    from rich.console import Console
    from rich.text import Text

    from lyric_lm.cli.plain_table import plain_table

    known = scores[0].known
    unknown = {character for character, is_known in zip(text, known, strict=True) if not is_known}
    console = Console(width=80, highlight=False)
    console.print(Text(f"Scored: {source!r}"))
    console.print(
        f"{len(text):,} characters, {len(set(text)):,} distinct. Unknown to the model: "
        f"{len(text) - known.sum():,} ({1 - known.mean():.2%}), {len(unknown):,} distinct."
    )
    headings = ("", "perplexity\nall", "bits/char.\nall", "perplexity\nknown", "bits/char.\nknown")
    rows = []
    for score in scores:
        figures = (score.perplexity, 1), (score.bits, 3), (score.known_perplexity, 1), (score.known_bits, 3)
        rows.append((score.name, *(_figure(value, digits) for value, digits in figures)))
    print(plain_table(headings, rows))


def _cautions(score: "Score", repeated: "RepeatedLines", is_new: Any) -> list[str]:
    """What to know of a figure before anybody believes it.

    Args:
        score: the model's.
        repeated: the lines that the model had learnt.
        is_new: bool `(N,)`, the targets in other lines.
    """
    said = []
    if repeated.num_repeated:
        lines = f"{repeated.num_repeated:,} of {repeated.num_lines:,} lines"
        said.append(f"{lines} stand in the training text, which flatters.")
        new = score.only(is_new)
        figures = f"{_figure(new.perplexity, 1)} (known characters: {_figure(new.known_perplexity, 1)})"
        said.append(f"Without them perplexity is {figures}." if is_new.any() else "There are no others.")
    if score.known.mean() <= 1 - _TOO_MUCH_UNKNOWN:
        said.append("A fifth or more of the text is unknown to the model: no figure means anything.")
    return said


def _figure(value: float, digits: int) -> str:
    return "∞" if math.isinf(value) else f"{value:,.{digits}f}"
