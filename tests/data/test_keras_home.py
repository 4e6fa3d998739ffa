"""The folder of Keras' settings is the one that Keras uses."""

from pathlib import Path

import pytest
from keras.src.backend.config import keras_home as the_one_of_keras  # no public name

from lyric_lm.data.keras_home import keras_home


def test_it_is_the_folder_that_keras_uses() -> None:
    assert str(keras_home()) == the_one_of_keras()


def test_without_a_home_to_write_to_it_lies_where_keras_puts_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("KERAS_HOME", raising=False)
    for home, expected in [(tmp_path, tmp_path / ".keras"), (tmp_path / "none", Path("/tmp/.keras"))]:
        monkeypatch.setenv("HOME", str(home))
        assert keras_home() == expected
