"""`RNNNetwork`: the layers of a character model, and one pure function over them."""

import abc
import json
from typing import Any

import keras
import tensorflow as tf

from lyric_lm.data import Vocabulary
from lyric_lm.model.arguments import (
    Setting,
    check_id_tensor,
    check_input_width,
    check_vocabulary,
    checked_cells,
    checked_embedding_dim,
    checked_share,
    checked_switch,
)
from lyric_lm.model.id_range import IdRange
from lyric_lm.model.recurrent_layer import fast_layer, generic_layer, is_fast, output_size, recurrent_layer
from lyric_lm.model.replicas import check_made_in_scope, drawn_for_all, own_rows
from lyric_lm.model.stateful_model import StatefulModel


class RNNNetwork(StatefulModel, abc.ABC):
    """From ids and a state to logits and a state; abstract: a subclass is trained, and builds it.

    Args: as `RNNModel`'s.
    """

    stateful = Setting(checked_switch)
    dropout = Setting(checked_share)
    character_dropout = Setting(checked_share)
    fast = Setting(checked_switch)

    def __init__(
        self,
        cell: keras.layers.Layer,
        vocabulary: Vocabulary,
        *,
        stateful: bool,
        embedding_dim: int | None,
        tie_embeddings: bool,
        dropout: float,
        character_dropout: float,
        fast: bool,
        **kwargs: Any,
    ) -> None:
        cells = checked_cells(cell)
        check_vocabulary(vocabulary)
        super().__init__(stateful=stateful, **kwargs)
        self.vocabulary = vocabulary
        self.tie_embeddings = checked_switch("tie_embeddings", tie_embeddings)
        self.embedding_dim = checked_embedding_dim(embedding_dim, tie_embeddings=tie_embeddings)
        self.dropout = dropout
        self.character_dropout = character_dropout
        self.fast = fast

        # As text: nobody gets hold of the model's own, and Keras' `from_config` takes dictionaries apart.
        self._cell_config = json.dumps(keras.saving.serialize_keras_object(cell))
        self.rnns = [recurrent_layer(cell, self.dtype_policy) for cell in cells]
        self.embedding: Any = None
        if self.embedding_dim is not None:
            self.embedding = keras.layers.Embedding(
                len(vocabulary), self.embedding_dim, dtype=self.dtype_policy
            )
        self.projection, self.dense = self._output_layers()
        self._seeds = keras.random.SeedGenerator()
        self._ids_met = IdRange(vocabulary)

    @property
    def cell_config(self) -> dict[str, Any]:
        """What `keras.saving.deserialize_keras_object` makes the same cell of, as it was handed in."""
        return json.loads(self._cell_config)  # type: ignore[no-any-return]

    def _output_layers(self) -> tuple[Any, Any]:
        if not self.tie_embeddings:
            return None, keras.layers.Dense(len(self.vocabulary), name="output", dtype=self.dtype_policy)
        if output_size(self.rnns[-1].cell) == self.embedding_dim:
            return None, None
        return keras.layers.Dense(self.embedding_dim, name="projection", dtype=self.dtype_policy), None

    def build(self, input_shape: Any = None) -> None:
        """Create all weights; called by a subclass' constructor, since V and H are known there."""
        del input_shape  # ids have no features
        if self.built:  # type: ignore[has-type]
            return
        width = self.embedding_dim or len(self.vocabulary)
        if self.embedding is not None:
            self.embedding.build((None, None))
        for rnn in self.rnns:
            check_input_width(rnn.cell, width)
            rnn.build((None, None, width))
            rnn.built = True
            width = output_size(rnn.cell)
        for layer in (self.projection, self.dense):
            if layer is not None:
                layer.build((None, width))
        if self.tie_embeddings:
            self.output_bias = self.add_weight(
                shape=(len(self.vocabulary),), initializer="zeros", name="output_bias"
            )
        self.built = True
        check_made_in_scope(self.strategy, "cell", self)

    @property
    def layers(self) -> list[Any]:
        """In the order in which data pass them, as `summary` lists them."""
        layers = (self.embedding, *self.rnns, self.projection, self.dense)
        return [layer for layer in layers if layer is not None]

    @property
    def fast_layers(self) -> list[bool]:
        """For each recurrent layer, whether it takes the fast path."""
        return [self.fast and is_fast(rnn) for rnn in self.rnns]

    def check_ids(self, *data: Any) -> None:
        self._ids_met.check(*data)

    def check_ids_met(self) -> None:
        self._ids_met.check_met()

    def _legal(self, *batch: Any) -> list[Any]:
        """A step's own ids, int32, inside the vocabulary; `check_ids_met` tells whether they were."""
        tensors = [tf.convert_to_tensor(ids) for ids in batch]  # arrays reach a step that is run eagerly
        for ids, name in zip(tensors, ("ids", "next_ids"), strict=False):
            check_id_tensor(ids, name)
        return own_rows(*(self._ids_met.clipped(ids) for ids in tensors))

    def initial_state(self, batch_size: Any) -> list[list[Any]]:
        """A zero state: for each layer a list of float `(B, H)`."""
        return [list(tf.nest.flatten(rnn.get_initial_state(batch_size))) for rnn in self.rnns]

    def call(self, ids: Any, state: Any = None, training: bool = False) -> tuple[Any, list[list[Any]]]:
        """Score every next character; before the mark that ends a song, U+001E, the state begins anew.

        Args:
            ids: int32 `(B, T)`.
            state: as returned by an earlier call or by `initial_state`; None is zero.
            training: whether dropout is active.

        Returns:
            `(logits, state)`: float32 `(B, T, V)`, and the state after the last step.
        """
        features, state = self.features(ids, state, training)
        # Recurrent layers end time-major and the loss goes on so: XLA cancels these transposes.
        features = tf.transpose(features, (1, 0, 2))
        if self.dense is not None:
            logits = self.dense(features)
        else:
            logits = tf.einsum("tbd,vd->tbv", features, tf.convert_to_tensor(self.embedding.embeddings))
            logits += tf.convert_to_tensor(self.output_bias)
        return tf.transpose(tf.cast(logits, tf.float32), (1, 0, 2)), state

    def features(self, ids: Any, state: Any = None, training: bool = False) -> tuple[Any, list[list[Any]]]:
        """What `call` multiplies by the output layer's weights, float `(B, T, D)`, and the state.

        Args: as `call`'s.
        """
        hidden, state = self._hidden(ids, state, training)
        hidden = self._drop(hidden, self.dropout, training)
        return hidden if self.projection is None else self.projection(hidden), state

    def output_weights(self) -> tuple[Any, Any]:
        """The output layer's weights as `call` uses them: kernel, float `(D, V)`, and bias, float `(V,)`."""
        if self.dense is not None:
            kernel = tf.convert_to_tensor(self.dense.kernel)
        else:
            kernel = tf.transpose(tf.convert_to_tensor(self.embedding.embeddings))
        bias = tf.convert_to_tensor(self.logit_bias)
        return tf.cast(kernel, self.compute_dtype), tf.cast(bias, self.compute_dtype)

    @property
    def logit_bias(self) -> Any:
        """The variable that is added to the logits, float `(V,)`."""
        return self.output_bias if self.dense is None else self.dense.bias

    def _hidden(self, ids: Any, state: Any, training: bool) -> tuple[Any, list[list[Any]]]:
        """The last recurrent layer's outputs, float (B, T, H), and the state of all layers."""
        ids = tf.convert_to_tensor(ids)
        check_id_tensor(ids)
        if tf.executing_eagerly():
            self._ids_met.check(ids)
        ids = tf.cast(ids, tf.int32)  # TensorFlow gathers by no unsigned integers
        if state is None:
            state = self.initial_state(tf.shape(ids)[0])
        song_end_id = self.vocabulary.song_end_id
        begins = None if song_end_id is None else ids == song_end_id
        x = self._drop(self._embedded(ids, training), self.dropout, training)
        new_state = []
        for rnn, fast, layer_state in zip(self.rnns, self.fast_layers, state, strict=True):
            if x is not None and rnn is not self.rnns[0]:
                x = self._drop(x, self.dropout, training)
            dtype = rnn.cell.compute_dtype
            layer_state = [tf.cast(s, dtype) for s in layer_state]
            if fast:
                projected = self._projected(rnn.cell, ids, x, training)
                x, layer_state = fast_layer(rnn.cell, projected, layer_state, training, begins)
            else:
                x = self._one_hot(ids, training) if x is None else x
                x, layer_state = generic_layer(rnn, x, layer_state, training, begins)
            new_state.append([tf.cast(s, dtype) for s in layer_state])
        return x, new_state

    def _embedded(self, ids: Any, training: bool) -> Any | None:
        """Embedded characters, float (B, T, D); None where the first layer takes one-hot characters."""
        if self.embedding is None:
            return None
        return self._blank_characters(self.embedding(ids), ids, training)

    def _one_hot(self, ids: Any, training: bool) -> Any:
        one_hot = tf.one_hot(ids, len(self.vocabulary), dtype=self.compute_dtype)
        return self._blank_characters(one_hot, ids, training)

    def _projected(self, cell: Any, ids: Any, x: Any, training: bool) -> Any:
        """The input times the input kernel, float (T, B, G)."""
        kernel = tf.convert_to_tensor(cell.kernel)
        if x is not None:
            return tf.transpose(x, (1, 0, 2)) @ kernel
        # A one-hot product picks a row of the kernel.
        ids = tf.transpose(ids)
        return self._blank_characters(tf.gather(kernel, ids), ids, training, row_axis=1)

    def _blank_characters(self, vectors: Any, ids: Any, training: bool, *, row_axis: int = 0) -> Any:
        """Zero the vectors of a random share of the characters."""
        if not training or not self.character_dropout:
            return vectors
        draws = drawn_for_all(
            lambda shape: keras.random.uniform(shape, seed=self._seeds), tf.shape(ids), row_axis=row_axis
        )
        kept = draws >= self.character_dropout
        return vectors * tf.cast(kept, vectors.dtype)[..., None]

    def _drop(self, x: Any, rate: float, training: bool) -> Any:
        """Dropout with one mask for all steps of a row: (B, T, D) times (B, 1, D)."""
        if x is None or not training or not rate:
            return x
        shape = tf.shape(x)
        return x * drawn_for_all(
            lambda shape: keras.random.dropout(tf.ones(shape, x.dtype), rate, seed=self._seeds),
            (shape[0], 1, shape[2]),
        )
