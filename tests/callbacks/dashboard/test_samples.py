"""Samples as Markdown, rendered with TensorBoard's own converter, and as a picture."""

import html
import io
import re
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lyric_lm.callbacks.dashboard import glyphs
from lyric_lm.callbacks.dashboard.samples import code_block, sample_page
from lyric_lm.display.fonts import cjk_font

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # TensorBoard's copy of Bleach is deprecated
    from tensorboard.plugin_util import markdown_to_safe_html

needs_font = pytest.mark.skipif(cjk_font() is None, reason="no font with Chinese characters is installed")


def rendered(markdown: str) -> str:
    """What a reader sees of it, all of which must be in a code block."""
    (shown,) = re.findall(r"\A<pre><code>(.*)\n</code></pre>\Z", markdown_to_safe_html(markdown), re.DOTALL)
    return html.unescape(shown)


# TensorBoard's copy of Bleach adds the semicolon that "&#1" lacks.
@given(st.text(alphabet="分开，*_#`~<>&[]()!|-+=\\ :1.\"'\n", max_size=60).filter(lambda t: "&#1" not in t))
def test_a_sample_is_shown_as_it_is(text: str) -> None:
    text = f"分{text}开"  # a sample starts with its prefix; blank lines around a code block are dropped
    shown = [line.rstrip() for line in rendered(code_block(text)).split("\n")]
    assert shown == [line.rstrip() for line in text.split("\n")]


@pytest.mark.parametrize(
    "text", ["```\n分开\n```", "<script>alert(1)</script>", "[分]: http://开", "    分", "分\n\n\n开"]
)
def test_no_sample_ends_its_block(text: str) -> None:
    assert rendered(code_block(text)) == text


def test_control_characters_that_markdown_swallows_are_drawn() -> None:
    assert rendered(code_block("分\x02\t\r开\x7f")) == "分␂␉␍开␡"


@needs_font
def test_a_picture_holds_every_sample_and_no_more_than_fits() -> None:
    def rows_of_ink(samples: list[str]) -> int:
        page = sample_page("", [""] * len(samples), samples)
        assert page is not None
        png, width, height = page
        picture = np.asarray(Image.open(io.BytesIO(png)).convert("L"))
        assert picture.shape == (height, width)
        assert (picture[:, -20:] == 255).all(), "nothing runs over the edge"
        assert (picture[-5:] == 255).all()
        return int((picture < 128).any(axis=1).sum())

    one, two, long = rows_of_ink(["分开"]), rows_of_ink(["分开", "不"]), rows_of_ink(["分开" * 500])
    assert 0 < one < two < long


def test_without_a_font_there_is_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glyphs, "cjk_font", lambda: None)
    glyphs.chinese_font.cache_clear()
    try:
        assert sample_page("epoch 1", ["分"], ["分开"]) is None
    finally:
        glyphs.chinese_font.cache_clear()
