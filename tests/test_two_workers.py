"""Two processes on loopback train one model, as two machines of a cluster would."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lyric_lm.cli import main
from lyric_lm.runs.run import Run

FLAGS = (
    "--cell gru --hidden-size 6 --dropout 0.2 --rotate --max-chars 700 --batch-size 4 --num-steps 9 "
    "--validation-split 0.2 --prefixes 的 --every 10 --checkpoint-every 1 --no-tensorboard"
)


def free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for taken in sockets:
        taken.bind(("127.0.0.1", 0))
    ports = [taken.getsockname()[1] for taken in sockets]
    for taken in sockets:
        taken.close()
    return ports


def start(chiefs: Path, *words: str, others: Path | None = None) -> list[subprocess.Popen[str]]:
    """Two workers, the chief first, and their run folders: one and the same, unless told otherwise."""
    workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
    command = [sys.executable, "-m", "lyric_lm", "train", "--strategy", "multiworker", *FLAGS.split(), *words]
    processes = []
    for index, path in enumerate((chiefs, others or chiefs)):
        task = {"type": "worker", "index": index}
        config = json.dumps({"cluster": {"worker": workers}, "task": task})
        environment = {**os.environ, "TF_CONFIG": config}
        processes.append(
            subprocess.Popen(
                [*command, "--run-dir", str(path)],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    return processes


def ended(processes: list[subprocess.Popen[str]]) -> list[str]:
    """What each said, once all have ended well."""
    said = [process.communicate(timeout=300)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    return said


def losses(path: Path) -> list[list[float]]:
    names = ("loss", "perplexity", "grad_norm", "val_perplexity")
    return [[row[name] for name in names] for row in Run(path).history().rows]


@pytest.mark.slow
def test_two_workers_train_as_one_device_and_go_on_bit_for_bit_after_a_kill(tmp_path: Path) -> None:
    one, two, killed = tmp_path / "one", tmp_path / "two", tmp_path / "killed"
    assert main(["train", "--run-dir", str(one), *FLAGS.split(), "--epochs", "20"]) == 0
    chief_said, other_said = ended(start(two, "--epochs", "20"))
    assert "Saved in" in chief_said
    assert other_said == ""
    np.testing.assert_allclose(losses(two), losses(one), rtol=0, atol=1e-4)
    for ours, theirs in zip(
        Run(two).load_model().get_weights(), Run(one).load_model().get_weights(), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)

    chief, other = start(killed, "--epochs", "20")
    while not (killed / "checkpoints" / "epoch-000005.ckpt").exists():
        assert chief.poll() is None, chief.communicate()
        time.sleep(0.01)
    other.send_signal(signal.SIGKILL)
    other.communicate()
    said, _ = chief.communicate(timeout=300)
    assert chief.returncode == 2
    assert "\nlyric-lm: Another worker is gone" in said
    assert not (killed / "model.keras").exists()
    elsewhere = tmp_path / "elsewhere"  # no disk that they share
    shutil.copytree(killed, elsewhere, ignore=shutil.ignore_patterns("*.ckpt"))
    for process in start(killed, "--epochs", "20", "--resume", others=elsewhere):
        said, _ = process.communicate(timeout=300)
        assert process.returncode == 2
        assert "The workers do not all find the same checkpoints in" in said
    ended(start(killed, "--epochs", "20", "--resume"))
    assert losses(killed) == losses(two)
    for ours, theirs in zip(
        Run(killed).load_model().get_weights(), Run(two).load_model().get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
