"""How much of a generated text is copied from the training text, and how much it repeats itself."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len, set_cell_size

from lyric_lm.originality.copy_index import CopyIndex

COPIED_NGRAMS = (4, 6, 8, 12, 20)  # characters
MIN_LINE_CHARS = 4  # shorter lines are copied by chance
MAX_LOOP_UNIT = 256  # characters; bounds the time that looking for loops takes
LINE_WIDTH = 79  # columns of the printed report


@dataclass(frozen=True)
class OriginalityReport:
    """Copying and repetition in one or more generated texts; what `originality` returns.

    `str(report)` is a block for a terminal, `report.as_dict()` numbers for a log.
    """

    num_samples: int  # texts measured
    num_chars: int  # characters in all of them
    longest_copied_run: int  # characters, the longest stretch that stands in the training text
    longest_copied_text: str  # that stretch, the first of its length
    copied_ngrams: dict[int, float]  # n -> share in [0, 1] of the n-grams that stand in the training text
    copied_lines: float  # share in [0, 1] of the lines that stand in the training text
    distinct_1: float  # distinct characters / characters, in (0, 1]
    distinct_2: float  # distinct pairs / pairs of neighbours, in [0, 1]
    loops: float  # share in [0, 1] of the characters inside loops
    longest_loop: int  # characters in the longest loop

    def __str__(self) -> str:
        ngrams = ", ".join(f"{n}: {_percent(share)}" for n, share in self.copied_ngrams.items())
        quoted = " ".join(self.longest_copied_text.split())
        samples = "1 sample" if self.num_samples == 1 else f"{self.num_samples:,} samples"
        lines = (
            f"originality         {samples}, {self.num_chars:,} characters",
            f"longest copied run  {self.longest_copied_run:,} characters  {quoted}",
            f"copied n-grams      {ngrams}",
            f"copied lines        {_percent(self.copied_lines)}",
            f"distinct            characters {_percent(self.distinct_1)}, pairs {_percent(self.distinct_2)}",
            f"in loops            {_percent(self.loops)}, longest {self.longest_loop:,} characters",
        )
        return "\n".join(_shortened(line.rstrip(), LINE_WIDTH) for line in lines)

    def as_dict(self) -> dict[str, float]:
        """The numbers under flat names, e.g. `copied_8`, for a log or a dashboard.

        Returns:
            name -> float: shares in [0, 1], runs in characters.
        """
        return {
            "longest_copied_run": float(self.longest_copied_run),
            **{f"copied_{n}": share for n, share in self.copied_ngrams.items()},
            "copied_lines": self.copied_lines,
            "distinct_1": self.distinct_1,
            "distinct_2": self.distinct_2,
            "loops": self.loops,
            "longest_loop": float(self.longest_loop),
        }


def originality(text: str | Sequence[str], index: CopyIndex) -> OriginalityReport:
    """Measures copying from the training text, and repetition, in what a model has written.

    Several texts are pooled: a share is a count over all of them divided by a count over all of them, so a
    longer text weighs more. Where there is nothing to count (no n-gram of that length, no line), it is 0.

    Lines: parts between newlines, if the training text or any of the texts has one; otherwise (as in the Jay
    Chou file, whose newlines are spaces) parts between white space. Only lines of 4 or more characters,
    without the space around them, count; one is copied if it stands anywhere in the training text.

    Loops: a unit of 1 to 256 characters three or more times in a row; every character inside one counts once.

    Distinct-n is that of Li, Galley, Brockett, Gao & Dolan 2016, "A diversity-promoting objective function
    for neural conversation models", NAACL; it falls with length, so compare texts of equal length.

    Args:
        text: one generated text or several, without their prefixes.
        index: of the training text as a string.

    Returns:
        The report.

    Raises:
        ValueError: there is not one character in `text`, or `index` holds ids.

    Example:
        >>> report = originality("the rain in vain", CopyIndex("the rain in spain"))
        >>> report.longest_copied_text, report.copied_ngrams[8]
        ('the rain in ', 0.5555555555555556)
        >>> print(report)
        originality         1 sample, 16 characters
        longest copied run  12 characters  the rain in
        copied n-grams      4: 69.2 %, 6: 63.6 %, 8: 55.6 %, 12: 20.0 %, 20: 0.0 %
        copied lines        50.0 %
        distinct            characters 56.2 %, pairs 73.3 %
        in loops            0.0 %, longest 0 characters
    """
    texts = [text] if isinstance(text, str) else list(text)
    num_chars = sum(map(len, texts))
    if not num_chars:
        raise ValueError(f"`text` must hold at least one character. Received: {text!r}")
    matches = [index.match_lengths(sample) for sample in texts]
    longest, copied = _longest_run(texts, matches)
    in_loop, longest_loop = zip(*map(_loops, texts), strict=True)
    return OriginalityReport(
        num_samples=len(texts),
        num_chars=num_chars,
        longest_copied_run=longest,
        longest_copied_text=copied,
        copied_ngrams={n: _copied_ngrams(matches, n) for n in COPIED_NGRAMS},
        copied_lines=_copied_lines(texts, matches, index),
        distinct_1=_distinct(texts, 1),
        distinct_2=_distinct(texts, 2),
        loops=sum(in_loop) / num_chars,
        longest_loop=max(longest_loop),
    )


def _longest_run(texts: list[str], matches: list[NDArray[np.int32]]) -> tuple[int, str]:
    longest, copied = 0, ""
    for text, lengths in zip(texts, matches, strict=True):
        if len(lengths) and lengths.max() > longest:
            longest, end = int(lengths.max()), int(lengths.argmax()) + 1
            copied = text[end - longest : end]
    return longest, copied


def _copied_ngrams(matches: list[NDArray[np.int32]], n: int) -> float:
    return _share(
        sum(int(np.sum(lengths >= n)) for lengths in matches),
        sum(max(0, len(lengths) - n + 1) for lengths in matches),
    )


def _copied_lines(texts: list[str], matches: list[NDArray[np.int32]], index: CopyIndex) -> float:
    has_newlines = "\n" in index or any("\n" in text for text in texts)
    copied = [
        bool(lengths[end - 1] >= end - start)
        for text, lengths in zip(texts, matches, strict=True)
        for start, end in _lines(text, r"[^\n]+" if has_newlines else r"\S+")
    ]
    return _share(sum(copied), len(copied))


def _lines(text: str, pattern: str) -> Iterator[tuple[int, int]]:
    """Start and end of each line that is long enough to count, the space around it left out."""
    for match in re.finditer(pattern, text):
        line = match.group()
        start = match.start() + len(line) - len(line.lstrip())
        end = match.end() - len(line) + len(line.rstrip())
        if end - start >= MIN_LINE_CHARS:
            yield start, end


def _distinct(texts: list[str], n: int) -> float:
    ngrams = [text[i : i + n] for text in texts for i in range(len(text) - n + 1)]
    return _share(len(set(ngrams)), len(ngrams))


def _loops(text: str) -> tuple[int, int]:
    """Characters of `text` inside loops, and in its longest loop.

    A stretch of L characters that equal those `unit` places before them is a loop of L + unit characters.
    """
    chars = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<i4")
    inside = np.zeros(len(chars) + 1, np.int64)
    longest = 0
    for unit in range(1, min(len(chars) // 3, MAX_LOOP_UNIT) + 1):
        same = np.concatenate([[False], chars[unit:] == chars[:-unit], [False]])
        starts, ends = np.flatnonzero(np.diff(same)).reshape(-1, 2).T
        long_enough = ends - starts >= 2 * unit
        starts, ends = starts[long_enough], ends[long_enough] + unit
        np.add.at(inside, starts, 1)
        np.add.at(inside, ends, -1)
        longest = max(longest, int(np.max(ends - starts, initial=0)))
    return int(np.sum(np.cumsum(inside) > 0)), longest


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _shortened(line: str, width: int) -> str:
    """`line`, cut with an ellipsis if a terminal would need more than `width` columns for it."""
    return line if cell_len(line) <= width else set_cell_size(line, width - 1) + "…"
