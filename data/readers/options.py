"""How a text is to be read, where it does not say so itself."""

from dataclasses import dataclass
from typing import Literal

from lyric_lm.checks import check_at_least_one


@dataclass(frozen=True)
class ReadingOptions:
    """What `load_lyrics` and the command's flags of the same names say about a text's files."""

    encoding: str | None = None  # of the files; None to recognise each
    encoding_errors: Literal["strict", "replace"] = "strict"  # bytes that are no text: refuse, or make U+FFFD
    raw: bool = False  # take each file as it stands: no cleaning
    column: str | None = None  # of a table, the one with the words
    field: str | None = None  # of JSON, the one with the words
    script: Literal["simplified", "traditional", "as-is"] = (
        "as-is"  # turn all Chinese characters into one script
    )
    song_gap: int | None = None  # blank lines in a row that end a song; None: none do

    def __post_init__(self) -> None:
        check_at_least_one(song_gap=self.song_gap)
        if self.encoding_errors not in ("strict", "replace"):
            raise ValueError(
                "`encoding_errors` must be strict or replace. "
                f"Received: encoding_errors={self.encoding_errors!r:.40}"
            )
        if self.script not in ("simplified", "traditional", "as-is"):
            raise ValueError(
                f"`script` must be simplified, traditional or as-is. Received: script={self.script!r:.40}"
            )
