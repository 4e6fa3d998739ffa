"""What a terminal would obey is shown instead."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyric_lm.data.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("分开\t不分开\n", "分开\t不分开\n"),
        ("\x1b]0;owned\x07", r"\x1b]0;owned\x07"),
        ("\x9b31m\x7f\r\x00", r"\x9b31m\x7f\r\x00"),
        ("a\u202eb\u2066c\u200fd\u061ce", r"a\u202eb\u2066c\u200fd\u061ce"),
        ("\u2028\u2029\ufeff", r"\u2028\u2029\ufeff"),
        ("\ud800\udfff", r"\ud800\udfff"),
        ("\U000e0041", r"\U000e0041"),
        ("👩‍👩‍👧‍👦 می‌خواهم", "👩‍👩‍👧‍👦 می‌خواهم"),  # joiners belong to the text
        ("שלום مرحبا", "שלום مرحبا"),
    ],
)
def test_controls_are_escaped_and_all_else_is_left(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters(), max_size=30))
def test_no_control_and_no_direction_override_is_ever_left(text: str) -> None:
    for character in printable(text):
        assert unicodedata.category(character) not in ("Cc", "Cs") or character in "\t\n"
        assert unicodedata.bidirectional(character) not in (
            ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
        )
    assert printable(printable(text)) == printable(text)
