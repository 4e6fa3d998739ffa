"""What the checks of numbers let through, and what they say of the rest."""

import math

import pytest

from lyric_lm.checks import check_at_least_one, check_positive, check_shares


def test_numbers_in_range_and_none_pass() -> None:
    check_at_least_one(a=1, b=1.5, c=None)
    check_positive(a=1e-9, b=None)
    check_shares(a=0, b=0.999)


@pytest.mark.parametrize(
    ("check", "wrong", "rule"),
    [
        (check_at_least_one, [0, -1, 0.9, math.nan], "at least 1"),
        (check_positive, [0, -1, math.inf, math.nan], "positive"),
        (check_shares, [-0.1, 1, math.nan], r"in \[0, 1\)"),
    ],
)
def test_the_argument_the_rule_and_the_value_are_named(check: object, wrong: list[float], rule: str) -> None:
    for value in wrong:
        with pytest.raises(ValueError, match=rf"`width` must be {rule}\. Received: width={value}"):
            check(other=0.5 if check is check_shares else 2, width=value)  # type: ignore[operator]
