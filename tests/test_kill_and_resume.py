"""kill -9 at any instant, and the run ends as if nobody had touched it."""

import hashlib
import multiprocessing
import random
import time
import zipfile
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from lyric_lm.cli import main

FLAGS = {
    # A checkpoint each epoch, of epochs of some milliseconds: much of the time is spent in writing files.
    "generalizing": (
        "--cell gru --hidden-size 6 --embedding-dim 5 --dropout 0.3 --character-dropout 0.1 "
        "--label-smoothing 0.1 --optimizer adamw --weight-decay 0.01 --schedule cosine --warmup 0.1 --rotate "
        "--validation-split 0.2 --patience 300 --max-chars 900 --batch-size 2 --num-steps 9"
    ),
    "chapter": "--hidden-size 7 --max-chars 800 --batch-size 3 --num-steps 11",
}
# Imports TensorFlow once; each training is forked from there, before any of TensorFlow's threads has started.
FORKSERVER = multiprocessing.get_context("forkserver")
FORKSERVER.set_forkserver_preload(["lyric_lm.training.train", "lyric_lm.callbacks", "lyric_lm.cli"])


def start(path: Path, flags: str) -> BaseProcess:
    begun = (path / "config.json").exists()
    words = f"--every 7 --prefixes 的 --checkpoint-every 1 --no-tensorboard {flags}".split()
    args = ["train", "--run-dir", str(path), *words, *(["--resume"] if begun else [])]
    process = FORKSERVER.Process(target=main, args=(args,))
    process.start()
    return process


def outcome(path: Path) -> dict[str, str]:
    """SHA-256 of everything that a training leaves behind, wall-clock times aside."""
    last = f"checkpoints/{newest(path)[-1]}"  # all weights, the optimizer, every callback's memory
    files = {name: (path / name).read_bytes() for name in ("history.csv", "samples.txt", last)}
    with zipfile.ZipFile(path / "model.keras") as archive:
        files["weights"] = archive.read("model.weights.h5")
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def newest(path: Path) -> list[str]:
    return sorted(file.name for file in path.glob("checkpoints/epoch-*.ckpt"))


def is_writing(path: Path) -> bool:
    return any(path.glob("checkpoints/.tmp-*"))


def let_live(process: BaseProcess, path: Path, chance: random.Random) -> None:
    """Wait until this training is to die: at its start, after a checkpoint, or while it writes one."""
    moment = chance.choice(["start", "epoch", "write", "write"])
    latest = time.monotonic() + (chance.uniform(0, 5) if moment == "start" else 120)
    for _ in range(chance.randint(1, 3)):
        before = newest(path)
        while newest(path) == before and process.is_alive() and time.monotonic() < latest:
            time.sleep(0.0005)
    if moment == "epoch":
        process.join(chance.uniform(0, 0.1))
    while moment == "write" and not is_writing(path) and process.is_alive() and time.monotonic() < latest:
        pass
    time.sleep(chance.uniform(0, 0.002) if moment == "write" else 0)


def kill_again_and_again(path: Path, flags: str, num_kills: int) -> tuple[int, int]:
    """Train, killing so many times; how many kills came, and how many of them in the middle of a write."""
    chance = random.Random(1)
    kills = in_a_write = 0
    while kills < num_kills:
        process = start(path, flags)
        let_live(process, path, chance)
        if (path / "model.keras").exists():
            pytest.fail(f"finished after {kills} kills: plan more epochs")
        process.kill()
        process.join()
        kills += 1
        in_a_write += is_writing(path)  # what it left shows it
    last = start(path, flags)
    last.join()
    return kills, in_a_write


@pytest.mark.parametrize(
    ("name", "epochs", "num_kills"),
    [
        ("generalizing", 40, 1),
        pytest.param("generalizing", 400, 50, marks=pytest.mark.slow),
        pytest.param("chapter", 400, 50, marks=pytest.mark.slow),
    ],
)
def test_a_training_that_is_killed_over_and_over_ends_as_one_left_alone(
    tmp_path: Path, name: str, epochs: int, num_kills: int, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = f"--epochs {epochs} {FLAGS[name]}"
    alone = start(tmp_path / "alone", flags)
    kills, in_a_write = kill_again_and_again(tmp_path / "killed", flags, num_kills)
    alone.join()
    assert num_kills < 50 or in_a_write > 5
    assert outcome(tmp_path / "killed") == outcome(tmp_path / "alone")
    with capsys.disabled():
        print(f" [{kills} kills, {in_a_write} of them in the middle of writing a file]", end="")
