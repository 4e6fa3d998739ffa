"""`lyric-lm evaluate`."""

import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyric_lm.checks import check_at_least_one

if TYPE_CHECKING:
    from lyric_lm.data import Vocabulary
    from lyric_lm.evaluation.scoring import Score
    from lyric_lm.settings.config import CorpusConfig


@dataclasses.dataclass(frozen=True)
class Evaluate:
    """Score a text with a trained model, beside n-grams that learnt the same training text."""

    run_dir: Path  # the folder of a finished run
    corpus: str | None = None  # the text to score, as for train; None: what the run held out
    encoding: str | None = None  # of that file; None to recognise it
    max_order: int = 5  # n-grams of orders 1 to this one
    per_character: tuple[Path, ...] = ()  # files to write each character's surprisal to, .csv or .html
    songs: bool = False  # instead, measure the songs that the model writes, beside its training text
    seed: int = 0  # of these songs

    def __post_init__(self) -> None:
        check_at_least_one(max_order=self.max_order)
        if self.songs and (self.corpus is not None or self.per_character):
            raise ValueError("`songs` are measured without a text to score: leave out what goes with it")

    def run(self) -> None:
        """Print the table and write the reports."""
        from lyric_lm.evaluation.scoring import compare
        from lyric_lm.evaluation.surprisal_report import check_report_name, write_report
        from lyric_lm.runs.record import check_corpus
        from lyric_lm.runs.run import Run
        from lyric_lm.training.texts import read_texts

        if self.songs:
            self._measure_songs()
            return
        for path in self.per_character:
            check_report_name(path)
        run = Run.open(self.run_dir)
        config = run.settings().corpus
        texts = read_texts(config)
        check_corpus(run.record(), texts.training, texts.validation)
        model = run.load_model()
        source, text, context = self._text_to_score(config, texts, model.vocabulary)
        scores = compare(
            model,
            text,
            training_text=texts.training.text,
            context=context,
            orders=range(1, self.max_order + 1),
        )
        targets = text if context else text[1:]
        _print_table(scores, source=source, text=targets)
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
    ) -> tuple[str, str, str]:
        """The text's name, the text, and the text before it."""
        from lyric_lm.data import Vocabulary, load_lyrics
        from lyric_lm.errors import SettingsError

        if self.corpus is not None:
            classes = Vocabulary(vocabulary.characters, unknown=True)
            lyrics = load_lyrics(
                self.corpus, keep_newlines=config.keep_newlines, encoding=self.encoding, vocabulary=classes
            )
            return self.corpus, lyrics.text, ""
        if texts.validation is None:
            raise SettingsError(
                f"{self.run_dir} was trained with nothing held out: name a text to score with --corpus, "
                "or train with --validation-split 0.1."
            )
        if config.validation_corpus is not None:
            return config.validation_corpus, texts.validation.text, ""
        source = f"{config.corpus}, the last {100 * (config.validation_split or 0):g} %"
        return source, texts.validation.text, texts.training.text


def _print_table(scores: list["Score"], *, source: str, text: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    known = scores[0].known
    unknown = {character for character, is_known in zip(text, known, strict=True) if not is_known}
    console = Console(width=80, highlight=False)
    console.print(Text(f"Scored: {source!r}"))
    console.print(
        f"{len(text):,} characters, {len(set(text)):,} distinct. Unknown to the model: "
        f"{len(text) - known.sum():,} ({1 - known.mean():.2%}), {len(unknown):,} distinct."
    )
    table = Table(box=None, padding=(0, 0, 0, 2), header_style="")
    table.add_column("")
    for heading in ("perplexity\nall", "bits/char.\nall", "perplexity\nknown", "bits/char.\nknown"):
        table.add_column(heading, justify="right")
    for score in scores:
        table.add_row(
            score.name,
            _figure(score.perplexity, 1),
            _figure(score.bits, 3),
            _figure(score.known_perplexity, 1),
            _figure(score.known_bits, 3),
        )
    console.print(table)


def _figure(value: float, digits: int) -> str:
    return "∞" if math.isinf(value) else f"{value:,.{digits}f}"
