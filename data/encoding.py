"""Turn the bytes of a text file into text, and say how: what is uncertain is refused, not guessed."""

import codecs
import re
from dataclasses import dataclass

from lyric_lm.data.errors import CorpusError
from lyric_lm.data.tongues import TONGUES

_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose little-endian mark it begins with
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
# Encodings in seven bits, which would pass for ASCII, by what switches them on.
_SHIFTED = {b"\x1b$)C": "iso2022_kr", b"\x1b$": "iso2022_jp_2", b"~{": "hz"}
_WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
_SAMPLE_BYTES = 8192  # of a text beyond ASCII decide
_MIN_PLAUSIBILITY = 0.8
_MIN_LEAD = 0.1  # over the best other reading, plus a part for each character that is missing to many
_MIN_LEAD_WHERE_DIFFERENT = 0.4
_FEWEST_CERTAIN = 8  # characters beyond ASCII; of fewer it is a guess
_UTF_8_LEAD = 4  # characters beyond ASCII for each wrong byte make it UTF-8 that is damaged


@dataclass(frozen=True)
class Decoded:
    """A text and the encoding it was in."""

    text: str
    encoding: str
    is_certain: bool = True  # whether the encoding is more than a good guess
    num_replaced: int = 0  # places that were no text, U+FFFD now


@dataclass(frozen=True)
class _Candidate:
    plausibility: float
    encoding: str
    tongue: str
    text: str  # of the sample


def decode_text(
    data: bytes, *, name: str, encoding: str | None = None, encoding_errors: str = "strict"
) -> Decoded:
    """The text that bytes stand for.

    A byte order mark decides; without one the text is UTF-8 if it can be. Else each encoding of `tongues` is
    tried, and the one that reads most like a language wins, if no other reads nearly as well.

    Args:
        data: the content of a text file.
        name: what error messages call it.
        encoding: a Python codec to use instead.
        encoding_errors: "strict" refuses bytes that are no text; "replace" makes each U+FFFD.

    Returns:
        The text, without its byte order mark.

    Raises:
        CorpusError: if the bytes are not text in that encoding, or could be in several or none.

    >>> decode_text("說好不哭".encode("big5"), name="a file")
    Decoded(text='說好不哭', encoding='cp950', is_certain=False, num_replaced=0)
    """
    encoding = encoding or _marked(data)
    if encoding is not None:
        is_certain, problem = True, f"{name} is not {encoding} text"
    else:
        encoding, is_certain = _recognise(data, name)
        problem = f"{name} is {encoding} text but for damage"
    try:
        text, num_replaced = _decoded(data, encoding, problem, encoding_errors)
    except CorpusError:
        raise
    except (LookupError, ValueError) as error:  # unknown, or not for text
        raise CorpusError(
            f"{name} cannot be read with encoding={encoding!r}; pass the name of its text encoding."
        ) from error
    return Decoded(text.removeprefix("\ufeff"), encoding, is_certain, num_replaced)


def encoding_of_head(head: bytes, *, name: str) -> tuple[str, bool]:
    r"""The encoding of a text whose beginning alone is there, and whether it is more than a good guess.

    Raises:
        CorpusError: it could be in several or none.

    >>> encoding_of_head("分开\n不".encode()[:-1], name="a file")
    ('utf-8', True)
    """
    if marked := _marked(head):
        return marked, True
    return _recognise(head[: head.rfind(b"\n") + 1] or head, name)


def _marked(data: bytes) -> str | None:
    return next((known for mark, known in _BYTE_ORDER_MARKS.items() if data.startswith(mark)), None)


def _decoded(data: bytes, encoding: str, problem: str, errors: str) -> tuple[str, int]:
    try:
        return data.decode(encoding), 0
    except UnicodeDecodeError as error:
        replaced, number = _replaced(data, encoding)
        if errors == "replace":
            return replaced, number
        more = f", the first of {number:,} such places" if number > 1 else ""
        raise CorpusError(
            f"{problem}: {_failure(error)}{more}; pass its true encoding (encoding=...), or read on over "
            "what is wrong (encoding_errors=replace)."
        ) from error


def _replaced(data: bytes, encoding: str) -> tuple[str, int]:
    text = data.decode(encoding, "replace")
    return text, text.count("\ufffd") - data.decode(encoding, "ignore").count("\ufffd")


def _recognise(data: bytes, name: str) -> tuple[str, bool]:
    """An encoding, and whether it is more than a good guess."""
    if data.isascii() and b"\0" not in data:
        shifted = next((codec for switch, codec in _SHIFTED.items() if switch in data), None)
        text = _sampled(data, shifted) if shifted else None
        reads_well = text and max(t.plausibility(text) for t in TONGUES) >= _MIN_PLAUSIBILITY
        return (shifted if shifted and reads_well else "utf-8"), True
    failure = _utf_8_failure(data)
    if failure is None:
        return "utf-8", True
    if _has_surrogates(data):
        raise CorpusError(
            f"{name} holds halves of surrogate pairs, unlike UTF-8 ({failure}); write it anew, or "
            "read on over them (encoding=utf-8, encoding_errors=replace)."
        )
    candidates = sorted(_candidates(data), key=lambda candidate: -candidate.plausibility)
    best = candidates[0] if candidates else None
    if best is None or best.plausibility < _MIN_PLAUSIBILITY + 1 / (1 + _num_beyond(best.text)):
        if b"\0" in data:
            raise CorpusError(
                f"{name} looks like a binary file: its byte {data.index(0)} is NUL; pass a text file, or the "
                "encoding of this one (encoding=...)."
            )
        raise CorpusError(
            f"{name} is in no encoding known here: not UTF-8 ({failure}), and in no other does it read like "
            "a language; pass its encoding (encoding=...)."
        )
    other = next((candidate for candidate in candidates if not _leads(best, candidate)), None)
    if other is not None:
        raise CorpusError(
            f"{name} could be {best.encoding} ({best.tongue}) or {other.encoding} ({other.tongue}); "
            f"pass its encoding (encoding={best.encoding} or another)."
        )
    return best.encoding, best.encoding != "cp1252" and _num_beyond(best.text) >= _FEWEST_CERTAIN


def _leads(best: _Candidate, other: _Candidate) -> bool:
    """Whether another reading is the same text, or clearly less plausible where the two differ."""
    if best.text == other.text:
        return True
    beyond = _num_beyond(best.text)
    lead = best.plausibility - other.plausibility
    if lead >= _MIN_LEAD + 1 / (2 + beyond):
        return True
    if len(best.text) != len(other.text):
        return False
    differing = sum(here != there for here, there in zip(best.text, other.text, strict=True))
    return lead * beyond / differing >= _MIN_LEAD_WHERE_DIFFERENT + 1 / (1 + differing)


def _has_surrogates(data: bytes) -> bool:
    """Whether data would be UTF-8 if characters might come in halves, as some programs write them."""
    try:
        return "\0" not in data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False


def _num_beyond(text: str) -> int:
    return sum(character > "\x7f" for character in text)


def _utf_8_failure(data: bytes) -> str | None:
    """Where data is not UTF-8; None if it is, but for damage, which `_decode_as` names."""
    if b"\0" in data.rstrip(b"\0"):
        return "it holds NUL bytes"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        text, num_wrong = _replaced(data, "utf-8")
        beyond = len(re.findall("[^\x00-\x7f\ufffd]", text))
        return None if beyond >= _UTF_8_LEAD * num_wrong else _failure(error)
    return None


def _candidates(data: bytes) -> list[_Candidate]:
    has_nuls = b"\0" in data.rstrip(b"\0")
    found = []
    for tongue in TONGUES:
        for codec in (*(() if has_nuls else tongue.codecs), *_WIDE):
            text = _sampled(data, codec)
            if text:
                # ASCII beside NULs is what tells UTF-16 from other data.
                shown = text.translate(_AS_COMMON) if has_nuls and tongue.name == "English" else text
                found.append(_Candidate(tongue.plausibility(shown), codec, tongue.name, text))
    return found


_AS_COMMON = dict.fromkeys(range(0x20, 0x7F), "’")


def _sampled(data: bytes, codec: str) -> str | None:
    """The beginning of what lies beyond ASCII, decoded; None where that fails."""
    first = re.search(rb"[\x80-\xff]", data)
    start = max(0, first.start() - 4) // 4 * 4 if first else 0
    sample = data[start : start + _SAMPLE_BYTES]
    is_whole = len(data) - start <= _SAMPLE_BYTES
    try:
        return codecs.getincrementaldecoder(codec)().decode(sample, is_whole)
    except (UnicodeDecodeError, ValueError):
        return None


def _failure(error: UnicodeDecodeError) -> str:
    line = error.object.count(b"\n", 0, error.start) + 1
    return failure_of(error, f"{error.start} (line {line})")


def failure_of(error: UnicodeDecodeError, place: object) -> str:
    """What is wrong with a text, and at which offset."""
    is_cut = error.reason == "unexpected end of data" or error.reason.startswith("incomplete")
    problem = "begins a character that is cut off" if is_cut else "is wrong"
    return f"byte 0x{error.object[error.start]:02X} at offset {place} {problem}"
