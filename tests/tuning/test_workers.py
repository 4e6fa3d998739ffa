import socket
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import tyro

from lyric_lm.cli.tune import Tune
from lyric_lm.errors import SearchServiceError, SettingsError
from lyric_lm.settings.changes import with_settings
from lyric_lm.settings.config import ModelConfig, TrainConfig
from lyric_lm.settings.search import SearchConfig, SearchRunConfig, ServiceConfig
from lyric_lm.tuning.space import SearchSpace
from lyric_lm.tuning.workers import LocalWorkers, check_environment, local_workers, reach_chief


def test_a_chief_that_does_not_answer_is_given_up_after_the_stated_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, and not listening
        monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
        monkeypatch.setenv("KERASTUNER_ORACLE_PORT", str(nobody.getsockname()[1]))
        start = time.monotonic()
        with pytest.raises(
            SearchServiceError, match=r"127\.0\.0\.1:\d+ has not answered for 0\.5 s: start it"
        ):
            reach_chief(0.5)
    assert 0.4 < time.monotonic() - start < 5


def test_a_process_that_ends_badly_is_reported_once(tmp_path: Path) -> None:
    codes = {"worker-1": "print('last words'); raise SystemExit(3)", "worker-2": "pass"}
    commands = {name: [sys.executable, "-c", code] for name, code in codes.items()}
    workers = LocalWorkers(commands, {"worker-1": {}, "worker-2": {}}, tmp_path / "workers")
    deadline = time.monotonic() + 20
    while not workers.all_ended() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert workers.newly_dead() == ["worker-1"]
    assert workers.newly_dead() == []
    workers.stop()
    assert (tmp_path / "workers" / "worker-1.log").read_text() == "last words\n"


def test_workers_are_told_of_their_chief_and_of_the_same_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: dict[str, Any] = {}
    config = TrainConfig(model=ModelConfig(hidden_size=3, embedding_dim=5))

    def remember(commands: dict[str, list[str]], environment: dict[str, dict[str, str]], logs: Path) -> None:
        started.update(commands=commands, environment=environment, logs=logs)

    monkeypatch.setattr("lyric_lm.tuning.workers.LocalWorkers", remember)
    start = local_workers(
        config,
        SearchSpace(cell=("gru", "lstm"), hidden_size=(3, 4)),
        SearchConfig(tuner="grid"),
        SearchRunConfig(run_dir=tmp_path, overwrite=True, retrain=3),
        ServiceConfig(workers=2, port=9, worker_timeout=5.0),
    )
    start(1234)
    commands, environment = started["commands"], started["environment"]
    assert list(commands) == ["worker-1", "worker-2"]
    words = commands["worker-1"]
    assert words[1:5] == ["-P", "-m", "lyric_lm", "tune"]
    plain_flags = (tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes)
    tune = tyro.cli(Tune, args=words[5:], config=plain_flags)
    assert (tune.values.cell, tune.values.hidden_size) == (("gru", "lstm"), (3, 4))
    assert with_settings(tune.config, {"cell": "rnn"}) == config
    assert tune.search_config == SearchConfig(tuner="grid")
    assert tune.run_config == SearchRunConfig(run_dir=tmp_path)
    assert tune.service == ServiceConfig(worker_timeout=5.0)
    assert environment["worker-2"]["KERASTUNER_TUNER_ID"] == "worker-2"
    assert environment["worker-2"]["KERASTUNER_ORACLE_PORT"] == "1234"
    assert environment["worker-2"]["KERASTUNER_ORACLE_IP"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("variables", "cure"),
    [
        ({"TUNER_ID": "worker-1"}, "needs KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT too"),
        ({"TUNER_ID": "chief", "ORACLE_IP": "127.0.0.1"}, "needs KERASTUNER_ORACLE_PORT too"),
        ({"TUNER_ID": "chief", "ORACLE_IP": "127.0.0.1", "ORACLE_PORT": "x"}, "in \\[1, 65536\\)"),
        ({"TUNER_ID": "chief", "ORACLE_IP": "127.0.0.1", "ORACLE_PORT": "65536"}, "Received: 65536"),
    ],
)
def test_half_an_environment_is_refused(
    variables: dict[str, str], cure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"KERASTUNER_{name}", value)
    with pytest.raises(SettingsError, match=cure):
        check_environment()


def test_no_environment_and_a_whole_one_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    check_environment()
    for name, value in {"TUNER_ID": "chief", "ORACLE_IP": "127.0.0.1", "ORACLE_PORT": "65535"}.items():
        monkeypatch.setenv(f"KERASTUNER_{name}", value)
    check_environment()
