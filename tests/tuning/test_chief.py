"""The chief with workers that are threads here: they speak the real protocol and train nothing."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import keras_tuner as kt
import pytest
from keras_tuner.src.distribute.oracle_client import OracleClient

from lyric_lm.errors import SearchServiceError
from lyric_lm.settings.search import ServiceConfig
from lyric_lm.tuning.chief import serve
from lyric_lm.tuning.oracles import RandomOracle

SERVICE = ServiceConfig(worker_timeout=1.0)


@pytest.fixture
def oracle(tmp_path: Path) -> RandomOracle:
    hp = kt.HyperParameters()
    hp.Float("rate", 1.0, 2.0)
    oracle = RandomOracle(objective=kt.Objective("loss", "min"), hyperparameters=hp, max_trials=4, seed=1)
    oracle._set_project_dir(str(tmp_path), "state")
    return oracle


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free: int = probe.getsockname()[1]
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", str(free))
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "in-a-test")
    return free


@pytest.fixture
def chief(oracle: RandomOracle, port: int) -> Iterator[Callable[..., Any]]:
    del port
    with ThreadPoolExecutor() as pool:
        lines: list[str] = []

        def start() -> Any:
            def run() -> list[str]:
                serve(oracle, SERVICE, write=lines.append)
                return lines

            return pool.submit(run)

        yield start


def worker(tuner_id: str, *, most: int = 100, status: str = "COMPLETED") -> list[str]:
    """Do trials as `RNNTuner.search` does; take one more than `most`, and leave it."""
    client = OracleClient(None)
    done: list[str] = []
    while True:
        trial = client.create_trial(tuner_id)
        if trial.status == "STOPPED" or len(done) == most:
            return done
        if trial.status == "IDLE":
            time.sleep(0.05)
            continue
        if status == "COMPLETED":
            client.update_trial(trial.trial_id, {"loss": 1.0})
        trial.status = status
        client.end_trial(trial)
        done.append(trial.trial_id)


def test_the_trial_of_a_worker_that_dies_goes_to_another(chief: Any, oracle: RandomOracle) -> None:
    future = chief()
    assert len(worker("dies", most=1)) == 1
    survivor = worker("lives")
    lines = future.result(timeout=20)
    assert sorted(oracle.end_order) == ["0", "1", "2", "3"]
    assert len(survivor) == 3
    assert lines == ["dies counts as dead (silent for 1 s); its trial 2 goes to another worker"]


def test_a_worker_started_again_gets_its_trial_back(chief: Any, oracle: RandomOracle) -> None:
    future = chief()
    worker("one", most=1)
    left = oracle.ongoing_trials["one"].trial_id
    assert worker("one")[0] == left
    assert future.result(timeout=20) == []
    assert len(oracle.end_order) == 4


def test_a_worker_that_shows_that_it_lives_does_not_count_as_dead(chief: Any, oracle: RandomOracle) -> None:
    future = chief()
    client = OracleClient(None)
    trial = client.create_trial("slow")
    for _ in range(8):  # twice the time after which silence is death
        time.sleep(0.25)
        assert client.create_trial("slow").trial_id == trial.trial_id
    assert "slow" in oracle.ongoing_trials
    worker("slow")
    assert future.result(timeout=20) == []


def test_a_search_that_nobody_works_on_any_more_ends(chief: Any, oracle: RandomOracle) -> None:
    future = chief()
    worker("dies", most=2)
    with pytest.raises(
        SearchServiceError, match=r"No worker has answered for 2 s: the 2 finished.*kept.*again"
    ):
        future.result(timeout=20)
    assert len(oracle.end_order) == 2


def test_a_chief_to_whom_nobody_comes_ends(chief: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lyric_lm.tuning.chief.FIRST_WORKER_SECONDS", 0.5)
    with pytest.raises(SearchServiceError, match=r"No worker has come within 0\.5 s"):
        chief().result(timeout=20)


def test_trials_that_all_fail_do_not_leave_the_chief_hanging(chief: Any, oracle: RandomOracle) -> None:
    oracle.max_trials = 50
    future = chief()
    assert len(worker("unlucky", status="FAILED")) == 3
    future.result(timeout=20)
    assert oracle.stopping


def test_a_worker_of_an_earlier_search_is_sent_away(chief: Any, oracle: RandomOracle) -> None:
    future = chief()
    client = OracleClient(None)
    trial = client.create_trial("first")
    with pytest.raises(grpc.RpcError, match="another search"):
        client.update_trial("0099", {"loss": 0.0})
    trial.trial_id = "0099"
    with pytest.raises(grpc.RpcError, match="another search"):
        client.end_trial(trial)
    worker("first")
    future.result(timeout=20)
    assert sorted(oracle.end_order) == sorted(oracle.trials)
    assert {trial.score for trial in oracle.trials.values()} == {1.0}


def test_an_error_in_the_chief_ends_it(
    chief: Any, oracle: RandomOracle, monkeypatch: pytest.MonkeyPatch
) -> None:
    future = chief()
    worker("first", most=1)

    def full(trial: Any) -> None:
        raise OSError(28, "No space left on device", trial.trial_id)

    monkeypatch.setattr(oracle, "_save_trial", full)

    def unlucky_worker() -> None:
        with pytest.raises(grpc.RpcError):
            worker("second")

    threading.Thread(target=unlucky_worker, daemon=True).start()
    with pytest.raises(OSError, match="No space left"):
        future.result(timeout=20)


def test_a_port_in_use_is_one_sentence(oracle: RandomOracle, port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(SearchServiceError, match=rf"port {port} of 127\.0\.0\.1.*in use.*ORACLE_PORT"):
            serve(oracle, ServiceConfig(), write=print)


def test_without_variables_it_listens_on_this_machine_only(oracle: RandomOracle) -> None:
    assert "KERASTUNER_ORACLE_IP" not in os.environ
    ports: list[int] = []

    def start_workers(port: int) -> Any:
        ports.append(port)
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            pass
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        serve(oracle, ServiceConfig(), write=print, start_workers=start_workers)
    with pytest.raises(ConnectionError), socket.create_connection(("127.0.0.1", ports[0]), timeout=2):
        pass
