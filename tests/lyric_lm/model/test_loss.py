"""The loss against Keras' own, its gradient against automatic differentiation of the textbook formula."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from lyric_lm.model.loss import mean_cross_entropy


@pytest.fixture
def logits() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2, 3, 5), scale=4.0).astype(np.float32)


@pytest.fixture
def ids() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 5, (2, 3)).astype(np.int32)


def textbook(logits: tf.Tensor, ids: np.ndarray, smoothing: float) -> tf.Tensor:
    targets = np.eye(5, dtype=np.float32)[ids] * (1 - smoothing) + smoothing / 5
    return tf.reduce_mean(-tf.reduce_sum(targets * tf.math.log(tf.nn.softmax(logits)), -1))


def test_it_is_keras_own_loss(logits: np.ndarray, ids: np.ndarray) -> None:
    stock = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(ids, logits)

    np.testing.assert_allclose(mean_cross_entropy(logits, ids), stock, rtol=1e-6)


def test_smoothing_is_keras_own(logits: np.ndarray, ids: np.ndarray) -> None:
    stock = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.3)

    np.testing.assert_allclose(
        mean_cross_entropy(logits, ids, label_smoothing=0.3), stock(np.eye(5)[ids], logits), rtol=1e-6
    )


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("compiled", [False, True])
def test_its_gradient_is_the_textbooks(
    logits: np.ndarray, ids: np.ndarray, smoothing: float, compiled: bool
) -> None:
    def gradient(loss_of: object) -> tf.Tensor:
        @tf.function(jit_compile=compiled)  # type: ignore[untyped-decorator]
        def run(x: tf.Tensor) -> tf.Tensor:
            with tf.GradientTape() as tape:
                tape.watch(x)
                loss = 7.0 * loss_of(x)  # type: ignore[operator]
            return tf.convert_to_tensor(tape.gradient(loss, x))

        return run(tf.constant(logits))

    ours = gradient(lambda x: mean_cross_entropy(x, ids, label_smoothing=smoothing))
    np.testing.assert_allclose(ours, gradient(lambda x: textbook(x, ids, smoothing)), rtol=1e-5, atol=1e-7)


def test_huge_logits_do_not_overflow() -> None:
    logits = tf.constant([[1e30, 0.0, -1e30]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = mean_cross_entropy(logits, tf.constant([0]))

    assert float(loss) == 0.0
    np.testing.assert_array_equal(tape.gradient(loss, logits), np.zeros((1, 3)))
