"""The names of KerasTuner that are not public, as of version 1.4.8, and what each is needed for.

Nothing else in this room imports from `keras_tuner.src`.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from keras_tuner.src import protos
from keras_tuner.src.distribute import oracle_chief, oracle_client, utils
from keras_tuner.src.engine import metrics_tracking, trial

OracleClient: Any = oracle_client.OracleClient  # to wait for the chief before there is a tuner
OracleServicer: Any = oracle_chief.OracleServicer  # to watch the workers, which the chief does not
add_servicer: Any = protos.get_service_grpc().add_OracleServicer_to_server  # `start_server` may never end
MetricsTracker: Any = metrics_tracking.MetricsTracker  # a trial done again loses its old scores
Trial: Any = trial.Trial
TrialStatus: Any = trial.TrialStatus


def is_chief() -> bool:
    """Whether KerasTuner's environment variables make this process the chief of a search in several."""
    return bool(utils.is_chief_oracle())


def is_worker() -> bool:
    """Whether they make it a worker, which does trials for a chief."""
    return bool(utils.has_chief_oracle()) and not is_chief()


@contextlib.contextmanager
def client_timeout(seconds: float) -> Iterator[None]:
    """How long a worker waits, in this context, for an answer of its chief; it is an hour otherwise."""
    before, oracle_client.TIMEOUT = oracle_client.TIMEOUT, seconds
    try:
        yield
    finally:
        oracle_client.TIMEOUT = before


def _know_perplexity() -> None:
    """Let `objective="perplexity"` be minimised; the direction is known of Keras' own metrics only."""
    known = metrics_tracking.infer_metric_direction

    def infer_metric_direction(metric: Any) -> Any:
        return "min" if metric in ("perplexity", "val_perplexity") else known(metric)

    metrics_tracking.infer_metric_direction = infer_metric_direction


_know_perplexity()
