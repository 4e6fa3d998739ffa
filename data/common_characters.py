"""Which characters of a text a vocabulary keeps, where rare ones are to be unknown."""

from typing import Any

import numpy as np
import numpy.typing as npt

from lyric_lm.data.characters import SONG_END
from lyric_lm.data.errors import CorpusError


def common_characters(
    codes: npt.NDArray[np.integer[Any]],
    counts: npt.NDArray[np.int64],
    *,
    min_count: int | None,
    max_vocabulary: int | None,
) -> str:
    """The characters that are common enough; the mark that ends a song always is.

    Args:
        codes: (K,), distinct code points in rising order.
        counts: int64 (K,), how often each occurs.
        min_count: the fewest occurrences of a character that is kept; None keeps all.
        max_vocabulary: V, the unknown character included: the commonest V - 1 are kept, and of equally common
            ones those of lower code points; None sets no limit.

    Raises:
        CorpusError: none is left.

    >>> common_characters(np.array([97, 98, 99]), np.array([2, 5, 2]), min_count=2, max_vocabulary=3)
    'ba'
    """
    if min_count is not None:
        common = (counts >= min_count) | (codes == ord(SONG_END))
        codes, counts = codes[common], counts[common]
    order = np.lexsort((codes, -counts, codes != ord(SONG_END)))
    kept = codes[order[: None if max_vocabulary is None else max_vocabulary - 1]]
    if not kept.size:
        raise CorpusError(f"No character of the text occurs min_count={min_count} times; take a lower one.")
    return kept.astype("<u4").tobytes().decode("utf-32-le")
