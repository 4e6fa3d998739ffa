"""A training's figures, and the file that keeps them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyric_lm.runs.history import History

ROWS = [{"loss": 3.0, "perplexity": 20.0}, {"loss": 1.5, "perplexity": 4.5, "copied_4": 0.25}]
NUMBERS = st.floats(allow_nan=False, width=32)


def test_a_figure_is_a_column_with_gaps_where_an_epoch_lacks_it() -> None:
    history = History(ROWS)
    assert history.column("loss") == [3.0, 1.5]
    first, second = history.column("copied_4")
    assert math.isnan(first)
    assert second == 0.25
    assert history.column("val_loss") == []
    assert (history.last("loss"), len(history)) == (1.5, 2)
    assert math.isnan(History([]).last("loss"))


@given(values=st.lists(st.floats(), max_size=6))
def test_the_best_is_the_first_of_the_smallest_finite_values(values: list[float]) -> None:
    finite = [value for value in values if math.isfinite(value)]
    expected = (min(finite), 1 + values.index(min(finite))) if finite else None
    assert History([{"loss": value} for value in values]).best("loss") == expected


@given(rows=st.lists(st.fixed_dictionaries({"perplexity": NUMBERS}, optional={"b": NUMBERS}), max_size=5))
def test_what_is_written_is_read_back_to_the_bit(rows: list[dict[str, float]]) -> None:
    assert History.from_csv(History(rows).to_csv()) == History(rows)


def test_the_columns_that_people_look_for_come_first() -> None:
    rows = [{"copied_4": 0.5, "val_perplexity": 7.0}, {"perplexity": 4.5, "loss": 1.5}]
    assert History(rows).to_csv() == (
        "epoch,loss,perplexity,val_perplexity,copied_4\n1,,,7.0,0.5\n2,1.5,4.5,,\n"
    )


@pytest.mark.parametrize(
    "damaged", ["epoch,perplexity\n2,1\n", "epoch,loss\n1,1\n", "epoch,perplexity\n1,2,3\n"]
)
def test_a_damaged_table_is_refused(damaged: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        History.from_csv(damaged)
