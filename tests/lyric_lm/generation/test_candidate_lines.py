"""`candidates`: whatever the model, every line fits."""

import functools
from typing import Any

import keras
import numpy as np
import pypinyin
import pytest

from lyric_lm import LineSpec, MaxCopy, NoRepeatNgram, RNNModel, candidates
from lyric_lm.data import UnknownCharacterError, Vocabulary, load_lyrics
from lyric_lm.errors import SettingsError
from lyric_lm.evaluation.scoring import surprisals
from lyric_lm.generation.candidate_lines import unlike
from lyric_lm.generation.line_drawer import Line

ANG = {"ang", "iang", "uang"}


@functools.cache
def model_of(*, keep_newlines: bool = True, unknown: bool = False, extra: str = "") -> RNNModel:
    keras.utils.set_random_seed(3)
    text = load_lyrics("built-in", max_chars=1500, keep_newlines=keep_newlines).text + extra
    return RNNModel(keras.layers.GRUCell(7), Vocabulary.from_text(text, unknown=unknown))


def final(line: str) -> str:
    letters = [char for char in line if char.isalnum()]
    return pypinyin.lazy_pinyin("".join(letters), style=pypinyin.Style.FINALS, strict=True)[-1]


@pytest.mark.parametrize(("keep_newlines", "unknown"), [(True, True), (False, False)])
def test_each_line_has_the_length_the_rhyme_and_the_beginning_that_were_asked_for(
    keep_newlines: bool, unknown: bool
) -> None:
    model = model_of(keep_newlines=keep_newlines, unknown=unknown, extra="，。！　\r a")
    lines = candidates(
        model, "外婆", count=40, line=LineSpec((5, 7), rhyme="方向", first="我"), seed=5, budget=512
    )
    assert len(lines) == 40
    assert len({line.text for line in lines}) == 40
    for line in lines:
        assert 5 <= sum(char.isalnum() for char in line.text) <= 7
        assert final(line.text) in ANG
        assert line.text[0] == "我"
        assert line.text[-1] != "向"
        assert line.text == line.text.strip()
        assert not {"\n", "\r", "\ufffd"} & set(line.text)
        assert keep_newlines or not any(char.isspace() for char in line.text)


def test_exact_finals_with_their_tone() -> None:
    lines = candidates(model_of(), "", count=9, line=LineSpec(4, rhyme="光", by="final", tones=True), seed=1)
    style = pypinyin.Style.FINALS_TONE3
    assert {pypinyin.lazy_pinyin(line.text, style=style, strict=True)[-1] for line in lines} == {"uang1"}


def test_bits_are_those_of_the_model_for_the_line_and_its_end_and_the_best_come_first() -> None:
    model = model_of(unknown=True)
    lines = candidates(model, "外婆", count=6, line=LineSpec(5, rhyme="家"), seed=2)
    for line in lines:
        ids = model.vocabulary.encode(line.text + "\n")
        nats = surprisals(model, ids, context=model.vocabulary.encode("外婆\n"))
        np.testing.assert_allclose(line.bits, nats.mean() / np.log(2), rtol=1e-4)
    assert [line.bits for line in lines] == sorted(line.bits for line in lines)


def test_words_stand_in_each_line_in_any_order() -> None:
    line = LineSpec((6, 8), words=("外婆", "锅"), rhyme="好")
    lines = candidates(model_of(), "", count=30, line=line, seed=4, budget=1024)
    assert len(lines) == 30
    assert all("外婆" in line.text and "锅" in line.text for line in lines)
    assert {line.text.index("外婆") < line.text.index("锅") for line in lines} == {True, False}
    assert len({line.text.index("锅") for line in lines}) > 3


def test_the_same_seed_gives_the_same_lines() -> None:
    first, second, other = (candidates(model_of(), "她", count=5, seed=seed) for seed in (1, 1, 2))
    assert list(first) == list(second) != list(other)


def test_no_line_is_copied_beyond_max_copy_nor_goes_on_a_copy_of_what_was_generated() -> None:
    text = "方光\n方光上天\n" * 5
    model = RNNModel(keras.layers.GRUCell(3), Vocabulary.from_text(text))
    rules = [MaxCopy(model.vocabulary.encode(text), 3, vocab_size=5)]
    line = LineSpec(3)
    for before in ("", "天\n"):
        history = model.vocabulary.encode(before)
        found = candidates(
            model, "方光上天\n", count=50, line=line, rules=rules, history=history, seed=1, budget=256
        )
        written = [f"{before}{line.text}\n" for line in found]
        assert len(written) > 10
        assert not any(text[i : i + 4] in line for line in written for i in range(len(text) - 3))


def test_fewer_lines_than_asked_for_are_said() -> None:
    model = RNNModel(keras.layers.GRUCell(3), Vocabulary("光方\n"))
    found = candidates(model, "光", count=9, line=LineSpec(2, rhyme="光"), budget=300, seed=1)
    assert {line.text for line in found} == {"光方", "方方"}
    assert str(found) == "2 of 9 lines: no more of the 512 that were drawn fit."
    assert str(candidates(model, "光", count=2, line=LineSpec(2, rhyme="光"), seed=1)) == ""


def test_lines_end_at_their_length_where_the_model_knows_no_line_end() -> None:
    model = RNNModel(keras.layers.GRUCell(3), Vocabulary("光方上"))
    lengths = {len(line.text) for line in candidates(model, "上", count=30, line=LineSpec((2, 4)), seed=1)}
    assert lengths == {2, 3, 4}
    with pytest.raises(SettingsError, match="cannot begin a song by itself"):
        candidates(model, "", count=1)


def test_lines_of_latin_letters_are_counted_in_syllables_and_hold_words_as_words() -> None:
    vocabulary = Vocabulary("abdehlnot \n")
    model = RNNModel(keras.layers.GRUCell(3), vocabulary)
    line = LineSpec((3, 5), words=("hat",))
    lines = candidates(model, "", count=5, line=line, seed=3, budget=2048)
    assert len(lines) == 5
    assert all(line.fits(found.text, "syllables") for found in lines)
    assert all("hat" in found.text.split() for found in lines)


def test_what_no_line_can_be_is_refused_with_what_there_is() -> None:
    model = model_of()
    few = RNNModel(keras.layers.GRUCell(3), Vocabulary("光方天\n"))
    with pytest.raises(SettingsError, match=r"'多' \(suo-bo\) .*: its rhymes are jiang-yang \(2\)"):
        candidates(few, "", count=1, line=LineSpec(5, rhyme="多"))
    with pytest.raises(UnknownCharacterError, match="龘"):
        candidates(model, "", count=1, line=LineSpec(5, first="龘"))
    with pytest.raises(SettingsError, match="3 characters long, the line at most 2"):
        candidates(model, "", count=1, line=LineSpec(2, words=("外婆", "她")))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"length": 0}, "length=0"),
        ({"length": (5, 3)}, r"length=\(5, 3\)"),
        ({"length": 61}, "length=61"),
        ({"rhyme": "！"}, "rhyme='！'"),
        ({"rhyme": ("光", "嗯")}, "rhyme='嗯'"),
        ({"words": ("光", "")}, "`words`"),
    ],
)
def test_a_wrong_line_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        LineSpec(**wrong)


def test_a_wrong_number_of_lines_is_refused() -> None:
    with pytest.raises(ValueError, match="count=0"):
        candidates(model_of(), "", count=0)
    with pytest.raises(ValueError, match="budget=0"):
        candidates(model_of(), "", count=1, budget=0)


def test_nearly_equal_lines_do_not_fill_the_list() -> None:
    lines = [Line(text, bits) for text, bits in [("我在风里等", 1), ("我在风里走", 2), ("月亮不说话", 3)]]
    assert [line.text for line in unlike(lines)] == ["我在风里等", "月亮不说话"]


def test_rules_hold_over_the_line() -> None:
    lines = candidates(model_of(), "", count=20, line=LineSpec(12), rules=[NoRepeatNgram(1)], seed=1)
    assert all(len(set(line.text)) == len(line.text) for line in lines)


@pytest.mark.parametrize(
    ("rhyme", "not_rhyme", "may"),
    [
        ("方向", (), "光行"),
        ("光", (), "行"),  # another word
        (("快乐", "我"), (), "了"),
        ("", ("方向",), "行乐了我天ai"),  # 行 may be read otherwise
        ("", ("快乐", "天"), "光行乐了ai"),
        ("rain", (), "ai"),  # whatever is not Chinese: the whole word decides
    ],
)
def test_the_last_letter_is_one_that_can_be_read_so_that_the_line_fits(
    rhyme: str | tuple[str, ...], not_rhyme: tuple[str, ...], may: str
) -> None:
    vocabulary = Vocabulary("光行乐了我天ai", unknown=True)
    spec = LineSpec(1, rhyme=rhyme or (), not_rhyme=not_rhyme)
    found = spec.may_end(vocabulary)
    assert "".join(char for char in "光行乐了我天ai" if found[vocabulary.encode(char)[0]]) == may
    assert not found[vocabulary.unknown_id]
