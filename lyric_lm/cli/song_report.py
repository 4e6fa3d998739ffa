"""The table of `lyric-lm write --report`."""

from collections.abc import Sequence

from lyric_lm.cli.plain_table import plain_table
from lyric_lm.generation.rhyme import By, Unit, line_length, sound_of
from lyric_lm.generation.songs import Song
from lyric_lm.originality.copy_index import CopyIndex


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
    rows = []
    for i, song in enumerate(songs, start=1):
        for j, (line, form) in enumerate(zip(song.lines, song.form.lines, strict=True), start=1):
            copied = int(index.match_lengths(line.text).max(initial=0))
            sound = str(sound_of(line.text, by=by, tones=tones))
            length = line_length(line.text, unit)
            cells = (str(i), str(j), str(length), form.rhyme, sound, f"{line.bits:.2f}", str(copied))
            rows.append((*cells, line.text))
    headings = ("song", "line", "length", "rhyme", "", "bits/char.", "copied run", "")
    return plain_table(headings, rows, left="rhyme") + "\n"
