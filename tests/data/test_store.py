"""Texts whose ids lie on disk: as those in memory, reused while the files are the same, never damaged."""

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lyric_lm.data.large_text
import lyric_lm.data.loading
import lyric_lm.data.store
import lyric_lm.data.store_ids
from lyric_lm.data import (
    CorpusError,
    CorpusNotFoundError,
    Lyrics,
    StoredLyrics,
    UnknownCharacterError,
    Vocabulary,
    load_lyrics,
)

Large = Callable[..., Lyrics]


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> Large:
    """`load_lyrics` to which each text is too large to be held, and read in blocks of 97 bytes."""

    def load(source: Any, **options: Any) -> Lyrics:
        with monkeypatch.context() as patch:
            patch.setattr(lyric_lm.data.loading, "LARGE_BYTES", 10)
            patch.setattr(lyric_lm.data.large_text, "BLOCK_BYTES", 97)
            return load_lyrics(source, **options)

    return load


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A text of every odd mark and line end."""
    draw = random.Random(3)
    found = tmp_path / "songs.txt"
    marks = ["分", "不", "开", "我", "a", " ", "\n", "\r", "\r\n", "\u2028", "\ufeff", "\xa0"]
    found.write_bytes("".join(draw.choices(marks, k=1500)).encode())
    return found


def stores(folder: Path) -> list[Path]:
    return sorted(folder.glob(".*.ids/*"))


def check_equal(found: Lyrics, held: Lyrics) -> None:
    assert isinstance(found, StoredLyrics)
    np.testing.assert_array_equal(found.ids, held.ids)
    assert (found.vocabulary, found.sha256, found.source) == (held.vocabulary, held.sha256, held.source)
    np.testing.assert_array_equal(found.line_starts, held.line_starts)
    assert str(found.origin).partition("its ids lie")[0].removesuffix("; ") == str(held.origin)
    assert found.origin is not None
    assert held.origin is not None
    assert found.origin.num_chars == held.origin.num_chars


@pytest.mark.parametrize(
    "options",
    [{}, {"keep_newlines": True}, {"raw": True}, {"min_count": 120}, {"max_vocabulary": 4}],
    ids=str,
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030"])
def test_a_text_on_disk_is_the_text_in_memory(
    path: Path, large: Large, options: dict[str, Any], encoding: str
) -> None:
    path.write_bytes(path.read_bytes().decode().encode(encoding))
    options = {**options, **({"encoding": encoding} if encoding in ("utf-16-le", "gb18030") else {})}
    held = load_lyrics(path, **options)

    check_equal(large(path, **options), held)

    options.pop("min_count", None)
    first, expected = large(path, max_chars=50, **options), load_lyrics(path, max_chars=50, **options)
    assert first == expected
    np.testing.assert_array_equal(first.line_starts, expected.line_starts)
    assert first.origin is not None
    assert first.origin.num_chars == len(held.ids)


def test_large_plain_files_and_small_ones_of_any_kind_are_one_text(path: Path, large: Large) -> None:
    folder = path.parent / "many"
    folder.mkdir()
    path.rename(folder / "b.txt")
    for i in range(5):
        (folder / f"a{i}.txt").write_text(
            f"\n\n第{i}首\n\n说" * (1 + 30 * (i % 2)) + "\n\n", encoding="utf-8"
        )
    (folder / "c.csv").write_text("title,lyrics\nx,词一\ny,词二\n" * 9, encoding="utf-8")
    (folder / "d.lrc").write_text("[00:01.00]歌\n[00:02.00]词\n" * 9, encoding="utf-8")

    check_equal(large(folder, keep_newlines=True), load_lyrics(folder, keep_newlines=True))
    sources = [folder / "b.txt", folder / "a1.txt"]
    check_equal(large(sources), load_lyrics(sources))
    check_equal(large(str(folder / "a*.txt")), load_lyrics(str(folder / "a*.txt")))


def test_the_smallest_type_that_holds_the_vocabulary_is_taken(path: Path, large: Large) -> None:
    assert large(path).ids.dtype == np.uint8
    path.write_text("".join(map(chr, range(0x4E00, 0x4E00 + 257))), encoding="utf-8")
    assert large(path).ids.dtype == np.uint16
    (store,) = stores(path.parent)  # the old one is gone
    assert np.load(store / "ids.npy").shape == (257,)


def test_a_store_is_used_again_while_the_file_is_the_same(
    path: Path, large: Large, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = large(path)

    def write(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr("lyric_lm.data.store.write_ids", write)

    assert large(path) == before
    os.utime(path, ns=(1, 1))
    with pytest.raises(ZeroDivisionError):
        large(path)


@pytest.mark.parametrize("damaged", ["ids.npy", "store.json"])
@pytest.mark.parametrize("how", ["flipped", "cut", "emptied", "gone", "foreign"])
def test_a_damaged_or_foreign_store_is_named_and_never_used(
    path: Path, large: Large, damaged: str, how: str
) -> None:
    large(path)
    (store,) = stores(path.parent)
    file = store / damaged
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    changed = {"flipped": bytes(data), "cut": bytes(data[:-1]), "emptied": b"", "foreign": b'{"record": {}}'}
    file.unlink() if how == "gone" else file.write_bytes(changed[how])

    for _ in range(2):
        with pytest.raises(CorpusError, match=r"store.*delete that folder"):
            large(path)
    with pytest.raises(CorpusError, match=store.name):
        large(path)


def test_an_interrupted_preparation_leaves_nothing(
    path: Path, large: Large, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = lyric_lm.data.large_text.text_pieces
    passes = []

    def interrupted(*given: Any) -> Any:
        passes.append(given)
        yield next(real(*given))
        if len(passes) == 2:
            raise KeyboardInterrupt
        yield from list(real(*given))[1:]

    with monkeypatch.context() as patch:
        patch.setattr("lyric_lm.data.store_ids.text_pieces", interrupted)
        with pytest.raises(KeyboardInterrupt):
            large(path)
    assert list(path.parent.iterdir()) == [path]
    left = path.with_name(".songs.txt.ids") / ".tmp-1-killed"
    left.mkdir(parents=True)
    os.utime(left, (1, 1))

    check_equal(large(path), load_lyrics(path))
    assert not left.exists()


def test_a_file_that_changes_meanwhile_is_refused(
    path: Path, large: Large, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = lyric_lm.data.store_ids.write_ids

    def slow(*given: Any) -> Any:
        record = real(*given)
        path.write_bytes(path.read_bytes() + b"more")
        return record

    monkeypatch.setattr("lyric_lm.data.store.write_ids", slow)
    with pytest.raises(CorpusError, match="has changed while it was read"):
        large(path)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("分开".encode() * 99 + b"\xe5\x88", "offset 594 begins a character that is cut off"),
        ("分开".encode() * 99 + b"\xff" + b"a" * 99, "offset 594 is wrong"),
        ("分开".encode() * 99 + b"\0a", "NUL"),
        (b" \n" * 99, "no text but white space"),
    ],
)
def test_a_bad_text_is_refused_in_one_sentence_and_leaves_nothing(
    path: Path, large: Large, data: bytes, message: str
) -> None:
    path.write_bytes(data)
    with pytest.raises(CorpusError, match=message):
        large(path, encoding="utf-8")
    assert list(path.parent.iterdir()) == [path]


def test_files_that_cannot_be_read_or_written_are_named(
    path: Path, large: Large, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CorpusNotFoundError, match=r"no file .*none\.txt"):
        large([path, path.with_name("none.txt")])
    hidden = path.with_name(".songs.txt.ids")
    hidden.write_text("a file", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"cannot be written to .*put the text where you may write"):
        large(path)
    hidden.unlink()

    def unreadable(*_: Any, **__: Any) -> Any:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("lyric_lm.data.large_text.is_plain", unreadable)
    with pytest.raises(CorpusError, match=r"songs\.txt' cannot be read \(Input/output error\)"):
        large(path)


def test_damage_is_read_over_and_nuls_at_the_end_do_not_count(path: Path, large: Large) -> None:
    path.write_bytes("分开".encode() * 99 + b"\xff" + "不".encode() * 99 + b"\0" * 9)
    check_equal(large(path, encoding_errors="replace"), load_lyrics(path, encoding_errors="replace"))


def test_what_needs_the_whole_text_is_refused_with_the_cure(path: Path, large: Large) -> None:
    lyrics = large(path)
    for refused in (lambda: lyrics.text, lyrics.without_repeats, lambda: lyrics.known_by(Vocabulary("ab"))):
        with pytest.raises(CorpusError, match=r"max_chars="):
            refused()
    for options in ({"songs": "apart"}, {"song_gap": 1}, {"script": "simplified"}):
        with pytest.raises(CorpusError, match=r"leave it out"):
            large(path, **options)
    with pytest.raises(UnknownCharacterError, match="lacks"):
        large(path, vocabulary=Vocabulary("分"))


def test_a_given_vocabulary_encodes_it(path: Path, large: Large) -> None:
    vocabulary = Vocabulary("分开龘", unknown=True)
    check_equal(large(path, vocabulary=vocabulary), load_lyrics(path, vocabulary=vocabulary))


def test_it_is_split_with_the_same_ids_and_an_unknown_token(path: Path, large: Large) -> None:
    whole = large(path)
    training, validation = whole.split(0.25)
    held = load_lyrics(path).text
    assert training.vocabulary == validation.vocabulary == Vocabulary.from_text(held, unknown=True)
    assert validation.is_held
    assert validation.vocabulary.decode(np.array(training.ids)) + validation.text == held
    assert len({whole.sha256, training.sha256, validation.sha256}) == 3
    assert (training.held.text, training.part(3, 8).text) == (held[: len(training.ids)], held[3:8])


def test_a_vocabulary_of_common_characters_makes_the_others_unknown(tmp_path: Path) -> None:
    text = "cccbbbaadx"
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")

    def known(**limits: Any) -> tuple[str, int]:
        vocabulary = load_lyrics(tmp_path / "a.txt", **limits).vocabulary
        return "".join(vocabulary.characters), len(vocabulary)

    assert known(min_count=2) == ("abc", 4)
    assert known(max_vocabulary=3) == ("bc", 3)
    assert known(min_count=3, max_vocabulary=9) == ("bc", 3)
    assert known(max_vocabulary=5) == ("abcd", 5)
    assert known() == ("abcdx", 5)
    with pytest.raises(CorpusError, match="min_count=4"):
        known(min_count=4)
    for wrong in ({"min_count": 0}, {"max_vocabulary": 1}):
        with pytest.raises(ValueError, match="at least"):
            known(**wrong)


def test_a_store_says_what_it_is(path: Path, large: Large) -> None:
    large(path, min_count=3)
    (store,) = stores(path.parent)
    record = json.loads((store / "store.json").read_text(encoding="utf-8"))["record"]
    assert record["format"] == "lyric_lm store 1"
    assert Vocabulary.from_config(record["vocabulary"]) == large(path, min_count=3).vocabulary
    assert str(store) in str(large(path, min_count=3).origin)
