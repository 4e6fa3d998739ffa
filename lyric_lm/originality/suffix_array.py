"""Suffix arrays: the one door to `pydivsufsort`.

pydivsufsort (MIT, wheels for Linux, macOS and Windows) binds Yuta Mori's libdivsufsort. It sorts 10 million
characters in under 2 s even where the text is one verse over and over; there, prefix doubling in NumPy would
sort 24 times at 1.6 s each.
"""

import numpy as np
import pydivsufsort  # type: ignore[import-untyped]  # ships no type information
from numpy.typing import NDArray


def suffix_array(ids: NDArray[np.integer]) -> NDArray[np.int32]:
    """Start positions of all suffixes of `ids` in lexicographic order; an end sorts before every id.

    Manber & Myers 1993, "Suffix arrays: a new method for on-line string searches", SIAM J. Comput. 22(5).

    Args:
        ids: integers `(N,)`, N >= 1, each in [0, 2**32).

    Returns:
        int32 `(N,)`, a permutation of 0..N-1.

    Example:
        >>> suffix_array(np.array([1, 0, 1, 0])).tolist()
        [3, 1, 2, 0]
    """
    order: NDArray[np.integer] = pydivsufsort.divsufsort(_narrowed(ids))
    return order.astype(np.int32, copy=False)


def shared_with_previous(ids: NDArray[np.integer], suffixes: NDArray[np.int32]) -> NDArray[np.int32]:
    """Number of first ids that each suffix shares with the one before it in `suffixes`.

    Kasai, Lee, Arimura, Arikawa & Park 2001, "Linear-time longest-common-prefix computation in suffix arrays
    and its applications", CPM 2001.

    Args:
        ids: integers `(N,)`, N >= 1, each in [0, 2**32).
        suffixes: int32 `(N,)`, `suffix_array(ids)`.

    Returns:
        int32 `(N,)`, each in [0, N); the first is 0.

    Example:
        >>> ids = np.array([1, 0, 1, 0])
        >>> shared_with_previous(ids, suffix_array(ids)).tolist()
        [0, 1, 0, 2]
    """
    shared = np.zeros(len(ids), np.int32)
    shared[1:] = pydivsufsort.kasai(_narrowed(ids), suffixes)[:-1]
    return shared


def _narrowed(ids: NDArray[np.integer]) -> NDArray[np.integer]:
    # libdivsufsort sorts bytes: a wide id costs as many steps as it has bytes.
    largest = int(ids.max())
    return np.ascontiguousarray(ids, np.min_scalar_type(largest))
