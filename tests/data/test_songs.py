"""Songs that stay apart: where they start, how they are marked, held out and freed of repeats."""

from pathlib import Path

import numpy as np
import pytest

from lyric_lm.data import CorpusError, Lyrics, Vocabulary, load_lyrics
from lyric_lm.data.characters import SONG_END

SONGS = ["la la\nde da\n\nla la\nde da", "分开\n不分开\n", "so\n\nla la\nde da\n\nend"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for i, song in enumerate(SONGS):
        (tmp_path / f"{i}.txt").write_text(song, encoding="utf-8")
    return tmp_path


def songs_of(lyrics: Lyrics) -> list[str]:
    return [lyrics.text[start:].split(SONG_END)[0] for start in lyrics.song_starts]


def test_a_mark_stands_before_between_and_after_songs_apart(folder: Path) -> None:
    lyrics = load_lyrics(folder, keep_newlines=True, songs="apart")

    assert lyrics.text == "\x1e" + "\x1e".join(song.strip("\n") for song in SONGS) + "\x1e"
    assert songs_of(lyrics) == [song.strip("\n") for song in SONGS]
    lines = [lyrics.text[start:].split("\n")[0].split(SONG_END)[0] for start in lyrics.line_starts]
    assert lines == "\n".join(song.strip("\n") for song in SONGS).split("\n")
    mark = lyrics.vocabulary.song_end_id
    assert mark is not None
    assert np.flatnonzero(lyrics.ids == mark).tolist() == [*(lyrics.song_starts - 1), len(lyrics.text) - 1]
    assert load_lyrics(folder).vocabulary.song_end_id is None


def test_a_vocabulary_has_a_song_end_where_it_has_the_mark() -> None:
    vocabulary = Vocabulary.from_text("ab\x1e", unknown=True)

    assert vocabulary.song_end_id == 0
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary
    assert Vocabulary("ab", unknown=True).song_end_id is None


def test_blank_lines_end_songs_where_that_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "songs.txt"
    path.write_text("a\nb\n\nc\n \n\n\nd\x1ee\n", encoding="utf-8")

    def songs(gap: int | None, raw: bool = False) -> list[str]:
        return songs_of(load_lyrics(path, keep_newlines=True, songs="apart", song_gap=gap, raw=raw))

    assert songs(None) == songs(None, raw=True) == ["a\nb\n\nc\n \n\n\nd", "e"]
    assert songs(1) == songs(1, raw=True) == ["a\nb", "c", "d", "e"]
    assert songs(2) == ["a\nb\n\nc", "d", "e"]
    together = load_lyrics(path, keep_newlines=True, song_gap=2)
    assert together.text == "a\nb\n\nc\n\nd\n\ne"
    assert together.song_starts.tolist() == [0, 8, 11]


def test_the_built_in_songs_are_56() -> None:
    lyrics = load_lyrics("built-in", songs="apart")

    assert len(lyrics.song_starts) == 56
    assert str(lyrics.origin) == "56 songs from 1 file"


def test_a_cut_leaves_the_last_song_without_its_end(folder: Path) -> None:
    lyrics = load_lyrics(folder, songs="apart", max_chars=26)

    assert lyrics.text == "\x1ela la de da  la la de da\x1e"
    assert lyrics.song_starts.tolist() == [1]
    assert load_lyrics(folder, songs="apart", max_chars=28).song_starts.tolist() == [1, 26]
    assert load_lyrics(folder, songs="apart", max_chars=1).text == "\x1e"


@pytest.mark.parametrize(("share", "held_out"), [(0.01, 1), (0.4, 1), (0.6, 2), (0.99, 2)])
def test_whole_songs_are_held_out_and_both_parts_have_the_mark_between(
    folder: Path, share: float, held_out: int
) -> None:
    lyrics = load_lyrics(folder, songs="apart", keep_newlines=True)

    training, validation = lyrics.split(share)

    assert songs_of(training) + songs_of(validation) == songs_of(lyrics)
    assert len(validation.song_starts) == held_out
    assert training.text + validation.text[1:] == lyrics.text
    for part in (training, validation):
        assert part.text[0] == part.text[-1] == SONG_END
        assert part.songs_apart
        assert part.line_starts[0] == part.song_starts[0] == 1


def test_one_song_cannot_be_split_between_songs(tmp_path: Path) -> None:
    path = tmp_path / "song.txt"
    path.write_text(SONGS[0], encoding="utf-8")

    with pytest.raises(CorpusError, match="song_gap=1"):
        load_lyrics(path, songs="apart").split(0.5)


def test_without_repeats_songs_stay_apart_and_begin_and_end_with_words(folder: Path) -> None:
    lyrics = load_lyrics(folder, songs="apart", keep_newlines=True)

    once = lyrics.without_repeats()

    assert once.text == "\x1ela la\nde da\x1e分开\n不分开\x1eso\n\nend\x1e"
    assert songs_of(once) == ["la la\nde da", "分开\n不分开", "so\n\nend"]
    assert [once.text[start:][:2] for start in once.line_starts] == [
        "la",
        "de",
        "分开",
        "不分",
        "so",
        "\ne",
        "en",
    ]
    assert once.without_repeats().text == once.text


def test_other_ways_to_take_songs_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="songs='each'"):
        load_lyrics(folder, songs="each")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="song_gap=0"):
        load_lyrics(folder, song_gap=0)
