"""`serve`: KerasTuner's chief, with a watchdog.

KerasTuner's own chief never ends once a worker has died for good, keeps a worker's trial until that very
worker comes back, and two of them can share a port. The service is KerasTuner's, unchanged; a worker shows
that it lives by asking again for the trial that it is at.
"""

import errno
import os
import socket
import time
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc

from lyric_lm.errors import SearchServiceError
from lyric_lm.settings.search import ServiceConfig
from lyric_lm.tuning.identity import GO_ON
from lyric_lm.tuning.keras_internals import OracleServicer, TrialStatus, add_servicer
from lyric_lm.tuning.oracles import DurableOracle
from lyric_lm.tuning.trial_records import trial_number
from lyric_lm.tuning.workers import LocalWorkers

FIRST_WORKER_SECONDS = 600.0  # how long a chief waits for its first worker: a cluster may have a queue
_POLL_SECONDS = 0.2
_GRACE_SECONDS = 2.0  # for answers on their way when the chief ends


def serve(
    oracle: DurableOracle,
    service: ServiceConfig,
    *,
    write: Callable[[str], object],
    start_workers: Callable[[int], LocalWorkers] | None = None,
) -> None:
    """Give trials to workers until there are no more.

    A worker that is silent for `service.worker_timeout`, or whose process here has ended, counts as dead: its
    trial goes to another. One that comes back under its old id is welcome.

    Args:
        oracle: chooses the trials; every result is on disk before the worker hears so.
        service: port and timeout.
        write: called with a line for each dead worker.
        start_workers: called with the port, once it is open; None where workers are started elsewhere.

    Raises:
        SearchServiceError: the port is in use, or no worker is left.
    """
    oracle.save()
    servicer, workers, timeout = _Servicer(oracle), None, service.worker_timeout
    server, port = _open_server(servicer, service)
    try:
        server.start()
        workers = start_workers(port) if start_workers else None
        while not servicer.over():
            time.sleep(_POLL_SECONDS)
            if servicer.error is not None:
                raise servicer.error
            dead = dict.fromkeys(servicer.silent(timeout), f"silent for {timeout:g} s")
            dead |= dict.fromkeys(workers.newly_dead() if workers else [], "its process has ended")
            for tuner_id, why in dead.items():
                trial_id = servicer.release(tuner_id)
                rest = f"; its trial {trial_number(trial_id)} goes to another worker" if trial_id else ""
                write(f"{tuner_id} counts as dead ({why}){rest}")
            problem = _why_nobody_comes(servicer, workers, timeout)
            if problem and not servicer.heard and not servicer.over():
                kept = f"the {len(oracle.end_order)} finished trials are kept"
                raise SearchServiceError(f"{problem}: {kept}; {GO_ON}.")
    finally:
        if workers is not None:
            workers.stop()
        server.stop(_GRACE_SECONDS).wait()


def _why_nobody_comes(servicer: "_Servicer", workers: LocalWorkers | None, timeout: float) -> str:
    """Why no worker can be expected any more; "" where one can."""
    if workers is not None and workers.all_ended():
        return f"All workers have ended, see {workers.logs}"
    # Twice, so that a worker started anew finds its chief.
    limit = 2 * timeout if servicer.has_worked else FIRST_WORKER_SECONDS
    if time.monotonic() - servicer.last_heard <= limit:
        return ""
    return f"No worker has {'answered for' if servicer.has_worked else 'come within'} {limit:g} s"


class _Servicer(OracleServicer):  # type: ignore[misc]
    """KerasTuner's service, which remembers when it heard of each worker, and what went wrong here."""

    def __init__(self, oracle: DurableOracle) -> None:
        super().__init__(oracle)
        self.heard: dict[str, float] = {}  # worker -> time, of those still at work
        self.last_heard = time.monotonic()  # or since when nobody has been
        self.has_worked = False  # whether anybody ever came
        self.error: BaseException | None = None

    def CreateTrial(self, request: Any, context: Any) -> Any:  # noqa: N802, the service's own name
        response = self._noting_errors(super().CreateTrial, request, context)
        self.heard[request.tuner_id] = self.last_heard = time.monotonic()
        self.has_worked = True
        if response.trial.status == TrialStatus.to_proto(TrialStatus.STOPPED):
            self.heard.pop(request.tuner_id, None)
        return response

    def UpdateTrial(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._refuse_stranger(request.trial_id, context)
        return self._noting_errors(super().UpdateTrial, request, context)

    def EndTrial(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._refuse_stranger(request.trial.trial_id, context)
        return self._noting_errors(super().EndTrial, request, context)

    def silent(self, seconds: float) -> list[str]:
        """The workers not heard of for so long."""
        now = time.monotonic()
        return [tuner_id for tuner_id, heard in list(self.heard.items()) if now - heard > seconds]

    def release(self, tuner_id: str) -> str | None:
        """Forget a dead worker; its trial's id, if it had one, which goes to another."""
        self.heard.pop(tuner_id, None)
        return self.oracle.release(tuner_id)  # type: ignore[no-any-return]

    def over(self) -> bool:
        """Whether every trial has ended and every worker knows."""
        return self.stop_triggered and not self.oracle.ongoing_trials and not self.oracle.tuner_ids

    def _refuse_stranger(self, trial_id: str, context: Any) -> None:
        if trial_id not in self.oracle.trials:
            context.abort(grpc.StatusCode.NOT_FOUND, f"trial {trial_id} is of another search")

    def _noting_errors(self, answer: Callable[[Any, Any], Any], request: Any, context: Any) -> Any:
        try:
            return answer(request, context)
        except BaseException as error:
            self.error = error  # grpc would only tell the worker
            raise


def _open_server(servicer: _Servicer, service: ServiceConfig) -> tuple[Any, int]:
    host = os.environ.get("KERASTUNER_ORACLE_IP", "127.0.0.1")
    port = int(os.environ.get("KERASTUNER_ORACLE_PORT", service.port))
    try:
        # grpc would print its own account of a failure.
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        cure = "let KERASTUNER_ORACLE_IP be an address of the chief's own machine"
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            name = "KERASTUNER_ORACLE_PORT" if "KERASTUNER_ORACLE_IP" in os.environ else "--port"
            cure = f"choose another with {name}"
        raise SearchServiceError(
            f"The chief cannot have port {port} of {host} ({error.strerror}): {cure}."
        ) from error
    # One thread, as KerasTuner has it, since its lock knows threads by their names only.
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1), options=[("grpc.so_reuseport", 0)])
    add_servicer(servicer, server)
    return server, int(server.add_insecure_port(f"{host}:{port}"))
