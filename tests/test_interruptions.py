"""Signals, full disks and vanished folders, as the command meets them."""

import csv
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lyric_lm.cli import main
from lyric_lm.runs.checkpoints import read_newest_checkpoint

TINY = (
    "--hidden-size 3 --max-chars 500 --batch-size 2 --num-steps 5 --prefixes 的 --every 1000 --no-tensorboard"
)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root, and a system that lets it")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def start(run: Path) -> "subprocess.Popen[str]":
    """A training far too long to finish, once it has trained an epoch."""
    words = ["train", "--run-dir", str(run), *TINY.split(), "--epochs", "1000000"]
    program = "import sys; from lyric_lm.cli import main; sys.exit(main())"
    process = subprocess.Popen([sys.executable, "-c", program, *words], stdout=subprocess.PIPE, text=True)
    wait_for(run / "history.csv")
    return process


@pytest.mark.parametrize("number", [pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGINT])
def test_a_signal_stops_at_the_end_of_the_epoch_saves_and_says_how_to_go_on(
    tmp_path: Path, number: signal.Signals
) -> None:
    process = start(tmp_path / "run")
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    stopped = re.search(r"Stopped after epoch (\d+) of 1000000\. Go on with: (.*)\n", out)
    assert stopped is not None
    assert stopped[2] == f"lyric-lm train --resume --run-dir {tmp_path / 'run'}"
    epochs = int(stopped[1])
    newest = read_newest_checkpoint(tmp_path / "run" / "checkpoints", report=pytest.fail)
    assert newest is not None
    assert newest.epoch == epochs
    with (tmp_path / "run" / "history.csv").open(encoding="utf-8") as file:
        assert [int(row["epoch"]) for row in csv.DictReader(file)] == list(range(1, epochs + 1))
    assert f"after {epochs} of 1000000 epochs" in (tmp_path / "run" / "README.md").read_text(encoding="utf-8")
    assert main(["generate", "--run-dir", str(tmp_path / "run"), "--prefix", "的"]) == 0
    more = ["--epochs", str(epochs + 2)]
    assert main(["train", "--resume", "--run-dir", str(tmp_path / "run"), "--no-tensorboard", *more]) == 0
    with (tmp_path / "run" / "history.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == epochs + 2


def test_a_second_signal_stops_at_once(tmp_path: Path) -> None:
    process = start(tmp_path / "run")
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.002)
    assert process.wait(timeout=60) in (-signal.SIGINT, 128 + signal.SIGINT)  # the latter had ended anyway
    assert process.stdout is not None
    process.stdout.close()


def test_a_full_disk_ends_the_command_with_one_sentence_and_status_one(
    small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = small_disk / "run"
    words = "--hidden-size 90 --prefixes 的 --epochs 9 --checkpoint-every 1 --no-tensorboard"
    assert main(["train", "--run-dir", str(run), *words.split()]) == 1
    error = capsys.readouterr().err
    assert re.fullmatch(r"lyric-lm: Cannot write .*: the disk is full; free some space\.\n", error)
    read_newest_checkpoint(run / "checkpoints", report=pytest.fail)  # whatever there is is whole
    assert not list(run.rglob(".tmp-*"))


def test_a_folder_that_vanishes_ends_the_command_with_one_sentence_and_status_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def vanish() -> None:
        wait_for(tmp_path / "run" / "history.csv")
        (tmp_path / "run").rename(tmp_path / "elsewhere")

    thread = threading.Thread(target=vanish)
    thread.start()
    status = main(["train", "--run-dir", str(tmp_path / "run"), *TINY.split(), "--epochs", "100000"])
    thread.join()
    assert status == 1
    error = capsys.readouterr().err
    assert re.fullmatch(r"lyric-lm: Cannot write .*: its folder is gone; do not move or .*\.\n", error)


def test_a_run_whose_corpus_changed_is_not_gone_on_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("abcdefg " * 30, encoding="utf-8")
    flags = "--hidden-size 3 --batch-size 2 --num-steps 5 --prefixes a --epochs 2 --no-tensorboard"
    words = flags.split()
    run = ["--run-dir", str(tmp_path / "run")]
    assert main(["train", "--corpus", str(corpus), *run, *words]) == 0
    other = tmp_path / "other.txt"
    other.write_text("abcdefg\n" * 29, encoding="utf-8")
    assert main(["train", "--resume", *run, "--corpus", str(other)]) == 2
    assert "training text was" in capsys.readouterr().err
    corpus.write_text("abcdefg\n" * 29, encoding="utf-8")
    assert main(["train", "--resume", *run]) == 0  # with the text that the run keeps
    corpus.write_text("abcdefg " * 30, encoding="utf-8")
    assert main(["train", "--resume", *run, "--seed", "1"]) == 2
    assert "seed was 0 and is now 1" in capsys.readouterr().err
    assert main(["train", "--corpus", str(corpus), "--resume", *run, *words]) == 0  # the same command again
    assert main(["train", "--resume", "--run-dir", str(tmp_path / "none")]) == 2
    assert "holds no run" in capsys.readouterr().err


def test_a_switch_given_again_is_understood(tmp_path: Path) -> None:
    words = f"{TINY} --epochs 1 --rotate --keep-newlines".split()
    for resume in ([], ["--resume"]):
        assert main(["train", "--run-dir", str(tmp_path / "run"), *words, *resume]) == 0
