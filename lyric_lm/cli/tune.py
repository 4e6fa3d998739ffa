"""`lyric-lm tune`."""

import dataclasses
import sys
from collections.abc import Sequence
from typing import Literal, Self

from lyric_lm.cli.progress import progress
from lyric_lm.cli.setting_values import SettingValues, first_of, several_of, values_of
from lyric_lm.settings.changes import with_settings
from lyric_lm.settings.config import CorpusConfig, ReportConfig, SamplingConfig, TrainConfig
from lyric_lm.settings.search import SearchConfig, SearchRunConfig, ServiceConfig
from lyric_lm.settings.space import DEFAULT_SPACE, FORMER_NAMES, SearchSpace


@dataclasses.dataclass(frozen=True)
class Tune:
    """Search learning rate, hidden size and what else has several values; the same command again goes on."""

    corpus: CorpusConfig
    values: SettingValues = dataclasses.field(default_factory=lambda: SettingValues(**DEFAULT_SPACE.values))
    report: ReportConfig = dataclasses.field(default_factory=ReportConfig)
    sampling: SamplingConfig = dataclasses.field(default_factory=SamplingConfig)
    search_config: SearchConfig = dataclasses.field(default_factory=SearchConfig)
    run_config: SearchRunConfig = dataclasses.field(default_factory=SearchRunConfig)
    service: ServiceConfig = dataclasses.field(default_factory=ServiceConfig)
    # what the other flags default to: the chapter's settings, or those for new lines instead of copies
    recipe: Literal["chapter", "generalize"] = "chapter"

    def __post_init__(self) -> None:
        SearchSpace(**several_of(self.values))
        _ = self.config  # both refuse what no training accepts

    @classmethod
    def around(cls, config: TrainConfig) -> Self:
        """The command that searches around a recipe's hidden size, and its optimizer's learning rates.

        Args:
            config: the recipe's.
        """
        size = config.model.hidden_size
        varied = {"hidden_size": (size // 2, size, 2 * size), "learning_rate": None}
        values = SettingValues(**{**values_of(config), **varied})
        return cls(config.corpus, values, config.report, config.sampling, recipe="generalize")

    @property
    def config(self) -> TrainConfig:
        """The settings that stay; of one that varies its first value, which means nothing."""
        config = TrainConfig(corpus=self.corpus, report=self.report, sampling=self.sampling)
        return with_settings(config, first_of(self.values))

    def run(self) -> int:
        """Search, and say what came of it.

        Returns:
            The exit status, 0.
        """
        from lyric_lm.tuning import search
        from lyric_lm.tuning.identity import GO_ON
        from lyric_lm.tuning.report import conclusion

        with progress() as (show, watch):
            try:
                tuner = search(
                    self.config,
                    SearchSpace(**several_of(self.values)),
                    settings=self.search_config,
                    run=self.run_config,
                    service=self.service,
                    write=show,
                    watch=watch,
                )
            except KeyboardInterrupt:
                show(f"Finished trials are kept in {self.run_config.run_dir}: {GO_ON}.")
                raise
            if not tuner.is_worker:
                conclusion(tuner, self.run_config.retrain, write=show, watch=watch)
        return 0


def with_present_names(args: Sequence[str]) -> list[str]:
    """The words of a command line, with version 0.1's flags for several values named as they are now."""
    words, changed = list(args), {}
    for i, word in enumerate(words):
        flag, equals, value = word.partition("=")
        now = FORMER_NAMES.get(flag.removeprefix("--").replace("-", "_")) if flag.startswith("--") else None
        if now is not None:
            changed[flag] = "--" + now.replace("_", "-")
            words[i] = changed[flag] + equals + value
    if changed:
        names = ", ".join(f"{flag} is called {now} now" for flag, now in changed.items())
        print(f"lyric-lm: {names}; the next version will not know the old name.", file=sys.stderr)
    return words
