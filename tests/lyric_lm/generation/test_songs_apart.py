"""A model of songs begins one and ends it."""

import keras
import numpy as np
import pytest

from lyric_lm import Beam, RNNModel, Temperature, generate, stream
from lyric_lm.data import Vocabulary
from lyric_lm.data.characters import SONG_END
from lyric_lm.generation.line_drawer import LineDrawer

FOLLOWERS = {SONG_END: "a", "a": "b", "b": "c", "c": SONG_END, "d": "d"}


@pytest.fixture(name="model", scope="module")
def _model() -> RNNModel:
    """Each character has one follower; c ends a song, d goes on for ever."""
    vocabulary = Vocabulary(FOLLOWERS)
    model = RNNModel(keras.layers.SimpleRNNCell(len(vocabulary), use_bias=False), vocabulary)
    size = len(vocabulary)
    follows = np.zeros((size, size), np.float32)
    for before, after in FOLLOWERS.items():
        follows[vocabulary.encode(before)[0], vocabulary.encode(after)[0]] = 99.0
    kernel, nothing = 5 * np.eye(size, dtype=np.float32), np.zeros((size, size), np.float32)
    model.set_weights([kernel, nothing, follows, np.zeros(size, np.float32)])
    return model


def test_an_empty_prefix_begins_a_song_and_a_text_ends_with_its_song(model: RNNModel) -> None:
    assert generate(model, "", 50) == "abc"
    assert generate(model, ["", "b", "dd"], 6) == ["abc", "bc", "dddddddd"]
    assert generate(model, "", 50, sampler=Temperature(0.5), seed=1) == "abc"
    assert generate(model, "a", 5, sampler=Beam(2)) == "abc"
    assert generate(model, "", 2) == "ab"
    assert generate(model, "", 50, stop="b") == "a"


def test_a_stream_ends_with_its_song(model: RNNModel) -> None:
    assert "".join(stream(model, "", 500)) == "abc"
    assert "".join(stream(model, "c", 500)) == ""
    assert "".join(stream(model, "d", 19)) == "d" * 19


def test_lines_are_drawn_from_a_songs_beginning(model: RNNModel) -> None:
    reading = LineDrawer(model, Temperature(), ()).read("")

    np.testing.assert_allclose(
        reading.logits, model(model.vocabulary.encode(SONG_END)[None])[0][:, 0], rtol=1e-5
    )
