"""Where what is written ends."""

import keras
import pytest

from lyric_lm import RNNModel, Temperature, generate
from lyric_lm.data import Vocabulary
from lyric_lm.generation.line_ends import before_stop, first_lines, line_end


def test_a_newline_ends_a_line_else_a_space() -> None:
    assert [line_end(Vocabulary(text)) for text in ("a \n", "a ", "ab")] == ["\n", " ", ""]


@pytest.mark.parametrize(
    ("text", "count", "kept"),
    [
        ("ab\ncd\nef", 1, "ab"),
        ("ab\ncd\nef", 2, "ab\ncd"),
        ("\n\nab\n\ncd\n", 2, "\n\nab\n\ncd"),
        ("ab\ncd", 2, "ab\ncd"),
        ("\n\n", 1, "\n\n"),
    ],
)
def test_lines_that_hold_something_are_counted(text: str, count: int, kept: str) -> None:
    assert first_lines(text, count, "\n") == kept
    assert first_lines("ab cd", count, "") == "ab cd"


def test_a_continuation_ends_before_the_first_stop() -> None:
    model = RNNModel(keras.layers.SimpleRNNCell(3), Vocabulary("abc\n"))
    whole = generate(model, ["ab\n", "c"], 30, sampler=Temperature(1.0), seed=1)
    for stop in ("\n", ("\n", "cc")):
        cut = generate(model, ["ab\n", "c"], 30, sampler=Temperature(1.0), seed=1, stop=stop)
        for text, shorter, prefix in zip(whole, cut, ["ab\n", "c"], strict=True):
            added, left = text.removeprefix(prefix), shorter.removeprefix(prefix)
            assert added.startswith(left)
            assert not any(s in left for s in stop)
            assert any(added[len(left) :].startswith(s) for s in stop)
    with pytest.raises(ValueError, match="stop=''"):
        before_stop("ab", ("b", ""))
