"""Model files from strangers: loaded, or refused in one sentence, before Keras builds anything."""

import contextlib
import io
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from lyric_lm import RNNModel
from lyric_lm.data import Vocabulary
from lyric_lm.errors import RunError
from lyric_lm.runs.model_file import load_model_file

H = 4
VOCABULARY = Vocabulary("不分开")
CONFIG, WEIGHTS = "config.json", "model.weights.h5"


@keras.saving.register_keras_serializable(package="test_model_file")
class OwnCell(keras.layers.SimpleRNNCell):  # type: ignore[misc]
    """A user's cell, registered in this process."""


CELLS: dict[str, Callable[[], Any]] = {
    "rnn": lambda: keras.layers.SimpleRNNCell(1, activation="relu"),
    "gru": lambda: keras.layers.GRUCell(H, dropout=0.1),
    "lstm": lambda: keras.layers.LSTMCell(H, kernel_regularizer=keras.regularizers.L2(0.1)),
    "own": lambda: OwnCell(H),
    "stacked": lambda: keras.layers.StackedRNNCells(
        [keras.layers.GRUCell(H), keras.layers.GRUCell(H + 1, kernel_constraint="max_norm")]
    ),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.keras"
    RNNModel(keras.layers.SimpleRNNCell(H), VOCABULARY).save(path)
    return path


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path: Path, contents: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def change_config(path: Path, change: Callable[[Any], object]) -> None:
    contents = members(path)
    config = json.loads(contents[CONFIG])
    change(config)
    rewrite(path, {**contents, CONFIG: json.dumps(config).encode()})


def change_weights(path: Path, change: Callable[[h5py.File], object]) -> None:
    contents = members(path)
    buffer = io.BytesIO(contents[WEIGHTS])
    with h5py.File(buffer, "r+") as weights:
        change(weights)
    rewrite(path, {**contents, WEIGHTS: buffer.getvalue()})


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize(
    "options", [{}, {"embedding_dim": 2, "tie_embeddings": True, "dtype": "mixed_float16"}]
)
def test_a_model_of_ours_comes_back_bit_for_bit(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    model = RNNModel(CELLS[name](), VOCABULARY, **options)
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 7)
    model.compile(keras.optimizers.AdamW(schedule))
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "model.keras")
    again = load_model_file(tmp_path / "model.keras")
    assert again.vocabulary == VOCABULARY
    np.testing.assert_equal(again.get_weights(), model.get_weights(), strict=True)


def test_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x)]).save(path)
    with pytest.raises(RunError, match=r"Lambda.*, which is no class of a model of ours"):
        load_model_file(path)


def test_another_keras_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(path)
    with pytest.raises(RunError, match="train the run again"):
        load_model_file(path)


@pytest.mark.parametrize(
    "entry",
    [
        {"module": "os", "class_name": "system", "config": {}, "registered_name": None},
        {"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "function"},
        {
            "module": "subprocess",
            "class_name": "Popen",
            "config": {"args": "id"},
            "registered_name": "a>Popen",
        },
        {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "/tmp"}},
        {"module": "keras.src.ops", "class_name": "anything", "config": {}},
        {"class_name": "__lambda__", "config": {"value": "gANd"}},
        {"class_name": ["a"], "module": {}},
    ],
)
@pytest.mark.parametrize("place", ["cell", "activation", "optimizer", "deep"])
def test_a_class_that_is_not_keras_own_nor_registered_is_refused(file: Path, entry: Any, place: str) -> None:
    def plant(config: Any) -> None:
        if place == "cell":
            config["config"]["cell"] = entry
        elif place == "activation":
            config["config"]["cell"]["config"]["activation"] = entry
        elif place == "optimizer":
            config["compile_config"] = {"optimizer": entry}
        else:
            config["config"]["name"] = [{"a": [entry]}]

    change_config(file, plant)
    with pytest.raises(RunError, match=r"which is no class of a model of ours|unhashable"):
        load_model_file(file)


@pytest.mark.parametrize("name", ["../escape.py", "/etc/cron.d/evil", "assets/a", "link"])
def test_an_archive_with_other_members_is_refused(file: Path, name: str) -> None:
    member = zipfile.ZipInfo(name)
    member.external_attr = 0o120777 << 16  # a symbolic link
    contents = members(file)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(member, "/etc/passwd")
        for known, content in contents.items():
            archive.writestr(known, content)
    with pytest.raises(RunError, match="other files than a model's"):
        load_model_file(file)


def test_a_bomb_is_refused_at_once(file: Path) -> None:
    rewrite(file, {**members(file), WEIGHTS: bytes(200 * 2**20)}, zipfile.ZIP_DEFLATED)
    begun = time.monotonic()
    with pytest.raises(RunError, match="compressed, as Keras never does"):
        load_model_file(file)
    assert time.monotonic() - begun < 1


def test_a_configuration_of_a_model_too_large_for_its_weights_is_refused(file: Path) -> None:
    change_config(file, lambda config: config["config"]["cell"]["config"].update(units=50_000))
    with pytest.raises(RunError, match="larger model than its weights"):
        load_model_file(file)


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file.__setitem__("dense/vars/9", h5py.ExternalLink("/etc/passwd", "/")),
        lambda file: file.__setitem__("dense/vars/9", h5py.SoftLink("/dense")),
        lambda file: file.create_dataset("x", (10**9,), "f4", chunks=(1000,), compression="gzip"),
        lambda file: file.create_dataset("x", (10,), "f4", external=[("/etc/passwd", 0, 40)]),
        lambda file: file.create_dataset("x", data="text", dtype=h5py.string_dtype()),
    ],
)
def test_weights_that_lead_elsewhere_or_expand_are_refused(file: Path, change: Any) -> None:
    change_weights(file, change)
    with pytest.raises(RunError, match="its weights"):
        load_model_file(file)


@pytest.mark.parametrize(
    "change",
    [
        lambda config: config.clear(),
        lambda config: config["config"].pop("cell"),
        lambda config: config["config"].update(vocabulary={"characters": ["b", "a"], "unknown": False}),
        lambda config: config["config"].update(vocabulary=3),
        lambda config: config["config"].update(strange=3),
        lambda config: config["config"].update(dropout="x"),
        lambda config: config["config"]["cell"]["config"].update(units="many"),
        lambda config: config["config"]["cell"]["config"].update(units=3),
    ],
)
def test_a_damaged_configuration_is_refused(file: Path, change: Any) -> None:
    change_config(file, change)
    with pytest.raises(RunError, match="train the run again"):
        load_model_file(file)


def test_a_file_with_any_byte_changed_or_cut_off_is_refused_or_loads(file: Path) -> None:
    whole, chance = file.read_bytes(), np.random.default_rng(0)
    weights = load_model_file(file).get_weights()
    for _ in range(40):
        position = int(chance.integers(len(whole)))
        damaged = bytearray(whole)
        damaged[position] ^= 1 << int(chance.integers(8))
        file.write_bytes(damaged if chance.random() < 0.7 else whole[:position])
        # Where it loads, the bit is in a date or in padding: what is in the weights has a checksum.
        with contextlib.suppress(RunError):
            np.testing.assert_equal(load_model_file(file).get_weights(), weights)


def test_a_configuration_nested_too_deeply_is_refused(file: Path) -> None:
    rewrite(file, {**members(file), CONFIG: b"[" * 200_000 + b"]" * 200_000})
    with pytest.raises(RunError, match="cannot be loaded"):
        load_model_file(file)
