"""Workers: how they reach their chief, show it that they live, and are started on this machine."""

import contextlib
import dataclasses
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc

from lyric_lm.errors import SearchServiceError, SettingsError
from lyric_lm.settings.config import TrainConfig
from lyric_lm.settings.flags import flag, flags_of
from lyric_lm.settings.search import SearchConfig, SearchRunConfig, ServiceConfig
from lyric_lm.settings.space import SearchSpace
from lyric_lm.tuning.keras_internals import OracleClient, client_timeout
from lyric_lm.tuning.tuner import RNNTuner

_CHIEF_PID = "LYRIC_LM_CHIEF_PID"  # in the environment of workers started by a chief
_LAST_SECONDS = 10.0  # for a worker to end by itself after the search


def check_environment() -> None:
    """Make sure that KerasTuner's variables are all there or none is.

    Raises:
        SettingsError: some are missing, or the port is none.
    """
    names = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")
    missing = [name for name in names if not os.environ.get(name)]
    if 0 < len(missing) < len(names):
        raise SettingsError(
            f"A search in several processes needs {' and '.join(missing)} too: set what is missing, or unset "
            "KerasTuner's other variables to search in this process alone."
        )
    port = os.environ.get("KERASTUNER_ORACLE_PORT") or "1"
    if not port.isdecimal() or not 0 < int(port) < 2**16:
        raise SettingsError(f"KERASTUNER_ORACLE_PORT must be a number in [1, 65536). Received: {port}")


def work(
    new_tuner: Callable[[], RNNTuner],
    service: ServiceConfig,
    *,
    check: Callable[[], None],
    callbacks: Sequence[Any] = (),
) -> RNNTuner:
    """Do trials for the chief that the environment names until it has no more.

    Args:
        new_tuner: called once the chief answers.
        service: the timeouts.
        check: called before each trial; raises if the search is another one by now.
        callbacks: for each trial's `fit`.

    Raises:
        SearchServiceError: the chief has not answered for `service.chief_timeout`.
    """

    @contextlib.contextmanager
    def beside_trial() -> Iterator[None]:
        check()
        with _signs_of_life(tuner, service.worker_timeout / 5):
            yield

    try:
        with client_timeout(service.chief_timeout):
            OracleClient(None).get_space()  # waits for the chief, who opens the search first
            check()
            tuner = new_tuner()
            tuner.beside_trial = beside_trial
            tuner.search(callbacks=callbacks)
    except grpc.RpcError as error:
        address = f"{os.environ['KERASTUNER_ORACLE_IP']}:{os.environ['KERASTUNER_ORACLE_PORT']}"
        raise SearchServiceError(
            f"The chief at {address} has not answered for {service.chief_timeout:g} s: start it, or mend "
            "KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT, and start this worker again; what the chief "
            "has heard of is kept."
        ) from error
    return tuner


@contextlib.contextmanager
def _signs_of_life(tuner: RNNTuner, every: float) -> Iterator[None]:
    """Ask the chief again for the trial under way, now and then."""
    over = threading.Event()

    def ask() -> None:
        while not over.wait(every):
            if int(os.environ.get(_CHIEF_PID, os.getppid())) != os.getppid():
                os._exit(1)  # the chief was killed; its successor will have this trial done anew
            with contextlib.suppress(grpc.RpcError):  # the trial's own report will find out
                tuner.oracle.create_trial(tuner.tuner_id)

    thread = threading.Thread(target=ask, name="signs-of-life", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class LocalWorkers:
    """Worker processes on this machine, started by the chief.

    Args:
        commands: for each worker's id the words of its command.
        logs: folder for what they print.
        port: of the chief, on 127.0.0.1.
    """

    def __init__(self, commands: Mapping[str, Sequence[str]], logs: Path, port: int) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "TF_NUM_INTRAOP_THREADS": str(max(1, (os.cpu_count() or 1) // len(commands))),
            "KERASTUNER_ORACLE_IP": "127.0.0.1",
            "KERASTUNER_ORACLE_PORT": str(port),
            _CHIEF_PID: str(os.getpid()),
        }
        self.logs = logs
        logs.mkdir(exist_ok=True)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._dead: set[str] = set()
        for tuner_id, command in commands.items():
            own = {**environment, "KERASTUNER_TUNER_ID": tuner_id}
            with (logs / f"{tuner_id}.log").open("w") as log:
                self._processes[tuner_id] = subprocess.Popen(
                    command, env=own, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )

    def newly_dead(self) -> list[str]:
        """Those that ended other than well since the last call."""
        dead = {i for i, process in self._processes.items() if process.poll() not in (None, 0)}
        new, self._dead = sorted(dead - self._dead), dead
        return new

    def all_ended(self) -> bool:
        """Whether none is left."""
        return all(process.poll() is not None for process in self._processes.values())

    def stop(self) -> None:
        """Let them end by themselves for a moment, then end them."""
        for process in self._processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_LAST_SECONDS)
            process.kill()  # nothing of a worker's is worth waiting for: its trial is done anew
            process.wait()


def worker_command(
    config: TrainConfig,
    space: SearchSpace,
    settings: SearchConfig,
    run: SearchRunConfig,
    service: ServiceConfig,
) -> list[str]:
    """The words of a command that does trials of the same search."""
    run = dataclasses.replace(run, overwrite=False, retrain=0)
    flags = flags_of(config, settings, run, dataclasses.replace(service, workers=0, port=0))
    values = {"hidden_size": (config.model.hidden_size,), **space.values}  # of which the flag has several
    flags += [word for name, several in values.items() for word in flag(name, several)]
    # Without -P the folder that the command is given in could shadow the standard library.
    return [sys.executable, "-P", "-m", "lyric_lm", "tune", *flags]
