"""Both kinds of batches against the book's iterators in plain Python."""

import itertools
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from lyric_lm.data import CorpusError, consecutive_batches, random_batches

Batch = tuple[list[list[int]], list[list[int]]]


def book_consecutive(corpus: list[int], batch_size: int, num_steps: int) -> Iterator[Batch]:
    """The book's data_iter_consecutive in plain Python."""
    batch_len = len(corpus) // batch_size
    rows = [corpus[row * batch_len : (row + 1) * batch_len] for row in range(batch_size)]
    for batch in range((batch_len - 1) // num_steps):
        i = batch * num_steps
        yield [row[i : i + num_steps] for row in rows], [row[i + 1 : i + num_steps + 1] for row in rows]


def book_examples(corpus: list[int], num_steps: int) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The examples that the book's data_iter_random shuffles."""
    starts = [index * num_steps for index in range((len(corpus) - 1) // num_steps)]
    return [(tuple(corpus[i : i + num_steps]), tuple(corpus[i + 1 : i + num_steps + 1])) for i in starts]


def as_lists(dataset: tf.data.Dataset) -> list[Batch]:
    return [(ids.numpy().tolist(), next_ids.numpy().tolist()) for ids, next_ids in dataset]


SIZES = [
    (length, batch_size, num_steps)
    for length, batch_size, num_steps in itertools.product((7, 16, 30, 31, 97), (1, 2, 5), (1, 3, 6))
    if length >= batch_size * (num_steps + 1)
]


def test_consecutive_batches_are_the_books_example() -> None:
    batches = as_lists(consecutive_batches(list(range(30)), batch_size=2, num_steps=6))

    assert [ids for ids, _ in batches] == [
        [[0, 1, 2, 3, 4, 5], [15, 16, 17, 18, 19, 20]],
        [[6, 7, 8, 9, 10, 11], [21, 22, 23, 24, 25, 26]],
    ]
    assert batches[0][1] == [[1, 2, 3, 4, 5, 6], [16, 17, 18, 19, 20, 21]]


@pytest.mark.parametrize(("length", "batch_size", "num_steps"), SIZES)
def test_consecutive_batches_equal_the_books_iterator(length: int, batch_size: int, num_steps: int) -> None:
    corpus = np.random.default_rng(length).integers(0, 50, length).tolist()

    dataset = consecutive_batches(corpus, batch_size, num_steps)

    assert as_lists(dataset) == list(book_consecutive(corpus, batch_size, num_steps))
    assert dataset.cardinality() == (length // batch_size - 1) // num_steps


@pytest.mark.parametrize(("length", "batch_size", "num_steps"), SIZES)
def test_random_batches_deal_out_the_books_examples(length: int, batch_size: int, num_steps: int) -> None:
    corpus = list(range(length))
    examples = book_examples(corpus, num_steps)

    dataset = random_batches(corpus, batch_size, num_steps)
    dealt = [
        (tuple(row), tuple(following))
        for ids, next_ids in as_lists(dataset)
        for row, following in zip(ids, next_ids, strict=True)
    ]

    assert dataset.cardinality() == len(examples) // batch_size
    assert len(dealt) == len(set(dealt)) == len(examples) // batch_size * batch_size
    assert set(dealt) <= set(examples)


def test_random_batches_of_the_books_example_hold_its_four_examples() -> None:
    batches = as_lists(random_batches(range(30), batch_size=2, num_steps=6))

    assert len(batches) == 2
    assert sorted(row[0] for ids, _ in batches for row in ids) == [0, 6, 12, 18]


@pytest.mark.parametrize("make", [consecutive_batches, random_batches])
def test_shapes_are_static_and_types_int32(make: Any) -> None:
    dataset = make(np.arange(50, dtype=np.uint8), batch_size=2, num_steps=3)

    assert dataset.element_spec == (tf.TensorSpec((2, 3), tf.int32), tf.TensorSpec((2, 3), tf.int32))


def test_consecutive_batches_are_the_same_in_each_epoch() -> None:
    dataset = consecutive_batches(range(50), batch_size=2, num_steps=3)

    assert as_lists(dataset) == as_lists(dataset)


def test_random_batches_differ_from_epoch_to_epoch_and_a_seed_repeats_the_epochs() -> None:
    first, second = (random_batches(range(200), batch_size=4, num_steps=3, seed=7) for _ in range(2))
    epochs = [as_lists(first) for _ in range(3)]

    assert epochs == [as_lists(second) for _ in range(3)]
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]
    assert epochs[0] != as_lists(random_batches(range(200), batch_size=4, num_steps=3, seed=8))


def test_random_batches_without_a_seed_follow_the_global_seed() -> None:
    epochs = []
    for _ in range(2):
        keras.utils.set_random_seed(5)
        dataset = random_batches(range(200), batch_size=4, num_steps=3)
        epochs.append([as_lists(dataset) for _ in range(2)])

    assert epochs[0] == epochs[1]
    assert epochs[0] != [as_lists(random_batches(range(200), batch_size=4, num_steps=3)) for _ in range(2)]


@pytest.mark.slow
def test_random_batches_with_a_seed_are_the_same_in_every_process() -> None:
    code = (
        "from lyric_lm.data import random_batches\n"
        "dataset = random_batches(range(200), batch_size=4, num_steps=3, seed=7)\n"
        "print([ids.numpy().tolist() for _ in range(2) for ids, _ in dataset])"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    first, second = (process.communicate(timeout=120)[0] for process in processes)

    assert first == second != b""


@pytest.mark.parametrize(
    ("make", "length", "largest_batch_size", "largest_num_steps"),
    [(consecutive_batches, 47, 6, 4), (random_batches, 47, 7, 5), (consecutive_batches, 55, 7, 5)],
)
def test_too_short_a_text_names_the_largest_sizes_that_fit(
    make: Any, length: int, largest_batch_size: int, largest_num_steps: int
) -> None:
    with pytest.raises(CorpusError) as raised:
        make(range(length), batch_size=9, num_steps=6)

    assert f"with num_steps=6 the largest batch_size is {largest_batch_size}," in str(raised.value)
    assert f"with batch_size=9 the largest num_steps is {largest_num_steps};" in str(raised.value)
    for batch_size, num_steps in ((largest_batch_size, 6), (9, largest_num_steps)):
        assert make(range(length), batch_size=batch_size, num_steps=num_steps).cardinality() >= 1
    for batch_size, num_steps in ((largest_batch_size + 1, 6), (9, largest_num_steps + 1)):
        with pytest.raises(CorpusError):
            make(range(length), batch_size=batch_size, num_steps=num_steps)


@pytest.mark.parametrize("make", [consecutive_batches, random_batches])
@pytest.mark.parametrize("length", [0, 1])
def test_a_text_too_short_for_anything_says_so(make: Any, length: int) -> None:
    with pytest.raises(
        CorpusError, match=r"with num_steps=3 no batch_size fits, and with batch_size=2 no num_steps fits"
    ):
        make(np.arange(length), batch_size=2, num_steps=3)


@pytest.mark.parametrize("make", [consecutive_batches, random_batches])
@pytest.mark.parametrize("name", ["batch_size", "num_steps"])
@pytest.mark.parametrize("size", [0, -3])
def test_sizes_below_one_are_refused(make: Any, name: str, size: int) -> None:
    sizes = {"batch_size": 2, "num_steps": 3, name: size}

    with pytest.raises(ValueError, match=rf"^`{name}` must be at least 1\. Received: {name}={size}$"):
        make(range(50), **sizes)


@pytest.mark.parametrize("make", [consecutive_batches, random_batches])
@pytest.mark.parametrize("ids", [[[1, 2]], [1.0, 2.0], "abc", [True, False], [-1, 2], [2**31, 0], 5])
def test_ids_that_are_no_ids_are_refused(make: Any, ids: Any) -> None:
    with pytest.raises(ValueError, match="`ids` must"):
        make(ids, batch_size=1, num_steps=1)


def test_read_only_ids_are_accepted() -> None:
    ids = np.arange(20, dtype=np.int32)
    ids.flags.writeable = False

    assert consecutive_batches(ids, batch_size=2, num_steps=3).cardinality() == 3
