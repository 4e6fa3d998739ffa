"""Samples as TensorBoard shows them: a code block, and a picture for the first page, which has no texts."""

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw

from lyric_lm.callbacks.dashboard.glyphs import chinese_font
from lyric_lm.data.printable import visible
from lyric_lm.display.wrapping import wrapped

# A card of the first page is under 400 pixels wide: the picture is drawn larger and scaled down.
_WIDTH, _HEIGHT, _MARGIN = 600, 352, 18
_TEXT_SIZE, _LINE_HEIGHT, _TITLE_SIZE = 25, 37, 19
_INK, _PREFIX, _TITLE, _PAPER = "#202124", "#e8710a", "#5f6368", "#ffffff"


def code_block(text: str) -> str:
    r"""Markdown that shows a text as it is, with its line breaks and with no character read as markup.

    Four spaces make a block that, unlike a fence, no text can end.

    >>> code_block("*分*开\n# 不分开")
    '    *分*开\n    # 不分开'
    """
    return "\n".join("    " + "".join(map(visible, line)) for line in text.split("\n"))


def sample_page(title: str, prefixes: Sequence[str], samples: Sequence[str]) -> tuple[bytes, int, int] | None:
    """A picture of samples, each with as many lines as there is room for.

    Args:
        title: drawn small above them.
        prefixes: how each sample starts, drawn in another colour.
        samples: the texts, their prefixes included.

    Returns:
        PNG, width and height in pixels; None where no installed font has Chinese characters.
    """
    font, title_font = chinese_font(_TEXT_SIZE), chinese_font(_TITLE_SIZE)
    if font is None or title_font is None:
        return None
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), _PAPER)
    draw = ImageDraw.Draw(picture)
    draw.text((_MARGIN, _MARGIN), title, font=title_font, fill=_TITLE)
    top = 2 * _MARGIN + _TITLE_SIZE
    num_lines = max(1, (_HEIGHT - top - _MARGIN) // _LINE_HEIGHT // max(1, len(samples)))
    for prefix, sample in zip(prefixes, samples, strict=True):
        shown = "".join(character if character == "\n" else visible(character) for character in sample)
        lines = wrapped(shown, width=font.getlength, most=_WIDTH - 2 * _MARGIN, num_lines=num_lines)
        first = lines[0][: len(prefix)]
        draw.text((_MARGIN, top), first, font=font, fill=_PREFIX)
        draw.text((_MARGIN + font.getlength(first), top), lines[0][len(prefix) :], font=font, fill=_INK)
        for i, line in enumerate(lines[1:], start=1):
            draw.text((_MARGIN, top + i * _LINE_HEIGHT), line, font=font, fill=_INK)
        top += len(lines) * _LINE_HEIGHT + _MARGIN // 2
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return file.getvalue(), _WIDTH, _HEIGHT
