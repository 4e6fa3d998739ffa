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


def asks_for_recipe(args: Sequence[str]) -> bool:
    """Whether the words of a command line ask for another recipe than the chapter's."""
    if args[:1] not in (["train"], ["tune"]):
        return False
    scan = argparse.ArgumentParser(f"lyric-lm {args[0]}", add_help=False, allow_abbrev=False)
    scan.add_argument("--recipe")
    return bool(scan.parse_known_args(args)[0].recipe == "generalize")


def parse_with_recipe(name: str, parse: Callable[[Any], Any]) -> Train | Tune:
    """Parse twice: for the flags that say which text to learn, then with the values for its length.

    So a flag that the user gives overrides the recipe, whatever the text.

    Args:
        name: of the command, "train" or "tune".
        parse: parses the command line with the given command's values as the flags' defaults.

    Raises:
        CorpusError: the text cannot be read.
    """
    from lyric_lm.training.texts import read_texts

    default = Tune.around if name == "tune" else _train_with
    first = parse(default(generalize(_LENGTH_IN_HELP)))
    corpus = first.config.corpus
    values = default(generalize(len(read_texts(corpus).learnt(corpus).text)))
    command: Train | Tune = dataclasses.replace(parse(values), recipe="generalize")
    return command


def _train_with(config: TrainConfig) -> Train:
    return Train(config, RunConfig(), recipe="generalize")
