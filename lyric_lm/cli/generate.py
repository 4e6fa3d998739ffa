"""`lyric-lm generate`."""

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lyric_lm.config import SamplingConfig
from lyric_lm.printable import printable

if TYPE_CHECKING:
    from lyric_lm.data import Lyrics, Vocabulary
    from lyric_lm.runs.run import Run


@dataclasses.dataclass(frozen=True)
class Generate:
    """Write on from a prefix with a trained model."""

    run_dir: Path  # the folder of a finished run
    sampling: SamplingConfig
    prefix: tuple[str, ...] = ("分开",)  # what to continue; one or more
    num_chars: int = 50  # characters to add
    num_samples: int = 1  # continuations of each prefix
    seed: int | None = None  # the same seed gives the same text; None draws one
    strict_prefix: bool = False  # refuse a character that the model does not know
    report: bool = False  # say afterwards how much is copied from the training text
    interactive: bool = False  # type a line, get the next; /help lists the commands

    def __post_init__(self) -> None:
        if not self.prefix or not all(self.prefix):
            raise ValueError("`prefix` must hold at least one character. Received: prefix=''")
        for name in ("num_chars", "num_samples"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1. Received: {name}={getattr(self, name)}")
        if self.seed is not None and self.seed < 0:
            raise ValueError(f"`seed` must not be negative. Received: seed={self.seed}")
        if self.interactive and self.sampling.beam_width is not None:
            raise ValueError("`interactive` shows characters as they come, which `beam_width` cannot")

    def run(self) -> None:
        """Print each prefix and its continuation, or start a session."""
        from lyric_lm.generation.generate import generate
        from lyric_lm.generation.sampling import build_rules, build_sampler
        from lyric_lm.runs.run import Run

        run = Run.open(self.run_dir)
        model = run.load_model()
        if self.interactive:
            from lyric_lm.cli.interactive import Session

            learnt, liked = _training_text(run, model.vocabulary), run.path / "liked.txt"
            Session(model, learnt, self.sampling, num_chars=self.num_chars, liked=liked).run()
            return
        prefixes = [self._fitted(prefix, model.vocabulary) for prefix in self.prefix]
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
        from lyric_lm.data import Vocabulary
        from lyric_lm.generation.prefix import fit_prefix

        if self.strict_prefix:
            Vocabulary(vocabulary.characters).encode(prefix)  # raises, naming the character
        fitted = fit_prefix(prefix, vocabulary)
        if str(fitted):
            print(f"lyric-lm: {printable(str(fitted))}", file=sys.stderr)
        return fitted.text


def _training_text(run: "Run", vocabulary: "Vocabulary") -> "Lyrics":
    """The text that the model was trained on, in the model's ids."""
    from lyric_lm.runs.record import check_corpus
    from lyric_lm.texts import load_texts

    texts = load_texts(run.settings().data)
    check_corpus(run.record(), texts.training, texts.validation)
    ids = vocabulary.encode(texts.training.text)
    return dataclasses.replace(texts.training, ids=ids, vocabulary=vocabulary)


def _print_report(continuations: list[str], training: "Lyrics") -> None:
    from lyric_lm.originality.copy_index import CopyIndex
    from lyric_lm.originality.measures import originality

    print()
    print(printable(str(originality(continuations, CopyIndex(training.text)))))
