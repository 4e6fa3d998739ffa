"""`wrapped`: a text in lines that fit a picture."""

from collections.abc import Callable


def wrapped(text: str, *, width: Callable[[str], float], most: float, num_lines: int) -> list[str]:
    r"""The text in lines, the last of which ends in … where some is left out.

    Args:
        text: its line breaks stay.
        width: of a character.
        most: the width of a line.
        num_lines: the most lines, >= 1.

    >>> wrapped("abcd\nefg", width=len, most=3, num_lines=2)
    ['abc', '…']
    """
    lines, used = [""], 0.0
    for character in text:
        own = 0.0 if character == "\n" else width(character)
        if character == "\n" or used + own > most:
            lines, used = [*lines, ""], 0.0
        lines[-1] += "" if character == "\n" else character
        used += own
    return lines if len(lines) <= num_lines else [*lines[: num_lines - 1], lines[num_lines - 1][:-1] + "…"]
