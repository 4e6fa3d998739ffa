"""A text that is larger than memory allows, read in pieces."""

import codecs
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from lyric_lm.data.characters import tidy, with_plain_line_ends
from lyric_lm.data.compression import COMPRESSED
from lyric_lm.data.encoding import Decoded, decode_text, encoding_of_head, failure_of
from lyric_lm.data.errors import CorpusError
from lyric_lm.data.origin import Origin, songs_of_file
from lyric_lm.data.readers.kinds import is_plain
from lyric_lm.data.readers.options import ReadingOptions
from lyric_lm.data.sources import MAX_FILE_BYTES, kind_of, read_path

BLOCK_BYTES = 8 * 2**20
"""Bytes of a plain file that are read at once; larger plain files are read in such blocks."""

_BLANK_LINE = "\n\n"
# What `tidy` changes: looking for each of them first is ten times as fast as its patterns.
_TO_TIDY = "\r\x0b\x0c\x85\u2028\u2029\ufeff\u200b\u2060\u00ad\u00a0\u2007\u202f\0"


def check_can_stream(options: ReadingOptions, songs: str) -> None:
    """Refuse what needs the whole text at once.

    Raises:
        CorpusError: the options ask for such a thing.
    """
    asked = {
        "songs=apart": songs == "apart",
        f"song_gap={options.song_gap}": options.song_gap is not None,
        f"script={options.script}": options.script != "as-is",
    }
    for argument, is_asked in asked.items():
        if is_asked:
            raise CorpusError(
                f"{argument} needs the text in memory, and this one is too large: leave it out, or take the "
                "first part of the text (max_chars=10000000)."
            )


def text_pieces(paths: Sequence[Path], options: ReadingOptions, origin: Origin) -> Iterator[str]:
    r"""The pieces of the text that `load_lyrics` would make of files, each line end as \n.

    Args:
        paths: of files, in order.
        options: how to read them.
        origin: told what was read, and how, once all pieces are drawn.

    Raises:
        CorpusNotFoundError, CorpusError: a file cannot be read.
    """
    try:
        if len(paths) == 1 and _streams(paths[0], options):
            yield from _blocks(paths[0], options, origin)  # as it stands
            return
        is_first = True
        for song in _songs(paths, options, origin):
            if not is_first:
                yield _BLANK_LINE
            yield from _without_outer_newlines(song)
            is_first = False
    except OSError as error:
        if isinstance(error, CorpusError):
            raise
        name = repr(error.filename or str(paths[0]))
        raise CorpusError(f"{name} cannot be read ({error.strerror}); check its disk.") from error


def _songs(paths: Sequence[Path], options: ReadingOptions, origin: Origin) -> Iterator[Iterable[str]]:
    for path in paths:
        if _streams(path, options):
            yield _blocks(path, options, origin)
            continue
        for file in read_path(path, MAX_FILE_BYTES):
            for text in songs_of_file(file, options, origin):
                yield [text]


def _streams(path: Path, options: ReadingOptions) -> bool:
    """Whether a file is large, and plain text, so that it can be read in blocks."""
    if path.stat().st_size <= BLOCK_BYTES or path.suffix.lower() in (*COMPRESSED, ".zip"):
        return False
    with path.open("rb") as file:
        head = file.read(2**16)
    name = repr(str(path))
    encoding, _ = _encoding(head, options, name)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    return is_plain(text, kind_of(path.name), raw=options.raw)


def _encoding(head: bytes, options: ReadingOptions, name: str) -> tuple[str, bool]:
    if options.encoding is None:
        return encoding_of_head(head, name=name)
    decode_text(b"", name=name, encoding=options.encoding)  # refuses what is no encoding of text
    return options.encoding, True


def _blocks(path: Path, options: ReadingOptions, origin: Origin) -> Iterator[str]:
    name = repr(str(path))
    with path.open("rb") as file:
        data = file.read(BLOCK_BYTES)
        encoding, is_certain = _encoding(data, options, name)
        decoder = codecs.getincrementaldecoder(encoding)(options.encoding_errors)
        read, held, num_replaced = 0, "", 0
        while True:
            following = file.read(BLOCK_BYTES)
            read += len(data)
            try:
                text = decoder.decode(data, not following)
            except UnicodeDecodeError as error:
                offset = read - len(error.object) + error.start
                raise CorpusError(
                    f"{name} is not {encoding} text: {failure_of(error, offset)}; pass its true encoding "
                    "(encoding=...), or read on over what is wrong (encoding_errors=replace)."
                ) from error
            if read == len(data):  # the first
                text = text.removeprefix("\ufeff")
            num_replaced += text.count("\ufffd") if options.encoding_errors == "replace" else 0
            text = held + text
            held = "\r" if following and text.endswith("\r") else ""  # \n may follow
            yield _tidied(text.removesuffix(held), options, origin, name, is_last=not following)
            if not following:
                break
            data = following
    origin.add(Decoded("", encoding, is_certain, num_replaced), [name])


def _tidied(text: str, options: ReadingOptions, origin: Origin, name: str, *, is_last: bool) -> str:
    if "\0" in (text.rstrip("\0") if is_last and not options.raw else text):
        raise CorpusError(
            f"{name} looks like a binary file: it holds NUL; pass a text file, or, if it is UTF-16 without "
            "a byte order mark, its encoding (encoding=utf-16-le)."
        )
    if options.raw:
        return with_plain_line_ends(text) if "\r" in text else text
    if not any(mark in text for mark in _TO_TIDY):
        return text
    text, changes = tidy(text)
    origin.removed.update(changes)
    return text


def _without_outer_newlines(pieces: Iterable[str]) -> Iterator[str]:
    has_begun, held = False, ""
    for piece in pieces:
        text = piece if has_begun else piece.lstrip("\n")
        has_begun = has_begun or bool(text)
        body = text.rstrip("\n")
        if body:
            yield held + body
            held = ""
        held += text[len(body) :]
