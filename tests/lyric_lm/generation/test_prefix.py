"""What a person types, brought into what a model knows."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyric_lm.data import UnknownCharacterError, Vocabulary
from lyric_lm.generation.prefix import fit_prefix


@pytest.mark.parametrize(
    ("known", "typed", "fitted"),
    [
        ("分开", "分开", "分开"),
        ("说么里", "說麼裡", "说么里"),
        ("說裡", "说里", "說裡"),
        ("abc", "ABC", "abc"),
        ("ABC", "ａｂc", "ABC"),
        ("Ａ！", "a!", "Ａ！"),
        ("a b", "a\u3000b", "a b"),
        ("a b", "a\nb", "a b"),
        ("kg", "㎏", "kg"),
        ("分开", "分龘开", "分开"),
        ("分开", "分\udcff开", "分开"),  # a byte that is no UTF-8, as an argument holds it
        ("café", "cafe\u0301", "café"),
        ("cafe", "cafe\u0301", "cafe"),
        ("CAFÉ", "cafe\u0301", "CAFÉ"),
        ("사랑", unicodedata.normalize("NFD", "사랑"), "사랑"),
        ("ガ", "ｶﾞ", "ガ"),
        ("é", "e\u0301 e\u0301", "éé"),
    ],
)
def test_an_unknown_character_becomes_a_near_one_or_is_skipped(known: str, typed: str, fitted: str) -> None:
    assert fit_prefix(typed, Vocabulary(sorted(set(known)))).text == fitted


def test_one_line_says_what_was_done_to_which_character() -> None:
    line = str(fit_prefix("說分龘說", Vocabulary("说分")))
    assert line == "prefix: '說' was read as '说'; '龘' (U+9F98) is unknown and was skipped"
    assert str(fit_prefix("分", Vocabulary("分"))) == ""


def test_a_prefix_of_which_nothing_is_left_is_refused() -> None:
    with pytest.raises(UnknownCharacterError, match="knows no character of the prefix"):
        fit_prefix("龘", Vocabulary("分开", unknown=True))


@given(st.text(st.characters(exclude_categories=()), min_size=1, max_size=20))
def test_whatever_is_typed_what_is_kept_is_known(typed: str) -> None:
    vocabulary = Vocabulary("abc分开 说")
    vocabulary.encode(fit_prefix("a" + typed, vocabulary).text)
