"""Encodings that are recognised, named or refused."""

import codecs
import os
import zipfile
from pathlib import Path

import pytest

from lyric_lm.data.corpus import read_text
from lyric_lm.data.errors import CorpusError

SIMPLIFIED = (
    "后来的我们什么都有了，却没有了我们。雨停在窗前，你说的话还在街角打转，我把灯关掉，让月亮自己走进来。"
)
TRADITIONAL = (
    "後來的我們什麼都有了，卻沒有了我們。雨停在窗前，你說的話還在街角打轉，我把燈關掉，讓月亮自己走進來。"
)
CANTONESE = "我哋行過嘅路，而家仲記唔記得，佢話唔好再問，啲雨落咗成晚，我企喺度睇住你走。"


def read(folder: Path, data: bytes, encoding: str | None = None) -> str:
    path = folder / "lyrics.txt"
    path.write_bytes(data)
    return read_text(path, encoding=encoding)


@pytest.mark.parametrize("text", [SIMPLIFIED, TRADITIONAL, "plain ASCII\n", "naïve café 😀"])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_unicode_files_are_read_with_or_without_a_mark(
    tmp_path: Path, text: str, mark: bytes, encoding: str
) -> None:
    assert read(tmp_path, mark + text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [(SIMPLIFIED, "gb18030"), (TRADITIONAL, "gb18030"), (TRADITIONAL, "big5"), (CANTONESE, "big5hkscs")],
)
def test_gb18030_and_big5_are_told_apart_for_every_twenty_characters_and_for_long_texts(
    tmp_path: Path, text: str, encoding: str
) -> None:
    excerpts = [text[start : start + 20] for start in range(len(text) - 19)]

    for excerpt in [*excerpts, text, f"(ASCII first)\n{text}\n" * 500]:
        assert read(tmp_path, excerpt.encode(encoding)) == excerpt


@pytest.mark.skipif(
    not Path(os.environ.get("LYRIC_LM_DATA", ""), "jaychou_lyrics.txt.zip").is_file(),
    reason="needs $LYRIC_LM_DATA",
)
def test_the_books_corpus_is_recognised_in_gb18030_in_excerpts_of_twenty_characters(tmp_path: Path) -> None:
    with zipfile.ZipFile(Path(os.environ["LYRIC_LM_DATA"], "jaychou_lyrics.txt.zip")) as archive:
        text = archive.read("jaychou_lyrics.txt").decode()

    for start in range(0, len(text) - 20, 500):
        excerpt = text[start : start + 20]
        assert read(tmp_path, excerpt.encode("gb18030")) == excerpt


def test_a_named_encoding_overrides_and_its_mark_is_no_text(tmp_path: Path) -> None:
    assert read(tmp_path, "né".encode("latin-1"), "latin-1") == "né"
    assert read(tmp_path, "雨停".encode("big5"), "BIG5") == "雨停"
    assert read(tmp_path, codecs.BOM_UTF8 + b"rain", "utf-8") == "rain"
    assert read(tmp_path, codecs.BOM_UTF16_LE + "雨".encode("utf-16-le"), "utf-16-le") == "雨"


def test_bytes_that_are_no_text_are_refused_with_offset_and_encodings_tried(tmp_path: Path) -> None:
    with pytest.raises(CorpusError) as raised:
        read(tmp_path, b"abc\xff\xff\n")

    for shown in ("UTF-8 (byte 0xFF at offset 3)", "gb18030 (byte", "cp950 (byte", "encoding="):
        assert shown in str(raised.value)


@pytest.mark.parametrize(
    "data",
    [
        "für Elise, schöne Grüße".encode("latin-1"),
        "さくらさくら野山も里も見わたす限り".encode("shift_jis"),
        SIMPLIFIED.encode()[:-1],
        SIMPLIFIED.encode()[:22] + SIMPLIFIED.encode()[23:],
    ],
)
def test_other_encodings_and_damaged_utf_8_are_refused_rather_than_misread(
    tmp_path: Path, data: bytes
) -> None:
    with pytest.raises(CorpusError, match="is in no encoding tried: UTF-8"):
        read(tmp_path, data)


def test_bytes_not_in_the_named_encoding_are_refused_with_their_offset(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="is not ascii text: byte 0xE9 at offset 2"):
        read(tmp_path, "abé".encode("latin-1"), "ascii")


@pytest.mark.parametrize("encoding", ["utf-9", "", "hex", "undefined", "a\0b", "punycode"])
def test_a_name_that_is_no_text_encoding_is_refused(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(CorpusError, match="encoding"):
        read(tmp_path, b"abc\xe9-\xff", encoding)


def test_halves_of_surrogate_pairs_are_refused(tmp_path: Path) -> None:
    for data, encoding in (
        (b"\xed\xa0\x80abc", None),
        (b"a+2AA-b", "utf-7"),
        (b"\xff\xfe\x00\xd8a\x00", None),
    ):
        with pytest.raises(CorpusError):
            read(tmp_path, data, encoding)
