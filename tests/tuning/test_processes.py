"""A search in real processes on loopback, some of which are killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lyric_lm.data import load_lyrics
from lyric_lm.tuning.trial_records import trial_number

pytestmark = pytest.mark.slow

NUM_TRIALS = 8
FLAGS = [
    *("--max-chars", "900", "--batch-size", "3", "--num-steps", "7", "--epochs", "60", "--num-chars", "5"),
    *("--prefixes", load_lyrics("built-in", max_chars=2).text, "--hidden-size", "4", "6"),
    *("--no-pruning", "--max-trials", str(NUM_TRIALS), "--worker-timeout", "20", "--chief-timeout", "60"),
]


@pytest.fixture
def start(run_dir: Path, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    processes: list[Any] = []

    def run(*flags: str, port: int | None = None, name: str = "") -> Any:
        variables = {"IP": "ORACLE_IP", "PORT": "ORACLE_PORT", "ID": "TUNER_ID"}
        values = {"IP": "127.0.0.1", "PORT": str(port), "ID": name}
        extra = {f"KERASTUNER_{variables[key]}": value for key, value in values.items()} if name else {}
        command = [sys.executable, "-m", "lyric_lm", "tune", *FLAGS, "--run-dir", str(run_dir), *flags]
        with (tmp_path / f"{name or 'alone'}-{len(processes)}.log").open("w") as log:
            process = subprocess.Popen(command, env={**os.environ, **extra}, stdout=log, stderr=log)
        process.log = Path(log.name)  # type: ignore[attr-defined]
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], Any], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def read_state(run_dir: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((run_dir / "keras_tuner" / "oracle.json").read_text()))
    except FileNotFoundError:
        return {}


def ended(run_dir: Path) -> list[Path]:
    return sorted(run_dir.glob("trials/*/result.json"))


def modification_times(run_dir: Path) -> dict[Path, int]:
    """Of the results that the chief has heard of."""
    heard_of = set(map(trial_number, read_state(run_dir)["end_order"]))
    return {path: path.stat().st_mtime_ns for path in ended(run_dir) if int(path.parent.name) in heard_of}


def test_one_worker_killed_for_good_and_one_started_again_lose_nothing(
    start: Callable[..., Any], run_dir: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    chief = start(port=port, name="chief")
    first, second = start(port=port, name="worker-1"), start(port=port, name="worker-2")

    def busy_after_two_trials() -> bool:
        state = read_state(run_dir)
        return len(state.get("ongoing_trials", {})) == 2 and len(state["end_order"]) >= 2

    wait_for(busy_after_two_trials)
    finished = modification_times(run_dir)
    os.kill(first.pid, signal.SIGKILL)
    os.kill(second.pid, signal.SIGKILL)
    again = start(port=port, name="worker-2")
    assert chief.wait(timeout=300) == 0, chief.log.read_text()
    assert again.wait(timeout=30) == 0, again.log.read_text()
    assert len(ended(run_dir)) == NUM_TRIALS
    assert {json.loads(path.read_text())["state"] for path in ended(run_dir)} == {"finished"}
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    output = chief.log.read_text()
    assert "worker-1 counts as dead (silent for 20 s)" in output
    assert output.count("counts as dead") == 1
    assert "Train it anew: lyric-lm train" in output


def test_workers_started_by_the_chief_are_survived_by_the_search(
    start: Callable[..., Any], run_dir: Path
) -> None:
    whole = start("--workers", "2")
    wait_for(lambda: len(read_state(run_dir).get("end_order", ())) >= 2)
    os.kill(whole.pid, signal.SIGKILL)
    whole.wait()
    finished = modification_times(run_dir)
    again = start("--workers", "2")
    assert again.wait(timeout=300) == 0, again.log.read_text()
    assert len(ended(run_dir)) == NUM_TRIALS
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
