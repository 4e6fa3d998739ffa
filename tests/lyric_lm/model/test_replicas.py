"""Several devices train as one does."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("two_devices.py")
NOISE = 1e-5  # of float32, over 20 epochs


def found_by(part: str, folder: Path) -> dict[str, Any]:
    path = folder / "found.json"
    subprocess.run([sys.executable, str(SCRIPT), part, str(path)], check=True, capture_output=True)
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.fixture(name="found", scope="module")
def _found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return found_by("chapter", tmp_path_factory.mktemp("two"))


def check_apart(apart: dict[str, float]) -> None:
    assert apart.keys() == {"weights", "optimizer", "logs", "carried state"}
    assert max(apart.values()) < NOISE


def test_two_devices_train_as_one_over_20_epochs(found: dict[str, Any]) -> None:
    check_apart(found["chapter"])


@pytest.mark.slow
def test_with_dropout_too_and_an_interrupted_training_goes_on_bit_for_bit(tmp_path: Path) -> None:
    found = found_by("recipe", tmp_path)
    check_apart(found["recipe"])
    assert found["resumed"] == {"weights": 0.0}


def test_each_method_gives_what_it_gives_on_one_device(found: dict[str, Any]) -> None:
    assert len(found["methods"]) == 7
    assert max(found["methods"].values()) < NOISE


def test_the_command_trains_on_two_devices_as_on_one(found: dict[str, Any]) -> None:
    assert found["command"]["weights"] < NOISE
    assert found["command"]["history"] < NOISE


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("uneven rows", "take a `batch_size` of 2, say. Received: `x` with batches of 3 rows"),
        ("a single uneven batch", "must divide by the 2 replicas"),
        ("another strategy", "Received: OneDeviceStrategy"),
        ("an optimizer from outside", "`optimizer` was made outside of `strategy.scope()`"),
        ("a cell from outside", "`cell` was made outside of `strategy.scope()`"),
        ("XLA", "Leave `jit_compile` and `steps_per_execution` out"),
        ("a loop", "Leave `jit_compile` and `steps_per_execution` out"),
        ("an id", "`ids` must lie in [0, 7)"),
        ("the command, uneven rows", "Received: --batch-size with batches of 3 rows"),
        ("the command, a device that is not there", "There is no GPU:3 here, only CPU:0 and CPU:1"),
        ("the command, one device", "needs two devices or more"),
    ],
)
def test_what_cannot_be_shared_is_refused_in_a_sentence(found: dict[str, Any], name: str, words: str) -> None:
    assert words in found["refused"][name]
    assert "\n" not in found["refused"][name]
