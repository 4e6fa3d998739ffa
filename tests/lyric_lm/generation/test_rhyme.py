"""What rhymes, by independent readings of the same words."""

import pytest

from lyric_lm.generation.rhyme import By, last_word, line_length, possible_sounds, sound_of, unit_of

# 十三辙 as its songs name them: words of one line rhyme, words of two lines do not.
THIRTEEN = [
    "发花 回家 牵挂",
    "梭坡 国歌 我",
    "乜斜 姐姐 雪",
    "一七 知识 雨",
    "姑苏 读书 路",
    "怀来 爱 外",
    "灰堆 飞 水",
    "遥条 笑 高",
    "油求 走 秋",
    "言前 圆 天",
    "人辰 心 春",
    "江阳 光 方向",
    "中东 风 梦 熊",
]


def test_words_of_one_of_the_thirteen_groups_rhyme_and_no_others() -> None:
    groups = [[sound_of(word) for word in line.split()] for line in THIRTEEN]
    for i, one in enumerate(groups):
        for j, other in enumerate(groups):
            assert {a.rhymes_with(b) for a in one for b in other} == {i == j}


@pytest.mark.parametrize(
    ("one", "other", "by", "tones", "rhyme"),
    [
        ("光", "方向", "group", False, True),
        ("光", "方向", "final", False, False),
        ("光", "慌张的窗", "final", False, True),
        ("光", "窗", "final", True, True),
        ("光", "双", "group", True, True),
        ("光", "狂", "group", True, False),
        ("四", "西", "group", False, True),
        ("四", "西", "final", False, False),
        ("女", "无", "group", False, False),
        ("月", "学", "final", True, False),
    ],
)
def test_mandarin_rhymes_by_group_or_final_with_or_without_tones(
    one: str, other: str, by: By, tones: bool, rhyme: bool
) -> None:
    sounds = [sound_of(word, by=by, tones=tones) for word in (one, other)]
    assert sounds[0].rhymes_with(sounds[1]) is rhyme


def test_a_character_of_two_readings_is_read_by_its_phrase() -> None:
    assert str(sound_of("听音乐", by="final")) == "ve"
    assert str(sound_of("真快乐！", by="final")) == "e"
    assert str(sound_of("明了", by="final")) == "iao"
    assert str(sound_of("走了", by="final")) == "e"
    assert possible_sounds("乐", by="final", tones=False) >= {"e", "ve"}


@pytest.mark.parametrize(
    ("one", "other", "rhyme"),
    [
        ("in the night", "a red kite", True),
        ("love", "move", False),  # to the eye only
        ("Tonight!", "moonlight...", True),
        ("knyght", "zyght", True),  # no dictionary has them
        ("blite", "night", False),
        ("blite", "kite", True),  # one is spelled alone, so both are spelled
        ("любовь", "кровь", True),
        ("さくら", "ら", True),
        ("爱", "eye", False),
        ("嗯", "嗯", False),  # nobody knows how
        ("...", "...", False),
    ],
)
def test_other_words_rhyme_by_the_dictionary_or_their_last_letters(one: str, other: str, rhyme: bool) -> None:
    assert sound_of(one).rhymes_with(sound_of(other)) is rhyme
    assert sound_of(other).rhymes_with(sound_of(one)) is rhyme


@pytest.mark.parametrize(
    ("line", "characters", "syllables"),
    [
        ("外婆的灶台，烧的是松枝！", 10, 10),
        ("  I wandered lonely as a cloud ", 23, 8),
        ("我的 baby 1999", 10, 8),
        ("Zyxomatic tale", 13, 5),
        ("", 0, 0),
        ("？！", 0, 0),
    ],
)
def test_spaces_and_punctuation_do_not_make_a_line_longer(line: str, characters: int, syllables: int) -> None:
    assert line_length(line, "characters") == characters
    assert line_length(line, "syllables") == syllables


def test_a_line_ends_in_a_word_or_a_character() -> None:
    assert last_word("走在风中！") == "中"
    assert last_word("Let it BE...") == "be"
    assert last_word("?") == ""


def test_lines_of_latin_letters_are_measured_in_syllables() -> None:
    assert unit_of(tuple("abcdefg 我你\n")) == "syllables"
    assert unit_of(tuple("ab 我你他\n")) == "characters"
    assert unit_of(tuple("。\n")) == "characters"
