"""How a search is run: frozen dataclasses whose fields are the flags. Imports nothing heavy."""

import dataclasses
from pathlib import Path
from typing import Literal

from lyric_lm.checks import check_at_least_one, check_not_negative, check_positive
from lyric_lm.errors import SettingsError

DEFAULT_TRIALS = 30  # of the two tuners that would never end by themselves


@dataclasses.dataclass(frozen=True)
class SearchConfig:
    """How to search."""

    tuner: Literal["random", "bayesian", "hyperband", "grid"] = "random"  # how the next trial is chosen
    max_trials: int | None = None  # at most; None: 30, for hyperband and grid all that they plan
    objective: str | None = None  # to minimise; None: val_perplexity, or perplexity where nothing is held out
    pruning: bool = True  # end trials early that are worse than the median; hyperband has rounds for that
    search_seed: int = 0  # of the tuner's choices; the trainings' own is --seed

    def __post_init__(self) -> None:
        check_at_least_one(max_trials=self.max_trials)
        check_not_negative(search_seed=self.search_seed)

    def checked_objective(self, *, held_out: bool) -> str:
        """The metric to minimise.

        Args:
            held_out: whether a part of the text is held out, so that the metrics of validation exist.

        Raises:
            SettingsError: there is no such metric.
        """
        names = ["loss", "perplexity"] + (["val_loss", "val_perplexity"] if held_out else [])
        if self.objective is None:
            return names[-1]
        if self.objective not in names:
            hint = "" if held_out else ", and val_ metrics with --validation-split"
            raise SettingsError(
                f"There is no metric {self.objective!r} to minimise: --objective takes "
                f"{' or '.join(names)}{hint}."
            )
        return self.objective

    @property
    def trial_limit(self) -> int | None:
        """The largest number of trials; None for no limit but the tuner's own."""
        if self.max_trials is None and self.tuner in ("random", "bayesian"):
            return DEFAULT_TRIALS
        return self.max_trials


@dataclasses.dataclass(frozen=True)
class SearchRunConfig:
    """Where the search is kept, and what happens after it."""

    run_dir: Path = Path("runs/search")  # the search's folder; one that it holds is continued
    overwrite: bool = False  # replace the search that the folder holds
    keep_checkpoints: bool = False  # keep the models of losing trials too
    retrain: int = 0  # train the best setting this many times anew, with other seeds

    def __post_init__(self) -> None:
        check_not_negative(retrain=self.retrain)


@dataclasses.dataclass(frozen=True)
class ServiceConfig:
    """Several processes."""

    workers: int = 0  # processes to start on this machine to share the trials; 0: this process does them
    port: int = 0  # on 127.0.0.1, of the chief, which hands out the trials; 0 takes a free one
    worker_timeout: float = 60.0  # seconds of silence after which a worker counts as dead
    chief_timeout: float = 60.0  # seconds after which a worker gives up a chief that does not answer

    def __post_init__(self) -> None:
        check_not_negative(workers=self.workers)
        check_positive(worker_timeout=self.worker_timeout, chief_timeout=self.chief_timeout)
        if not 0 <= self.port < 2**16:
            raise ValueError(f"`port` must be in [0, 65536). Received: port={self.port}")
