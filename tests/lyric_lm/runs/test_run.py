"""A run folder: refusals, locks, atomic files, and disks that fail."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lyric_lm.data import load_lyrics
from lyric_lm.errors import RunError, RunExistsError, RunLockedError, RunMismatchError, RunWriteError
from lyric_lm.runs.atomic_files import write_atomically
from lyric_lm.runs.card import run_card
from lyric_lm.runs.checkpoints import Checkpoint, read_newest_checkpoint, write_checkpoint
from lyric_lm.runs.history import History
from lyric_lm.runs.record import changed_versions, check_corpus, check_settings, describe_run
from lyric_lm.runs.run import Run
from lyric_lm.settings.config import ModelConfig, OptimizerConfig, TrainConfig

LYRICS = load_lyrics("built-in", max_chars=700)
CONFIG = TrainConfig(model=ModelConfig(hidden_size=5), optimizer=OptimizerConfig(seed=3, epochs=7))
RECORD = describe_run(CONFIG, LYRICS)

HOLD = """
import sys, time
from lyric_lm.runs.run import Run
run = Run.resume(sys.argv[1])
print("locked", flush=True)
time.sleep(60)
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(disk)], check=False)
    if mounted.returncode:
        pytest.skip("this system lets root mount nothing")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def checkpoint(epoch: int, num_bytes: int) -> Checkpoint:
    return Checkpoint(epoch, False, [np.full(num_bytes, epoch, np.uint8)], [], {})


def test_a_run_comes_back_as_it_was_described(tmp_path: Path) -> None:
    with Run.create(tmp_path / "a" / "b", RECORD):
        pass
    run = Run.open(tmp_path / "a" / "b")
    assert run.record() == json.loads(json.dumps(RECORD))
    assert run.settings() == CONFIG
    check_corpus(run.record(), LYRICS)
    assert RECORD["corpus"]["training"]["sha256"] == LYRICS.sha256
    assert RECORD["vocabulary"] == {"size": len(LYRICS.vocabulary), "sha256": LYRICS.vocabulary.sha256}
    assert set(RECORD["versions"]) == {"lyric_lm", "keras", "tensorflow", "numpy"}


def test_a_folder_with_a_run_is_not_overwritten_unasked(tmp_path: Path) -> None:
    Run.create(tmp_path, RECORD).close()
    with pytest.raises(RunExistsError, match=r"--resume.*--overwrite"):
        Run.create(tmp_path, RECORD)
    write_checkpoint(tmp_path / "checkpoints", checkpoint(1, 5))
    Run.create(tmp_path, RECORD, overwrite=True).close()
    assert read_newest_checkpoint(tmp_path / "checkpoints", report=pytest.fail) is None


def test_a_folder_with_somebodys_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RunExistsError, match="not a run's"):
        Run.create(tmp_path, RECORD, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_what_a_killed_writer_left_is_no_obstacle_and_is_cleared(tmp_path: Path) -> None:
    (tmp_path / ".tmp-1-config.json").write_text("{")
    Run.create(tmp_path, RECORD).close()
    (tmp_path / ".tmp-2-model.keras").write_text("half")
    Run.resume(tmp_path).close()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != ".lock") == ["config.json"]


def test_a_second_training_on_a_folder_is_refused_until_the_first_one_ends(tmp_path: Path) -> None:
    with Run.create(tmp_path, RECORD):
        with pytest.raises(RunLockedError, match="Another training or search is at work"):
            Run.resume(tmp_path)
        with pytest.raises(RunLockedError, match="Another training or search is at work"):
            Run.create(tmp_path, RECORD, overwrite=True)
        assert Run.open(tmp_path).settings() == CONFIG  # reading needs no lock
    Run.resume(tmp_path).close()


def test_the_lock_of_a_process_that_was_killed_is_no_obstacle(tmp_path: Path) -> None:
    Run.create(tmp_path, RECORD).close()
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        with pytest.raises(RunLockedError):
            Run.resume(tmp_path)
        holder.kill()
    Run.resume(tmp_path).close()


def test_a_full_disk_is_a_clear_error_and_the_last_good_state_stays(small_disk: Path) -> None:
    run = Run.create(small_disk / "run", RECORD)
    for epoch in (1, 2):
        write_checkpoint(run.checkpoints, checkpoint(epoch, 800_000))
    with pytest.raises(RunWriteError, match=r"epoch-000003\.ckpt: the disk is full; free some space"):
        write_checkpoint(run.checkpoints, checkpoint(3, 800_000))
    newest = read_newest_checkpoint(run.checkpoints, report=pytest.fail)
    assert newest is not None
    assert newest.epoch == 2
    assert len(list(run.checkpoints.iterdir())) == 2  # nothing half-written
    with pytest.raises(RunWriteError, match="the disk is full"):
        run.write("samples.txt", "x" * 2**20)
    assert not (run.path / "samples.txt").exists()
    run.write("samples.txt", "short")  # once there is room


def test_a_full_disk_while_the_model_is_saved_leaves_the_old_model(small_disk: Path) -> None:
    import keras

    from lyric_lm import RNNModel

    run = Run.create(small_disk / "run", RECORD)
    run.save_model(RNNModel(keras.layers.SimpleRNNCell(5), LYRICS.vocabulary))
    before = (run.path / "model.keras").read_bytes()
    (small_disk / "ballast").write_bytes(bytes(1_800_000))
    with pytest.raises(RunWriteError, match=r"model\.keras: the disk is full"):
        run.save_model(RNNModel(keras.layers.SimpleRNNCell(211), LYRICS.vocabulary))
    assert (run.path / "model.keras").read_bytes() == before
    assert not list(run.path.glob(".tmp-*"))


def test_a_disk_that_became_read_only_is_a_clear_error(small_disk: Path) -> None:
    run = Run.create(small_disk / "run", RECORD)
    run.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(RunWriteError, match="read-only; choose another folder"):
        run.write("history.csv", "epoch\n")
    with pytest.raises(RunWriteError, match="read-only; choose another folder"):
        Run.create(small_disk / "another", RECORD)
    assert Run.open(run.path).settings() == CONFIG


def test_a_folder_that_vanished_is_a_clear_error(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", RECORD)
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    with pytest.raises(RunWriteError, match="its folder is gone; do not move or delete it"):
        run.write("history.csv", "epoch\n")
    run.close()
    assert Run.open(tmp_path / "elsewhere").settings() == CONFIG


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(temporary: Path) -> None:
        temporary.write_text("ne")
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(RunWriteError, match="Input/output error; check the disk"):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (json.dumps({**RECORD, "format_version": True}), "not what `lyric-lm train` wrote"),
        ("{", "Cannot read .*: train the run again"),
        ("[" * 100_000, "Cannot read"),
        ("[]", "not what `lyric-lm train` wrote"),
        ('{"format_version": 2}', "format 2, from a later version of lyric_lm: install that one"),
        (json.dumps({**RECORD, "settings": {"model": {"hidden_size": "x"}}}), "no usable settings"),
        (json.dumps({**RECORD, "settings": {"model": {"hidden_size": 1.5}}}), "no usable settings"),
        (json.dumps({**RECORD, "settings": {"model": {"cell": "os.system"}}}), "no usable settings"),
        (json.dumps({**RECORD, "settings": {"model": [1]}}), "no usable settings"),
        (json.dumps({**RECORD, "settings": {"report": {"prefixes": "abc"}}}), "no usable settings"),
        (json.dumps({**RECORD, "settings": {"model": {"code": 1}}}), "no usable settings"),
        (" " * 2**20 + "{}", "too large"),
    ],
)
def test_a_config_that_holds_something_else_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(RunError, match=message):
        Run.open(tmp_path).settings()


def test_another_corpus_is_refused_with_the_difference_shown() -> None:
    other = load_lyrics("built-in", max_chars=699)
    with pytest.raises(RunMismatchError, match=r"training text was 'built-in' \(700 .* now 'built-in' \(699"):
        check_corpus(RECORD, other)
    training, validation = LYRICS.split(0.1)
    with pytest.raises(RunMismatchError, match=r"validation text was none and is now 'built-in' \(70 "):
        check_corpus(RECORD, training, validation)


def test_versions_that_changed_since_are_named() -> None:
    assert changed_versions(RECORD) == ""
    assert changed_versions({"versions": {**RECORD["versions"], "keras": "3.0.1"}}) == "keras 3.0.1"


def test_other_settings_are_refused_with_the_difference_shown_but_more_epochs_are_not() -> None:
    check_settings(CONFIG, TrainConfig(model=CONFIG.model, optimizer=OptimizerConfig(seed=3, epochs=70)))
    with pytest.raises(RunMismatchError, match="hidden_size was 5 and is now 256; seed was 3 and is now 0"):
        check_settings(CONFIG, TrainConfig())
    falling = TrainConfig(optimizer=OptimizerConfig(schedule="cosine", epochs=8))
    with pytest.raises(RunMismatchError, match="epochs was 8 and is now 9"):
        check_settings(falling, TrainConfig(optimizer=OptimizerConfig(schedule="cosine", epochs=9)))


def test_the_run_card_tells_what_was_trained_and_cannot_be_broken_out_of() -> None:
    text = {"source": "a`|\x1b[2J\u202e\n# Ha", "num_chars": 9, "sha256": "00"}
    record = {**RECORD, "corpus": {"training": text, "validation": None}}
    epochs = [{"perplexity": 9.5, "val_perplexity": 7.0}, {"perplexity": 8.25, "val_perplexity": 7.5}]
    card = run_card(record, History(epochs), path="runs/a b")
    assert "| perplexity | 8.250 | 8.250 (epoch 2) |" in card
    assert "| val_perplexity | 7.500 | 7.000 (epoch 1) |" in card
    assert "lyric-lm generate --run-dir 'runs/a b'" in card
    assert "`a'¦\\x1b[2J\\u202e # Ha`" in card


def test_a_folder_without_a_model_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no run: name the folder"):
        Run.open(tmp_path)
    Run.create(tmp_path, RECORD).close()
    with pytest.raises(RunError, match="lyric-lm train --resume --run-dir"):
        Run.open(tmp_path).load_model()
