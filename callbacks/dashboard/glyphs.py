"""Characters as pictures and labels: which font draws them, and what stands for those that cannot be seen."""

import functools
from typing import Any

from PIL import ImageFont

from lyric_lm.data.printable import visible
from lyric_lm.display.fonts import cjk_font


@functools.cache
def chinese_font(size: int) -> Any | None:
    """Pillow's font of a size in pixels, in its simplified Chinese face; None where none is installed."""
    file = cjk_font()
    if file is None:
        return None
    # A Chinese font needs no shaping of its text, which takes as long as the drawing.
    open_face = functools.partial(ImageFont.truetype, str(file), size, layout_engine=ImageFont.Layout.BASIC)
    first = open_face()
    for index in range(10):  # a collection's faces, one for each language
        try:
            face = open_face(index=index)
        except OSError:
            break
        if "SC" in str(face.getname()[0]).split():
            return face
    return first


def label(character: str) -> str:
    r"""A character as a label that can be seen and holds no tab or line break.

    >>> [label(character) for character in "分 \n\u3000"]
    ['分', '␣', '␊', 'U+3000']
    """
    if character == " ":
        return "␣"
    shown = visible(character)
    return shown if shown.isprintable() and not shown.isspace() else f"U+{ord(character):04X}"
