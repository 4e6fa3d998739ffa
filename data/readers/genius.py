"""Lyrics as they are copied from Genius and its like: with headings, credits and buttons."""

import re
from collections import Counter

from lyric_lm.data.readers.songs import Songs

_SECTIONS = (
    "verse|chorus|pre-chorus|post-chorus|bridge|intro|outro|hook|refrain|interlude|instrumental|break|skit|"
    "couplet|pont|strophe|part|estribillo|verso|coro|puente|"
    "主歌|副歌|前奏|间奏|間奏|尾奏|导歌|導歌|过门|桥段|橋段|说唱|合唱|独白|서주|벌스|코러스|イントロ|サビ"
)
# The name of a part, alone in a line, in brackets; Genius adds the singers behind a colon.
_HEADING = re.compile(
    rf"^[ \t]*[\[【](?:{_SECTIONS})[^\]】\n]{{0,80}}[\]】][ \t]*$", re.IGNORECASE | re.MULTILINE
)
_ANY_HEADING = re.compile(r"[ \t]*\[[^\[\]\n]{1,100}\][ \t]*")
_HEAD = re.compile(r"\A\s*\d+\s*Contributors?.{0,2000}?Lyrics", re.DOTALL)
_EMBED = re.compile(r"\d*(?:\.\d+)?K?Embed\s*\Z")
_FOOT = 40  # characters at the end that may hold it
_BUTTONS = re.compile(r"You might also like|See .{1,80} LiveGet tickets as low as \$\d+")


def is_genius(text: str) -> bool:
    """Whether a text has what Genius puts around lyrics, or headings of a song's parts."""
    return bool(_HEAD.search(text[:4000]) or _EMBED.search(text[-_FOOT:]) or _HEADING.search(text))


def read_genius(text: str) -> Songs:
    r"""A song without the head of its page, the headings of its parts and the buttons.

    >>> read_genius("3 ContributorsRain Lyrics[Chorus]\nRain, rain\nGo away7Embed").texts
    ['Rain, rain\nGo away']
    """
    removed: Counter[str] = Counter()
    text, num_heads = _HEAD.subn("", text)
    foot, num_feet = _EMBED.subn("", text[-_FOOT:])
    text = text[:-_FOOT] + foot
    text, num_buttons = _BUTTONS.subn("\n", text)
    removed["words of the page"] = num_heads + num_feet + num_buttons
    heading = _ANY_HEADING if num_heads or num_feet else _HEADING
    lines = text.split("\n")
    kept = [line for line in lines if not heading.fullmatch(line)]
    removed["headings"] = len(lines) - len(kept)
    return Songs(["\n".join(kept).strip("\n")], +removed)
