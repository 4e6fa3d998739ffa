"""Read lyrics, turn them into ids and cut those into batches: the ground floor of the house.

>>> from lyric_lm.data import consecutive_batches, load_lyrics
>>> lyrics = load_lyrics("built-in", max_chars=10_000)
>>> batches = consecutive_batches(lyrics.ids, batch_size=32, num_steps=35)
>>> int(batches.cardinality())
8
"""

from typing import TYPE_CHECKING

from lyric_lm.lazy_names import lazy_names

if TYPE_CHECKING:
    from lyric_lm.data.batches import consecutive_batches, random_batches
    from lyric_lm.data.corpus import Lyrics
    from lyric_lm.data.epoch_variation import rare_ids, varied_batches
    from lyric_lm.data.errors import CorpusError, CorpusNotFoundError, LyricLMError, UnknownCharacterError
    from lyric_lm.data.loading import load_lyrics, read_text
    from lyric_lm.data.stored_lyrics import StoredLyrics
    from lyric_lm.data.vocabulary import Vocabulary, name_characters

__all__ = [
    "CorpusError",
    "CorpusNotFoundError",
    "LyricLMError",
    "Lyrics",
    "StoredLyrics",
    "UnknownCharacterError",
    "Vocabulary",
    "consecutive_batches",
    "load_lyrics",
    "name_characters",
    "random_batches",
    "rare_ids",
    "read_text",
    "varied_batches",
]

__getattr__, __dir__ = lazy_names(__name__)
