"""The chapter's training, against NumPy by hand, and a state that nothing else disturbs."""

import functools
import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from lyric_lm import RNNModel, generate
from lyric_lm.data import Vocabulary, consecutive_batches, random_batches
from lyric_lm.model.batch_loop import BatchLoop

B, T, V, H = 2, 5, 7, 3
VOCABULARY = Vocabulary("abcdefg")
IDS = np.random.default_rng(0).integers(0, V, 64).astype(np.int32)


def build(cell: Any = None, **kwargs: Any) -> RNNModel:
    keras.utils.set_random_seed(1)  # before the cell is made: its initializers draw their seeds then
    return RNNModel(cell() if cell else keras.layers.SimpleRNNCell(H), VOCABULARY, **kwargs)


def compiled(model: RNNModel, optimizer: Any = None, *, jit_compile: Any = False, **kwargs: Any) -> RNNModel:
    # XLA takes a second or more to compile each model; the tests that are about it ask for it.
    model.compile(optimizer=optimizer or keras.optimizers.SGD(0.7), jit_compile=jit_compile, **kwargs)
    return model


def batches() -> tf.data.Dataset:
    return consecutive_batches(IDS, B, T)


class Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """Calls functions at the hooks of `fit`."""

    def __init__(self, **hooks: Any) -> None:
        super().__init__()
        self.hooks = hooks

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        del logs
        self.hooks["epoch_begin"](epoch)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        del logs
        self.hooks["batch_end"](batch)


# ---------------------------------------------------------------- the mathematics


def by_hand(
    weights: list[Any], epochs: int, rate: float, theta: float
) -> tuple[list[Any], list[float], list[float]]:
    """The chapter in NumPy: forward, backward through T steps, clipping, SGD; state carried in an epoch."""
    kernel, recurrent, bias, out, out_bias = (w.astype(np.float64) for w in weights)
    rows = IDS[: len(IDS) // B * B].reshape(B, -1)
    losses, norms = [], []
    for _ in range(epochs):
        h, epoch_losses, epoch_norms = np.zeros((B, H)), [], []
        for i in range((rows.shape[1] - 1) // T):
            x, y = rows[:, i * T : (i + 1) * T], rows[:, i * T + 1 : (i + 1) * T + 1]
            hs, probabilities = [h], []
            for t in range(T):
                hs.append(np.tanh(kernel[x[:, t]] + hs[-1] @ recurrent + bias))
                scores = hs[-1] @ out + out_bias
                weights_ = np.exp(scores - scores.max(1, keepdims=True))
                probabilities.append(weights_ / weights_.sum(1, keepdims=True))
            picked = [probabilities[t][np.arange(B), y[:, t]] for t in range(T)]
            epoch_losses.append(-np.mean(np.log(picked)))
            g = [np.zeros_like(w) for w in (kernel, recurrent, bias, out, out_bias)]
            back = np.zeros((B, H))
            for t in reversed(range(T)):
                d = probabilities[t].copy()
                d[np.arange(B), y[:, t]] -= 1
                d /= B * T
                g[3] += hs[t + 1].T @ d
                g[4] += d.sum(0)
                pre = (d @ out.T + back) * (1 - hs[t + 1] ** 2)
                np.add.at(g[0], x[:, t], pre)
                g[1] += hs[t].T @ pre
                g[2] += pre.sum(0)
                back = pre @ recurrent.T
            norm = math.sqrt(sum((w**2).sum() for w in g))
            epoch_norms.append(norm)
            factor = theta / norm if norm > theta else 1.0
            for w, dw in zip((kernel, recurrent, bias, out, out_bias), g, strict=True):
                w -= rate * factor * dw
            h = hs[-1]
        losses.append(float(np.mean(epoch_losses)))
        norms.append(float(np.mean(epoch_norms)))
    return [kernel, recurrent, bias, out, out_bias], losses, norms


@pytest.mark.xla
def test_xla_is_on_by_default() -> None:
    assert compiled(build(), jit_compile="auto").jit_compile


@pytest.mark.parametrize("xla", [True, False])
@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("theta", [0.05, 0.4, 1e9])
def test_epochs_equal_the_chapter_written_by_hand(theta: float, fast: bool, xla: bool) -> None:
    model = compiled(build(clipping_theta=theta, fast=fast), jit_compile=xla)
    expected = by_hand(model.get_weights(), 6, 0.7, theta)
    history = model.fit(batches(), epochs=6, verbose=0).history
    for ours, theirs in zip(model.get_weights(), expected[0], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-6)
    np.testing.assert_allclose(history["loss"], expected[1], rtol=1e-5)
    np.testing.assert_allclose(history["grad_norm"], expected[2], rtol=1e-4)
    np.testing.assert_allclose(history["perplexity"], np.exp(history["loss"]), rtol=1e-6)


@pytest.mark.parametrize("options", [{}, {"embedding_dim": 4}, {"embedding_dim": H, "tie_embeddings": True}])
def test_no_update_is_longer_than_the_rate_times_theta(options: Any) -> None:
    model = compiled(build(clipping_theta=0.05, **options), keras.optimizers.SGD(10.0))
    for x, y in batches():
        before = model.get_weights()
        model.train_on_batch(x, y)
        moved = math.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(model.get_weights(), before, strict=True)))
        assert moved == pytest.approx(10 * 0.05, rel=1e-4)  # every gradient here is longer than theta


def test_under_loss_scaling_the_unscaled_gradient_is_what_is_clipped() -> None:
    scaled = compiled(
        build(clipping_theta=0.05), keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.7))
    )
    plain = compiled(build(clipping_theta=0.05))
    histories = [m.fit(batches(), epochs=2, verbose=0).history for m in (scaled, plain)]
    np.testing.assert_allclose(histories[0]["grad_norm"], histories[1]["grad_norm"], rtol=1e-4)
    for a, b in zip(scaled.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.xla
def test_two_runs_with_one_seed_give_identical_weights() -> None:
    runs = []
    for _ in range(2):
        keras.utils.set_random_seed(6)
        cell = keras.layers.GRUCell(H)
        model = RNNModel(cell, VOCABULARY, dropout=0.3, embedding_dim=4, character_dropout=0.2)
        compiled(model, jit_compile="auto").fit(batches(), epochs=3, verbose=0)
        runs.append(model.get_weights())
    for a, b in zip(*runs, strict=True):
        np.testing.assert_array_equal(a, b)


# ---------------------------------------------------------------- the carried state


def test_the_state_is_zero_at_each_epochs_start_and_carried_inside_it() -> None:
    seen: list[Any] = []
    model = compiled(build(), keras.optimizers.SGD(0.0))  # weights stay, so each state can be recomputed

    def note(_: int) -> None:
        seen.append(model._training_state.numpy()[0])

    model.fit(batches(), epochs=2, verbose=0, callbacks=[Watch(epoch_begin=note, batch_end=note)])
    states, expected = None, []
    for x, _ in batches():
        states = model(x, states)[1]
        expected.append(states[0][0].numpy())
    epoch = [np.zeros((B, H)), *expected]
    np.testing.assert_allclose(np.stack(seen), np.stack([*epoch, *epoch]), atol=1e-6)


def test_a_model_that_is_not_stateful_starts_each_batch_from_zero() -> None:
    model = compiled(build(stateful=False), keras.optimizers.SGD(0.0))
    losses = [-np.mean(tf.gather(tf.nn.log_softmax(model(x)[0]), y, batch_dims=2)) for x, y in batches()]
    assert model.fit(batches(), verbose=0).history["loss"][0] == pytest.approx(np.mean(losses), rel=1e-5)
    model.fit(random_batches(IDS, B, T, seed=1), verbose=0)


def disturb(model: RNNModel, *_: Any) -> None:
    """Everything that may happen between two training steps, at batch sizes other than B."""
    other = consecutive_batches(IDS, 3, 4)
    model.evaluate(other, verbose=0)
    model.evaluate(IDS[:20].reshape(4, 5), IDS[1:21].reshape(4, 5), batch_size=1, verbose=0)
    model.predict(IDS[:24].reshape(6, 4), batch_size=5, verbose=0)
    model.test_on_batch(IDS[:8].reshape(1, 8), IDS[1:9].reshape(1, 8))
    model.predict_on_batch(IDS[:8].reshape(4, 2))
    generate(model, ["ab", "g"], 3)


CELLS = {
    "simple": lambda: keras.layers.SimpleRNNCell(H),
    "lstm with dropout of its own": lambda: keras.layers.LSTMCell(H, dropout=0.3, recurrent_dropout=0.2),
    "stack": lambda: keras.layers.StackedRNNCells([keras.layers.GRUCell(H), keras.layers.LSTMCell(H + 1)]),
}


@pytest.mark.parametrize(
    ("cell", "mode"),
    [
        ("simple", {}),
        pytest.param("simple", {"run_eagerly": True}, marks=pytest.mark.slow),
        pytest.param("simple", {"jit_compile": True}, marks=pytest.mark.slow),
        ("lstm with dropout of its own", {}),
        pytest.param("stack", {}, marks=pytest.mark.slow),
    ],
)
def test_evaluation_prediction_and_sampling_in_mid_epoch_change_nothing(cell: str, mode: Any) -> None:
    results = []
    for disturbed in (False, True):
        options = {"embedding_dim": 4, "dropout": 0.4, "character_dropout": 0.2}
        model = compiled(build(CELLS[cell], **options), **mode)
        hook = functools.partial(disturb, model) if disturbed else lambda *_: None
        watch = Watch(batch_end=hook, epoch_begin=hook)
        history = model.fit(batches(), epochs=2, verbose=0, callbacks=[watch]).history
        results.append((model.get_weights(), history))
    for a, b in zip(results[0][0], results[1][0], strict=True):
        np.testing.assert_array_equal(a, b)
    assert results[0][1] == results[1][1]


def test_validation_of_another_batch_size_does_not_change_training() -> None:
    plain, validated = compiled(build()), compiled(build())
    plain.fit(batches(), epochs=3, verbose=0)
    logs = validated.fit(
        batches(), epochs=3, verbose=0, validation_data=consecutive_batches(IDS, 3, 4)
    ).history
    for a, b in zip(plain.get_weights(), validated.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(logs["val_perplexity"], np.exp(logs["val_loss"]), rtol=1e-6)
    assert "val_grad_norm" not in logs


def test_evaluation_carries_a_state_of_its_own_from_zero() -> None:
    model = compiled(build())
    model.fit(batches(), verbose=0)
    state, losses = None, []
    for x, y in batches():
        logits, state = model(x, state)
        losses.append(-np.mean(tf.gather(tf.nn.log_softmax(logits), y, batch_dims=2)))
    for _ in range(2):
        logs = model.evaluate(batches(), verbose=0, return_dict=True)
        assert logs["loss"] == pytest.approx(np.mean(losses), rel=1e-5)


@pytest.mark.parametrize("steps", [1, 3, 100])
@pytest.mark.parametrize("xla", [False, True])
def test_steps_per_execution_and_xla_do_not_change_the_weights(steps: int, xla: bool) -> None:
    plain = compiled(build(), run_eagerly=True)
    other = compiled(build(), steps_per_execution=steps, jit_compile=xla)
    losses = [m.fit(batches(), epochs=2, verbose=0).history["loss"] for m in (plain, other)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)
    for a, b in zip(plain.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_fit_takes_another_batch_size_the_second_time() -> None:
    model = compiled(build())
    model.fit(batches(), verbose=0)
    model.fit(consecutive_batches(IDS, 3, 4), verbose=0)
    assert model._training_state.numpy()[0].shape == (3, H)


def test_whole_epochs_run_as_one_loop_unless_a_callback_wants_every_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loops: list[int] = []
    run = BatchLoop._run

    def noted(self: BatchLoop, steps: int, iterator: Any) -> Any:
        loops.append(steps)
        return run(self, steps, iterator)

    monkeypatch.setattr(BatchLoop, "_run", noted)
    model, count = compiled(build()), int(batches().cardinality())
    model.fit(batches(), epochs=2, verbose=0)
    assert loops == [count, count]
    seen: list[int] = []
    model.fit(batches(), verbose=0, callbacks=[Watch(batch_end=seen.append, epoch_begin=lambda _: None)])
    assert seen == list(range(count))
    assert loops[2:] == [1] * count
    assert model.steps_per_execution == 1


# ---------------------------------------------------------------- logs


def test_perplexity_weighs_characters_and_not_rows() -> None:
    model = compiled(build(stateful=False), keras.optimizers.SGD(0.0))
    pairs = [(IDS[None, :n], IDS[None, 1 : n + 1]) for n in (3, 40)]
    data = tf.data.Dataset.from_generator(
        lambda: iter(pairs), output_signature=(tf.TensorSpec((1, None), tf.int32),) * 2
    ).apply(tf.data.experimental.assert_cardinality(2))
    losses = [-tf.gather(tf.nn.log_softmax(model(x)[0]), y, batch_dims=2).numpy().ravel() for x, y in pairs]
    expected = np.exp(np.mean(np.concatenate(losses)))
    found = model.evaluate(data, verbose=0, return_dict=True)["perplexity"]
    assert [found, *model.fit(data, verbose=0).history["perplexity"]] == pytest.approx([expected] * 2)


def test_names_and_values_of_metrics_belong_together() -> None:
    top = keras.metrics.SparseTopKCategoricalAccuracy(k=2, name="top")
    model = compiled(build(), metrics=["accuracy", top])
    for call in (model.evaluate, model.fit):  # before and after a training
        values = model.evaluate(batches(), verbose=0)
        by_name = model.evaluate(batches(), verbose=0, return_dict=True)
        assert dict(zip(model.metrics_names, values, strict=False)) == pytest.approx(by_name)
        assert sorted(by_name) == ["accuracy", "loss", "perplexity", "top"]
        assert by_name["perplexity"] == pytest.approx(math.exp(by_name["loss"]))
        call(batches(), verbose=0)
    values = model.train_on_batch(IDS[None, :9], IDS[None, 1:10])
    named = dict(zip(model.metrics_names, values, strict=True))
    assert sorted(named) == ["accuracy", "clipped_share", "grad_norm", "loss", "perplexity", "top"]
    assert named["perplexity"] == pytest.approx(math.exp(named["loss"]))


@pytest.mark.parametrize("monitor", ["perplexity", "val_perplexity"])
def test_callbacks_know_that_a_lower_perplexity_is_better(monitor: str, tmp_path: Path) -> None:
    model = compiled(build(), keras.optimizers.SGD(50.0))  # gets worse, and better again
    best = tmp_path / "best.keras"
    callbacks = [
        keras.callbacks.EarlyStopping(monitor, restore_best_weights=True, patience=9),
        keras.callbacks.ModelCheckpoint(best, monitor, save_best_only=True),
        keras.callbacks.ReduceLROnPlateau(monitor, patience=9),
    ]
    fit = model.fit(batches(), epochs=5, verbose=0, validation_data=batches(), callbacks=callbacks)
    assert callbacks[0].best == callbacks[1].best == callbacks[2].best == min(fit.history[monitor])


def test_a_step_that_overflows_under_loss_scaling_has_no_norm() -> None:
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=3e38)
    history = compiled(build(clipping_theta=1e9), optimizer).fit(batches(), epochs=3, verbose=0).history
    plain = compiled(build(clipping_theta=1e9), keras.optimizers.SGD(0.0)).fit(batches(), verbose=0).history
    assert history["grad_norm"][0] == pytest.approx(plain["grad_norm"][0], rel=0.5)
    assert np.isfinite(history["grad_norm"]).all()


# ---------------------------------------------------------------- saving


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("options", [{}, {"embedding_dim": 4, "tie_embeddings": True, "dropout": 0.1}])
def test_a_saved_model_loads_bit_identical_and_trains_on_the_same(
    cell: str, options: Any, tmp_path: Path
) -> None:
    model = compiled(build(CELLS[cell], clipping_theta=0.3, **options), keras.optimizers.Adam(0.01))
    model.fit(batches(), epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, RNNModel)
    assert loaded.vocabulary == VOCABULARY
    assert loaded.clipping_theta == 0.3
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(model.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(model(IDS[None])[0], loaded(IDS[None])[0])
    assert generate(model, "ab", 20) == generate(loaded, "ab", 20)


# ---------------------------------------------------------------- the recipe's pieces


def test_dropout_uses_one_mask_for_all_steps_of_a_row() -> None:
    model = build(dropout=0.5, embedding_dim=4)
    dropped = model._drop(tf.ones((B, T, 40)), 0.5, True).numpy()
    assert set(np.unique(dropped)) == {0.0, 2.0}
    np.testing.assert_array_equal(dropped, np.repeat(dropped[:, :1], T, axis=1))
    assert (dropped[0, 0] != dropped[1, 0]).any()


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("embedding", [None, 4])
def test_blanked_characters_add_nothing_but_the_bias(embedding: int | None, fast: bool) -> None:
    model = build(character_dropout=1 - 1e-7, embedding_dim=embedding, fast=fast)
    logits = model(IDS[None, :T], training=True)[0]
    np.testing.assert_allclose(logits, model((IDS[None, :T] + 1) % V, training=True)[0])
    assert np.abs(logits - model(IDS[None, :T])[0]).max() > 1e-3


def test_label_smoothing_changes_training_but_not_the_reported_loss() -> None:
    smooth, plain = (compiled(build(label_smoothing=s), keras.optimizers.SGD(0.0)) for s in (0.3, 0.0))
    losses = [m.fit(batches(), verbose=0).history["loss"] for m in (smooth, plain)]
    assert losses[0] == losses[1]
    x, y = next(iter(batches()))
    logits = smooth(x)[0]
    targets = 0.7 * tf.one_hot(y, V) + 0.3 / V
    expected = -np.mean(tf.reduce_sum(targets * tf.nn.log_softmax(logits), -1))
    assert float(smooth.compute_loss(x, y, logits)) == pytest.approx(expected, rel=1e-5)


def test_tied_embeddings_score_with_the_embedding_itself() -> None:
    model = build(embedding_dim=H, tie_embeddings=True)
    hidden = model._hidden(IDS[None], None, False)[0]
    expected = hidden.numpy() @ model.embedding.embeddings.numpy().T
    np.testing.assert_allclose(model(IDS[None])[0], expected, atol=1e-6)
    assert build(embedding_dim=H + 2, tie_embeddings=True)(IDS[None])[0].shape == (1, 64, V)


def test_bfloat16_trains_and_keeps_float32_weights_and_logits() -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = compiled(build(lambda: keras.layers.GRUCell(H)), keras.optimizers.SGD(0.5))
        losses = model.fit(batches(), epochs=8, verbose=0).history["loss"]
    finally:
        keras.config.set_dtype_policy("float32")
    assert losses[-1] < losses[0]
    assert all(w.dtype == np.float32 for w in model.get_weights())
    assert model(IDS[None])[0].dtype == tf.float32


# ---------------------------------------------------------------- bad input


def test_rows_that_do_not_divide_into_batches_are_refused() -> None:
    with pytest.raises(ValueError, match="5 rows of `x` do not divide by batch_size=2"):
        compiled(build()).fit(IDS[:25].reshape(5, 5), IDS[1:26].reshape(5, 5), batch_size=2, verbose=0)


def test_shuffling_is_refused_where_the_state_is_carried() -> None:
    with pytest.raises(ValueError, match="`shuffle` breaks the carried state"):
        compiled(build()).fit(IDS[:24].reshape(4, 6), IDS[1:25].reshape(4, 6), shuffle=True, verbose=0)
