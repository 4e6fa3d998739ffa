"""`RNNModel`: the chapter's recurrent language model as a Keras model that carries its own state."""

import copy
import warnings
from typing import Any

import keras
import tensorflow as tf

from lyric_lm.data import Vocabulary
from lyric_lm.model.arguments import Setting, checked_share, checked_theta
from lyric_lm.model.keras_internals import DirectedMetric
from lyric_lm.model.loss import clip_by_global_norm, mean_cross_entropy
from lyric_lm.model.perplexity import Perplexity
from lyric_lm.model.replicas import (
    averaged,
    check_compiling,
    check_made_in_scope,
    check_scope,
    parts,
    scope_of,
)
from lyric_lm.model.rnn_network import RNNNetwork
from lyric_lm.model.step_model import StepModel


@keras.saving.register_keras_serializable(package="lyric_lm")
class RNNModel(RNNNetwork):
    """A character language model: one-hot characters, a recurrent cell, a dense output layer.

    `fit` trains it on consecutive batches with no callback of yours: the hidden state is zero at the start of
    each epoch and carried from batch to batch inside it (truncated backpropagation through time). The model
    owns that state; `call` is a pure function. `evaluate` carries a second state of its own, so evaluation,
    prediction and sampling may happen at any moment and batch size without disturbing training. Where the
    vocabulary has a song end (U+001E), a row's state begins anew before each of them, mid-batch too.

    Gradients are clipped by their global L2 norm to `clipping_theta` in `train_step`. The loss is the mean
    cross-entropy in nats per character, on logits; `compile` takes an optimizer and no loss. Logs hold
    `loss`, `perplexity` (exp of the epoch's mean loss, each character alike), `grad_norm` (mean norm before
    clipping) and `clipped_share` (of the steps, how many had to be clipped, in [0, 1]).

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

    Made in the scope of a `tf.distribute` strategy, its replicas share each batch: see
    `lyric_lm.model.replicas`.

    `clipping_theta`, `stateful`, `dropout`, `character_dropout`, `label_smoothing` and `fast` may be changed
    later, as attributes. All layers have the model's dtype policy (`dtype=`, else the global one); a cell
    keeps its own, and takes the fast path where both compute in one dtype.

    Raises:
        ValueError: a setting is out of range, `cell` is not an RNN cell, or it was made outside of the scope
            of the `tf.distribute` strategy, or that is of a kind that is not supported.

    >>> import keras
    >>> from lyric_lm.data import Vocabulary
    >>> model = RNNModel(keras.layers.SimpleRNNCell(4), Vocabulary("分开不"))
    >>> logits, state = model(model.vocabulary.encode("不分开")[None])
    >>> tuple(logits.shape), tuple(state[0][0].shape)
    ((1, 3, 3), (1, 4))
    """

    clipping_theta = Setting(checked_theta)
    label_smoothing = Setting(checked_share)

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
        super().__init__(
            cell,
            vocabulary,
            stateful=stateful,
            embedding_dim=embedding_dim,
            tie_embeddings=tie_embeddings,
            dropout=dropout,
            character_dropout=character_dropout,
            fast=fast,
            **kwargs,
        )
        self.clipping_theta = clipping_theta
        self.label_smoothing = label_smoothing
        self._perplexity = DirectedMetric(Perplexity())
        self._grad_norm = keras.metrics.Mean(name="grad_norm")
        self._clipped_share = keras.metrics.Mean(name="clipped_share")
        self.build()

    # ------------------------------------------------------------------ Keras' life cycle

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "cell": self.cell_config,
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
        config = copy.deepcopy(config)
        config["cell"] = keras.saving.deserialize_keras_object(config["cell"], custom_objects=custom_objects)
        config["vocabulary"] = Vocabulary.from_config(config["vocabulary"])
        return cls(**config)

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        **kwargs: Any,
    ) -> None:
        """Configure training as `keras.Model.compile` does, but for the loss, which is the model's own.

        Raises:
            ValueError: a loss is given, or the optimizer is not of the model's `tf.distribute` strategy.
        """
        for name, value in (("loss", loss), ("loss_weights", loss_weights)):
            if value is not None:
                raise ValueError(
                    f"Leave `{name}` out of `compile`: `RNNModel` has a loss of its own, the cross-entropy "
                    f"of the next character, on logits. Received: {name}={value!r}"
                )
        check_scope(self.strategy)
        check_compiling(self.strategy, kwargs)
        with scope_of(self.strategy):
            super().compile(optimizer, metrics=metrics, **kwargs)
        check_made_in_scope(self.strategy, "optimizer", self.optimizer)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile a loaded model; Keras leaves it to models that have a `compile` of their own."""
        config = keras.saving.deserialize_keras_object(config)
        for name in ("loss", "loss_weights"):  # earlier versions took them and made nothing of them
            config.pop(name, None)
        self.compile(**config)
        self.optimizer.build(self.trainable_variables)

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
        ids, next_ids = self._legal(ids, next_ids)
        with tf.GradientTape() as tape:
            logits, state = self(ids, self._carried(self._training_state, ids), training=True)
            loss = self.compute_loss(ids, next_ids, logits, sample_weight, training=True)
            scaled_loss = self.optimizer.scale_loss(loss)
        gradients = averaged(tape.gradient(scaled_loss, self.trainable_weights), tf.size(ids))
        loss_scale = tf.cast(self.optimizer.scale_loss(tf.ones(())), tf.float32)
        gradients, grad_norm = clip_by_global_norm(gradients, self.clipping_theta, loss_scale=loss_scale)
        if gradients:
            self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        else:
            warnings.warn("The model does not have any trainable weights.", stacklevel=2)  # as Keras does
        self._keep(self._training_state, state)
        self._count_norm(grad_norm)
        return self._logs(ids, next_ids, logits)

    def test_step(self, data: Any) -> dict[str, Any]:
        ids, next_ids, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        ids, next_ids = self._legal(ids, next_ids)
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
        return self(*self._legal(ids), training=False)[0]

    def _count_norm(self, norm: Any) -> None:
        # A step that overflows under loss scaling is not taken, so it has no norm either.
        overflows = isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer) & ~tf.math.is_finite(norm)
        norm, taken = tf.where(overflows, 0.0, norm), tf.cast(~overflows, tf.float32)
        self._grad_norm.update_state(norm, sample_weight=taken)
        clipped = norm > (self.clipping_theta or float("inf"))
        self._clipped_share.update_state(clipped, sample_weight=taken)

    def _logs(self, ids: Any, next_ids: Any, logits: Any) -> dict[str, Any]:
        loss = mean_cross_entropy(logits, next_ids)  # NaN for a replica without a row
        loss = tf.math.multiply_no_nan(loss, tf.cast(tf.size(ids) > 0, loss.dtype))
        for metric in (self._loss_tracker, self._perplexity.metric):
            metric.update_state(loss, sample_weight=tf.size(ids))
        return self.compute_metrics(ids, next_ids, logits)  # type: ignore[no-any-return]

    def get_metrics_result(self) -> dict[str, Any]:
        if tf.executing_eagerly():  # an epoch or an evaluation has ended
            self.check_ids_met()
        logs = super().get_metrics_result()
        return {"loss": logs["loss"], "perplexity": logs["perplexity"], **logs}

    @property
    def metrics_names(self) -> list[str]:
        """As `evaluate` and `train_on_batch` list their values; `evaluate` leaves out the last two."""
        return [m.name for metric in self.metrics for m in getattr(metric, "metrics", [metric])]

    @property
    def characters_per_second(self) -> float:
        """Speed of the latest epoch's training steps alone, without validation; 0 before the first."""
        # Of this process' replicas, without asking those of others: not all of them may want to know.
        counts = parts(self.strategy, self._perplexity.metric.count.value)
        characters = float(sum(count.numpy() for count in counts)) * self.num_replicas / len(counts)
        return characters / self.training_seconds if self.training_seconds else 0.0
