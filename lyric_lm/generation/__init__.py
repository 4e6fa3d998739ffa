"""Writing on from a prefix: samplers, the rules they obey, lines to choose from and songs of a form."""

from typing import TYPE_CHECKING

from lyric_lm.lazy_names import lazy_names

if TYPE_CHECKING:
    from lyric_lm.generation.candidate_lines import candidates
    from lyric_lm.generation.line_spec import LineSpec
    from lyric_lm.generation.song_form import SongForm
    from lyric_lm.generation.songs import write_songs

__all__ = ["LineSpec", "SongForm", "candidates", "write_songs"]

__getattr__, __dir__ = lazy_names(__name__)
