"""What the commands that write need of a run: the run itself, its text, its advice on sampling, prefixes."""

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyric_lm.data.printable import printable
from lyric_lm.settings.config import SamplingConfig

if TYPE_CHECKING:
    from lyric_lm.data import Lyrics, Vocabulary
    from lyric_lm.runs.run import Run

_MAX_COPY = 8  # characters in a row, where --max-copy says nothing


def say(line: str) -> None:
    """A line for the person, beside what is written."""
    print(f"lyric-lm: {printable(line)}", file=sys.stderr)


def open_run(path: Path | None) -> "Run":
    """The run that is named, or else the newest one, which is said.

    Raises:
        RunError: there is none.
    """
    from lyric_lm.runs.newest import newest_run
    from lyric_lm.runs.run import Run

    if path is None:
        path = newest_run()
        say(f"the newest run, {path}")
    return Run.open(path)


def advised(given: SamplingConfig, run: "Run", *, greedy: bool = False) -> SamplingConfig:
    """The settings that a person gave, on top of those that the run's reports have.

    Args:
        given: the command's flags.
        run: whose advice it is.
        greedy: whether the advice on how to pick does not count; that on what to bar does.
    """
    advice = run.settings().sampling
    if greedy or given.beam_width is not None:
        advice = dataclasses.replace(advice, temperature=None, top_k=None, top_p=None)
    if given.temperature is not None or given.top_k is not None or given.top_p is not None:
        advice = dataclasses.replace(advice, beam_width=None)
    said = {name: value for name, value in dataclasses.asdict(given).items() if value is not None}
    return dataclasses.replace(advice, **said)


def drawing(sampling: SamplingConfig) -> SamplingConfig:
    """Settings that draw, do not loop and do not copy, where the run's and the person's leave that open."""
    chosen: dict[str, Any] = {"beam_width": None}
    if sampling.temperature is None:
        chosen["temperature"] = 0.8
    if sampling.no_repeat_ngram is None:
        chosen["no_repeat_ngram"] = 4
    if sampling.max_copy is None:
        chosen["max_copy"] = _MAX_COPY
    return dataclasses.replace(sampling, **chosen)


def training_text(run: "Run", vocabulary: "Vocabulary") -> "Lyrics":
    """The text that the model was trained on, in the model's ids; of one that is not in memory, the end.

    Raises:
        CorpusError: the run keeps none, and it cannot be read.
        RunMismatchError: the run keeps none, and it has changed.
    """
    from lyric_lm.data.stored_lyrics import HELD_ONLY
    from lyric_lm.training.texts import texts_of

    training = texts_of(run).training
    if not training.is_held:
        say(HELD_ONLY)
    return training.held.known_by(vocabulary)


def fitted(text: str, vocabulary: "Vocabulary", *, strict: bool = False) -> str:
    """What a person typed, in characters that the model knows; what was changed is said.

    Raises:
        UnknownCharacterError: nothing of it is left, or `strict` and a character is unknown.
    """
    from lyric_lm.data import UnknownCharacterError, name_characters
    from lyric_lm.generation.prefix import fit_prefix

    if strict and (missing := vocabulary.missing(text)):
        raise UnknownCharacterError(
            f"The model does not know {name_characters(missing)}: write the prefix without, "
            "or leave out --strict-prefix.",
            characters=missing,
        )
    if not text:
        return ""
    found = fit_prefix(text, vocabulary)
    if str(found):
        say(str(found))
    return found.text
