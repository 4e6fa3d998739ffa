"""`fit_prefix`: bring what a person typed into the characters that a model knows."""

import dataclasses
import functools
import unicodedata
from collections.abc import Iterator

from lyric_lm.data import UnknownCharacterError, Vocabulary

_FULL_WIDTH = 0xFEE0  # from "!" to its full-width form, Unicode block Halfwidth and Fullwidth Forms


@dataclasses.dataclass(frozen=True)
class FittedPrefix:
    """A prefix in known characters, and what was done to the others."""

    text: str
    replaced: dict[str, str]  # each character without a place in the vocabulary: its near form
    skipped: str  # those without a near form, in order of appearance

    def __str__(self) -> str:
        """One line for the person who typed it; empty where nothing was done."""
        parts = [f"{old!r} was read as {new!r}" for old, new in self.replaced.items()]
        parts += [f"{char!r} (U+{ord(char):04X}) is unknown and was skipped" for char in self.skipped]
        return "prefix: " + "; ".join(parts) if parts else ""


def fit_prefix(text: str, vocabulary: Vocabulary) -> FittedPrefix:
    """Replace each unknown character by a near form that is known, or skip it.

    Near forms, in this order: Unicode compatibility composition (NFKC), another case, full or half width, a
    plain space for other white space, simplified for traditional and traditional for simplified characters
    (OpenCC), and the simplified form of the NFKC form.

    Args:
        text: at least one character.
        vocabulary: of the model.

    Returns:
        The prefix; the text itself where all of it is known.

    Raises:
        UnknownCharacterError: nothing of the text is left.

    >>> print(fit_prefix("說Ａ龘", Vocabulary("说a")))
    prefix: '說' was read as '说'; 'Ａ' was read as 'a'; '龘' (U+9F98) is unknown and was skipped
    """
    known = set(vocabulary.characters)
    replaced: dict[str, str] = {}
    fitted, skipped = "", []
    for piece in text if known.issuperset(text) else _composable(text, known):
        if piece not in known and piece not in replaced and piece not in skipped:
            near = next((form for form in _near_forms(piece) if form and known.issuperset(form)), None)
            if near is None:
                skipped.append(piece)
            else:
                replaced[piece] = near
        fitted += "" if piece in skipped else replaced.get(piece, piece)
    if not fitted:
        raise UnknownCharacterError(
            f"The model knows no character of the prefix {text!r}: start with others, from the text that it "
            "was trained on.",
            characters="".join(skipped),
        )
    return FittedPrefix(fitted, replaced, "".join(skipped))


def _composable(text: str, known: set[str]) -> Iterator[str]:
    """The characters one by one, but one with the marks behind it where they compose into a known one."""
    pieces: list[str] = []
    for char in text:
        # Letter and accent, the parts of a Korean syllable, half-width kana and its voice mark.
        joined = _composed(pieces[-1] + char) if pieces else ""
        if pieces and len(joined) < len(_composed(pieces[-1])) + len(_composed(char)):
            pieces[-1] += char
        else:
            pieces.append(char)
    for piece in pieces:
        joined = _composed(piece)
        known_whole = any(known.issuperset(form) for form in (joined, joined.lower(), joined.upper()))
        yield from [piece] if known_whole else piece


def _composed(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _near_forms(char: str) -> Iterator[str]:
    if "\ud800" <= char <= "\udfff":
        return  # half of a pair, as bytes that are not UTF-8 come from a command line
    composed = _composed(char)
    yield composed
    for form in (char, composed):
        yield from (form.lower(), form.upper())
    if "!" <= char <= "~":
        yield chr(ord(char) + _FULL_WIDTH)
        yield from (chr(ord(form) + _FULL_WIDTH) for form in (char.lower(), char.upper()))
    if char.isspace():
        yield from (" ", "\u3000", "\n")
    for conversion in ("t2s", "s2t", "s2tw", "s2hk"):
        yield _converter(conversion).convert(char)
    yield _converter("t2s").convert(composed)


@functools.cache
def _converter(conversion: str) -> "opencc.OpenCC":  # type: ignore[name-defined] # noqa: F821
    import opencc  # its dictionaries are worth loading only when they are needed

    return opencc.OpenCC(conversion)
