"""Devices that are not there, and clusters that are none."""

import json
from typing import Any

import pytest
import tensorflow as tf

from lyric_lm.errors import SettingsError
from lyric_lm.settings.devices import DeviceConfig
from lyric_lm.training.devices import strategy_of

WORKERS = {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}


def test_one_device_needs_no_strategy() -> None:
    assert strategy_of(DeviceConfig()) is None


@pytest.mark.parametrize(
    ("devices", "words"),
    [
        (("CPU:0", "GPU:7", "GPU:9"), "There is no GPU:7 and no GPU:9 here, only CPU:0"),
        (("CPU:0",), "two devices or more to share a batch, and here is CPU:0: leave it out"),
    ],
)
def test_devices_that_are_not_there_are_named(devices: tuple[str, ...], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        strategy_of(DeviceConfig("mirrored", devices))


@pytest.mark.parametrize(
    "told",
    [
        "",
        "worker 0",
        "[]",
        json.dumps({"cluster": {"worker": ["127.0.0.1:1"]}, "task": {"type": "worker", "index": 0}}),
        json.dumps({"cluster": WORKERS}),
        json.dumps({"cluster": WORKERS, "task": {"type": "worker", "index": 2}}),
        json.dumps({"cluster": WORKERS, "task": {"type": "evaluator", "index": 0}}),
    ],
)
def test_a_cluster_must_be_told_of_in_tf_config(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", told)
    with pytest.raises(SettingsError, match="needs TF_CONFIG in the environment") as caught:
        strategy_of(DeviceConfig("multiworker"))
    assert "\n" not in str(caught.value)


def test_a_cluster_cannot_be_joined_once_tensorflow_has_started(monkeypatch: pytest.MonkeyPatch) -> None:
    config: dict[str, Any] = {"cluster": WORKERS, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    tf.config.list_logical_devices()
    with pytest.raises(SettingsError, match="cannot join the cluster of TF_CONFIG: Collective ops must"):
        strategy_of(DeviceConfig("multiworker"))
