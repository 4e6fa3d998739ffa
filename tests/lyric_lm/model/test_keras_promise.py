"""The Keras promise: what a call does to a stock model it does to ours, or ours refuses it in a sentence.

Each row of `ALIKE` is a function of `make`, run once with a `make` that builds stock layers and once with one
that builds ours, from the same weights; what it returns must be equal. A dictionary of ours may hold more
names than the stock one, since our logs do.

To add a row, write one line: a name, and a function that calls `make(**options of compile)` and returns what
is to be compared: numbers, arrays, texts, dictionaries or lists of them. `fit` does what most rows need. A
row of several statements is a function decorated with `@alike`. Each runs in an empty folder of its own, on
models that rows before it have used, unless it asks for options.

Each row of `REFUSED` is a call that ours refuses on purpose, with words of the sentence, which must come
before the first step.
"""

import contextlib
import io
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from lyric_lm import RNNModel
from lyric_lm.data import Vocabulary

B, T, V, H, D = 3, 2, 7, 4, 5
NUM_BATCHES = 37  # more than run as one loop, and no multiple of anything
RNG = np.random.default_rng(0)
# No id twice in a batch of B: Adam counts the repeated slices of a stock embedding's gradient each by itself.
X = np.concatenate([RNG.permutation(V)[: B * T].reshape(B, T) for _ in range(NUM_BATCHES)]).astype(np.int32)
Y = RNG.integers(0, V, X.shape).astype(np.int32)
SHAPES = [(V, D), (D, H), (H, H), (H,), (H, V), (V,)]
WEIGHTS = [RNG.normal(size=shape).astype(np.float32) for shape in SHAPES]

Make = Callable[..., keras.Model]
Row = Callable[[Make], Any]
ALIKE: dict[str, Row] = {}


def alike(row: Row) -> Row:
    ALIKE[row.__name__.replace("_", " ")] = row
    return row


# ---------------------------------------------------------------- the two models


class ZeroEachEpoch(keras.callbacks.Callback):  # type: ignore[misc]
    """What a stock stateful model needs to be trained as the chapter trains."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        del epoch, logs
        for layer in self.model.layers:
            if isinstance(layer, keras.layers.RNN):
                layer.reset_state()


def stock(stateful: bool) -> keras.Model:
    inputs = keras.Input((None,), batch_size=B if stateful else None, dtype="int32")
    x = keras.layers.Embedding(V, D)(inputs)
    x = keras.layers.RNN(keras.layers.SimpleRNNCell(H), return_sequences=True, stateful=stateful)(x)
    return keras.Model(inputs, keras.layers.Dense(V)(x))


# Models that a row is done with, for the next row: what a call leaves behind on them is a fault, too.
POOL: dict[tuple[bool, bool], list[keras.Model]] = {}


def maker(ours: bool, made: list[keras.Model]) -> Make:
    def make(*, stateful: bool = False, **options: Any) -> keras.Model:
        keras.utils.set_random_seed(1)
        spare = POOL.setdefault((ours, stateful), [])
        used = bool(spare) and not options
        model = spare.pop() if used else build(ours, stateful, options)
        for weight, value in zip(weights(model), WEIGHTS, strict=True):
            weight.assign(value)
        if used:
            model.optimizer.iterations.assign(0)
        if not options:
            made.append(model)
        return model

    return make


def build(ours: bool, stateful: bool, options: Any) -> keras.Model:
    if ours:
        cell, vocabulary = keras.layers.SimpleRNNCell(H), Vocabulary("abcdefg")
        model = RNNModel(cell, vocabulary, embedding_dim=D, clipping_theta=None, stateful=stateful)
    else:
        model = stock(stateful)
        options = {"loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True), **options}
    model.compile(**{"optimizer": keras.optimizers.SGD(0.1), "jit_compile": False, **options})
    return model


def weights(model: keras.Model) -> list[Any]:
    return [weight for layer in model.layers for weight in layer.weights]


def assert_alike(ours: Any, theirs: Any) -> None:
    if isinstance(theirs, dict):
        assert set(ours) >= set(theirs)
        for name in theirs:
            assert_alike(ours[name], theirs[name])
    elif isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            assert_alike(a, b)
    elif isinstance(theirs, (float, np.ndarray, np.floating)):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)
        assert np.shape(ours) == np.shape(theirs)
    else:
        assert ours == theirs


# ---------------------------------------------------------------- data and helpers for rows


def dataset(rows: int = B, *, last: bool = True) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(rows, drop_remainder=not last)


def uncounted() -> tf.data.Dataset:
    return tf.data.Dataset.range(1).flat_map(lambda _: dataset())


def generator(num_batches: int = NUM_BATCHES) -> Iterator[Any]:
    while True:
        yield from ((x.numpy(), y.numpy()) for x, y in dataset().take(num_batches))


class Items(keras.utils.PyDataset):  # type: ignore[misc]
    def __len__(self) -> int:
        return 9

    def __getitem__(self, index: int) -> Any:
        return X[index * B :][:B], Y[index * B :][:B]


def results(model: keras.Model, history: Any = None) -> dict[str, Any]:
    """The number of optimizer steps, the weights and the history."""
    steps = int(model.optimizer.iterations)
    logs = {} if history is None else dict(history.history)
    return {"steps": steps, "weights": [w.numpy() for w in weights(model)], "logs": logs}


def fit(model: keras.Model, *data: Any, **options: Any) -> dict[str, Any]:
    """Train, silently and on `dataset()` if nothing else is said."""
    if not isinstance(model, RNNModel) and model.layers[2].stateful:
        options["callbacks"] = [ZeroEachEpoch(), *options.get("callbacks", [])]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", "`shuffle=True` was passed")  # Keras' own default, with any dataset
        arguments: Any = data or (dataset(),)
        history = model.fit(*arguments, **{"verbose": 0, **options})
    return results(model, history) | {
        "warnings": sorted(_first_words(w.message) for w in caught if w.category is UserWarning)
    }


def _first_words(warning: Warning | str) -> str:
    return " ".join(str(warning).split()[:5])


class Hooks(keras.callbacks.Callback):  # type: ignore[misc]
    """Notes each call of each hook, with its number and the loss in its logs."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Any] = []


def _noting(hook: str) -> Any:
    def note(self: Hooks, *args: Any, logs: Any = None) -> None:
        logs = args[-1] if args and isinstance(args[-1], dict) else logs
        number = next((a for a in args if isinstance(a, int)), -1)
        self.calls.append([hook, number, float((logs or {}).get("loss", -1.0))])

    return note


HOOKS = [f"on_{part}_{end}" for part in ("train", "test", "predict", "epoch") for end in ("begin", "end")] + [
    f"on_{part}_batch_{end}" for part in ("train", "test", "predict") for end in ("begin", "end")
]
for _hook in HOOKS:
    setattr(Hooks, _hook, _noting(_hook))


def with_hooks(call: Callable[[Hooks], Any]) -> list[Any]:
    hooks = Hooks()
    call(hooks)
    return hooks.calls


def with_lambdas(call: Callable[[keras.callbacks.Callback], Any], *names: str) -> dict[str, int]:
    """How often each hook is called that is set on an instance of `LambdaCallback`."""
    counts: Counter[str] = Counter()
    counter: Any = lambda name: lambda *_, **__: counts.update([name])  # noqa: E731
    call(keras.callbacks.LambdaCallback(**{name: counter(name) for name in names}))
    return dict(counts)


def printed(call: Callable[[], Any]) -> list[str]:
    """The counts of a progress bar, `37/37`, in the order they were printed."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        call()
    return re.findall(r"(?:Epoch )?\d+/\d+", out.getvalue())


# ---------------------------------------------------------------- fit: the data

ALIKE |= {
    "fit": lambda make: fit(make()),
    "fit, two epochs": lambda make: fit(make(), epochs=2),
    "fit, state carried": lambda make: fit(make(stateful=True), dataset(last=False), epochs=2),
    "fit, arrays": lambda make: fit(make(), X, Y, batch_size=B, shuffle=False),
    "fit, arrays in batches of the default size": lambda make: fit(make(), X, Y, shuffle=False),
    "fit, arrays with steps": lambda make: fit(make(), X, Y, steps_per_epoch=8, shuffle=False),
    "fit, tensors": lambda make: fit(make(), tf.constant(X), tf.constant(Y), shuffle=False),
    "fit, a generator": lambda make: fit(make(), generator(), steps_per_epoch=5, epochs=3),
    "fit, a PyDataset": lambda make: fit(make(), Items(), epochs=2, shuffle=False),
    "fit, a dataset that nobody counted": lambda make: fit(make(), uncounted(), epochs=3),
    "fit, an endless dataset": lambda make: fit(make(), dataset().repeat(), steps_per_epoch=40, epochs=2),
    "fit, fewer steps than batches": lambda make: fit(make(), steps_per_epoch=5, epochs=3),
    "fit, data that run out": lambda make: fit(make(), steps_per_epoch=8, epochs=6),
    "fit, more steps than batches": lambda make: fit(make(), steps_per_epoch=40, epochs=2),
    "fit, uncounted data that run out": lambda make: fit(make(), uncounted(), steps_per_epoch=16, epochs=4),
    "fit, a smaller last batch": lambda make: fit(make(), dataset(4), epochs=2),
    "fit, arrays with a smaller last batch": lambda make: fit(make(), X, Y, batch_size=4, shuffle=False),
    "fit, one batch": lambda make: fit(make(), X[:B], Y[:B], epochs=3),
    "fit, an initial epoch": lambda make: fit(make(), initial_epoch=2, epochs=5),
    "fit, no epoch": lambda make: fit(make(), epochs=0),
}


# ---------------------------------------------------------------- fit: validation

ALIKE |= {
    "validation, a dataset": lambda make: fit(make(), validation_data=dataset().take(5), epochs=2),
    "validation, arrays": lambda make: fit(make(), validation_data=(X[:9], Y[:9]), epochs=2),
    "validation, a split": lambda make: fit(make(), X, Y, validation_split=0.1, batch_size=3, shuffle=False),
    "validation, steps": lambda make: fit(make(), validation_data=dataset(), validation_steps=3, epochs=2),
    "validation, every other epoch": lambda make: fit(
        make(), validation_data=(X, Y), validation_freq=2, epochs=4
    ),
    "validation, in some epochs": lambda make: fit(
        make(), validation_data=(X, Y), validation_freq=[1, 3], epochs=4
    ),
    "validation, a batch size of its own": lambda make: fit(
        make(), X, Y, batch_size=3, validation_batch_size=7, validation_data=(X, Y), shuffle=False
    ),
    "validation, a generator": lambda make: fit(
        make(), validation_data=generator(1), validation_steps=3, epochs=2
    ),
    "validation, a smaller last batch": lambda make: fit(make(), validation_data=dataset(5)),
    "validation, a dataset that nobody counted": lambda make: fit(make(), validation_data=uncounted()),
}


# ---------------------------------------------------------------- hooks

EVERY_BATCH = [f"on_{part}_batch_{end}" for part in ("train", "test", "predict") for end in ("begin", "end")]

ALIKE |= {
    "hooks of fit": lambda make: with_hooks(lambda h: fit(make(), callbacks=[h], epochs=2)),
    "hooks of fit with validation": lambda make: with_hooks(
        lambda h: fit(make(), callbacks=[h], validation_data=dataset().take(5), epochs=2)
    ),
    "hooks of evaluate": lambda make: with_hooks(
        lambda h: make().evaluate(dataset(), callbacks=[h], verbose=0)
    ),
    "hooks of predict": lambda make: with_hooks(
        lambda h: make().predict(dataset(), callbacks=[h], verbose=0)
    ),
    "hooks with the user's own steps at once": lambda make: with_hooks(
        lambda h: fit(make(steps_per_execution=5), callbacks=[h], validation_data=dataset().take(9))
    ),
    "hooks set on an instance": lambda make: with_lambdas(
        lambda c: fit(make(), callbacks=[c], validation_data=dataset().take(5)), *EVERY_BATCH
    ),
    "one hook set on an instance": lambda make: with_lambdas(
        lambda c: fit(make(), callbacks=[c]), "on_train_batch_end"
    ),
    "a callback that is no list": lambda make: with_hooks(lambda h: fit(make(), callbacks=h)),
    "progress bar of fit": lambda make: printed(lambda: fit(make(), verbose=1, epochs=2))[-1:],
    "one line an epoch": lambda make: printed(lambda: fit(make(), verbose=2, epochs=2)),
    "progress bar of evaluate": lambda make: printed(lambda: make().evaluate(dataset(), verbose=1))[-1:],
}


@alike
def a_callback_list(make: Make) -> Any:
    model, hooks = make(), Hooks()
    callbacks = keras.callbacks.CallbackList(
        [hooks], model=model, add_history=True, epochs=2, steps=NUM_BATCHES
    )
    before = list(callbacks.callbacks)
    done = fit(model, callbacks=callbacks, epochs=2)
    return done, hooks.calls, [a is b for a, b in zip(callbacks.callbacks, before, strict=True)]


@alike
def stopping_at_a_batch(make: Make) -> Any:
    model = make()
    stop = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, **_: setattr(model, "stop_training", batch == 3)
    )
    return fit(model, callbacks=[stop], epochs=4), fit(model)


@alike
def stopping_as_an_epoch_begins(make: Make) -> Any:
    model = make()
    stop = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, *_: setattr(model, "stop_training", epoch == 1)
    )
    return fit(model, callbacks=[stop], epochs=4)


@alike
def an_exception_and_another_fit(make: Make) -> Any:
    model = make()

    def fail(epoch: int, logs: Any) -> None:
        del logs
        if epoch == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(model, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=fail)], epochs=4)
    return fit(model, epochs=2), model.predict(X, verbose=0)


@alike
def everything_inside_of_a_fit(make: Make) -> Any:
    model, other, seen = make(), make(), []

    def look(epoch: int, logs: Any) -> None:
        del epoch, logs
        seen.append(model.predict(dataset(), verbose=0))
        seen.append(model.predict_on_batch(X[:5]))
        seen.append(model.steps_per_execution)
        seen.append(fit(other, steps_per_epoch=4))

    begin = fit(model, callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=look)], epochs=2)
    end = fit(model, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=look)], epochs=2)
    return begin, end, seen


@alike
def a_training_batch_between_two_epochs(make: Make) -> Any:
    model = make()
    hook = keras.callbacks.LambdaCallback(on_epoch_begin=lambda *_: model.train_on_batch(X[:5], Y[:5]))
    return fit(model, callbacks=[hook], epochs=3)


# ---------------------------------------------------------------- before, between and after


@alike
def all_that_fit_leaves_behind(make: Make) -> Any:
    model = make()
    return [
        fit(model),
        model.steps_per_execution,
        model.predict(dataset(), verbose=0),
        model.predict(X, batch_size=4, steps=3, verbose=0),
        model.evaluate(dataset(), steps=5, verbose=0, return_dict=True),
        fit(model, steps_per_epoch=5),
        with_lambdas(lambda c: fit(model, callbacks=[c]), "on_train_batch_end"),
        with_hooks(lambda h: model.predict(dataset(), callbacks=[h], verbose=0)),
        model.train_on_batch(X[:4], Y[:4], return_dict=True),
        results(model),
    ]


@alike
def compiled_again(make: Make) -> Any:
    model = make(run_eagerly=False)
    first = fit(model)
    loss = {} if isinstance(model, RNNModel) else {"loss": model.loss}
    model.compile(keras.optimizers.Adam(0.01), jit_compile=False, **loss)
    return first, fit(model, epochs=2), model.evaluate(dataset(), verbose=0, return_dict=True)


ALIKE |= {
    "fit twice": lambda make: (lambda m: [fit(m), fit(m, dataset(4)), fit(m, steps_per_epoch=3)])(make()),
    "the user's own steps at once": lambda make: fit(make(steps_per_execution=4), epochs=2),
    "the user's own steps at once, fewer": lambda make: fit(
        make(steps_per_execution=4), steps_per_epoch=6, epochs=2
    ),
    "run_eagerly": lambda make: fit(make(run_eagerly=True), dataset().take(4)),
    "evaluate": lambda make: make().evaluate(dataset(), verbose=0, return_dict=True),
    "evaluate, state carried": lambda make: make(stateful=True, run_eagerly=False).evaluate(
        dataset(last=False), verbose=0, return_dict=True
    ),
    "evaluate, arrays": lambda make: make().evaluate(X, Y, verbose=0, return_dict=True),
    "evaluate, steps": lambda make: make().evaluate(X, Y, 4, steps=3, verbose=0, return_dict=True),
    "evaluate, a generator": lambda make: make().evaluate(generator(), steps=4, verbose=0, return_dict=True),
    "evaluate, a smaller last batch": lambda make: make().evaluate(dataset(4), verbose=0, return_dict=True),
    "predict": lambda make: make().predict(X, verbose=0),
    "predict, one batch": lambda make: make().predict_on_batch(X[:4]),
    "predict, steps": lambda make: make().predict(dataset(), steps=3, verbose=0),
    "one training batch": lambda make: (lambda m: [m.train_on_batch(X, Y, return_dict=True), results(m)])(
        make()
    ),
    "one test batch": lambda make: make().test_on_batch(X, Y, return_dict=True),
}


# ---------------------------------------------------------------- Keras' own callbacks


def callback(kind: str, **options: Any) -> Row:
    """Three epochs with a callback of Keras', and what files it wrote."""

    def row(make: Make) -> Any:
        model = make()
        done = fit(
            model, callbacks=[getattr(keras.callbacks, kind)(**options)], epochs=3, validation_data=(X, Y)
        )
        rate = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
        model.optimizer.learning_rate = 0.1
        return done, rate, sorted(str(path) for path in Path().rglob("*") if path.is_file())

    return row


ALIKE |= {
    "EarlyStopping": callback("EarlyStopping", monitor="loss", min_delta=9.0, restore_best_weights=True),
    "EarlyStopping on validation": callback("EarlyStopping", patience=1, min_delta=9.0),
    "EarlyStopping with a baseline": callback("EarlyStopping", baseline=0.1, start_from_epoch=1),
    "ModelCheckpoint of each epoch": callback(
        "ModelCheckpoint", filepath="{epoch}.weights.h5", save_weights_only=True
    ),
    "ModelCheckpoint of the best": callback(
        "ModelCheckpoint", filepath="{epoch}.weights.h5", save_best_only=True, save_weights_only=True
    ),
    "ModelCheckpoint every 20 batches": callback(
        "ModelCheckpoint", filepath="{epoch}-{batch}.weights.h5", save_freq=20, save_weights_only=True
    ),
    "BackupAndRestore": callback("BackupAndRestore", backup_dir="backup", delete_checkpoint=False),
    "BackupAndRestore every 20 batches": callback(
        "BackupAndRestore", backup_dir="backup", save_freq=20, delete_checkpoint=False
    ),
    "LearningRateScheduler": callback(
        "LearningRateScheduler", schedule=lambda epoch, rate: rate / (1 + epoch)
    ),
    "ReduceLROnPlateau": callback("ReduceLROnPlateau", patience=0, min_delta=9.0, cooldown=1),
    "TerminateOnNaN": callback("TerminateOnNaN"),
    "History": callback("History"),
    "ProgbarLogger": lambda make: printed(
        lambda: fit(make(), callbacks=[keras.callbacks.ProgbarLogger()], verbose=2)
    ),
}


@alike
def CSVLogger(make: Make) -> Any:  # noqa: N802
    fit(make(), callbacks=[keras.callbacks.CSVLogger("log.csv")], epochs=3)
    return len(Path("log.csv").read_text().splitlines())


@alike
def TensorBoard(make: Make) -> Any:  # noqa: N802
    for name, options in {"epochs": {}, "batches": {"update_freq": 7}}.items():
        board = keras.callbacks.TensorBoard(name, write_graph=False, **options)
        fit(make(), callbacks=[board], validation_data=(X, Y))
    found = []
    for path in sorted(Path().rglob("*tfevents*")):
        records = tf.data.TFRecordDataset(str(path))
        tags = Counter(
            value.tag
            for record in records
            for value in tf.compat.v1.Event.FromString(record.numpy()).summary.value
            if value.tag in ("epoch_loss", "batch_loss", "evaluation_loss_vs_iterations")
        )
        found.append([str(path.parent), dict(tags)])
    return found


@alike
def BackupAndRestore_after_a_crash(make: Make) -> Any:  # noqa: N802
    def fail(epoch: int, logs: Any) -> None:
        del logs
        if epoch == 1:
            raise RuntimeError

    first, second = make(), make()
    backup = keras.callbacks.BackupAndRestore("backup")
    with pytest.raises(RuntimeError):
        fit(first, callbacks=[backup, keras.callbacks.LambdaCallback(on_epoch_begin=fail)], epochs=3)
    done = fit(second, callbacks=[keras.callbacks.BackupAndRestore("backup")], epochs=3)
    first._initial_epoch = second._initial_epoch = None  # Keras leaves it behind
    return done


@alike
def SwapEMAWeights(make: Make) -> Any:  # noqa: N802
    model = make(optimizer=keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9))
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    return fit(model, callbacks=[swap], epochs=2, validation_data=(X, Y))


# ---------------------------------------------------------------- compile, optimizers, saving

ALIKE |= {
    "an optimizer's name": lambda make: fit(make(optimizer="adam"), dataset().take(6)),
    "metrics": lambda make: fit(make(metrics=["accuracy"]), validation_data=(X, Y)),
    "metrics, objects": lambda make: make(
        metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(k=2, name="top")]
    ).evaluate(dataset(), verbose=0, return_dict=True),
    "weighted_metrics": lambda make: make(weighted_metrics=["accuracy"]).evaluate(
        X, Y, verbose=0, return_dict=True
    ),
    "gradients clipped by the optimizer": lambda make: fit(
        make(optimizer=keras.optimizers.SGD(0.1, clipvalue=0.01)), dataset().take(6)
    ),
    "gradients accumulated": lambda make: fit(
        make(optimizer=keras.optimizers.SGD(0.1, gradient_accumulation_steps=4)), dataset().take(9)
    ),
    "a schedule of the learning rate": lambda make: fit(
        make(optimizer=keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5)))
    ),
    "loss scaling": lambda make: fit(
        make(optimizer=keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), dynamic_growth_steps=4))
    ),
    "loss scaling that overflows": lambda make: fit(
        make(optimizer=keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=3e38))
    ),
    "XLA": lambda make: fit(make(jit_compile=True), dataset(4), epochs=2),
}


@alike
def weights_saved_and_loaded(make: Make) -> Any:
    first, second = make(), make()
    fit(first)
    first.save_weights("a.weights.h5")
    second.load_weights("a.weights.h5")
    return results(second)["weights"]


@alike
def a_model_saved_loaded_and_trained_on(make: Make) -> Any:
    model = make(optimizer=keras.optimizers.Adam(0.01))
    fit(model)
    model.save("a.keras")
    loaded = keras.saving.load_model("a.keras")
    return fit(loaded), loaded.predict(X, verbose=0), loaded.evaluate(X, Y, verbose=0, return_dict=True)


@alike
def a_frozen_layer(make: Make) -> Any:
    model = make(run_eagerly=True)
    next(layer for layer in model.layers if isinstance(layer, keras.layers.Embedding)).trainable = False
    loss = {} if isinstance(model, RNNModel) else {"loss": model.loss}
    model.compile(keras.optimizers.SGD(0.1), jit_compile=False, **loss)
    return fit(model)


@alike
def at_most_so_many_steps_and_epochs(make: Make) -> Any:
    keras.config.set_max_steps_per_epoch(5)
    keras.config.set_max_epochs(2)
    try:
        return fit(make(), epochs=4, validation_data=(X, Y))
    finally:
        keras.config.set_max_steps_per_epoch(None)
        keras.config.set_max_epochs(None)


@alike
def names_and_values(make: Make) -> Any:
    model = make(metrics=["accuracy"])
    values = model.evaluate(X, Y, verbose=0)
    batch = model.train_on_batch(X, Y)
    names = model.metrics_names
    return names[0], values[:2], [type(v).__name__ for v in values[:2]], batch[:2]


# ---------------------------------------------------------------- what ours refuses


def fit_carried(make: Make, *data: Any, **options: Any) -> Any:
    return make(stateful=True).fit(*data, verbose=0, **options)


WEIGHED = tf.data.Dataset.from_tensor_slices((X, Y, np.ones(len(X)))).batch(B, drop_remainder=True)


def in_scope(call: Callable[..., Any], *args: Any) -> Any:
    with tf.distribute.MirroredStrategy(["/cpu:0"]).scope():
        return call(*args)


REFUSED: dict[str, tuple[Row, str]] = {
    "shuffle": (lambda make: fit_carried(make, X, Y, shuffle=True), "`shuffle` breaks the carried state"),
    "a smaller last batch": (
        lambda make: fit_carried(make, dataset(4)),
        "`x` has batches of 3 and of 4 rows",
    ),
    "rows that do not divide": (lambda make: fit_carried(make, X, Y, batch_size=4), "111 rows of `x` do not"),
    "rows that do not divide once split": (
        lambda make: fit_carried(make, X, Y, batch_size=37, validation_split=0.1),
        "99 rows of `x` do not divide by batch_size=37",
    ),
    "a validation with a smaller last batch": (
        lambda make: fit_carried(make, dataset(last=False), validation_data=dataset(4)),
        "`validation_data` has batches of 3 and of 4 rows",
    ),
    "a validation with rows that do not divide": (
        lambda make: fit_carried(make, dataset(last=False), validation_data=(X, Y)),
        "111 rows of `validation_data` do not divide by batch_size=32",
    ),
    "a dataset without batches": (
        lambda make: make().fit(tf.data.Dataset.from_tensor_slices((X, Y)), verbose=0),
        r"`x` is a dataset of single rows: put them into batches, x\.batch\(32",
    ),
    "a validation without batches": (
        lambda make: make().fit(
            dataset(), validation_data=tf.data.Dataset.from_tensor_slices((X, Y)), verbose=0
        ),
        "`validation_data` is a dataset of single rows",
    ),
    "ids of one dimension": (lambda make: make().fit(X[:, 0], Y[:, 0], verbose=0), r"ids of shape \(B, T\)"),
    "no targets": (lambda make: make().fit(X, verbose=0), "comes without its targets"),
    "sample_weight": (
        lambda make: make().fit(X, Y, sample_weight=np.ones(len(X)), verbose=0),
        "leave out `sample_weight`",
    ),
    "weights in a dataset": (lambda make: make().fit(WEIGHED, verbose=0), "leave out `sample_weight`"),
    "weights in a validation": (
        lambda make: make().fit(dataset(), validation_data=WEIGHED, verbose=0),
        "leave out `sample_weight`",
    ),
    "class_weight": (
        lambda make: make().fit(X, Y, class_weight={0: 2.0}, verbose=0),
        "leave out `class_weight`",
    ),
    "evaluate, a smaller last batch": (
        lambda make: make(stateful=True).evaluate(dataset(4), verbose=0),
        "`x` has batches of 3 and of 4 rows",
    ),
    "evaluate, a dataset without batches": (
        lambda make: make().evaluate(tf.data.Dataset.from_tensor_slices((X, Y)), verbose=0),
        "dataset of single rows",
    ),
    "evaluate, sample_weight": (
        lambda make: make().evaluate(X, Y, sample_weight=np.ones(len(X)), verbose=0),
        "leave out `sample_weight`",
    ),
    "a loss in compile": (lambda make: make().compile("sgd", loss="mse"), "Leave `loss` out of `compile`"),
    "an id outside the vocabulary": (lambda make: fit(make(), X + 1, Y), r"`ids` must lie in \[0, 7\)"),
    "a negative target": (lambda make: fit(make(), X, Y - 1), r"`ids` must lie in \[0, 7\)"),
    "predict, a negative id": (lambda make: make().predict(X - 1, verbose=0), r"`ids` must lie in \[0, 7\)"),
    "train_on_batch, an id outside the vocabulary": (
        lambda make: make().train_on_batch(X + 1, Y),
        r"`ids` must lie in \[0, 7\)",
    ),
    "rows that are shuffled": (
        lambda make: fit_carried(make, dataset(last=False).shuffle(9)),
        "`random_batches` and `shuffle` mix the rows",
    ),
    "a strategy in scope": (lambda make: in_scope(fit, make()), "inside `strategy.scope"),
}


# ---------------------------------------------------------------- the tests


@pytest.mark.parametrize("name", ALIKE)
def test_a_call_does_to_ours_what_it_does_to_a_stock_model(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for ours in (False, True):
        folder = tmp_path / ("ours" if ours else "stock")
        folder.mkdir()
        monkeypatch.chdir(folder)
        made: list[keras.Model] = []
        found.append(ALIKE[name](maker(ours, made)))
        for model in made:
            POOL[ours, model.stateful if ours else model.layers[2].stateful].append(model)
    assert_alike(found[1], found[0])


@pytest.mark.parametrize("name", REFUSED)
def test_what_ours_refuses_is_said_before_the_first_step(name: str) -> None:
    row, words = REFUSED[name]
    made: list[keras.Model] = []
    with pytest.raises(ValueError, match=words):
        row(maker(True, made))
    assert [int(model.optimizer.iterations) for model in made] == [0]
