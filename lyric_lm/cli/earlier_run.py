"""`--from` and `--resume` of `lyric-lm train`: an earlier run's settings become the flags' defaults."""

import argparse
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from lyric_lm.cli.train import Train
from lyric_lm.settings.config import CorpusConfig, RunConfig, TrainConfig
from lyric_lm.settings.inheritance import settings_for
from lyric_lm.settings.recipe import fine_tune


@dataclasses.dataclass(frozen=True)
class EarlierRun:
    """The settings of the run that a command line names."""

    settings: TrainConfig
    resumed: bool  # gone on with, rather than gone on from
    recipe: bool  # whether the recipe is asked for, too

    @classmethod
    def asked_for(cls, name: str, words: Sequence[str]) -> Self | None:
        """What the words of a command line ask for; None where that is no earlier run.

        Args:
            name: of the command.
            words: flags and values.

        Raises:
            RunError: the run is not there, or its config.json is damaged.
        """
        if name != "train":
            return None
        scan = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        for flag in ("--from", "--run-dir", "--recipe"):
            scan.add_argument(flag, nargs="?", dest=flag)
        scan.add_argument("--resume", action="store_true")
        given = vars(scan.parse_known_args(words)[0])
        path = given["--run-dir"] if given["resume"] else given["--from"]
        if path is None:
            return None
        from lyric_lm.runs.run import Run

        return cls(Run.open(Path(path)).settings(), given["resume"], given["--recipe"] == "generalize")

    def command(self, settings: TrainConfig | None = None) -> Train:
        """The command with the run's settings, or with others."""
        return Train(
            settings or self.settings, RunConfig(), recipe="generalize" if self.recipe else "chapter"
        )

    def parse_again(self, command: Train, parse: Callable[[Any], Any]) -> Train:
        """Parse with the settings that suit the text, where a training goes on from a run with another one.

        So a flag that the user gives counts more than the run's settings and the recipe's.

        Args:
            command: as it was parsed with the run's settings for the flags' defaults.
            parse: parses the command line with the given command's values as the flags' defaults.

        Raises:
            CorpusError: the text cannot be read.
        """
        from lyric_lm.training.texts import read_texts

        named, settings = command.config.corpus.corpus, self.settings
        if self.resumed:
            return command
        if named != settings.corpus.corpus:
            settings = settings_for(settings, CorpusConfig(named))
            command = parse(self.command(settings))
        if self.recipe:
            corpus = command.config.corpus
            settings = fine_tune(settings, len(read_texts(corpus).learnt(corpus).ids))
            command = parse(self.command(settings))
        return command
