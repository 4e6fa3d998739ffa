"""`--recipe generalize` of `lyric-lm train` and `lyric-lm tune`: its values become the flags' defaults."""

import argparse
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from lyric_lm.cli.train import Train
from lyric_lm.cli.tune import Tune
from lyric_lm.settings.config import RunConfig, TrainConfig
from lyric_lm.settings.recipe import generalize

_LENGTH_IN_HELP = 60_000  # characters; `--help` shows the values for a text of this length


def asked_recipe(name: str, words: Sequence[str]) -> Train | Tune | None:
    """The command with the values of the recipe that its words ask for; None for the chapter's.

    Args:
        name: of the command.
        words: flags and values; the values are those for a text of some length, as `--help` shows them.
    """
    if name not in ("train", "tune"):
        return None
    scan = argparse.ArgumentParser(f"lyric-lm {name}", add_help=False, allow_abbrev=False)
    scan.add_argument("--recipe")
    if scan.parse_known_args(words)[0].recipe != "generalize":
        return None
    return (Tune.around if name == "tune" else _train_with)(generalize(_LENGTH_IN_HELP))


def parse_with_recipe(command: Train | Tune, parse: Callable[[Any], Any]) -> Train | Tune:
    """Parse again, with the recipe's values for the length of the command's text.

    So a flag that the user gives overrides the recipe, whatever the text.

    Args:
        command: as it was parsed with the recipe's values for some other length.
        parse: parses the command line with the given command's values as the flags' defaults.

    Raises:
        CorpusError: the text cannot be read.
    """
    from lyric_lm.training.texts import read_texts

    corpus = command.config.corpus
    texts = read_texts(corpus)
    if texts.training.is_held:
        values = generalize(len(texts.learnt(corpus).ids))
    else:  # which cannot be searched for repeats
        values = generalize(len(texts.training.ids))
        values = dataclasses.replace(values, corpus=dataclasses.replace(values.corpus, skip_repeats=False))
    again = parse(Tune.around(values) if isinstance(command, Tune) else _train_with(values))
    return dataclasses.replace(again, recipe="generalize")  # type: ignore[no-any-return]


def _train_with(config: TrainConfig) -> Train:
    return Train(config, RunConfig(), recipe="generalize")
