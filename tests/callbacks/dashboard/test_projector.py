"""The projector's files, read as TensorBoard reads them."""

import io
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lyric_lm.callbacks.dashboard.projector import Projector, glyph_sprite, kind, metadata
from lyric_lm.data import Vocabulary
from lyric_lm.display.fonts import cjk_font

VOCABULARY = Vocabulary("分\t\n \u3000，a1开", unknown=True)  # V = 10
POINTS = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)


@given(st.sets(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40), st.booleans())
def test_every_character_has_one_line_and_a_label_that_can_be_seen(
    characters: set[str], unknown: bool
) -> None:
    vocabulary = Vocabulary(characters, unknown=unknown)
    head, *lines = metadata(vocabulary).split("\n")[:-1]
    assert head.split("\t") == ["character", "kind", "code point"]
    assert len(lines) == len(vocabulary)
    for line, character in zip(lines, vocabulary.characters, strict=False):
        label, _, code_point = line.split("\t")
        assert label.strip()
        assert label.isprintable()
        assert chr(int(code_point.removeprefix("U+"), 16)) == character


def test_labels_of_blank_characters_and_of_the_unknown_token() -> None:
    labels = [line.split("\t")[0] for line in metadata(VOCABULARY).splitlines()[1:]]
    assert labels == ["␉", "␊", "␣", "1", "a", "U+3000", "分", "开", "，", "<unk>"]


def test_kinds_colour_the_points() -> None:
    assert [kind(c) for c in "分a1，\t +"] == [
        "Chinese",
        "letter",
        "digit",
        "punctuation",
        "control",
        "space",
        "symbol",
    ]


def test_the_newest_points_are_found_under_the_epochs_name(tmp_path: Path) -> None:
    projector = Projector(tmp_path, VOCABULARY)
    projector.write_labels()
    projector.write_points(-POINTS, epoch=9)
    projector.write_points(POINTS, epoch=10)
    latest = tf.train.latest_checkpoint(str(tmp_path))
    name = "characters at epoch 10"
    config = (tmp_path / "projector_config.pbtxt").read_text("utf-8")
    assert f'tensor_name: "{name}"' in config
    assert 'metadata_path: "metadata.tsv"' in config
    np.testing.assert_array_equal(tf.train.load_variable(latest, name), POINTS)
    assert {path.name.split(".")[0] for path in tmp_path.glob("characters*")} == {"characters-10"}


@pytest.mark.skipif(cjk_font() is None, reason="no font with Chinese characters is installed")
def test_each_glyph_stands_in_its_own_cell() -> None:
    png = glyph_sprite(VOCABULARY)
    assert png is not None
    alpha = np.asarray(Image.open(io.BytesIO(png)))[..., 1]
    assert alpha.shape == (96, 96)
    drawn = [alpha[24 * (i // 4) :, 24 * (i % 4) :][:24, :24].any() for i in range(16)]
    assert drawn == [True] * 9 + [False] * 7
