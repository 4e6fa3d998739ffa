"""`lyric-lm tune`."""

import dataclasses

from lyric_lm.config import TrainConfig
from lyric_lm.tuning.settings import SearchConfig, SearchRunConfig, ServiceConfig
from lyric_lm.tuning.space import SearchSpace


@dataclasses.dataclass(frozen=True)
class Tune:
    """Search learning rate, hidden size and whatever else is given values; the same command goes on."""

    config: TrainConfig
    space: SearchSpace
    search_config: SearchConfig
    run_config: SearchRunConfig
    service: ServiceConfig

    def run(self) -> int:
        """Search, and say what came of it.

        Returns:
            The exit status, 0.
        """
        from lyric_lm.tuning import search
        from lyric_lm.tuning.report import conclusion

        tuner = search(
            self.config,
            self.space,
            settings=self.search_config,
            run=self.run_config,
            service=self.service,
            write=_say,
        )
        if not tuner.is_worker:
            conclusion(tuner, self.run_config.retrain, write=_say)
        return 0


def _say(line: str) -> None:
    print(line, flush=True)
