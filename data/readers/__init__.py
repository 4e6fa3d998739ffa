"""From the text of a file of some kind to the songs in it, without what is not sung.

A reader takes the file's text (or bytes) and gives `Songs`. Which one is asked is decided by the file's name,
for a plain text by its content. `--raw` asks none of them.
"""

from lyric_lm.data.readers.kinds import SUFFIXES, read_songs
from lyric_lm.data.readers.songs import Songs

__all__ = ["SUFFIXES", "Songs", "read_songs"]
