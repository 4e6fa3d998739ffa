"""`lyric-lm train --recipe generalize`: the recipe's values become the flags' defaults."""

import argparse
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from lyric_lm.cli.train import Train
from lyric_lm.config import RunConfig, TrainConfig
from lyric_lm.recipe import generalize

_LENGTH_IN_HELP = 60_000  # characters; `--help` shows the values for a text of this length


def asks_for_recipe(args: Sequence[str]) -> bool:
    """Whether the words of a command line ask for another recipe than the chapter's."""
    if args[:1] != ["train"]:
        return False
    scan = argparse.ArgumentParser("lyric-lm train", add_help=False, allow_abbrev=False)
    scan.add_argument("--recipe")
    return bool(scan.parse_known_args(args)[0].recipe == "generalize")


def parse_with_recipe(parse: Callable[[Train], Any]) -> Train:
    """Parse twice: for the flags that say which text to learn, then with the values for its length.

    So a flag that the user gives overrides the recipe, whatever the text.

    Args:
        parse: parses the command line with the given command's values as the flags' defaults.

    Raises:
        CorpusError: the text cannot be read.
    """
    from lyric_lm.texts import load_texts

    first = parse(_with_defaults(generalize(_LENGTH_IN_HELP)))
    num_chars = len(load_texts(first.config.data).training.text)
    second: Train = parse(_with_defaults(generalize(num_chars)))
    return dataclasses.replace(second, recipe="generalize")


def _with_defaults(config: TrainConfig) -> Train:
    return Train(config, RunConfig(), recipe="generalize")
