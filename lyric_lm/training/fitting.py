"""Settings that nobody gave are made to suit the text: prefixes that stand in it, batches that fit it."""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Callable

from lyric_lm.data import Lyrics
from lyric_lm.settings.config import OptimizerConfig, ReportConfig, TrainConfig
from lyric_lm.training.parent import Parent
from lyric_lm.training.texts import Texts, read_texts

_FEWEST_BATCHES = 4  # in an epoch, as the recipe has them
_LONGEST_BEGINNING = 12  # characters of a line's first word
_FEW_HELD_OUT, _FEW_LEARNT = 500, 2_000  # characters


def load_fitted(
    config: TrainConfig, show: Callable[[str], object], parent: Parent | None = None
) -> tuple[TrainConfig, Texts]:
    """Read a training's texts, let the defaults suit them, and check that all settings do.

    Args:
        config: the settings.
        show: called with a line about each setting that was changed.
        parent: the run to go on from, if any.

    Returns:
        The settings as they are now, and the texts.

    Raises:
        CorpusError: a text cannot be read, or is too short.
        UnknownCharacterError, SettingsError: as `Texts.check`, and `Parent.check`.
    """
    if parent is not None:
        parent.check(config)
    texts = read_texts(config.corpus) if parent is None else parent.texts(config.corpus)
    fitted, notes = fit_settings(config, texts)
    texts.check(fitted)
    for note in notes:
        show(note)
    return fitted, texts


def fit_settings(config: TrainConfig, texts: Texts) -> tuple[TrainConfig, list[str]]:
    """The settings, where those that have their defaults suit the text, and a line about each change.

    The chapter's prefixes give way to the text's commonest beginnings of lines where they do not stand in it,
    its batches to smaller ones where not a single one fits. What has another value stays.
    """
    optimizer, notes = _fitting_sizes(config.optimizer, len(texts.learnt(config.corpus).ids))
    report = config.report
    if report.prefixes == ReportConfig.prefixes and any(map(texts.vocabulary.missing, report.prefixes)):
        prefixes = common_beginnings(texts.training, len(report.prefixes))
        notes.append(
            f"{' and '.join(report.prefixes)} do not stand in the text: the samples go on from its commonest "
            f"beginnings of lines, {' and '.join(map(repr, prefixes))} (--prefixes)."
        )
        report = dataclasses.replace(report, prefixes=prefixes)
    return dataclasses.replace(config, optimizer=optimizer, report=report), notes


def expectations(texts: Texts) -> list[str]:
    """What a text so short cannot do, a sentence each; none for a longer one."""
    said = []
    learnt = len(texts.training.ids)
    if learnt < _FEW_LEARNT:
        said.append(
            f"{learnt:,} characters are few: a model learns them by heart. Expect it to copy, and of its "
            "perplexity only that it falls."
        )
    held_out = None if texts.validation is None else len(texts.validation.ids)
    if held_out is not None and held_out < _FEW_HELD_OUT:
        said.append(f"{held_out:,} held-out characters decide nothing: take their perplexity for a hint.")
    return said


def common_beginnings(lyrics: Lyrics, number: int) -> tuple[str, ...]:
    """The commonest beginnings of a text's lines: two characters, or a word of letters.

    >>> from lyric_lm.data import load_lyrics
    >>> common_beginnings(load_lyrics("built-in"), 2)
    ('我们', '我说')
    """
    starts = lyrics.line_starts.tolist()
    text = lyrics.text if lyrics.is_held else lyrics.part(0, max(starts[-1], 2)).text
    lines = (text[start:end].strip() for start, end in itertools.zip_longest(starts, starts[1:]))
    counts = Counter(_beginning(line) for line in lines if line)
    for beginning in list(counts):
        if lyrics.vocabulary.missing(beginning):
            del counts[beginning]
    return tuple(beginning for beginning, _ in counts.most_common(number))


def _beginning(line: str) -> str:
    """A first word where words are written with letters in cases, as Latin ones; else two characters."""
    has_cases = line[0].lower() != line[0].upper()
    return line.split(maxsplit=1)[0][:_LONGEST_BEGINNING] if has_cases else line[:2].rstrip()


def _fitting_sizes(config: OptimizerConfig, num_chars: int) -> tuple[OptimizerConfig, list[str]]:
    rows, steps = config.batch_size, config.num_steps
    if (num_chars // rows - 1) // steps >= 1:
        return config, []
    if rows == OptimizerConfig.batch_size:
        rows = max(1, min(rows, num_chars // (_FEWEST_BATCHES * (steps + 1))))
    if steps == OptimizerConfig.num_steps:
        steps = max(1, min(steps, num_chars // rows - 1))
    fitted = dataclasses.replace(config, batch_size=rows, num_steps=steps)
    if fitted == config or (num_chars // rows - 1) // steps < 1:
        return config, []  # refused, then
    return fitted, [
        f"{num_chars:,} characters are too few for batches of {config.batch_size} x {config.num_steps}: "
        f"they are of {rows} x {steps} (--batch-size, --num-steps)."
    ]
