import os
import socket
import sys
import time
from pathlib import Path

import pytest
import tyro
from keras_tuner.src.distribute import oracle_client

from lyric_lm.cli.tune import Tune
from lyric_lm.errors import SearchServiceError, SettingsError
from lyric_lm.settings.changes import with_settings
from lyric_lm.settings.config import ModelConfig, TrainConfig
from lyric_lm.settings.search import SearchConfig, SearchRunConfig, ServiceConfig
from lyric_lm.settings.space import SearchSpace
from lyric_lm.tuning.workers import LocalWorkers, check_environment, work, worker_command


def test_a_chief_that_does_not_answer_is_given_up_after_the_stated_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, and not listening
        monkeypatch.setenv("KERASTUNER_TUNER_ID", "worker-1")
        monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
        monkeypatch.setenv("KERASTUNER_ORACLE_PORT", str(nobody.getsockname()[1]))
        start, before = time.monotonic(), oracle_client.TIMEOUT
        with pytest.raises(
            SearchServiceError, match=r"127\.0\.0\.1:\d+ has not answered for 0\.5 s: start it"
        ):
            work(pytest.fail, ServiceConfig(chief_timeout=0.5), check=pytest.fail)
    assert 0.4 < time.monotonic() - start < 5
    assert before == oracle_client.TIMEOUT  # a later search of this process waits as long as before


def test_a_process_that_ends_badly_is_reported_once(tmp_path: Path) -> None:
    codes = {"worker-1": "print('last words'); raise SystemExit(3)", "worker-2": "pass"}
    commands = {name: [sys.executable, "-c", code] for name, code in codes.items()}
    workers = LocalWorkers(commands, tmp_path / "workers", 9)
    deadline = time.monotonic() + 20
    while not workers.all_ended() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert workers.newly_dead() == ["worker-1"]
    assert workers.newly_dead() == []
    workers.stop()
    assert (tmp_path / "workers" / "worker-1.log").read_text() == "last words\n"


def test_workers_are_told_of_their_chief(tmp_path: Path) -> None:
    names = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT", "LYRIC_LM_CHIEF_PID")
    code = f"import os; print([os.environ[name] for name in {names}])"
    workers = LocalWorkers({"worker-2": [sys.executable, "-c", code]}, tmp_path / "workers", 1234)
    workers.stop()
    told = ["worker-2", "127.0.0.1", "1234", str(os.getpid())]
    assert (tmp_path / "workers" / "worker-2.log").read_text() == f"{told}\n"


def test_the_command_of_a_worker_means_the_same_search(tmp_path: Path) -> None:
    config = TrainConfig(model=ModelConfig(hidden_size=3, embedding_dim=5))
    words = worker_command(
        config,
        SearchSpace(cell=("gru", "lstm"), hidden_size=(3, 4)),
        SearchConfig(tuner="grid"),
        SearchRunConfig(run_dir=tmp_path, overwrite=True, retrain=3),
        ServiceConfig(workers=2, port=9, worker_timeout=5.0),
    )
    assert words[1:5] == ["-P", "-m", "lyric_lm", "tune"]
    plain_flags = (tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes)
    tune = tyro.cli(Tune, args=words[5:], config=plain_flags)
    assert (tune.values.cell, tune.values.hidden_size) == (("gru", "lstm"), (3, 4))
    assert with_settings(tune.config, {"cell": "rnn"}) == config
    assert tune.search_config == SearchConfig(tuner="grid")
    assert tune.run_config == SearchRunConfig(run_dir=tmp_path)
    assert tune.service == ServiceConfig(worker_timeout=5.0)


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
