"""`serve`: KerasTuner's chief, with a watchdog.

KerasTuner's own chief never ends once a worker has died for good, keeps a worker's trial until that very
worker comes back, and two of them can share a port. The service is KerasTuner's, unchanged; a worker shows
that it lives by asking again for the trial that it is at.
"""

import contextlib
import errno
import os
import socket
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import grpc

from lyric_lm.errors import SearchServiceError
from lyric_lm.settings.search import ServiceConfig
from lyric_lm.tuning.identity import GO_ON
from lyric_lm.tuning.keras_internals import OracleServicer, TrialStatus, new_service
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
    first_worker_seconds: float = FIRST_WORKER_SECONDS,
) -> None:
    """Give trials to workers until there are no more.

    A worker that is silent for `service.worker_timeout`, or whose process here has ended, counts as dead: its
    trial goes to another. One that comes back under its old id is welcome.

    Args:
        oracle: chooses the trials; every result is on disk before the worker hears so.
        service: port and timeout.
        write: called with a line for each dead worker.
        start_workers: called with the port, once it is open; None where workers are started elsewhere.
        first_worker_seconds: how long to wait for the first one.

    Raises:
        SearchServiceError: the port is in use, or no worker is left.
    """
    oracle.save()
    servicer = _Servicer(oracle)
    server, port = _open_server(servicer, service)
    workers = None
    try:
        server.start()
        workers = start_workers(port) if start_workers else None
        _Watchdog(servicer, service, workers, first_worker_seconds=first_worker_seconds, write=write).watch()
    finally:
        if workers is not None:
            workers.stop()
        server.stop(_GRACE_SECONDS).wait()


class _Servicer(OracleServicer):  # type: ignore[misc]
    """KerasTuner's service, which remembers when it heard of each worker, and what went wrong here."""

    def __init__(self, oracle: DurableOracle) -> None:
        super().__init__(oracle)
        self.heard: dict[str, float] = {}  # worker -> time, of those still at work
        self.last_heard: float | None = None
        self.error: BaseException | None = None

    def CreateTrial(self, request: Any, context: Any) -> Any:  # noqa: N802, the service's own name
        with self._noting_errors():
            response = super().CreateTrial(request, context)
        self._hear(request.tuner_id)
        if response.trial.status == TrialStatus.to_proto(TrialStatus.STOPPED):
            self.heard.pop(request.tuner_id, None)
        return response

    def UpdateTrial(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._refuse_stranger(request.trial_id, context)
        with self._noting_errors():
            return super().UpdateTrial(request, context)

    def EndTrial(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._refuse_stranger(request.trial.trial_id, context)
        with self._noting_errors():
            return super().EndTrial(request, context)

    def silent(self, seconds: float) -> list[str]:
        """The workers not heard of for so long."""
        now = time.monotonic()
        return [tuner_id for tuner_id, heard in list(self.heard.items()) if now - heard > seconds]

    def _refuse_stranger(self, trial_id: str, context: Any) -> None:
        if trial_id not in self.oracle.trials:
            context.abort(grpc.StatusCode.NOT_FOUND, f"trial {trial_id} is of another search")

    def _hear(self, tuner_id: str) -> None:
        self.heard[tuner_id] = self.last_heard = time.monotonic()

    @contextlib.contextmanager
    def _noting_errors(self) -> Iterator[None]:
        try:
            yield
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
        on_cluster = "KERASTUNER_ORACLE_IP" in os.environ
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            cure = f"choose another with {'KERASTUNER_ORACLE_PORT' if on_cluster else '--port'}"
        else:
            cure = "let KERASTUNER_ORACLE_IP be an address of the chief's own machine"
        raise SearchServiceError(
            f"The chief cannot have port {port} of {host} ({error.strerror}): {cure}."
        ) from error
    # One thread, as KerasTuner has it, since its lock knows threads by their names only.
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1), options=[("grpc.so_reuseport", 0)])
    new_service(servicer, server)
    return server, int(server.add_insecure_port(f"{host}:{port}"))


class _Watchdog:
    """Looks after the workers, and ends a search that nobody works on any more."""

    def __init__(
        self,
        servicer: _Servicer,
        service: ServiceConfig,
        workers: LocalWorkers | None,
        *,
        first_worker_seconds: float,
        write: Callable[[str], object],
    ) -> None:
        self._servicer, self._workers, self._write = servicer, workers, write
        self._oracle: DurableOracle = servicer.oracle
        self._timeout = service.worker_timeout
        self._first_worker_seconds = first_worker_seconds
        self._began = time.monotonic()

    def watch(self) -> None:
        """Return when every trial has ended and every worker knows."""
        while not self._over():
            time.sleep(_POLL_SECONDS)
            if self._servicer.error is not None:
                raise self._servicer.error
            for tuner_id in self._servicer.silent(self._timeout):
                self._count_as_dead(tuner_id, f"silent for {self._timeout:g} s")
            for tuner_id in self._workers.newly_dead() if self._workers else []:
                self._count_as_dead(tuner_id, "its process has ended")
            if not self._over() and not self._servicer.heard:
                self._give_up_without_workers()

    def _over(self) -> bool:
        asked = self._servicer.stop_triggered
        return asked and not self._oracle.ongoing_trials and not self._oracle.tuner_ids

    def _count_as_dead(self, tuner_id: str, why: str) -> None:
        self._servicer.heard.pop(tuner_id, None)
        trial_id = self._oracle.release(tuner_id)
        rest = "" if trial_id is None else f"; its trial {trial_number(trial_id)} goes to another worker"
        self._write(f"{tuner_id} counts as dead ({why}){rest}")

    def _give_up_without_workers(self) -> None:
        """Give up where nobody can be expected to come.

        Raises:
            SearchServiceError: there is no worker, and has not been for too long.
        """
        now, last = time.monotonic(), self._servicer.last_heard
        if self._workers is not None:
            problem = f"All workers have ended, see {self._workers.logs}" if self._workers.all_ended() else ""
        elif last is None:
            waited = now - self._began > self._first_worker_seconds
            problem = f"No worker has come within {self._first_worker_seconds:g} s" if waited else ""
        else:  # twice, so that a worker started anew finds its chief
            waited = now - last > 2 * self._timeout
            problem = f"No worker has answered for {2 * self._timeout:g} s" if waited else ""
        if problem:
            raise SearchServiceError(
                f"{problem}: the {len(self._oracle.end_order)} finished trials are kept; {GO_ON}."
            )
