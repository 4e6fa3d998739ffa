"""Devices by name."""

import pytest

from lyric_lm.settings.devices import DeviceConfig


@pytest.mark.parametrize("devices", [("cpu0",), ("GPU:0", "GPU:0"), ("TPU:0",)])
def test_a_device_is_named_as_tensorflow_names_it_and_once(devices: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="`devices` must name devices as GPU:0 or CPU:1, each of them once"):
        DeviceConfig("mirrored", devices)


def test_devices_without_a_strategy_are_refused() -> None:
    with pytest.raises(ValueError, match="`devices` needs strategy=mirrored"):
        DeviceConfig(devices=("CPU:0",))
