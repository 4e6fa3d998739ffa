"""Songs and subtitles with times: .lrc, .srt and .vtt."""

import re
from collections import Counter
from dataclasses import dataclass, field

from lyric_lm.data.readers.songs import Songs

_STAMP = re.compile(r"\[(\d{1,3}):(\d{1,2})(?:[.:](\d{1,3}))?\]")
_STAMPS = re.compile(rf"(?:{_STAMP.pattern}\s*)+")
_WORD_STAMP = re.compile(r"<\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?>")
_TAG = re.compile(r"\[[A-Za-z#][A-Za-z_]{0,30}:[^\[\]\n]*\]\s*")
_ROLE = (
    r"(?:(?:作\s*+)?[词詞曲]|[编編]\s*+曲|[制製]作|[监監][制製]|混音|[录錄]音|[和合][声聲]|吉他|[贝貝]斯|鼓|[键鍵][盘盤]|"
    r"弦[乐樂]|母[带帶]|人[声聲]|[后後]期|原唱|翻唱|演唱|歌手|出品|[发發]行|[统統][筹籌]|[企策][划劃]|OP|SP|ISRC)"
    r"(?:人|[师師]|手|室|工程[师師]|助理|[编編][写寫]|[设設][计計]|[总總][监監]|公司|[处處]理)?\s*+"
)
_CREDIT = re.compile(
    rf"(?:{_ROLE}(?:[/、&]\s*+)?)+[:：].*|"
    r"(?:Lyrics by|Composed by|Arranged by|Produced by|Lyricist|Composer|Producer)\s*+[:：].*"
)
_TITLE = re.compile(r"\[ti:\s*+([^\[\]\n]+)\]")
_DASHES = ("-", "–", "—")
_CUE = re.compile(r"\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}\s*-->.*")
_MARKUP = re.compile(r"</?[a-zA-Z][^<>\n]*>|\{\\[^{}\n]*\}|<(?:\d+:)?\d{1,2}:\d{2}[.,]\d{3}>")


def is_lrc(text: str) -> bool:
    """Whether most lines of a text begin with a time stamp."""
    lines = [line for line in text.split("\n") if line.strip()]
    return sum(bool(_STAMP.match(line.lstrip())) for line in lines) * 2 > len(lines)


def read_lrc(text: str) -> Songs:
    r"""Songs with time stamps: their lines in the order in which they are sung.

    A line with several stamps is sung several times. Of lines with one and the same stamp the first is the
    song's and the others are translations. Tags such as [ar:...], lines of credits and a first line of title
    and artist are no lyrics. A song ends where the next one's tags begin, or where the time goes back.

    >>> read_lrc("[ar:A]\n[00:02.00]雨停\n[00:02.00]The rain stops\n[00:01.00][00:03.00]啦").texts
    ['啦\n雨停\n啦']
    """
    removed: Counter[str] = Counter()
    songs = [_TimedSong()]
    for line in text.split("\n"):
        stamps = _STAMPS.match(line.strip())
        if stamps is None:
            words, num_tags = _TAG.subn("", line)
            removed["tags"] += num_tags
            if num_tags and songs[-1].timed:
                songs.append(_TimedSong())
            if title := _TITLE.search(line):
                songs[-1].title = title[1].strip()
            if words.strip() or not num_tags:
                songs[-1].untimed.append(words)
            continue
        words, num_word_stamps = _WORD_STAMP.subn("", line.strip()[stamps.end() :])
        times = [_milliseconds(*parts) for parts in _STAMP.findall(stamps[0])]
        removed["time stamps"] += len(times) + num_word_stamps
        if _CREDIT.fullmatch(words.strip()):
            removed["lines of credits"] += 1
            continue
        if songs[-1].is_heading(words.strip()):
            removed["headings"] += 1
            continue
        if songs[-1].ends_before(times):
            songs.append(_TimedSong())
        removed["translations"] += songs[-1].add(times, words.strip())
    if not +removed:
        return Songs([text])
    return Songs([song.text() for song in songs], +removed)


@dataclass
class _TimedSong:
    timed: dict[int, str] = field(default_factory=dict)  # milliseconds -> line
    untimed: list[str] = field(default_factory=list)
    is_in_order: bool = True  # no line has several stamps
    title: str = ""

    def ends_before(self, times: list[int]) -> bool:
        return self.is_in_order and len(times) == 1 and bool(self.timed) and times[0] < max(self.timed)

    def is_heading(self, words: str) -> bool:
        """Whether a song's first line is its title and its artist, in either order, with a dash between."""
        if not self.title or any(self.timed.values()):
            return False
        before, _, after = words.partition(self.title)
        artist_last, artist_first = after.lstrip().startswith(_DASHES), before.rstrip().endswith(_DASHES)
        return self.title in words and ((not before and artist_last) or (not after and artist_first))

    def add(self, times: list[int], words: str) -> bool:
        """Add a line; True if it is the translation of another."""
        self.is_in_order &= len(times) == 1
        is_translation = bool(words) and all(self.timed.get(time) for time in times)
        for time in times:
            self.timed[time] = self.timed.get(time) or words
        return is_translation

    def text(self) -> str:
        lines = [self.timed[time] for time in sorted(self.timed)] if self.timed else self.untimed
        return "\n".join(lines).strip("\n")


def _milliseconds(minutes: str, seconds: str, part: str) -> int:
    return (int(minutes) * 60 + int(seconds)) * 1000 + int((part or "0").ljust(3, "0"))


def is_subtitles(text: str) -> bool:
    """Whether a text has the times of subtitles within its first lines."""
    return any(_CUE.fullmatch(line) for line in text[:2000].split("\n")[:12])


def read_subtitles(text: str) -> Songs:
    r"""The lines of subtitles, SubRip's or WebVTT's, without their numbers, times and markup.

    >>> read_subtitles("1\n00:00:01,000 --> 00:00:02,500\n<i>雨停</i>").texts
    ['雨停']
    """
    removed: Counter[str] = Counter()
    lines: list[str] = []
    for block in re.split(r"\n[ \t]*\n", text):
        cue = block.strip("\n").split("\n")
        timing = next((i for i, line in enumerate(cue) if _CUE.fullmatch(line)), None)
        if timing is None:
            header = not lines and cue[0].startswith(("WEBVTT", "NOTE", "STYLE", "REGION"))
            removed["notes"] += header or cue[0].startswith(("NOTE", "STYLE", "REGION"))
            if not header and not cue[0].startswith(("NOTE", "STYLE", "REGION")):
                lines += cue
            continue
        removed["time stamps"] += 1
        for line in cue[timing + 1 :]:
            words, num_marks = _MARKUP.subn("", line)
            removed["marks of layout"] += num_marks
            lines.append(words.strip())
    return Songs(["\n".join(line for line in lines if line)], +removed)
