"""`RNNModel`: the chapter's recurrent language model as a Keras model that carries its own state."""

from typing import Any

import keras
import tensorflow as tf

from lyric_lm.data import Vocabulary
from lyric_lm.model.keras_internals import DirectedMetric
from lyric_lm.model.loss import clip_by_global_norm, mean_cross_entropy
from lyric_lm.model.perplexity import Perplexity
from lyric_lm.model.recurrence import fast_recurrence, input_bias
from lyric_lm.model.stateful_model import StatefulModel
from lyric_lm.model.step_model import StepModel


@keras.saving.register_keras_serializable(package="lyric_lm")
class RNNModel(StatefulModel):
    """A character language model: one-hot characters, a recurrent cell, a dense output layer.

    `fit` trains it on consecutive batches with no callback of yours: the hidden state is zero at the start of
    each epoch and carried from batch to batch inside it (truncated backpropagation through time). The model
    owns that state; `call` is a pure function. `evaluate` carries a second state of its own, so evaluation,
    prediction and sampling may happen at any moment and batch size without disturbing training.

    Gradients are clipped by their global L2 norm to `clipping_theta` in `train_step`. The loss is the mean
    cross-entropy in nats per character, on logits; `compile` needs an optimizer only. Logs hold `loss`,
    `perplexity` (exp of the epoch's mean loss, each character alike), `grad_norm` (mean norm before clipping)
    and `clipped_share` (of the steps, how many had to be clipped, in [0, 1]).

    Args:
        cell: any Keras RNN cell; a `keras.layers.StackedRNNCells` is taken apart into layers.
        vocabulary: the characters that ids stand for; V = `len(vocabulary)`.
        clipping_theta: the largest allowed global L2 norm of the gradients, > 0; None leaves them alone.
        stateful: whether the state is carried from batch to batch. False for `random_batches`, whose rows do
            not continue each other.
        embedding_dim: width of a learnt embedding; None feeds the cell one-hot vectors, as the chapter does.
        tie_embeddings: whether the output layer is the transposed embedding (Press & Wolf, 2017).
        dropout: share of units dropped at each layer's input and at the output, in [0, 1); one mask for all
            steps of a row (Gal & Ghahramani, 2016).
        character_dropout: share of input characters blanked out in training, in [0, 1).
        label_smoothing: share of each target's probability spread evenly over V, in [0, 1); training only,
            and never in the reported loss.
        fast: whether layers of plain SimpleRNN, GRU and LSTM cells take the fast path of
            `lyric_lm.model.recurrence`; see `fast_layers`.

    Raises:
        ValueError: a setting is out of range, or `cell` is not an RNN cell.

    >>> import keras
    >>> from lyric_lm.data import Vocabulary
    >>> model = RNNModel(keras.layers.SimpleRNNCell(4), Vocabulary("分开不"))
    >>> logits, state = model(model.vocabulary.encode("不分开")[None])
    >>> tuple(logits.shape), tuple(state[0][0].shape)
    ((1, 3, 3), (1, 4))
    """

    def __init__(
        self,
        cell: keras.layers.Layer,
        vocabulary: Vocabulary,
        *,
        clipping_theta: float | None = 1e-2,
        stateful: bool = True,
        embedding_dim: int | None = None,
        tie_embeddings: bool = False,
        dropout: float = 0.0,
        character_dropout: float = 0.0,
        label_smoothing: float = 0.0,
        fast: bool = True,
        **kwargs: Any,
    ) -> None:
        _check_settings(cell, clipping_theta, embedding_dim, tie_embeddings)
        _check_shares(dropout=dropout, character_dropout=character_dropout, label_smoothing=label_smoothing)
        super().__init__(stateful=stateful, **kwargs)
        self.vocabulary = vocabulary
        self.clipping_theta = clipping_theta
        self.embedding_dim = embedding_dim
        self.tie_embeddings = tie_embeddings
        self.dropout = dropout
        self.character_dropout = character_dropout
        self.label_smoothing = label_smoothing
        self.fast = fast
        self._cell_config = keras.saving.serialize_keras_object(cell)

        cells = cell.cells if type(cell) is keras.layers.StackedRNNCells else [cell]
        self.rnns = [keras.layers.RNN(c, return_sequences=True, return_state=True) for c in cells]
        self.embedding: Any = None
        if embedding_dim is not None:
            self.embedding = keras.layers.Embedding(len(vocabulary), embedding_dim)
        self.projection, self.dense = self._output_layers()
        self._seeds = keras.random.SeedGenerator()
        self._perplexity = DirectedMetric(Perplexity())
        self._grad_norm = keras.metrics.Mean(name="grad_norm")
        self._clipped_share = keras.metrics.Mean(name="clipped_share")
        self.build()

    def _output_layers(self) -> tuple[Any, Any]:
        if not self.tie_embeddings:
            return None, keras.layers.Dense(len(self.vocabulary), name="output")
        narrow = _output_size(self.rnns[-1].cell) != self.embedding_dim
        return keras.layers.Dense(self.embedding_dim, name="projection") if narrow else None, None

    # ------------------------------------------------------------------ Keras' life cycle

    def build(self, input_shape: Any = None) -> None:
        """Create all weights; called by the constructor, since V and H are known there."""
        del input_shape  # ids have no features
        if self.built:  # type: ignore[has-type]
            return
        width = self.embedding_dim or len(self.vocabulary)
        if self.embedding is not None:
            self.embedding.build((None, None))
        for rnn in self.rnns:
            rnn.build((None, None, width))
            rnn.built = True
            width = _output_size(rnn.cell)
        for layer in (self.projection, self.dense):
            if layer is not None:
                layer.build((None, width))
        if self.tie_embeddings:
            self.output_bias = self.add_weight(
                shape=(len(self.vocabulary),), initializer="zeros", name="output_bias"
            )
        self.built = True

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "cell": self._cell_config,
            "vocabulary": self.vocabulary.to_config(),
            "clipping_theta": self.clipping_theta,
            "stateful": self.stateful,
            "embedding_dim": self.embedding_dim,
            "tie_embeddings": self.tie_embeddings,
            "dropout": self.dropout,
            "character_dropout": self.character_dropout,
            "label_smoothing": self.label_smoothing,
            "fast": self.fast,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> "RNNModel":
        config = dict(config)
        config["cell"] = keras.saving.deserialize_keras_object(config["cell"], custom_objects=custom_objects)
        config["vocabulary"] = Vocabulary.from_config(config["vocabulary"])
        return cls(**config)

    @property
    def layers(self) -> list[Any]:
        """In the order in which data pass them, as `summary` lists them."""
        layers = (self.embedding, *self.rnns, self.projection, self.dense)
        return [layer for layer in layers if layer is not None]

    @property
    def fast_layers(self) -> list[bool]:
        """For each recurrent layer, whether it takes the fast path."""
        return [self.fast and fast_recurrence(rnn.cell) is not None for rnn in self.rnns]

    def export(self, filepath: Any, format: str = "tf_saved_model", **kwargs: Any) -> None:  # noqa: A002
        """Export one step of the model as `keras.Model.export` does, with a flat signature.

        Inputs `ids` and `state_0`, ..., outputs `logits` and `next_state_0`, ...; see `StepModel`.
        `lyric_lm.export.export_model` writes a whole text generator instead.

        Args: as `keras.Model.export`'s; `input_signature` is given.
        """
        step = StepModel(self)
        step(step.zero_inputs())  # builds it
        kwargs.setdefault("input_signature", step.input_signature())
        step.export(filepath, format=format, **kwargs)

    # ------------------------------------------------------------------ forward

    def initial_state(self, batch_size: Any) -> list[list[Any]]:
        """A zero state: for each layer a list of float `(B, H)`."""
        return [list(tf.nest.flatten(rnn.get_initial_state(batch_size))) for rnn in self.rnns]

    def call(self, ids: Any, state: Any = None, training: bool = False) -> tuple[Any, list[list[Any]]]:
        """Score every next character.

        Args:
            ids: int32 `(B, T)`.
            state: as returned by an earlier call or by `initial_state`; None is zero.
            training: whether dropout is active.

        Returns:
            `(logits, state)`: float32 `(B, T, V)`, and the state after the last step.
        """
        hidden, state = self._hidden(ids, state, training)
        hidden = self._drop(hidden, self.dropout, training)
        if self.dense is not None:
            logits = self.dense(hidden)
        else:
            hidden = hidden if self.projection is None else self.projection(hidden)
            logits = tf.einsum("btd,vd->btv", hidden, tf.convert_to_tensor(self.embedding.embeddings))
            logits += tf.convert_to_tensor(self.output_bias)
        return tf.cast(logits, tf.float32), state

    def _hidden(self, ids: Any, state: Any, training: bool) -> tuple[Any, list[list[Any]]]:
        """The last recurrent layer's outputs, float (B, T, H), and the state of all layers."""
        ids = tf.convert_to_tensor(ids)
        if state is None:
            state = self.initial_state(tf.shape(ids)[0])
        x = self._drop(self._embedded(ids, training), self.dropout, training)
        new_state = []
        for rnn, fast, layer_state in zip(self.rnns, self.fast_layers, state, strict=True):
            if x is not None and rnn is not self.rnns[0]:
                x = self._drop(x, self.dropout, training)
            layer_state = [tf.cast(s, self.compute_dtype) for s in layer_state]
            if fast:
                x, layer_state = self._fast_layer(rnn.cell, ids, x, layer_state, training)
            else:
                x = self._one_hot(ids, training) if x is None else x
                x, layer_state = _generic_layer(rnn, x, layer_state, training)
            new_state.append(layer_state)
        return x, new_state

    def _embedded(self, ids: Any, training: bool) -> Any | None:
        """Embedded characters, float (B, T, D); None where the first layer takes one-hot characters."""
        if self.embedding is None:
            return None
        return self._blank_characters(self.embedding(ids), ids, training)

    def _one_hot(self, ids: Any, training: bool) -> Any:
        one_hot = tf.one_hot(ids, len(self.vocabulary), dtype=self.compute_dtype)
        return self._blank_characters(one_hot, ids, training)

    def _fast_layer(
        self, cell: Any, ids: Any, x: Any, state: list[Any], training: bool
    ) -> tuple[Any, list[Any]]:
        kernel, bias = tf.convert_to_tensor(cell.kernel), input_bias(cell)
        if x is None:
            # A one-hot product picks a row of the kernel.
            ids = tf.transpose(ids)
            projected = self._blank_characters(tf.gather(kernel, ids), ids, training)  # (T, B, G)
        else:
            projected = tf.transpose(x, (1, 0, 2)) @ kernel
        if bias is not None:
            projected += tf.convert_to_tensor(bias)
        outputs, state = fast_recurrence(cell)(projected, state)  # type: ignore[misc]
        return tf.transpose(outputs, (1, 0, 2)), state

    def _blank_characters(self, vectors: Any, ids: Any, training: bool) -> Any:
        """Zero the vectors of a random share of the characters."""
        if not training or not self.character_dropout:
            return vectors
        kept = keras.random.uniform(tf.shape(ids), seed=self._seeds) >= self.character_dropout
        return vectors * tf.cast(kept, vectors.dtype)[..., None]

    def _drop(self, x: Any, rate: float, training: bool) -> Any:
        """Dropout with one mask for all steps of a row: (B, T, D) times (B, 1, D)."""
        if x is None or not training or not rate:
            return x
        shape = tf.shape(x)
        return keras.random.dropout(x, rate, noise_shape=(shape[0], 1, shape[2]), seed=self._seeds)

    # ------------------------------------------------------------------ one step

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Mean cross-entropy in nats per character, smoothed in training, plus the layers' own losses."""
        del x
        if sample_weight is not None:
            raise ValueError("`RNNModel` weighs all characters alike; leave out `sample_weight`.")
        loss = mean_cross_entropy(y_pred, y, label_smoothing=self.label_smoothing if training else 0.0)
        return tf.add_n([loss, *(tf.cast(extra, loss.dtype) for extra in self.losses)])

    def train_step(self, data: Any) -> dict[str, Any]:
        ids, next_ids, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            logits, state = self(ids, self._carried(self._training_state, ids), training=True)
            loss = self.compute_loss(ids, next_ids, logits, sample_weight, training=True)
            scaled_loss = self.optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled_loss, self.trainable_weights)
        loss_scale = tf.cast(self.optimizer.scale_loss(tf.ones(())), tf.float32)
        gradients, grad_norm = clip_by_global_norm(gradients, self.clipping_theta, loss_scale=loss_scale)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        self._keep(self._training_state, state)
        self._count_norm(grad_norm)
        return self._logs(ids, next_ids, logits)

    def test_step(self, data: Any) -> dict[str, Any]:
        ids, next_ids, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        logits, state = self(ids, self._carried(self._evaluation_state, ids), training=False)
        self.compute_loss(ids, next_ids, logits, sample_weight, training=False)  # its checks
        self._keep(self._evaluation_state, state)
        logs = self._logs(ids, next_ids, logits)
        for name in ("grad_norm", "clipped_share"):
            logs.pop(name)  # nothing was trained
        return logs

    def predict_step(self, data: Any) -> Any:
        """Logits `(B, T, V)`, each batch from a zero state."""
        ids, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self(ids, training=False)[0]

    def _count_norm(self, norm: Any) -> None:
        # A step that overflows under loss scaling is not taken, so it has no norm either.
        overflows = isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer) & ~tf.math.is_finite(norm)
        norm, taken = tf.where(overflows, 0.0, norm), tf.cast(~overflows, tf.float32)
        self._grad_norm.update_state(norm, sample_weight=taken)
        clipped = norm > (self.clipping_theta or float("inf"))
        self._clipped_share.update_state(clipped, sample_weight=taken)

    def _logs(self, ids: Any, next_ids: Any, logits: Any) -> dict[str, Any]:
        loss = mean_cross_entropy(logits, next_ids)
        for metric in (self._loss_tracker, self._perplexity.metric):
            metric.update_state(loss, sample_weight=tf.size(ids))
        return self.compute_metrics(ids, next_ids, logits)  # type: ignore[no-any-return]

    def get_metrics_result(self) -> dict[str, Any]:
        logs = super().get_metrics_result()
        return {"loss": logs["loss"], "perplexity": logs["perplexity"], **logs}

    @property
    def metrics_names(self) -> list[str]:
        """As `evaluate` and `train_on_batch` list their values; `evaluate` leaves out the last two."""
        return [m.name for metric in self.metrics for m in getattr(metric, "metrics", [metric])]

    @property
    def characters_per_second(self) -> float:
        """Speed of the latest epoch's training steps alone, without validation; 0 before the first."""
        characters = float(self._perplexity.metric.count)
        return characters / self.training_seconds if self.training_seconds else 0.0


def _output_size(cell: Any) -> int:
    """H, of any cell."""
    size = getattr(cell, "output_size", None) or cell.state_size
    return int(size if isinstance(size, int) else size[0])


def _generic_layer(rnn: Any, x: Any, state: list[Any], training: bool) -> tuple[Any, list[Any]]:
    """Any cell, through `keras.layers.RNN`."""
    state = tf.nest.pack_sequence_as(rnn.get_initial_state(1), state)
    if training:
        outputs, *new_state = rnn(x, initial_state=state, training=True)
    else:
        # RNN.call would draw dropout masks, and so advance the cell's seeds, even outside training.
        _, outputs, new_state = rnn.inner_loop(x, state, mask=None, training=False)
    return outputs, list(tf.nest.flatten(new_state))


def _check_settings(cell: Any, clipping_theta: float | None, embedding_dim: int | None, tie: bool) -> None:
    if not hasattr(cell, "state_size"):
        raise ValueError(
            f"`cell` must be a Keras RNN cell, say keras.layers.GRUCell(256). Received: cell={cell!r}"
        )
    if clipping_theta is not None and not clipping_theta > 0:
        raise ValueError(
            f"`clipping_theta` must be positive or None. Received: clipping_theta={clipping_theta}"
        )
    if embedding_dim is not None and embedding_dim < 1:
        raise ValueError(f"`embedding_dim` must be at least 1. Received: embedding_dim={embedding_dim}")
    if tie and embedding_dim is None:
        raise ValueError("`tie_embeddings` needs an `embedding_dim`. Received: embedding_dim=None")


def _check_shares(**shares: float) -> None:
    for name, share in shares.items():
        if not 0 <= share < 1:
            raise ValueError(f"`{name}` must be in [0, 1). Received: {name}={share}")
