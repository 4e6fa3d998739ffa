"""The checks of a number that somebody hands in; each names the argument, the rule and what came instead."""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Literal


def check_at_least_one(**numbers: float | None) -> None:
    """Refuse a number below 1; None passes.

    Raises:
        ValueError: one is.

    >>> check_at_least_one(every=3, num_chars=0)
    Traceback (most recent call last):
    ValueError: `num_chars` must be at least 1. Received: num_chars=0
    """
    _check(numbers, "at least 1", lambda number: number >= 1)


def check_vocabulary_limits(min_count: int | None, max_vocabulary: int | None) -> None:
    """Refuse limits of a vocabulary that are out of range; None passes.

    Raises:
        ValueError: `min_count` is below 1, or `max_vocabulary` below 2.
    """
    check_at_least_one(min_count=min_count)
    if max_vocabulary is not None and max_vocabulary < 2:
        raise ValueError(
            "`max_vocabulary` must be at least 2, since the unknown character counts. "
            f"Received: max_vocabulary={max_vocabulary}"
        )


def check_not_negative(**numbers: float | None) -> None:
    """Refuse a number below 0; None passes.

    Raises:
        ValueError: one is.
    """
    _check(numbers, "at least 0", lambda number: number >= 0)


def check_spacings(**spacings: int | Literal["auto"] | None) -> None:
    """Refuse a number of epochs between two of something that is no whole number of at least 1; None passes.

    Raises:
        ValueError: one is neither that nor "auto".

    >>> check_spacings(samples_every="auto", histograms_every=0)
    Traceback (most recent call last):
    ValueError: `histograms_every` must be at least 1. Received: histograms_every=0
    """
    for name, spacing in spacings.items():
        if spacing is not None and spacing != "auto":
            whole_number(name, spacing)


def check_positive(**numbers: float | None) -> None:
    """Refuse a number that is not above 0, or is infinite; None passes.

    Raises:
        ValueError: one is.
    """
    _check(numbers, "positive", lambda number: 0 < number < float("inf"))


def check_shares(**shares: float | None) -> None:
    """Refuse a share outside [0, 1); None passes.

    Raises:
        ValueError: one is.
    """
    _check(shares, "in [0, 1)", lambda share: 0 <= share < 1)


def _check(numbers: Mapping[str, float | None], rule: str, holds: Callable[[float], bool]) -> None:
    for name, number in numbers.items():
        if number is not None and not holds(number):
            raise ValueError(f"`{name}` must be {rule}. Received: {name}={number}")


def whole_number(name: str, value: Any) -> int:
    """A whole number of at least 1, as an `int` whatever integer it was given as.

    Raises:
        ValueError: it is none, or below 1.

    >>> whole_number("num_chars", 2.5)
    Traceback (most recent call last):
    ValueError: `num_chars` must be a whole number of at least 1. Received: num_chars=2.5
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(
            f"`{name}` must be a whole number of at least 1. Received: {name}={value!r}"
        ) from None
    check_at_least_one(**{name: number})
    return number
