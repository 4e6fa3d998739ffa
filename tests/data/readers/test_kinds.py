"""Files as people have them: what is kept of each kind, what is left out, and what is refused."""

import bz2
import contextlib
import gzip
import io
import json
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docx
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from lyric_lm.data import CorpusError, Lyrics, load_lyrics, sources
from lyric_lm.data.readers import SUFFIXES


def read(folder: Path, name: str, content: str | bytes, **how: Any) -> Lyrics:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_lyrics(path, keep_newlines=True, **how)


LRC = """[ti:Rain]
[ar:Nobody]
[00:00.00]作词 : 某人
[00:01.00]雨停<00:01.50>了
[00:01.00]The rain has stopped
[00:05.20][00:03.00]啦啦

[00:07]走"""
SRT = """1
00:00:01,000 --> 00:00:02,000
<i>rain</i>, rain
go away

2
00:00:03,000 --> 00:00:04,000
1999
"""
VTT = "WEBVTT\n\nNOTE by me\n\n00:01.000 --> 00:02.000 align:start\n<v Ann>rain\n"
MARKDOWN = """---
title: Rain
---
# Rain
Subtitle
========

- go **away**, [rain](http://rain) \\
> come *again*
![rain](rain.png)
***
"""
HTML = """<!DOCTYPE html><html><head><title>Rain</title></head><body><nav>Home</nav><h1>Rain</h1>
<p>rain &amp;
  rain<br>go</p><div>away<script>var x</script></div></body></html>"""
GENIUS = """12 ContributorsTranslationsRain Lyrics[Verse 1: Ann]
la
You might also like[Chorus]
lo
[Laughs]31Embed"""
GENIUS_PAGE = '<div data-lyrics-container="true">[Chorus]<br/>la<br>lo<div>lu</div></div><div>See more</div>'


@pytest.mark.parametrize(
    ("name", "content", "text", "removed"),
    [
        ("a.lrc", LRC, "雨停了\n啦啦\n啦啦\n走", "7 time stamps, 2 tags, 1 line of credits, 1 translation"),
        ("a.txt", LRC, "雨停了\n啦啦\n啦啦\n走", "time stamps"),
        ("a.srt", SRT, "rain, rain\ngo away\n1999", "2 time stamps, 2 marks of layout"),
        ("a.txt", SRT, "rain, rain\ngo away\n1999", "2 time stamps"),
        ("a.vtt", VTT, "rain", "2 notes, 1 time stamp, 1 mark of layout"),
        ("a.md", MARKDOWN, "go away, rain\ncome again", "2 headings"),
        ("a.html", HTML, "rain & rain\ngo\n\naway", "1 heading"),
        ("a.txt", HTML, "rain & rain\ngo\n\naway", "1 heading"),
        ("a.txt", GENIUS, "la\n\nlo", "3 headings, 3 words of the page"),
        ("a.html", GENIUS_PAGE, "la\nlo\nlu", "1 heading"),
        ("a.txt", "[Chorus]\nla\n【副歌】\nlo\n[later]", "la\nlo\n[later]", "2 headings"),
    ],
)
def test_a_kind_is_read_by_its_text_and_what_was_removed_is_said(
    tmp_path: Path, name: str, content: str, text: str, removed: str
) -> None:
    lyrics = read(tmp_path, name, content)

    assert lyrics.text == text
    for part in removed.split(", "):
        assert part in str(lyrics.origin)
    assert read(tmp_path, name, content, raw=True).text == content


def test_songs_in_one_lrc_are_told_apart_by_their_tags_and_by_time_going_back(tmp_path: Path) -> None:
    lyrics = read(tmp_path, "a.lrc", "[ti:a]\n[00:01]a\n[00:09]b\n[ti:b]\n[00:02]c\n[00:01]d")

    assert lyrics.text == "a\nb\n\nc\n\nd"
    assert lyrics.song_starts.tolist() == [0, 5, 8]


def test_what_an_lrc_says_of_its_song_is_no_lyric(tmp_path: Path) -> None:
    said = "词：甲|作 曲 : 乙|詞/曲：甲|编曲/制作人：乙|混音师：丙|录音室：丁|和声编写：戊|OP：己|Composer: F"
    lines = ["晴天 - 某人 (Someone)", *said.split("|"), "雨停了：走吧", "鼓声", "晴天 - 某人"]
    stamped = "".join(f"[00:{second:02}.00]{line}\n" for second, line in enumerate(lines))

    lyrics = read(tmp_path, "a.lrc", f"[ti:晴天]\n[ar:某人]\n{stamped}")
    assert lyrics.text == "雨停了：走吧\n鼓声\n晴天 - 某人"
    assert "9 lines of credits" in str(lyrics.origin)
    assert "1 heading" in str(lyrics.origin)

    reversed_names = read(tmp_path, "b.lrc", "[ti:晴天]\n[00:01]某人 — 晴天\n[00:02]晴天了\n[00:03]晴天")
    assert reversed_names.text == "晴天了\n晴天"
    assert read(tmp_path, "c.lrc", "[00:01]你 - 我\n[00:02]走").text == "你 - 我\n走", "without a title"


POEMS = [
    {"title": "雨", "paragraphs": ["雨停", "风起"]},
    {"title": "无", "paragraphs": []},
    {"paragraphs": ["走"]},
]


@pytest.mark.parametrize(
    ("name", "content", "how"),
    [
        ("a.csv", 'title,Lyrics\nA,"雨停\n风起"\nB,\nC,走\n', {}),
        ("a.csv", '\ufefftitle;words\nA;"雨停\r\n风起"\nC;走\n', {"column": "words"}),
        ("a.csv", 'title,words\nA,"雨停\n风起"\nC,走\n', {"column": "2"}),
        ("a.tsv", 'title\t歌词\nA,\t"雨停\n风起"\nC\t走\n', {}),
        ("a.csv", 'anything\n"雨停\n风起"\n走\n', {}),
        ("a.json", json.dumps(POEMS), {}),
        (
            "a.json",
            json.dumps({"songs": [{"words": "雨停\n风起", "by": "me"}, {"words": ["走"]}]}),
            {"field": "words"},
        ),
        (
            "a.json",
            json.dumps([{"song": {"words": "雨停\n风起"}}, {"song": {"words": "走"}}]),
            {"field": "song.words"},
        ),
        ("a.json", json.dumps([["雨停", "风起"], ["走"]]), {}),
        ("a.json", json.dumps(["雨停\n风起", "走"]), {}),
        (
            "a.json",
            json.dumps([{"lyrics": [{"time": 1, "text": "雨停"}, {"time": 2, "text": "风起"}]}, "走"]),
            {},
        ),
        ("a.jsonl", '{"text": "雨停\\n风起"}\n\n{"text": "走"}\n', {}),
        ("a.json", '{"text": "雨停\\n风起"}\n{"text": "走"}\n', {}),
    ],
)
def test_each_record_is_a_song(tmp_path: Path, name: str, content: str, how: dict[str, str]) -> None:
    lyrics = read(tmp_path, name, content, **how)

    assert lyrics.text == "雨停\n风起\n\n走"
    assert lyrics.song_starts.tolist() == [0, 7]


@pytest.mark.parametrize(
    ("name", "content", "how", "message"),
    [
        ("a.csv", "a,b\n1,2\n", {}, "has the columns 'a', 'b'; say which one has the words (column=...)"),
        ("a.csv", "a,b\n1,2\n", {"column": "c"}, "has no column 'c'"),
        ("a.csv", "a,b\n1,2\n", {"column": "3"}, "has no column '3'"),
        ("a.csv", "lyrics\n", {}, "no text"),
        ("a.json", '{"a": 1}', {}, "has the fields 'a'; say which has the words (field=...)"),
        ("a.json", '[{"a": "x"}]', {"field": "b"}, "has no field 'b': it has 'a'"),
        ("a.json", '{"text": "a"', {}, "is no JSON ("),
        ("a.jsonl", '{"text": "a"}\n{"text" "b"}\n', {}, "is no JSON (its line 2, "),
        ("a.json", "[" * 100_000, {}, "is nested too deeply"),
        ("a.json", "[1, 2]", {}, "holds 1 where a text should be"),
        ("a.docx", b"PK\x03\x04 no", {}, "is no Word document, or a damaged one"),
        ("a.gz", b"no", {}, "is no .gz file, or a damaged one"),
        ("a.bz2", b"no", {}, "is no .bz2 file, or a damaged one"),
        ("a.zst", b"no", {}, "is no .zst file, or a damaged one"),
        ("a.txt.gz", gzip.compress(b"la" * 99, mtime=0)[:-9], {}, "damaged"),
        ("a.lrc", "[ti:x]\n", {}, "no text"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence_with_the_cure(
    tmp_path: Path, name: str, content: str | bytes, how: dict[str, str], message: str
) -> None:
    with pytest.raises(CorpusError) as raised:
        read(tmp_path, name, content, **how)

    assert message in str(raised.value)
    assert repr(str(tmp_path / name)) in str(raised.value)
    assert str(raised.value).isprintable()


def word_document() -> bytes:
    document = docx.Document()
    document.add_heading("Rain")
    document.add_paragraph("rain\nrain")
    document.add_table(1, 1).cell(0, 0).text = "go away"
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def test_a_word_document_is_read_without_its_headings(tmp_path: Path) -> None:
    lyrics = read(tmp_path, "a.docx", word_document())

    assert lyrics.text == "rain\nrain\ngo away"
    assert str(lyrics.origin) == "removed 1 heading (raw=True keeps them)"


def test_a_word_document_that_expands_without_bounds_is_refused(tmp_path: Path) -> None:
    file = io.BytesIO(word_document())
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/media/x.xml", b"\0" * (64 * 2**20))

    with pytest.raises(CorpusError, match="expands to more than 64 MiB"):
        read(tmp_path, "a.docx", file.getvalue())


@pytest.mark.parametrize(("suffix", "module"), [(".docx", "docx"), (".zst", "backports")])
def test_a_missing_package_is_named_with_its_install_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(CorpusError, match="pip install "):
        read(tmp_path, f"a{suffix}", word_document())


@pytest.mark.parametrize(
    ("suffix", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".zst", zstd.compress)]
)
def test_a_compressed_file_is_read_as_what_it_holds_and_never_beyond_a_limit(
    tmp_path: Path, suffix: str, compress: Any
) -> None:
    assert read(tmp_path, f"a.LRC{suffix}", compress(b"[00:01]la")).text == "la"
    with pytest.raises(CorpusError, match="expands to more than 64 MiB"):
        read(tmp_path, f"b.txt{suffix}", compress(b"a" * (64 * 2**20 + 1)))


def test_a_folder_is_read_recursively_in_order_without_what_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name, content in {
        "b/1.lrc": "[00:01]b one",
        "c.txt": "\nc\n\n",
        "a.txt": "a",
        "cover.png": "x",
        ".hidden/x.txt": "x",
        ".x.txt": "x",
        "empty.txt": "",
    }.items():
        (tmp_path / name).write_text(content, encoding="utf-8")

    lyrics = load_lyrics(tmp_path, keep_newlines=True)

    assert lyrics.text == "a\n\nb one\n\nc"
    assert lyrics.song_starts.tolist() == [0, 3, 10]
    assert str(lyrics.origin).startswith(
        "3 songs from 4 files; left out 1 file of other kinds; removed 1 time"
    )
    assert load_lyrics(str(tmp_path / "*" / "*.lrc")).text == "b one"
    assert load_lyrics([tmp_path / "c.txt", str(tmp_path / "a.txt")], keep_newlines=True).text == "c\n\na"
    assert load_lyrics(["built-in", tmp_path / "a.txt"]).source == f"built-in, {tmp_path / 'a.txt'}"


def test_a_text_is_piped_in_once_for_all_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO("雨停".encode("gbk") * 9)))
    sources._piped.cache_clear()
    try:
        assert load_lyrics("-").text == load_lyrics("-").text == "雨停" * 9
    finally:
        sources._piped.cache_clear()


def test_html_is_read_in_the_encoding_that_it_names(tmp_path: Path) -> None:
    page = '<html><meta http-equiv="Content-Type" content="text/html; charset=GB2312"><p>雨停 für</p>'

    assert read(tmp_path, "a.html", page.encode("gb18030")).text == "雨停 für"
    assert read(tmp_path, "b.html", page.encode()).text == "雨停 für"  # UTF-8, whatever it says


def test_a_corpus_that_mixes_scripts_is_brought_into_one(tmp_path: Path) -> None:
    text = "這裡说話"

    assert read(tmp_path, "a.txt", text, script="simplified").text == "这里说话"
    assert read(tmp_path, "a.txt", text, script="traditional").text == "這裡說話"
    assert read(tmp_path, "a.txt", text).text == text
    with pytest.raises(ValueError, match="`script` must be simplified, traditional or as-is"):
        read(tmp_path, "a.txt", text, script="latin")


@pytest.mark.parametrize(
    "unit", ["<!--", "<a", "![![[", "[a:", "*a ", "&#", "<![CDATA[", "See ", "1", "[[00:"]
)
@pytest.mark.parametrize("suffix", [".html", ".md", ".lrc", ".txt"])
def test_no_text_takes_longer_than_its_length(tmp_path: Path, suffix: str, unit: str) -> None:
    start = time.process_time()
    with contextlib.suppress(CorpusError):
        read(tmp_path, f"a{suffix}", unit * 100_000)
    assert (
        time.process_time() - start < 10
    )  # quadratic, it would be minutes; linear it is a tenth of a second


SEEDS = [LRC, SRT, VTT, MARKDOWN, HTML, GENIUS, GENIUS_PAGE, json.dumps(POEMS), "a,lyrics\n1,la\n"]


@given(
    seed=st.sampled_from(SEEDS),
    cuts=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), max_size=3),
    extra=st.text("[]<>:{}\",'\n\\*_#&; 0123a雨\0\ufeff", max_size=12),
    suffix=st.sampled_from(SUFFIXES),
)
@settings(deadline=None)
def test_any_piece_of_any_kind_gives_a_text_or_a_corpus_error(
    seed: str, cuts: list[tuple[int, int]], extra: str, suffix: str
) -> None:
    text = seed
    for first, second in cuts:
        text = text[: first % (len(text) + 1)] + extra + text[second % (len(text) + 1) :]
    with tempfile.TemporaryDirectory() as folder:
        try:
            lyrics = read(Path(folder), f"any{suffix}", text)
        except CorpusError:
            return
    assert lyrics.text.strip()
    assert lyrics.vocabulary.decode(lyrics.ids) == lyrics.text
    assert lyrics.song_starts[0] == 0
    assert set(lyrics.song_starts) <= set(lyrics.line_starts)
    assert not {"\0", "\r", "\ufeff"} & set(lyrics.text)
