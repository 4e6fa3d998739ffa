"""`lyric-lm generate`."""

import dataclasses
import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lyric_lm.checks import check_at_least_one
from lyric_lm.data.printable import printable
from lyric_lm.settings.config import MOST_CHARS, SamplingConfig, check_at_most

if TYPE_CHECKING:
    from lyric_lm.data import Lyrics, Vocabulary
    from lyric_lm.runs.run import Run

_MOST_SAMPLES = 1000


@dataclasses.dataclass(frozen=True)
class Generate:
    """Write on from a prefix with a trained model."""

    run_dir: Path  # the folder of a finished run
    sampling: SamplingConfig
    prefix: tuple[str, ...] | None = None  # what to continue, one or more; None: what the run's reports did
    num_chars: int = 50  # characters to add
    num_samples: int = 1  # continuations of each prefix
    seed: int | None = None  # the same seed gives the same text; None draws one
    strict_prefix: bool = False  # refuse a character that the model does not know
    report: bool = False  # say afterwards how much is copied from the training text
    interactive: bool = False  # type a line, get the next; /help lists the commands

    def __post_init__(self) -> None:
        if self.prefix is not None and not (self.prefix and all(self.prefix)):
            raise ValueError("`prefix` must hold at least one character. Received: prefix=''")
        check_at_least_one(num_chars=self.num_chars, num_samples=self.num_samples)
        check_at_most(self, num_chars=MOST_CHARS, num_samples=_MOST_SAMPLES)
        if self.seed is not None and self.seed < 0:
            raise ValueError(f"`seed` must not be negative. Received: seed={self.seed}")
        if self.interactive and self.sampling.beam_width is not None:
            raise ValueError("`interactive` shows characters as they come, which `beam_width` cannot")
        for name, given in (
            ("prefix", self.prefix is not None),
            ("num_samples", self.num_samples > 1),
            ("report", self.report),
        ):
            if self.interactive and given:
                raise ValueError(f"`interactive` writes a line to each that you type: leave out `{name}`")

    def run(self) -> None:
        """Print each prefix and its continuation, or start a session."""
        from lyric_lm.generation.building import build_rules, build_sampler
        from lyric_lm.generation.generate import generate
        from lyric_lm.runs.run import Run

        run = Run.open(self.run_dir)
        model = run.load_model()
        if self.interactive:
            from lyric_lm.cli.interactive import Session

            learnt, liked = _training_text(run, model.vocabulary), run.path / "liked.txt"
            fit = functools.partial(self._fitted, vocabulary=model.vocabulary)
            session = Session(
                model,
                learnt,
                self.sampling,
                num_chars=self.num_chars,
                fit=fit,
                seed=self.seed,
                liked=liked,
            )
            session.run()
            return
        prefixes = [self._fitted(prefix, model.vocabulary) for prefix in self.prefix or _prefixes_of(run)]
        needs_text = self.report or self.sampling.max_copy is not None
        training = _training_text(run, model.vocabulary) if needs_text else None
        rules = build_rules(self.sampling, training)
        prefixes = [prefix for prefix in prefixes for _ in range(self.num_samples)]
        texts = generate(
            model, prefixes, self.num_chars, sampler=build_sampler(self.sampling), rules=rules, seed=self.seed
        )
        for text in texts:
            print(printable(text))
        if self.report and training is not None:
            _print_report([t[len(p) :] for t, p in zip(texts, prefixes, strict=True)], training)

    def _fitted(self, prefix: str, vocabulary: "Vocabulary") -> str:
        from lyric_lm.data import UnknownCharacterError, name_characters
        from lyric_lm.generation.prefix import fit_prefix

        if self.strict_prefix and (missing := vocabulary.missing(prefix)):
            raise UnknownCharacterError(
                f"The model does not know {name_characters(missing)}: write the prefix without, "
                "or leave out --strict-prefix.",
                characters=missing,
            )
        fitted = fit_prefix(prefix, vocabulary)
        if str(fitted):
            print(f"lyric-lm: {printable(str(fitted))}", file=sys.stderr)
        return fitted.text


def _prefixes_of(run: "Run") -> tuple[str, ...]:
    """The prefixes that the run's reports continued."""
    from lyric_lm.errors import SettingsError

    prefixes = run.settings().report.prefixes
    if not prefixes:
        raise SettingsError("This run's reports continued nothing: say with --prefix what to continue.")
    return prefixes


def _training_text(run: "Run", vocabulary: "Vocabulary") -> "Lyrics":
    """The text that the model was trained on, in the model's ids."""
    from lyric_lm.runs.record import check_corpus
    from lyric_lm.training.texts import read_texts

    texts = read_texts(run.settings().corpus)
    check_corpus(run.record(), texts.training, texts.validation)
    ids = vocabulary.encode(texts.training.text)
    return dataclasses.replace(texts.training, ids=ids, vocabulary=vocabulary)


def _print_report(continuations: list[str], training: "Lyrics") -> None:
    from lyric_lm.originality.copy_index import CopyIndex
    from lyric_lm.originality.measures import originality

    print()
    print(printable(str(originality(continuations, CopyIndex(training.text)))))
