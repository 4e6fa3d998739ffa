"""Text from a model, a corpus or a file, made safe to print on a terminal, or to show on a page."""

import re

# All that can steer a terminal or make a line read as another one: C0 and C1 controls but tab and line end;
# the marks, embeddings, overrides and isolates of bidirectional text (Unicode 16, chapter 23.2); Unicode's
# own line ends, interlinear annotations, language tags, halves of surrogate pairs. Joiners stay: emoji and
# Persian need them.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def printable(text: str) -> str:
    r"""Write characters that a terminal would obey instead of show as Python would, say `\x1b`.

    >>> print(printable("分\x1b[2J开"))
    分\x1b[2J开
    """
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape", "surrogatepass").decode(), text)


def visible(character: str) -> str:
    r"""The character; for a control character its picture, since Markdown and HTML swallow the real one.

    >>> visible("分"), visible(" "), visible("\t")
    ('分', ' ', '␉')
    """
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else character
