"""Reading, splitting and refusing texts."""

import dataclasses
import hashlib
import os
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyric_lm.data import CorpusError, CorpusNotFoundError, UnknownCharacterError, Vocabulary, load_lyrics
from lyric_lm.data.loading import read_text


def written(folder: Path, text: str) -> Path:
    path = folder / "songs.lrc"
    path.write_bytes(text.encode())
    return path


def test_the_built_in_corpus_is_rich_enough() -> None:
    text = read_text("built-in")
    songs = [song for song in text.split("\n\n") if song.strip()]
    lines = [line for line in text.splitlines() if line.strip()]

    assert len(text) >= 13_000
    assert len(load_lyrics("built-in", max_chars=10_000).vocabulary) >= 900
    assert len(songs) >= 48
    assert text.count("不分开") >= 1
    assert text.count("分开") > text.count("不分开")
    assert sum(count - 1 for count in Counter(lines).values()) < len(lines) * 0.2


def test_the_built_in_corpus_is_the_default() -> None:
    lyrics = load_lyrics()

    assert lyrics.source == "built-in"
    assert lyrics.text == read_text("built-in").replace("\n", " ")


def test_every_kind_of_line_end_becomes_one_space_or_stays_one_newline(tmp_path: Path) -> None:
    path = written(tmp_path, "a\r\nb\rc\nd\r\r\ne")

    assert load_lyrics(path).text == "a b c d  e"
    assert load_lyrics(path, keep_newlines=True).text == read_text(path) == "a\nb\nc\nd\n\ne"


def test_lyrics_hold_text_ids_vocabulary_source_and_hash(tmp_path: Path) -> None:
    path = written(tmp_path, "分开\n不分开")

    lyrics = load_lyrics(path, max_chars=4)

    assert lyrics.text == "分开 不"
    assert lyrics.vocabulary == Vocabulary(" 不分开")
    assert lyrics.ids.dtype == np.int32
    assert lyrics.ids.tolist() == [2, 3, 0, 1]
    assert lyrics.source == str(path)
    assert lyrics.sha256 == hashlib.sha256("分开 不".encode()).hexdigest()


def test_lyrics_are_values(tmp_path: Path) -> None:
    path = written(tmp_path, "分开")
    lyrics = load_lyrics(path)

    assert lyrics == load_lyrics(str(path))
    assert hash(lyrics) == hash(load_lyrics(path))
    assert "分开" not in repr(lyrics)
    with pytest.raises(dataclasses.FrozenInstanceError):
        lyrics.text = ""  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        lyrics.ids[0] = 1


def test_a_given_vocabulary_encodes_the_text(tmp_path: Path) -> None:
    path = written(tmp_path, "abc")

    assert load_lyrics(path, vocabulary=Vocabulary("zcba")).ids.tolist() == [0, 1, 2]
    assert load_lyrics(path, vocabulary=Vocabulary("ab", unknown=True)).ids.tolist() == [0, 1, 2]
    with pytest.raises(UnknownCharacterError, match="lacks 'c'"):
        load_lyrics(path, vocabulary=Vocabulary("ab"))


def test_a_split_is_contiguous_and_its_vocabulary_is_the_training_parts(tmp_path: Path) -> None:
    lyrics = load_lyrics(written(tmp_path, "abcabcabdxya"))

    training, validation = lyrics.split(0.25)

    assert (training.text, validation.text) == ("abcabcabd", "xya")
    assert training.vocabulary == validation.vocabulary == Vocabulary("abcd", unknown=True)
    assert training.ids.tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 3]
    assert validation.ids.tolist() == [4, 4, 0]
    assert validation.sha256 == hashlib.sha256(b"xya").hexdigest()


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_a_share_outside_zero_to_one_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="`validation_split` must lie in"):
        load_lyrics().split(share)


@pytest.mark.parametrize("share", [0.1, 0.95])
def test_a_split_with_an_empty_part_is_refused(tmp_path: Path, share: float) -> None:
    with pytest.raises(CorpusError, match="one part would be empty"):
        load_lyrics(written(tmp_path, "abc")).split(share)


@pytest.mark.parametrize("max_chars", [0, -1])
def test_max_chars_below_one_is_refused(max_chars: int) -> None:
    with pytest.raises(
        ValueError, match=rf"^`max_chars` must be at least 1. Received: max_chars={max_chars}$"
    ):
        load_lyrics(max_chars=max_chars)


@pytest.mark.parametrize("name", ["missing.txt", "missing.zip", "a\0b.txt", "\ud800.txt", "sub/missing.txt"])
def test_a_missing_file_is_named_in_one_plain_sentence(tmp_path: Path, name: str) -> None:
    path = os.path.join(tmp_path, name)  # noqa: PTH118 - a str, as the command hands it over

    with pytest.raises(CorpusNotFoundError) as raised:
        load_lyrics(path)

    assert str(raised.value) == f"There is no file {path!r}; check the path, or take 'built-in'."


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path, problem in (
        (tmp_path / "empty", "is a folder without a text"),
        ("", "There is no file ''"),
        ([], "No file is named"),
        (tmp_path / "*.txt", "No file matches"),
        (Path(os.devnull), "is a device"),
        (tmp_path / ("x" * 999), "cannot be read"),
        (written(tmp_path, "a") / "b.txt", "cannot be read"),
    ):
        with pytest.raises(CorpusError, match=problem):
            load_lyrics(path)


@pytest.mark.parametrize("text", ["", " \r\n\t\u3000\n", "\ufeff"])
def test_a_file_without_text_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(CorpusError, match="holds no text but white space"):
        load_lyrics(written(tmp_path, text))


def test_nul_marks_a_binary_file(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="looks like a binary file: its byte 1 is NUL"):
        load_lyrics(written(tmp_path, "a\0b"))
    with pytest.raises(CorpusError, match="looks like a binary file: its character 1 is NUL"):
        load_lyrics(written(tmp_path, "a\0b"), encoding="utf-8")


def test_other_control_characters_joiners_and_bidirectional_marks_stay(tmp_path: Path) -> None:
    text = "a\tb\x1b[31m\x7f\u202e👨\u200d👩\u200d👧 שלום é\u3000"

    lyrics = load_lyrics(written(tmp_path, text))

    assert lyrics.text == lyrics.vocabulary.decode(lyrics.ids) == text


def test_odd_line_ends_and_unseen_marks_follow_one_rule_that_raw_turns_off(tmp_path: Path) -> None:
    text = "\ufeffa\u2028b\u2029c\x85d\x0be\x0cf\r\ng\xa0h\u202fi\u200b\ufeffj\u00adk\u2060l\0\0"
    path = written(tmp_path, text)

    lyrics = load_lyrics(path, keep_newlines=True)

    assert lyrics.text == "a\nb\nc\nd\ne\nf\ng h ijkl"
    assert str(lyrics.origin) == "removed 6 unseen marks, 2 no-break spaces (raw=True keeps them)"
    whole = text.rstrip("\0")
    raw = load_lyrics(written(tmp_path, whole), raw=True, keep_newlines=True)
    assert raw.text == whole.removeprefix("\ufeff").replace("\r\n", "\n")


def test_ten_megabytes_of_one_character_are_read(tmp_path: Path) -> None:
    lyrics = load_lyrics(written(tmp_path, "a" * 10_000_000))

    assert len(lyrics.vocabulary) == 1
    assert lyrics.ids.shape == (10_000_000,)


@given(
    st.binary(),
    st.sampled_from([".txt", ".zip"]),
    st.sampled_from([None, "utf-8", "gb18030", "utf-16", "utf-7"]),
)
def test_any_bytes_give_text_or_a_corpus_error(data: bytes, suffix: str, encoding: str | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"any{suffix}")
        path.write_bytes(data)
        try:
            text = read_text(path, encoding=encoding)
        except CorpusError:
            return
    assert text.strip()
    assert "\r" not in text
    assert "\0" not in text
    Vocabulary.from_text(text)


@pytest.mark.parametrize("keep_newlines", [False, True])
def test_without_repeats_each_chorus_is_sung_once(tmp_path: Path, keep_newlines: bool) -> None:
    chorus = ["la la", "不分开", "", "de da"]
    verses = [["一"], ["二", "", " la la "], ["三"]]
    path = tmp_path / "song.txt"
    path.write_text(
        "\n".join(line for verse in verses for line in [*verse, *chorus, "", ""]), encoding="utf-8"
    )
    lyrics = load_lyrics(path, keep_newlines=keep_newlines)

    once = lyrics.without_repeats()

    end = "\n" if keep_newlines else " "
    # A line alone may come back; one that is sung again beside the same neighbour may not.
    assert once.text == end.join(["一", *chorus, "", "二", "", " la la ", "", "三", ""])
    assert once.vocabulary == lyrics.vocabulary
    assert once.vocabulary.decode(once.ids) == once.text
    assert [once.text[start - 1] for start in once.line_starts[1:]] == [end] * (len(once.line_starts) - 1)
    assert once.without_repeats().text == once.text


def test_a_line_over_and_over_is_a_chorus(tmp_path: Path) -> None:
    path = tmp_path / "song.txt"
    path.write_text("la\nla\nla\nla\nla\nso", encoding="utf-8")

    assert load_lyrics(path).without_repeats().text == "la so"


def test_lines_are_known_in_both_parts_of_a_split(tmp_path: Path) -> None:
    path = tmp_path / "song.txt"
    path.write_text("ab\nc d\nab\nefg\nc d\nefg", encoding="utf-8")  # 21 characters

    training, validation = load_lyrics(path).split(0.5)

    assert (training.text, validation.text) == ("ab c d ab e", "fg c d efg")
    assert training.line_starts.tolist() == [0, 3, 7, 10]
    assert validation.line_starts.tolist() == [0, 3, 7]


def test_a_text_of_one_line_repeats_nothing(tmp_path: Path) -> None:
    path = tmp_path / "song.txt"
    path.write_text("la la la la", encoding="utf-8")

    assert load_lyrics(path).without_repeats().text == "la la la la"
