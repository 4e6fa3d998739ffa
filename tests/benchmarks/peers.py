"""The same training written for other tools: each builder returns a function that trains so many epochs.

All train on the same consecutive batches with the same mathematics: mean cross-entropy, state carried inside
an epoch, gradients clipped by their global norm, SGD. Peers that are not installed raise ImportError.
"""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Epochs = Callable[[int], list[float]]  # trains so many epochs, returns the seconds of each


@dataclasses.dataclass(frozen=True)
class Setting:
    """One workload."""

    name: str
    cell: str = "rnn"  # rnn, gru or lstm
    hidden: int = 256
    batch_size: int = 32
    num_steps: int = 35
    rate: float = 100.0
    theta: float = 1e-2
    bfloat16: bool = False  # products of bfloat16 numbers; weights stay float32

    def batches(self, ids: Any) -> tuple[Any, Any]:
        """Inputs and targets, each int32 (S, B, T)."""
        rows = ids[: len(ids) // self.batch_size * self.batch_size].reshape(self.batch_size, -1)
        count = (rows.shape[1] - 1) // self.num_steps

        def cut(x: Any) -> Any:
            pieces = x[:, : count * self.num_steps].reshape(self.batch_size, count, self.num_steps)
            return np.ascontiguousarray(pieces.swapaxes(0, 1))

        return cut(rows), cut(rows[:, 1:])

    def gflop(self, vocab_size: int, num_chars: int) -> float:
        """Matrix products of one epoch, input rows gathered: forward, and two backward for each."""
        gates = {"rnn": 1, "gru": 3, "lstm": 4}[self.cell]
        used = (num_chars // self.batch_size - 1) // self.num_steps * self.num_steps * self.batch_size
        return 6e-9 * used * self.hidden * (vocab_size + gates * self.hidden)


def timed(epoch: Callable[[], Any]) -> Epochs:
    """Time each call of a function that trains one epoch and waits for its end."""

    def run(epochs: int) -> list[float]:
        seconds = []
        for _ in range(epochs):
            start = time.perf_counter()
            epoch()
            seconds.append(time.perf_counter() - start)
        return seconds

    return run


def fitted(model: Any, dataset: Any, **kwargs: Any) -> Epochs:
    """Time each epoch inside one `model.fit`, from its begin to its end."""
    import keras

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            del epoch, logs
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            del epoch, logs
            seconds.append(time.perf_counter() - self.start)

    seconds: list[float] = []

    def run(epochs: int) -> list[float]:
        seconds.clear()
        model.fit(dataset, epochs=epochs, verbose=0, callbacks=[Clock()], **kwargs)
        return list(seconds)

    return run


def ours(setting: Setting, ids: Any, vocabulary: Any) -> Epochs:
    """`RNNModel` with plain `model.fit`."""
    import keras

    from lyric_lm import RNNModel
    from lyric_lm.data import consecutive_batches

    cells = {"rnn": keras.layers.SimpleRNNCell, "gru": keras.layers.GRUCell, "lstm": keras.layers.LSTMCell}
    dtype = "mixed_bfloat16" if setting.bfloat16 else "float32"
    cell = cells[setting.cell](setting.hidden, dtype=dtype)
    model = RNNModel(cell, vocabulary, clipping_theta=setting.theta, dtype=dtype)
    model.compile(optimizer=keras.optimizers.SGD(setting.rate))
    return fitted(model, consecutive_batches(ids, setting.batch_size, setting.num_steps))


def stock_keras(setting: Setting, ids: Any, vocabulary: Any) -> Epochs:
    """Keras' own layers and fit: Embedding, a stateful layer, Dense; global_clipnorm of the optimizer."""
    import keras
    import tensorflow as tf

    layer = {"rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}[setting.cell]
    recurrent = layer(setting.hidden, return_sequences=True, stateful=True)
    model = keras.Sequential(
        [
            keras.Input((setting.num_steps,), batch_size=setting.batch_size, dtype="int32"),
            keras.layers.Embedding(len(vocabulary), setting.hidden),
            recurrent,
            keras.layers.Dense(len(vocabulary)),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.SGD(setting.rate, global_clipnorm=setting.theta),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    dataset = tf.data.Dataset.from_tensor_slices(setting.batches(ids))
    return fitted(model, dataset, shuffle=False)


def chapters_loop(setting: Setting, ids: Any, vocabulary: Any) -> Epochs:
    """The chapter's eager loop over one-hot vectors, with its loss mended (from_logits)."""
    import keras
    import tensorflow as tf

    cells = {"rnn": keras.layers.SimpleRNNCell, "gru": keras.layers.GRUCell, "lstm": keras.layers.LSTMCell}
    rnn = keras.layers.RNN(cells[setting.cell](setting.hidden), return_sequences=True, return_state=True)
    dense = keras.layers.Dense(len(vocabulary))
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.SGD(setting.rate)
    x_batches, y_batches = setting.batches(ids)

    def epoch() -> None:
        state = rnn.cell.get_initial_state(batch_size=setting.batch_size)
        for x, y in zip(x_batches, y_batches, strict=True):
            with tf.GradientTape() as tape:
                outputs, *state = rnn(tf.one_hot(x, len(vocabulary)), initial_state=state)
                loss = loss_of(y.reshape(-1), dense(tf.reshape(outputs, (-1, setting.hidden))))
            weights = rnn.trainable_weights + dense.trainable_weights
            gradients = tape.gradient(loss, weights)
            norm = np.sqrt(sum(float(tf.reduce_sum(g**2)) for g in gradients))
            if norm > setting.theta:
                gradients = [g * setting.theta / norm for g in gradients]
            optimizer.apply_gradients(zip(gradients, weights, strict=True))
            float(loss)

    return timed(epoch)


def torch_one_hot(setting: Setting, ids: Any, vocabulary: Any) -> Epochs:
    """PyTorch as the chapter's translation writes it: one-hot vectors into nn.RNN."""
    import torch

    def forward(rnn: Any, x: Any, state: Any) -> Any:
        return rnn(torch.nn.functional.one_hot(x.T.long(), len(vocabulary)).float(), state)

    return _torch_loop(setting, ids, len(vocabulary), len(vocabulary), forward)


def torch_embedding(setting: Setting, ids: Any, vocabulary: Any) -> Epochs:
    """PyTorch with an embedding before nn.RNN, nn.GRU or nn.LSTM."""
    import torch

    embedding = torch.nn.Embedding(len(vocabulary), setting.hidden)

    def forward(rnn: Any, x: Any, state: Any) -> Any:
        return rnn(embedding(x.T), state)

    return _torch_loop(setting, ids, len(vocabulary), setting.hidden, forward, [embedding])


def _torch_loop(
    setting: Setting, ids: Any, vocab_size: int, width: int, forward: Any, extra: Any = ()
) -> Epochs:
    import torch

    layer = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[setting.cell]
    rnn, dense = layer(width, setting.hidden), torch.nn.Linear(setting.hidden, vocab_size)
    weights = [w for m in (rnn, dense, *extra) for w in m.parameters()]
    optimizer = torch.optim.SGD(weights, setting.rate)
    x_batches, y_batches = (torch.from_numpy(b) for b in setting.batches(ids))

    def epoch() -> None:
        state = None
        for x, y in zip(x_batches, y_batches, strict=True):
            if state is not None:
                state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
            optimizer.zero_grad()
            outputs, state = forward(rnn, x, state)
            logits = dense(outputs.reshape(-1, setting.hidden))
            loss = torch.nn.functional.cross_entropy(logits, y.T.reshape(-1).long())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, setting.theta)
            optimizer.step()
            loss.item()

    return timed(epoch)


def torch_unrolled(setting: Setting, ids: Any, vocabulary: Any) -> Epochs:
    """PyTorch unrolled by hand: gathered kernel rows, one output product over all steps."""
    return _torch_unrolled(setting, ids, vocabulary, compiled=False)


def torch_compiled(setting: Setting, ids: Any, vocabulary: Any) -> Epochs:
    """The unrolled step under torch.compile."""
    return _torch_unrolled(setting, ids, vocabulary, compiled=True)


def _torch_unrolled(setting: Setting, ids: Any, vocabulary: Any, *, compiled: bool) -> Epochs:
    import torch

    if setting.cell != "rnn":
        raise NotImplementedError("written for the simple RNN only")
    sizes = [(len(vocabulary), setting.hidden), (setting.hidden,) * 2, (setting.hidden,)]
    sizes += [(setting.hidden, len(vocabulary)), (len(vocabulary),)]
    weights = [torch.nn.Parameter(torch.randn(size) * 0.05) for size in sizes]
    kernel, recurrent, bias, out, out_bias = weights
    optimizer = torch.optim.SGD(weights, setting.rate)
    x_batches, y_batches = (torch.from_numpy(b) for b in setting.batches(ids))

    def loss_of(x: Any, y: Any, h: Any) -> Any:
        projected = torch.nn.functional.embedding(x.T, kernel) + bias
        outputs = []
        for step in projected.unbind(0):
            h = torch.tanh(torch.addmm(step, h, recurrent))
            outputs.append(h)
        logits = torch.addmm(out_bias, torch.cat(outputs), out)
        return torch.nn.functional.cross_entropy(logits, y.T.reshape(-1).long()), h

    function = torch.compile(loss_of) if compiled else loss_of

    def epoch() -> None:
        h = torch.zeros(setting.batch_size, setting.hidden)
        for x, y in zip(x_batches, y_batches, strict=True):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=setting.bfloat16):
                loss, h = function(x, y, h.detach())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, setting.theta)
            optimizer.step()
            loss.item()

    return timed(epoch)


def jax_scan(setting: Setting, ids: Any, vocabulary: Any) -> Epochs:
    """JAX: gathered kernel rows, lax.scan over steps and over batches, one jit for the epoch."""
    return _jax(setting, ids, vocabulary, unroll=1)


def jax_unrolled(setting: Setting, ids: Any, vocabulary: Any) -> Epochs:
    """The same with the steps unrolled."""
    return _jax(setting, ids, vocabulary, unroll=setting.num_steps)


def _jax(setting: Setting, ids: Any, vocabulary: Any, *, unroll: int) -> Epochs:
    import jax
    import jax.numpy as jnp

    if setting.cell != "rnn":
        raise NotImplementedError("written for the simple RNN only")
    keys = jax.random.split(jax.random.key(0), 3)
    sizes = [(len(vocabulary), setting.hidden), (setting.hidden,) * 2, (setting.hidden, len(vocabulary))]
    kernel, recurrent, out = (0.05 * jax.random.normal(k, s) for k, s in zip(keys, sizes, strict=True))
    weights = (kernel, recurrent, jnp.zeros(setting.hidden), out, jnp.zeros(len(vocabulary)))
    x_batches, y_batches = (jnp.asarray(b) for b in setting.batches(ids))
    operands = jnp.bfloat16 if setting.bfloat16 else jnp.float32

    def product(a: Any, b: Any) -> Any:
        return jnp.dot(a.astype(operands), b.astype(operands), preferred_element_type=jnp.float32)

    def loss_of(weights: Any, x: Any, y: Any, h: Any) -> Any:
        kernel, recurrent, bias, out, out_bias = weights

        def step(h: Any, projected: Any) -> Any:
            h = jnp.tanh(projected + product(h, recurrent))
            return h, h

        h, outputs = jax.lax.scan(step, h, kernel[x.T] + bias, unroll=unroll)
        log_probs = jax.nn.log_softmax(product(outputs.reshape(-1, setting.hidden), out) + out_bias)
        return -jnp.mean(jnp.take_along_axis(log_probs, y.T.reshape(-1, 1), 1)), h

    def train_step(carry: Any, batch: Any) -> Any:
        weights, h = carry
        (loss, h), gradients = jax.value_and_grad(loss_of, has_aux=True)(weights, *batch, h)
        norm = jnp.sqrt(sum(jnp.sum(g**2) for g in gradients))
        factor = setting.rate * jnp.minimum(1.0, setting.theta / norm)
        return (jax.tree.map(lambda w, g: w - factor * g, weights, gradients), h), loss

    @jax.jit  # type: ignore[untyped-decorator]
    def one_epoch(weights: Any) -> Any:
        h = jnp.zeros((setting.batch_size, setting.hidden))
        (weights, _), losses = jax.lax.scan(train_step, (weights, h), (x_batches, y_batches))
        return weights, jnp.mean(losses)

    def epoch() -> None:
        nonlocal weights
        weights, loss = one_epoch(weights)
        loss.block_until_ready()

    return timed(epoch)


def in_bfloat16(build: Callable[..., Epochs]) -> Callable[..., Epochs]:
    """The same contender with products of bfloat16 numbers, for the chapter's epoch only."""

    def build_so(setting: Setting, ids: Any, vocabulary: Any) -> Epochs:
        if setting.cell != "rnn" or setting.hidden != Setting.hidden:
            raise NotImplementedError("measured on the chapter's network only")
        return build(dataclasses.replace(setting, bfloat16=True), ids, vocabulary)

    return build_so


PEERS = {
    "lyric_lm": ours,
    "stock Keras fit": stock_keras,
    "the chapter's loop": chapters_loop,
    "PyTorch one-hot": torch_one_hot,
    "PyTorch embedding": torch_embedding,
    "PyTorch unrolled": torch_unrolled,
    "PyTorch compiled": torch_compiled,
    "JAX scan": jax_scan,
    "JAX unrolled": jax_unrolled,
    "lyric_lm, bfloat16": in_bfloat16(ours),
    "PyTorch unrolled, bfloat16": in_bfloat16(torch_unrolled),
    "JAX unrolled, bfloat16": in_bfloat16(jax_unrolled),
}
