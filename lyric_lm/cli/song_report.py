"""The table of `lyric-lm write --report`."""

import io
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lyric_lm.generation.rhyme import By, Unit, line_length, sound_of
from lyric_lm.generation.songs import Song
from lyric_lm.originality.copy_index import CopyIndex

_WIDTH = 100  # columns


def song_report(songs: Sequence[Song], training: str, *, unit: Unit, by: By, tones: bool) -> str:
    """Each line's length, rhyme, bits per character and longest copied run.

    Args:
        songs: what was written.
        training: the training text.
        unit: what lengths are measured in.
        by: how Mandarin rhymes.
        tones: whether with the tones.
    """
    index = CopyIndex(training)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="")
    for heading in ("song", "line", "length", "rhyme", "", "bits/char.", "copied run", ""):
        table.add_column(heading, justify="left" if heading in ("rhyme", "") else "right")
    for i, song in enumerate(songs, start=1):
        for j, (line, form) in enumerate(zip(song.lines, song.form.lines, strict=True), start=1):
            copied = int(index.match_lengths(line.text).max(initial=0))
            sound = str(sound_of(line.text, by=by, tones=tones))
            length = line_length(line.text, unit)
            cells = (str(i), str(j), str(length), form.rhyme, sound, f"{line.bits:.2f}", str(copied))
            table.add_row(*cells, Text(line.text))
    file = io.StringIO()
    Console(file=file, width=_WIDTH, highlight=False).print(table)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"
