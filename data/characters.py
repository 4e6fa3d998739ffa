"""Which characters of a text are kept: the one rule for marks, odd line ends and what is not seen."""

import re
from collections import Counter

SONG_END = "\x1e"
"""U+001E, the record separator: the mark that ends a song, and so begins the next one."""

_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_PLAIN_LINE_ENDS = re.compile("\r\n?")
# Marks that draw nothing and join nothing: byte order marks inside a text, zero-width spaces, soft hyphens.
# Joiners (U+200C, U+200D) and directions stay: Persian, emoji and Hebrew look otherwise without them.
_NOTHING = re.compile("[\ufeff\u200b\u2060\u00ad]")
_SPACES = re.compile("[\u00a0\u2007\u202f]")  # that only keep a line from being broken there


def tidy(text: str) -> tuple[str, Counter[str]]:
    r"""A text with one kind of line end and one kind of narrow space, without what is never seen.

    Every line end (CR, CR LF, vertical tab, form feed, U+0085, U+2028, U+2029) becomes \n; U+FEFF, zero-width
    spaces, word joiners and soft hyphens go; no-break spaces become spaces; NULs at the end, which fill up
    blocks, go. All else stays, full-width spaces too.

    Returns:
        The text, and how many of what were changed but for line ends.

    >>> tidy("分\u200b开\u2028不\xa0分\0\0")
    ('分开\n不 分', Counter({'unseen marks': 3, 'no-break spaces': 1}))
    """
    kept = text.rstrip("\0")
    changes: Counter[str] = Counter()
    num_nuls = len(text) - len(kept)
    kept = _LINE_ENDS.sub("\n", kept)
    kept, num_unseen = _NOTHING.subn("", kept)
    kept, changes["no-break spaces"] = _SPACES.subn(" ", kept)
    changes["unseen marks"] = num_unseen + num_nuls
    return kept, +changes


def with_plain_line_ends(text: str) -> str:
    r"""A text whose CR and CR LF are \n and that is as it was else."""
    return _PLAIN_LINE_ENDS.sub("\n", text)
