"""What is known of ids without reading them twice: how far they reach and which vocabulary gave them."""

import weakref
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from lyric_lm.data.vocabulary import Vocabulary

_encoded_by: dict[int, Vocabulary] = {}  # by an array's `id`, for as long as the array lives


class KnownIds(NamedTuple):
    """How far some ids reach, and the vocabulary that they were encoded by, where that is known."""

    lowest: int
    highest: int
    vocabulary: Vocabulary | None

    @classmethod
    def of(cls, ids: npt.NDArray[np.integer[Any]]) -> Self:
        """What is known of an array of at least one id, of any shape."""
        return cls(int(ids.min()), int(ids.max()), encoded_by(ids))


def remember_encoding(ids: npt.NDArray[np.integer[Any]], vocabulary: Vocabulary) -> None:
    """Note that an array's ids are a vocabulary's; a slice and another shape of the array share the note."""
    _encoded_by[id(ids)] = vocabulary
    weakref.finalize(ids, _encoded_by.pop, id(ids))


def encoded_by(ids: Any) -> Vocabulary | None:
    """The vocabulary that gave an array's ids, or None where that is not known.

    >>> from lyric_lm.data import load_lyrics
    >>> lyrics = load_lyrics("built-in")
    >>> encoded_by(lyrics.ids[3:7].reshape(2, 2)) == lyrics.vocabulary
    True
    """
    while isinstance(ids, np.ndarray):
        if (found := _encoded_by.get(id(ids))) is not None:
            return found
        ids = ids.base
    return None
