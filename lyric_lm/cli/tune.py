"""`lyric-lm tune`."""

import dataclasses
from typing import Literal, Self

from lyric_lm.data.printable import printable
from lyric_lm.settings.config import TrainConfig
from lyric_lm.tuning.settings import SearchConfig, SearchRunConfig, ServiceConfig
from lyric_lm.tuning.space import SearchSpace, with_settings


@dataclasses.dataclass(frozen=True)
class Tune:
    """Search learning rate, hidden size and whatever else is given values; the same command goes on."""

    config: TrainConfig
    space: SearchSpace
    search_config: SearchConfig
    run_config: SearchRunConfig
    service: ServiceConfig
    recipe: Literal["chapter", "generalize"] = "chapter"  # whose values the other flags default to

    @classmethod
    def around(cls, config: TrainConfig) -> Self:
        """The command that searches around a recipe's hidden size, and its optimizer's learning rates.

        Args:
            config: the recipe's.
        """
        size = config.model.hidden_size
        space = SearchSpace(hidden_sizes=(size // 2, size, 2 * size))
        config = with_settings(config, {"learning_rate": None})
        return cls(config, space, SearchConfig(), SearchRunConfig(), ServiceConfig(), recipe="generalize")

    def freed(self, usual: TrainConfig) -> Self:
        """The same command, where only what the user has changed counts as fixed.

        Args:
            usual: the flags' defaults.

        Raises:
            SettingsError: a setting is fixed and searched, or the space contradicts itself otherwise.
        """
        return dataclasses.replace(self, config=self.space.freed(self.config, usual))

    def run(self) -> int:
        """Search, and say what came of it.

        Returns:
            The exit status, 0.
        """
        from lyric_lm.tuning import search
        from lyric_lm.tuning.identity import GO_ON
        from lyric_lm.tuning.report import conclusion
        from lyric_lm.tuning.workers import has_chief_here

        if self.recipe == "chapter" and not has_chief_here():
            self.freed(TrainConfig())  # refuses what is both fixed and searched
        try:
            tuner = search(
                self.config,
                self.space,
                settings=self.search_config,
                run=self.run_config,
                service=self.service,
                write=_say,
            )
        except KeyboardInterrupt:
            folder = printable(str(self.run_config.run_dir))
            _say(f"Finished trials are kept in {folder}: {GO_ON}.")
            raise
        if not tuner.is_worker:
            conclusion(tuner, self.run_config.retrain, write=_say)
        return 0


def _say(line: str) -> None:
    print(line, flush=True)
