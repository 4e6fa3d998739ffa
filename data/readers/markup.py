"""The text of Markdown and HTML."""

import html
import re
from collections import Counter

from lyric_lm.data.readers.songs import Songs

_FRONT_MATTER = re.compile(r"\A---\n.*?\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
# Rules, fences of code, and where links lead.
_NO_LYRICS = re.compile(r"[ \t]*(?:(?:[-*_][ \t]*){3,}|=+|(?:```|~~~).*)|\[[^\[\]\n]+\]:\s+\S.*")
_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t].*)?")
_UNDERLINE = re.compile(r"[ \t]*(?:={2,}|-{2,})[ \t]*")
_PREFIX = re.compile(r"[ \t]*(?:>[ \t]?)*(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?")
_MARKS = (
    (re.compile(r"!\[[^\[\]\n]*\]\([^()\n]*\)"), ""),  # images
    (re.compile(r"\[([^\[\]\n]+)\]\([^()\n]*\)"), r"\1"),  # links
    (re.compile(r"(\*{1,3}|_{1,3}|~~|`)(?=\S)([^*_~`\n]+?)(?<=\S)\1"), r"\2"),  # emphasis
    (re.compile(r"</?[a-zA-Z][^<>\n]*>"), ""),
    (re.compile(r"\\$"), ""),  # a line break
)
_BLOCK_NAMES = (
    "address article aside blockquote body br dd div dl dt figcaption figure footer form h1 h2 h3 h4 h5 h6 "
    "header hr html li main ol p pre section table tbody td th tr ul"
)
_SKIPPED_NAMES = "button head nav noscript script select style svg template textarea title"
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_SKIPPED = frozenset(_SKIPPED_NAMES.split())
_CODE = ("script", "style")  # whose content is no markup
_CODE_END = re.compile(r"</(?:script|style)", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,30})([^<>]*)>|<[!?][^<>]*>")
_LYRICS = "data-lyrics-container"  # what Genius marks its lyrics with


def read_markdown(text: str) -> Songs:
    r"""The lines of a Markdown text without headings, marks and what stands before it.

    >>> read_markdown("# Rain\n\n*Rain*, go **away**  \n> come [again](x)").texts
    ['Rain, go away\ncome again']
    """
    removed: Counter[str] = Counter()
    text, removed["notes"] = _FRONT_MATTER.subn("", text)
    text, num_comments = _without_comments(text)
    removed["notes"] += num_comments
    lines: list[str] = []
    for line in text.split("\n"):
        if _UNDERLINE.fullmatch(line) and lines and lines[-1].strip():
            lines.pop()  # the heading that it underlines
            removed["headings"] += 1
        elif _HEADING.fullmatch(line):
            removed["headings"] += 1
        elif _NO_LYRICS.fullmatch(line):
            removed["marks of layout"] += 1
        else:
            lines.append(_without_marks(line, removed))
    return Songs(["\n".join(lines).strip("\n")], +removed)


def _without_comments(text: str) -> tuple[str, int]:
    """The text, and how many comments were in it; one that does not end is none."""
    before, *rest = text.split("<!--")
    kept, num_comments = [before], 0
    ends = [part.partition("-->") for part in rest]
    for comment, end, after in ends:
        kept.append(after if end else f"<!--{comment}")
        num_comments += bool(end)
    return "".join(kept), num_comments


def _without_marks(line: str, removed: Counter[str]) -> str:
    words = _PREFIX.sub("", line, count=1)
    removed["marks of layout"] += len(words) < len(line.lstrip())
    for pattern, kept in _MARKS:
        words, number = pattern.subn(kept, words)
        removed["marks of layout"] += number
    return words.rstrip()


def is_html(text: str) -> bool:
    """Whether a text begins as an HTML page does."""
    return bool(re.match(r"\s*(?:<!doctype html|<html[\s>])", text[:1000], re.IGNORECASE))


def read_html(text: str) -> Songs:
    r"""The text of an HTML page, a line for each block and break, without its headings and scripts.

    Of a page of Genius it is the lyrics alone. The time is linear in the text's length, whatever it holds;
    that of the standard library's parser is not.

    >>> read_html("<h1>Rain</h1><p>Rain &amp; rain<br>go <i>away</i></p><script>x</script>").texts
    ['Rain & rain\ngo away']
    """
    text = _without_comments(text)[0].split("<!--", 1)[0]
    page, at = _Page(only_lyrics=_LYRICS in text), 0
    while (tag := _TAG.search(text, at)) is not None:
        page.add_words(text[at : tag.start()])
        at = tag.end()
        name = (tag[2] or "").lower()
        if tag[1]:
            page.close(name)
        elif name:
            page.open(name, tag[3])
            if name in _CODE:
                end = _CODE_END.search(text, at)
                at = end.start() if end else len(text)
    page.add_words(text[at:])
    lines = [re.sub(r"[ \t]+", " ", line).strip() for line in "".join(page.pieces).split("\n")]
    return Songs([re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")], +page.removed)


class _Page:
    """What has been read of a page."""

    def __init__(self, *, only_lyrics: bool) -> None:
        self.pieces: list[str] = []
        self.removed: Counter[str] = Counter()
        self._only_lyrics = only_lyrics
        self._lyrics_depth = 0  # of open <div>, counted from the container's
        self._skipped: Counter[str] = Counter()  # open elements whose text is none of the song

    def open(self, tag: str, attributes: str) -> None:
        self.removed["tags"] += 1
        self.removed["headings"] += tag in _HEADINGS
        if tag in _BLOCKS:
            self.pieces.append("\n")
        if attributes.endswith("/"):
            return
        if tag in _SKIPPED or tag in _HEADINGS:
            self._skipped[tag] += 1
        if tag == "div" and (self._lyrics_depth or _LYRICS in attributes):
            self._lyrics_depth += 1

    def close(self, tag: str) -> None:
        if self._skipped[tag]:
            self._skipped[tag] -= 1
        if tag == "div" and self._lyrics_depth:
            self._lyrics_depth -= 1
        if tag in _BLOCKS and tag != "br":
            self.pieces.append("\n")

    def add_words(self, words: str) -> None:
        if not self._skipped.total() and (self._lyrics_depth or not self._only_lyrics):
            self.pieces.append(re.sub(r"\s+", " ", html.unescape(words)))
