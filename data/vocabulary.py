"""The characters that a model knows, and the integers that it knows them by."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt

from lyric_lm.checks import check_vocabulary_limits
from lyric_lm.data.characters import SONG_END
from lyric_lm.data.common_characters import common_characters
from lyric_lm.data.errors import UnknownCharacterError
from lyric_lm.data.id_arrays import checked_ids

_MAX_SHOWN = 10  # characters that an error names


@final
class Vocabulary:
    """An immutable, sorted set of characters, each with its id.

    Characters are single code points, sorted, with ids from 0: a text gives the same ids in every process.
    The unknown token, if there is one, takes the last id, V - 1. Vocabularies of the same content are equal.

    Args:
        characters: distinct single characters, in any order; at least one.
        unknown: whether an unknown token stands for every other character.

    Raises:
        ValueError: if a character is repeated, is not a single code point, or is half of a surrogate pair.

    >>> vocabulary = Vocabulary("分不开")
    >>> vocabulary.characters
    ('不', '分', '开')
    >>> vocabulary.encode("不分开")
    array([0, 1, 2], dtype=int32)
    >>> vocabulary.decode([1, 2])
    '分开'
    """

    __slots__ = ("_codes", "_sorted", "_table", "_unknown_id")

    def __init__(self, characters: Iterable[str], *, unknown: bool = False) -> None:
        codes = _sorted_code_points(list(characters))
        size = len(codes)
        self._sorted = codes.tobytes().decode("utf-32-le")
        self._unknown_id = size if unknown else None
        # A table indexed by code point is 16 times as fast as a binary search (ten million lookups: 47 ms).
        # Its last entry stands for every code point above the largest known one.
        self._table = np.full(int(codes[-1]) + 2, size if unknown else -1, dtype=np.int32)
        self._table[codes] = np.arange(size, dtype=np.int32)
        self._codes = np.append(codes, np.uint32(0xFFFD)) if unknown else codes

    @classmethod
    def from_text(
        cls,
        text: str,
        *,
        unknown: bool = False,
        min_count: int | None = None,
        max_vocabulary: int | None = None,
    ) -> Self:
        """The vocabulary of every character that occurs in a text, or of its common ones.

        Args:
            text: at least one character.
            unknown: whether to add an unknown token for characters that the text lacks; either limit does.
            min_count: the fewest occurrences of a character that is known, at least 1.
            max_vocabulary: the largest V, at least 2, the unknown token included; the commonest are known.

        Raises:
            ValueError: if the text is empty or holds half of a surrogate pair, or a limit is out of range.
            CorpusError: if no character is as common.

        >>> len(Vocabulary.from_text("hello", unknown=True))
        5
        """
        if min_count is None and max_vocabulary is None:
            return cls(set(text), unknown=unknown)
        check_vocabulary_limits(min_count, max_vocabulary)
        codes, counts = np.unique(_code_points(text), return_counts=True)
        limits = {"min_count": min_count, "max_vocabulary": max_vocabulary}
        return cls(common_characters(codes, counts, **limits), unknown=True)

    def __len__(self) -> int:
        """V, the number of ids, the unknown token's included."""
        return len(self._codes)

    def __contains__(self, character: object) -> bool:
        if not isinstance(character, str) or len(character) != 1:
            return False
        return not self.missing(character)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vocabulary):
            return NotImplemented
        return (self._sorted, self._unknown_id) == (other._sorted, other._unknown_id)

    def __hash__(self) -> int:
        return hash((self._sorted, self._unknown_id))

    def __repr__(self) -> str:
        unknown = "" if self._unknown_id is None else " and an unknown token"
        return f"<Vocabulary of {len(self._sorted)} characters{unknown}>"

    @property
    def characters(self) -> tuple[str, ...]:
        """The characters in the order of their ids, without the unknown token."""
        return tuple(self._sorted)

    @property
    def unknown_id(self) -> int | None:
        """The unknown token's id, V - 1, or None if there is no such token."""
        return self._unknown_id

    @property
    def song_end_id(self) -> int | None:
        """The id of the mark that ends a song, U+001E, or None if there is no such character."""
        return int(self._look_up(SONG_END)[0]) if SONG_END in self._sorted else None

    @property
    def sha256(self) -> str:
        """The SHA-256 of the content in hexadecimal, the same in every process: what a saved run compares."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def encode(self, text: str) -> npt.NDArray[np.int32]:
        """The ids of a text's characters.

        Args:
            text: any string, also the empty one.

        Returns:
            int32 `(N,)`, one id in [0, V) for each of the text's N characters.

        Raises:
            UnknownCharacterError: if the vocabulary lacks a character and has no unknown token.

        >>> Vocabulary("ab", unknown=True).encode("abc")
        array([0, 1, 2], dtype=int32)
        """
        ids = self._look_up(text)
        if self._unknown_id is None and ids.size and ids.min() < 0:
            missing = self.missing(text)
            raise UnknownCharacterError(_unknown_message(missing, len(self)), characters=missing)
        return ids

    def decode(self, ids: npt.ArrayLike) -> str:
        """The text that ids stand for; the unknown token becomes U+FFFD, the replacement character.

        Args:
            ids: integers `(N,)` in [0, V).

        Raises:
            ValueError: if the ids are not a one-dimensional array of integers, or one is out of range.

        >>> Vocabulary("ab", unknown=True).decode([1, 0, 2])
        'ba\ufffd'
        """
        return self._codes[checked_ids(ids, below=len(self)).astype(np.intp)].tobytes().decode("utf-32-le")

    def missing(self, text: str) -> str:
        """The characters of a text that the vocabulary lacks, each once, in order of appearance.

        >>> Vocabulary("ab").missing("cabdc")
        'cd'
        """
        unknown = -1 if self._unknown_id is None else self._unknown_id
        found = _code_points(text)[self._look_up(text) == unknown]
        distinct, first = np.unique(found, return_index=True)
        return distinct[np.argsort(first)].tobytes().decode("utf-32-le", "surrogatepass")

    def to_config(self) -> dict[str, Any]:
        """The content as a plain dictionary, for a Keras model's configuration.

        >>> Vocabulary("ba").to_config()
        {'characters': ['a', 'b'], 'unknown': False}
        """
        return {"characters": list(self._sorted), "unknown": self._unknown_id is not None}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The vocabulary that `to_config` described.

        Raises:
            ValueError: if the dictionary is not exactly what `to_config` makes. Characters out of order are
                refused too: sorting them would silently change the ids that a model was trained with.
        """
        if not isinstance(config, Mapping) or set(config) != {"characters", "unknown"}:
            raise ValueError("A vocabulary's configuration must hold exactly `characters` and `unknown`")
        characters, unknown = config["characters"], config["unknown"]
        if not isinstance(characters, list) or set(map(type, characters)) != {str}:
            raise ValueError("A vocabulary's `characters` must be a list of strings")
        if not isinstance(unknown, bool):
            raise ValueError("A vocabulary's `unknown` must be true or false")
        vocabulary = cls(characters, unknown=unknown)
        if list(vocabulary._sorted) != characters:
            raise ValueError("A vocabulary's `characters` must be sorted by code point")
        return vocabulary

    def to_json(self) -> str:
        """The content as JSON in plain ASCII, so that no control character reaches a terminal raw.

        >>> Vocabulary("ba").to_json()
        '{"characters": ["a", "b"], "unknown": false}'
        """
        return json.dumps(self.to_config())

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The vocabulary that `to_json` wrote.

        Raises:
            ValueError: if the text is not JSON, or not exactly what `to_json` writes.
        """
        try:
            config = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"A vocabulary must be JSON, as `to_json` writes it: {error}") from error
        return cls.from_config(config)

    def _look_up(self, text: str) -> npt.NDArray[np.int32]:
        return self._table[np.minimum(_code_points(text), len(self._table) - 1)]


def _code_points(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def _sorted_code_points(characters: list[str]) -> npt.NDArray[np.uint32]:
    if set(map(len, characters)) != {1}:
        wrong = next((character for character in characters if len(character) != 1), None)
        raise ValueError(f"`characters` must be one or more single characters. Received: {wrong!r:.40}")
    codes = np.sort(_code_points("".join(characters)))
    surrogates = codes[(codes >= 0xD800) & (codes < 0xE000)]
    if surrogates.size:
        raise ValueError(
            "`characters` must be whole characters, not half of a surrogate pair; decode the text with "
            f"errors='strict'. Received: {chr(surrogates[0])!r}"
        )
    repeated = codes[1:][codes[1:] == codes[:-1]]
    if repeated.size:
        raise ValueError(
            "`characters` must be distinct; Vocabulary.from_text takes any text. "
            f"Received more than once: {chr(repeated[0])!r}"
        )
    return codes


def name_characters(characters: str) -> str:
    """Name characters one by one in an error, the first few of many.

    >>> print(name_characters("龘a"))
    '龘' (U+9F98), 'a' (U+0061)
    """
    # repr escapes control, bidirectional and surrogate characters, which a terminal must not get raw.
    shown = ", ".join(f"{character!r} (U+{ord(character):04X})" for character in characters[:_MAX_SHOWN])
    more = f" and {len(characters) - _MAX_SHOWN} more" if len(characters) > _MAX_SHOWN else ""
    return shown + more


def _unknown_message(missing: str, size: int) -> str:
    them = "it" if len(missing) == 1 else "them"
    return (
        f"The vocabulary of {size} characters lacks {name_characters(missing)}: leave {them} out, train on a "
        f"text that holds {them}, or make the vocabulary with unknown=True."
    )
