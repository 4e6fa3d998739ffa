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
    replaced, skipped = {}, ""
    for char in vocabulary.missing(text):
        near = next((form for form in _near_forms(char) if form and set(form) <= known), None)
        if near is None:
            skipped += char
        else:
            replaced[char] = near
    fitted = "".join(replaced.get(char, char) for char in text if char not in skipped)
    if not fitted:
        raise UnknownCharacterError(
            f"The model knows no character of the prefix {text!r}: start with others, from the text that it "
            "was trained on.",
            characters=skipped,
        )
    return FittedPrefix(fitted, replaced, skipped)


def _near_forms(char: str) -> Iterator[str]:
    composed = unicodedata.normalize("NFKC", char)
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
