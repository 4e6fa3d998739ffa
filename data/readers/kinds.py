"""Which reader a file is for: by its suffix, and a plain text by its content."""

import codecs
import re
from collections import Counter

from lyric_lm.data.characters import tidy, with_plain_line_ends
from lyric_lm.data.encoding import Decoded, decode_text
from lyric_lm.data.errors import CorpusError
from lyric_lm.data.readers.genius import is_genius, read_genius
from lyric_lm.data.readers.markup import is_html, read_html, read_markdown
from lyric_lm.data.readers.options import ReadingOptions
from lyric_lm.data.readers.records import read_json, read_table
from lyric_lm.data.readers.songs import Songs
from lyric_lm.data.readers.timed import is_lrc, is_subtitles, read_lrc, read_subtitles
from lyric_lm.data.readers.word import read_docx

_HTML = (".html", ".htm", ".xhtml")
_JSON = (".json", ".jsonl", ".ndjson")
_MARKDOWN = (".md", ".markdown")
_SUBTITLES = (".srt", ".vtt")
_TABLES = {".csv": ",;\t|", ".tsv": "\t"}  # what may part their cells
SUFFIXES = (".txt", ".text", ".lrc", *_SUBTITLES, *_MARKDOWN, *_HTML, *_TABLES, *_JSON, ".docx")
"""Of the files in a folder or an archive that are read; a file that is named itself may have any."""

_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
# What browsers take these names for.
_BROWSERS_NAMES = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "us-ascii": "cp1252",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "big5": "big5hkscs",
}


def read_songs(
    data: bytes, suffix: str, options: ReadingOptions, *, name: str
) -> tuple[Songs, Decoded | None]:
    """The songs of a file.

    Args:
        data: its content.
        suffix: of its name, in small letters, with its dot.
        options: how to read it.
        name: what error messages call it.

    Returns:
        The songs, and how the bytes were decoded; None for a kind that needs no decoding.

    Raises:
        CorpusError: it cannot be read.
    """
    if suffix == ".docx":
        return _tidied(read_docx(data, name=name)), None
    encoding = options.encoding or (_declared(data) if suffix in _HTML else None)
    decoded = decode_text(data, name=name, encoding=encoding, encoding_errors=options.encoding_errors)
    if options.raw:
        return Songs([_checked(with_plain_line_ends(decoded.text), name)]), decoded
    text, changes = tidy(decoded.text)
    songs = _read(_checked(text, name), suffix, options, name)
    return _tidied(Songs(songs.texts, songs.removed + changes)), decoded


def is_plain(head: str, suffix: str, *, raw: bool) -> bool:
    """Whether the beginning of a text and the suffix of its name call for no reader but the plain one."""
    if raw and suffix != ".docx":
        return True
    special = {".docx", ".lrc", *_SUBTITLES, *_MARKDOWN, *_HTML, *_TABLES, *_JSON}
    looks = (is_html, is_lrc, is_subtitles, is_genius)
    return suffix not in special and not any(look(head) for look in looks)


def _read(text: str, suffix: str, options: ReadingOptions, name: str) -> Songs:
    if suffix in _TABLES:
        return read_table(text, name=name, column=options.column, delimiters=_TABLES[suffix])
    if suffix in _JSON:
        return read_json(text, name=name, field=options.field)
    if suffix in _MARKDOWN:
        return read_markdown(text)
    if suffix in _HTML or is_html(text):
        return read_html(text)
    if suffix == ".lrc" or is_lrc(text):
        return read_lrc(text)
    if suffix in _SUBTITLES or is_subtitles(text):
        return read_subtitles(text)
    return Songs([text])


def _tidied(songs: Songs) -> Songs:
    """The songs, each by Genius' reader where it looks so: tables and pages hold such texts too."""
    texts: list[str] = []
    removed = Counter(songs.removed)
    for text in songs.texts:
        # What JSON and HTML write as a number is a character only now.
        text, changes = tidy(text)
        removed.update(changes)
        if is_genius(text):
            song = read_genius(text)
            removed.update(song.removed)
            text = song.texts[0]
        texts.append(text)
    return Songs(texts, removed)


def _declared(data: bytes) -> str | None:
    """The encoding that an HTML page names, unless it is UTF-8 whatever it says."""
    found = _CHARSET.search(data[:2048])
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return None
    if found is None:
        return None
    name = _BROWSERS_NAMES.get(found[1].decode().lower(), found[1].decode())
    try:
        return codecs.lookup(name).name
    except LookupError:
        return None


def _checked(text: str, name: str) -> str:
    """The text, if it can be one.

    Raises:
        CorpusError: it holds NULs or halves of surrogate pairs.
    """
    if (offset := text.find("\0")) >= 0:
        raise CorpusError(
            f"{name} looks like a binary file: its character {offset} is NUL; pass a text file, or, if "
            "it is UTF-16 without a byte order mark, its encoding (encoding=utf-16-le)."
        )
    if any("\ud800" <= character <= "\udfff" for character in set(text)):
        raise CorpusError(f"{name} holds halves of surrogate pairs; pass its true encoding (encoding=...).")
    return text
