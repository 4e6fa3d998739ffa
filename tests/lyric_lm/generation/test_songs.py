"""Songs keep to their form, whatever the model."""

import functools
import itertools

import keras
import pypinyin
import pytest

from lyric_lm import RNNModel, SongForm, write_songs
from lyric_lm.data import UnknownCharacterError, Vocabulary, load_lyrics
from lyric_lm.errors import SettingsError
from lyric_lm.generation.song_form import FREE

# An own table of 十三辙, by the last letters of a final.
GROUPS = [
    "a ia ua",
    "o e uo",
    "ie ve",
    "i v er",
    "u",
    "ai uai",
    "ei uei",
    "ao iao",
    "ou iou",
    "an ian uan van",
]
GROUPS += ["en in uen vn", "ang iang uang", "eng ing ueng ong iong"]


@functools.cache
def small_model() -> RNNModel:
    keras.utils.set_random_seed(3)
    text = load_lyrics("built-in", max_chars=900, keep_newlines=True).text
    return RNNModel(keras.layers.GRUCell(7), Vocabulary.from_text(text, unknown=True))


def group(line: str) -> int:
    final = pypinyin.lazy_pinyin(line, style=pypinyin.Style.FINALS, strict=True)[-1]
    return next(i for i, finals in enumerate(GROUPS) if final in finals.split())


def test_lengths_rhymes_beginnings_and_stanzas_are_those_of_the_form() -> None:
    form = SongForm.parse("5 6 3-4 5 / 5 6 3-4 5", "AABA", acrostic="外婆的锅 好她")
    songs = list(write_songs(small_model(), form, count=2, seed=1))
    lines = []
    for song in songs:
        stanzas = [stanza.split("\n") for stanza in str(song).split("\n\n")]
        assert [len(stanza) for stanza in stanzas] == [4, 4]
        for a, b, c, d in stanzas:
            assert (len(a), len(b), len(d)) == (5, 6, 5)
            assert len(c) in (3, 4)
            assert group(a) == group(b) == group(d) != group(c)
            assert len({a[-1], b[-1], d[-1]}) == 3
        lines += [line for stanza in stanzas for line in stanza]
    firsts = [line[0] for line in lines]
    assert "".join(firsts[:4] + firsts[5:7]) == "".join(firsts[8:12] + firsts[13:15]) == "外婆的锅好她"
    assert len(set(lines)) == 16


def test_the_same_seed_gives_the_same_songs_and_songs_differ() -> None:
    form = SongForm.parse("4 4")
    first, again, other = (
        [str(s) for s in write_songs(small_model(), form, count=2, seed=i)] for i in (1, 1, 2)
    )
    assert first == again != other
    assert str(first[0]) != str(first[1])


def test_a_form_that_cannot_be_met_is_refused_with_its_line() -> None:
    model = RNNModel(keras.layers.GRUCell(3), Vocabulary("光方天\n"))
    with pytest.raises(SettingsError, match=r"No line 3 was found \(2 characters, rhymes with "):
        list(write_songs(model, SongForm.parse("2 2 2", "AAA"), seed=1))
    with pytest.raises(UnknownCharacterError, match="龘"):
        list(write_songs(model, SongForm.parse("2", acrostic="龘"), seed=1))


@pytest.mark.parametrize(
    ("lengths", "rhyme", "acrostic", "said"),
    [
        ("", "", "", "1 to 200 lines"),
        ("/ /", "", "", "1 to 200 lines"),
        ("7 " * 201, "", "", "1 to 200 lines"),
        ("7 seven", "", "", "'seven'"),
        ("7 0", "", "", "'0'"),
        ("9-7", "", "", "'9-7'"),
        ("7 61", "", "", "'61'"),
        ("7 7 7", "AA", "", "2 letters, the form 3 lines"),
        ("7 7 / 7", "AA", "", "2 letters, the form 3 lines"),
        ("7 7", "A?", "", "'?'"),
        ("7 7", "", "分开快乐", "4 characters, the form only 2 lines"),
    ],
)
def test_a_wrong_form_is_refused(lengths: str, rhyme: str, acrostic: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        SongForm.parse(lengths, rhyme, acrostic=acrostic)
    assert said in str(refused.value)


def test_a_scheme_of_one_stanza_serves_all_and_each_has_rhymes_of_its_own() -> None:
    form = SongForm.parse("7 7 / 5 6-8", "Ax")
    assert [line.rhyme for line in form.lines] == ["A", FREE, "A", FREE]
    assert [line.rhyme for line in SongForm.parse("7 7 / 5 5", "AA / BB").lines] == list("AABB")


def test_the_form_of_a_text() -> None:
    text = "\n外婆系上蓝布围裙\n她说 慢点，\n门\n\n \n月光\n\n，\n方向\n月亮\n雪\n"
    form = SongForm.of_text(text, "characters")
    found = [[(*line.length, line.rhyme) for line in stanza] for stanza in form.stanzas]
    assert found == [
        [(8, 8, "A"), (4, 4, FREE), (1, 1, "A")],
        [(2, 2, FREE)],
        [(2, 2, "A"), (2, 2, "A"), (1, 1, FREE)],
    ]
    for text in ("", "...\n", "门\n" * 201, "门" * 61):
        with pytest.raises(SettingsError, match="template"):
            SongForm.of_text(text, "characters")


def test_a_song_of_a_template_has_its_form() -> None:
    form = SongForm.of_text("外婆的灶头\n烧的是松枝\n来\n开\n", "characters")
    (song,) = write_songs(small_model(), form, seed=3)
    again = SongForm.of_text(str(song), "characters")
    assert [line.length for line in again.lines] == [line.length for line in form.lines]
    rhymes = [line.rhyme for line in form.lines]
    assert rhymes == [FREE, FREE, "A", "A"]
    assert group(song.lines[2].text) == group(song.lines[3].text)
    assert all(a.text != b.text for a, b in itertools.combinations(song.lines, 2))
