"""Each character's surprisal as a CSV table or as a page that colours the text by it."""

import csv
import html
import io
import math
from pathlib import Path

from lyric_lm.data.printable import visible
from lyric_lm.errors import SettingsError
from lyric_lm.evaluation.scoring import Score
from lyric_lm.runs.atomic_files import write_atomically

_NUM_COLOURS = 16  # one for each bit; the last takes all above

# From cream to deep violet, ever darker, so that the order survives a grey print and colour blindness.
_COLOURS = (
    *("#fffdf2", "#fff7d6", "#ffefb5", "#fee592", "#fed976", "#fec561", "#feb052", "#fd9a45"),
    *("#fc7f39", "#f8622f", "#ec4427", "#d92a26", "#be182c", "#9c1138", "#780c3f", "#520a3f"),
)
_FIRST_WITH_WHITE_TEXT = 10

_PAGE = """\
<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Surprisal of {source}</title>
<style>
body {{ margin: 2rem auto; max-width: 48rem; padding: 0 1rem; background: #fff; color: #222;
  font: 1.1rem/1.9 system-ui, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; }}
h1 {{ font-size: 1.3rem; overflow-wrap: anywhere; }}
header p {{ font-size: .95rem; line-height: 1.5; color: #444; }}
.legend {{ display: flex; font-size: .75rem; line-height: 1.6rem; text-align: center; }}
.legend i {{ flex: 1; }}
.text {{ white-space: pre-wrap; overflow-wrap: anywhere; border-top: 1px solid #ccc; padding-top: 1rem; }}
i {{ font-style: normal; unicode-bidi: isolate; padding: .1em 0; }}
u {{ text-decoration: underline dotted 2px #06c; text-underline-offset: .25em; }}
{colours}
</style>
</head>
<body>
<header>
<h1>Surprisal of {source}</h1>
<p>{summary}</p>
<p>Bits of surprisal, &minus;log<sub>2</sub> of the probability that the model gave the character, all those
before it being known. Point at a character to read its own bits. {unknown}</p>
<div class="legend" aria-label="Legend: bits">{legend}</div>
</header>
<div class="text">{text}</div>
</body>
</html>
"""


def write_report(path: Path, text: str, score: Score, *, source: str) -> None:
    """Write a report whose kind the file's name says, whole or not at all.

    Args:
        path: ends in .csv or .html; its folder exists.
        text: the N targets.
        score: of those targets.
        source: the text's name, for the page's title.

    Raises:
        SettingsError: the name ends in something else.
        RunWriteError: the file cannot be written.
    """
    check_report_name(path)
    content = to_csv(text, score) if path.suffix.lower() == ".csv" else to_html(text, score, source=source)
    encoded = content.encode("utf-8", "backslashreplace")  # the title may be a file name that is no UTF-8
    # The CSV module has put its own line ends in; no others must be added on Windows.
    write_atomically(path, lambda temporary: temporary.write_bytes(encoded))


def check_report_name(path: Path) -> None:
    """Refuse a name that does not say which kind of report to write.

    Raises:
        SettingsError: it ends neither in .csv nor in .html, or its folder is missing.
    """
    if path.suffix.lower() not in (".csv", ".html"):
        raise SettingsError(f"--per-character writes .csv or .html, not {path.name!r}: name such a file.")
    if not path.parent.is_dir():
        raise SettingsError(f"--per-character: there is no folder {path.parent}; make it first.")


def to_csv(text: str, score: Score) -> str:
    r"""A row for each character: position from 1, character, whether the vocabulary has it, bits.

    >>> import numpy as np
    >>> print(to_csv("a,", Score("", np.log([2.0, 8.0]), np.array([True, False]))), end="")
    position,character,known,bits
    1,a,1,1.0000
    2,",",0,3.0000
    """
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    writer.writerow(["position", "character", "known", "bits"])
    for position, (character, bits, known) in enumerate(_characters(text, score), start=1):
        writer.writerow([position, character, int(known), f"{bits:.4f}"])
    return rows.getvalue()


def to_html(text: str, score: Score, *, source: str) -> str:
    """A page of its own, with no script and nothing to load: the text, coloured, and a legend in bits."""
    spans = []
    for character, bits, known in _characters(text, score):
        shown = html.escape(character if character in "\n\t" else visible(character))
        shown = shown if known else f"<u>{shown}</u>"
        spans.append(f'<i class="b{_colour(bits)}" title="{bits:.1f}">{shown}</i>')
    colours = "\n".join(
        f".b{i} {{ background: {colour}; color: {'#fff' if i >= _FIRST_WITH_WHITE_TEXT else '#222'}; }}"
        for i, colour in enumerate(_COLOURS)
    )
    legend = "".join(
        f'<i class="b{i}">{i}{"+" if i == _NUM_COLOURS - 1 else ""}</i>' for i in range(_NUM_COLOURS)
    )
    num_unknown = int((~score.known).sum())
    return _PAGE.format(
        source=html.escape(source),
        summary=f"{len(text):,} characters, perplexity {score.perplexity:,.1f}, {score.bits:.2f} bits each.",
        unknown=f"<u>Underlined</u>: the {num_unknown:,} that the vocabulary lacks." if num_unknown else "",
        colours=colours,
        legend=legend,
        text="".join(spans),
    )


def _characters(text: str, score: Score) -> list[tuple[str, float, bool]]:
    bits = (score.surprisals / math.log(2)).tolist()
    return list(zip(text, bits, score.known.tolist(), strict=True))


def _colour(bits: float) -> int:
    return int(min(bits, _NUM_COLOURS - 1))
