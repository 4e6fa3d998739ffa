"""Ids outside the vocabulary: refused by every method, before the first step where that can be seen."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from lyric_lm import RNNModel
from lyric_lm.data import Vocabulary, consecutive_batches, load_lyrics, random_batches, varied_batches

B, T, V, H = 2, 3, 5, 4
GOOD = np.random.default_rng(1).integers(0, V, 30).astype(np.int32)
TOO_LARGE, NEGATIVE = GOOD.copy(), GOOD.copy()
TOO_LARGE[-12] = V
NEGATIVE[-12] = -1
WORDS = r"`ids` must lie in \[0, 5\).*load_lyrics\(\.\.\., vocabulary=model\.vocabulary\)"


@pytest.fixture(name="model", scope="module")
def _model() -> RNNModel:
    keras.utils.set_random_seed(3)
    model = RNNModel(keras.layers.GRUCell(H), Vocabulary("abcde"))
    model.compile(keras.optimizers.SGD(0.1), jit_compile=False)
    return model


def pairs(ids: Any) -> tuple[Any, Any]:
    return ids[:24].reshape(B * 4, T), ids[1:25].reshape(B * 4, T)


def of_unknown_range(ids: Any) -> tf.data.Dataset:
    """Batches whose ids nobody knows before they are drawn; only the fourth holds the wrong one."""
    return tf.data.Dataset.from_tensor_slices(pairs(ids)).batch(B, drop_remainder=True)


ARRAYS: dict[str, Callable[[RNNModel, Any], Any]] = {
    "fit": lambda model, ids: model.fit(*pairs(ids), batch_size=B, verbose=0),
    "validation": lambda model, ids: model.fit(
        *pairs(GOOD), validation_data=pairs(ids), batch_size=B, verbose=0
    ),
    "evaluate": lambda model, ids: model.evaluate(*pairs(ids), batch_size=B, verbose=0),
    "predict": lambda model, ids: model.predict(pairs(ids)[0], batch_size=B, verbose=0),
    "train_on_batch": lambda model, ids: model.train_on_batch(*pairs(ids)),
    "test_on_batch": lambda model, ids: model.test_on_batch(*pairs(ids)),
    "predict_on_batch": lambda model, ids: model.predict_on_batch(pairs(ids)[0]),
    "call": lambda model, ids: model(pairs(ids)[0]),
}


@pytest.mark.parametrize("method", sorted(ARRAYS.keys() - {"call"}))  # gets a tensor
def test_a_text_of_its_own_smaller_vocabulary_is_refused(
    model: RNNModel, method: str, tmp_path: Path
) -> None:
    path = tmp_path / "song.txt"
    path.write_text("beda" * 9)
    with pytest.raises(ValueError, match=r"of another vocabulary.*vocabulary=model\.vocabulary.*of 4 char"):
        ARRAYS[method](model, load_lyrics(path).ids)
    ARRAYS[method](model, load_lyrics(path, vocabulary=model.vocabulary).ids)


def test_batches_of_another_vocabulary_are_refused(model: RNNModel, tmp_path: Path) -> None:
    path = tmp_path / "song.txt"
    path.write_text("beda" * 9)
    ids = load_lyrics(path).ids
    for make in (consecutive_batches, varied_batches):
        with pytest.raises(ValueError, match="of another vocabulary"):
            model.evaluate(make(ids, B, T).take(2), verbose=0)
        with pytest.raises(ValueError, match="of another vocabulary"):
            model.fit(make(GOOD, B, T), validation_data=make(ids, B, T), verbose=0)


@pytest.mark.parametrize("method", ARRAYS)
@pytest.mark.parametrize("ids", [TOO_LARGE, NEGATIVE], ids=["too large", "negative"])
def test_arrays_are_looked_at_before_the_first_step(model: RNNModel, method: str, ids: Any) -> None:
    before = model.get_weights()
    with pytest.raises(ValueError, match=WORDS):
        ARRAYS[method](model, ids)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("make", [consecutive_batches, varied_batches])
def test_batches_of_ours_are_known_before_the_first_step(model: RNNModel, make: Any) -> None:
    before = model.get_weights()
    wrong = make(TOO_LARGE, B, T).take(2)
    for call in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=WORDS):
            call(wrong, verbose=0)
    with pytest.raises(ValueError, match=WORDS):
        model.fit(make(GOOD, B, T), validation_data=wrong, verbose=0)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.xla
@pytest.mark.parametrize("ids", [TOO_LARGE, NEGATIVE], ids=["too large", "negative"])
@pytest.mark.parametrize("mode", [{"jit_compile": True}, {"jit_compile": False}, {"run_eagerly": True}])
def test_any_dataset_is_refused_when_its_epoch_has_ended(ids: Any, mode: Any) -> None:
    model = RNNModel(keras.layers.GRUCell(H), Vocabulary("abcde"))
    model.compile(keras.optimizers.SGD(0.1), **mode)
    for call in (model.fit, model.evaluate, model.predict):
        with pytest.raises(ValueError, match=WORDS):
            call(of_unknown_range(ids), verbose=0)
    with pytest.raises(ValueError, match=WORDS):
        model.fit(of_unknown_range(GOOD), validation_data=of_unknown_range(ids), verbose=0)
    model.fit(of_unknown_range(GOOD), verbose=0)  # what was met before is forgotten
    model.predict(of_unknown_range(GOOD), verbose=0)


def test_targets_count_as_much_as_ids(model: RNNModel) -> None:
    x, y = pairs(GOOD)
    with pytest.raises(ValueError, match=WORDS):
        model.evaluate(x, y + V, batch_size=B, verbose=0)


def test_mixed_rows_are_refused_where_the_state_is_carried(model: RNNModel) -> None:
    words = "`random_batches` and `shuffle` mix.*consecutive_batches.*`stateful=False`"
    for mixed in (random_batches(GOOD, B, T, seed=1).take(2), consecutive_batches(GOOD, B, T).shuffle(3)):
        with pytest.raises(ValueError, match=words):
            model.fit(mixed, verbose=0)
        with pytest.raises(ValueError, match=words):
            model.evaluate(mixed, verbose=0)
        with pytest.raises(ValueError, match=words):
            model.fit(consecutive_batches(GOOD, B, T), validation_data=mixed, verbose=0)
    model.stateful = False
    try:
        model.fit(random_batches(GOOD, B, T, seed=1), verbose=0)
    finally:
        model.stateful = True


def test_fit_tells_the_epochs_number_also_through_transformations(model: RNNModel) -> None:
    batches = varied_batches(GOOD, B, T)
    seen: list[int] = []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: seen.append(int(batches.epoch.numpy())))
    model.fit(
        batches.map(lambda x, y: (x, y)).take(2), epochs=3, initial_epoch=1, callbacks=[note], verbose=0
    )
    assert seen == [1, 2]
    with pytest.raises(ValueError, match="`cache` hands out one epoch's text"):
        model.fit(batches.cache(), verbose=0)
