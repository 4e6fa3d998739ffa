"""The check of a whole number among a sampler's or rule's settings."""

import operator
from typing import Any


def hold_whole_number(settings: Any, name: str) -> None:
    """Make a field of a frozen dataclass an `int`, whatever integer it was given as.

    Raises:
        ValueError: it is no whole number, or below 1.
    """
    value = getattr(settings, name)
    try:
        whole = operator.index(value)
    except TypeError:
        whole = 0
    if whole < 1:
        raise ValueError(f"`{name}` must be at least 1, a whole number. Received: {name}={value!r}")
    object.__setattr__(settings, name, whole)
