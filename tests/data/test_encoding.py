"""Encodings that are recognised, named or refused."""

import codecs
import os
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from lyric_lm.data.encoding import decode_text
from lyric_lm.data.errors import CorpusError
from lyric_lm.data.loading import read_text

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

    for shown in ("not UTF-8 (byte 0xFF at offset 3 (line 1) is wrong)", "encoding=..."):
        assert shown in str(raised.value)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("für Elise, schöne Grüße über den Dächern", "latin-1"),
        ("さくらさくら野山も里も見わたす限り", "shift_jis"),
        ("さくらさくら野山も里も見わたす限り", "euc_jp"),
        ("비가 그치면 너에게 갈게. 창밖에는 여름 냄새가 나고", "euc_kr"),
        ("비가 그치면 너에게 갈게. 창밖에는 여름 냄새가 나고", "johab"),
        ("Когда закончится дождь, я приду к тебе", "koi8-r"),
        ("Когда закончится дождь, я приду к тебе", "cp1251"),
        ("Když přijde déšť, zůstanu u tebe. Měsíc svítí nad loukou", "cp1250"),
        (SIMPLIFIED, "hz"),
        ("さくらさくら", "iso2022_jp"),
        (SIMPLIFIED, "utf-16-le"),
        ("I don’t know where the river goes", "utf-16-be"),
    ],
)
def test_other_encodings_are_recognised_by_what_reads_like_a_language(text: str, encoding: str) -> None:
    assert decode_text(text.encode(encoding), name="it").text == text


def test_a_guess_is_called_one() -> None:
    assert not decode_text("für Elise, schöne Grüße".encode("latin-1"), name="it").is_certain
    assert not decode_text("雨停风起".encode("gbk"), name="it").is_certain
    assert decode_text(SIMPLIFIED.encode("gbk"), name="it").is_certain


def test_what_could_be_two_encodings_is_refused_with_both() -> None:
    with pytest.raises(
        CorpusError, match=r"could be cp1252 \(.*\) or cp1250 \(Hungarian\); pass its encoding"
    ):
        decode_text("fűz".encode("cp1250"), name="it")


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (SIMPLIFIED.encode()[:-1], "byte 0xE3 at offset 147 (line 1) begins a character that is cut off"),
        (SIMPLIFIED.encode()[:22] + SIMPLIFIED.encode()[23:], "byte 0xE9 at offset 21 (line 1) is wrong"),
        (b"la\n" + SIMPLIFIED.encode() + b"\xff..\xff", "(line 2) is wrong, the first of 2 such places"),
    ],
)
def test_damaged_utf_8_is_named_with_the_place_and_read_on_where_asked(data: bytes, where: str) -> None:
    with pytest.raises(CorpusError, match="is utf-8 text but for damage") as raised:
        decode_text(data, name="it")

    assert where in str(raised.value)
    replaced = decode_text(data, name="it", encoding_errors="replace")
    assert replaced.text == data.decode("utf-8", "replace")
    assert replaced.num_replaced == replaced.text.count("\ufffd") > 0


@pytest.mark.slow
def test_no_excerpt_in_any_of_fifty_encodings_is_read_as_another_text() -> None:
    from tests.benchmarks.encodings import ENCODINGS, LENGTHS, excerpts, judged, ours, texts

    corpus = texts()
    verdicts = Counter(
        judged(ours, piece, data)
        for encoding, languages in ENCODINGS.items()
        for language in languages
        for length in LENGTHS
        for piece, data in excerpts(corpus[language], encoding, length, 2)
    )
    assert verdicts["wrong"] == 0
    assert verdicts["right"] > 0.9 * verdicts.total()


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
