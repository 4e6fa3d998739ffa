"""`lyric-lm generate`."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyric_lm.checks import check_at_least_one, check_not_negative
from lyric_lm.cli.given_run import advised, fitted, open_run, training_text
from lyric_lm.data.printable import printable
from lyric_lm.settings.config import MOST_CHARS, SamplingConfig, check_at_most

if TYPE_CHECKING:
    from lyric_lm.data import Lyrics
    from lyric_lm.runs.run import Run

_MOST_SAMPLES = 1000
_MOST_LINES, _LONGEST_LINE = 10_000, 60  # lines, and characters of one


@dataclasses.dataclass(frozen=True)
class Generate:
    """Write on from a prefix with a trained model."""

    sampling: SamplingConfig  # how characters are picked; what is not given is as in the training's samples
    run_dir: Path | None = None  # the folder of a finished run; None: the newest
    greedy: bool = False  # always take the likeliest character, whatever the training's samples did
    # what to continue; "" begins a text; None: what the training's samples continued
    prefix: tuple[str, ...] | None = None
    num_chars: int = 50  # characters to add
    num_lines: int | None = None  # lines to add instead, each of them whole
    num_samples: int = 1  # continuations of each prefix
    seed: int | None = None  # the same seed gives the same text; None: another each time
    strict_prefix: bool = False  # refuse a character that the model does not know
    report: bool = False  # say afterwards how much is copied from the training text
    interactive: bool = False  # type a line, get the next; /help lists the commands

    def __post_init__(self) -> None:
        if self.prefix == ():
            raise ValueError("`prefix` must be one text or more. Received: none")
        check_at_least_one(num_chars=self.num_chars, num_samples=self.num_samples, num_lines=self.num_lines)
        check_at_most(self, num_chars=MOST_CHARS, num_samples=_MOST_SAMPLES, num_lines=_MOST_LINES)
        check_not_negative(seed=self.seed)
        if self.interactive and self.sampling.beam_width is not None:
            raise ValueError("`interactive` shows characters as they come, which `beam_width` cannot")
        for name, given in (
            ("prefix", self.prefix is not None),
            ("num_samples", self.num_samples > 1),
            ("num_lines", self.num_lines is not None),
            ("report", self.report),
        ):
            if self.interactive and given:
                raise ValueError(f"`interactive` writes a line to each that you type: leave out `{name}`")
        drawing = ("temperature", "top_k", "top_p", "beam_width")
        chosen = [name for name in drawing if getattr(self.sampling, name) is not None]
        if self.greedy and chosen:
            raise ValueError(f"`greedy` takes the likeliest character: leave out `{chosen[0]}`")

    def run(self) -> None:
        """Print each prefix and its continuation, or start a session."""
        run = open_run(self.run_dir)
        model = run.load_model()
        sampling = advised(self.sampling, run, greedy=self.greedy)
        if self.interactive:
            self._session(run, model, sampling)
            return
        asked = _prefixes_of(run) if self.prefix is None else self.prefix
        known = [fitted(prefix, model.vocabulary, strict=self.strict_prefix) for prefix in asked]
        prefixes = [prefix for prefix in known for _ in range(self.num_samples)]
        needs_text = self.report or sampling.max_copy is not None
        training = training_text(run, model.vocabulary) if needs_text else None
        texts = self._texts(model, prefixes, sampling, training)
        for i, text in enumerate(texts, start=1):
            if len(texts) > 1:
                print("\n" * (i > 1) + f"{i}. ", end="")
            print(printable(text))
        if self.report and training is not None:
            _print_report([t[len(p) :] for t, p in zip(texts, prefixes, strict=True)], training)

    def _texts(
        self, model: Any, prefixes: list[str], sampling: SamplingConfig, training: "Lyrics | None"
    ) -> list[str]:
        """Each prefix with its continuation."""
        from lyric_lm.generation.building import build_rules, build_sampler
        from lyric_lm.generation.generate import generate
        from lyric_lm.generation.line_ends import beginning, first_lines, line_end

        end = line_end(model.vocabulary)
        read = [prefix or beginning(model.vocabulary) for prefix in prefixes]
        if not all(read) and model.vocabulary.song_end_id is None:
            from lyric_lm.errors import SettingsError

            raise SettingsError(
                "This model has learnt neither line ends nor spaces, so it cannot begin a text by itself: "
                "give a --prefix."
            )
        num_chars = self.num_chars if self.num_lines is None else self.num_lines * _LONGEST_LINE
        texts = generate(
            model,
            read,
            num_chars,
            sampler=build_sampler(sampling),
            rules=build_rules(sampling, training),
            seed=self.seed,
        )
        added = [text[len(before) :] for text, before in zip(texts, read, strict=True)]
        if self.num_lines is not None:
            added = [first_lines(text, self.num_lines, end) for text in added]
        return [prefix + text for prefix, text in zip(prefixes, added, strict=True)]

    def _session(self, run: "Run", model: Any, sampling: SamplingConfig) -> None:
        from lyric_lm.cli.session import Session

        Session(
            model,
            training_text(run, model.vocabulary),
            sampling,
            longest=self.num_chars,
            strict=self.strict_prefix,
            seed=self.seed,
            liked=run.path / "liked.txt",
        ).run()


def _prefixes_of(run: "Run") -> tuple[str, ...]:
    """The prefixes that the run's reports continued."""
    from lyric_lm.errors import SettingsError

    prefixes = run.settings().report.prefixes
    if not prefixes:
        raise SettingsError("This run's reports continued nothing: say with --prefix what to continue.")
    return prefixes


def _print_report(continuations: list[str], training: "Lyrics") -> None:
    from lyric_lm.originality.copy_index import CopyIndex
    from lyric_lm.originality.measures import originality

    print()
    print(printable(str(originality(continuations, CopyIndex(training.text)))))
