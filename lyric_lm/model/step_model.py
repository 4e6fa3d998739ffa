"""`StepModel`: one step of a model with a flat signature, the form that Keras can export."""

from typing import Any

import keras
import tensorflow as tf


class StepModel(keras.Model):  # type: ignore[misc]
    """Ids and state in, logits and the next state out, each tensor under a name of its own.

    `keras.Model.export` cannot name the nested lists that an `RNNModel` takes and returns. Here the inputs
    are `ids`, int32 `(B, 1)`, and `state_0`, `state_1`, ..., float32 `(B, H)`, in the order of the layers;
    the outputs are `logits`, float32 `(B, V)`, and `next_state_0`, ..., as the inputs.

    Args:
        model: an `RNNModel`.
    """

    def __init__(self, model: Any) -> None:
        super().__init__(name="step")
        self.model = model
        self._zeros = model.initial_state(1)

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        names = self.state_names
        state = tf.nest.pack_sequence_as(self._zeros, [inputs[name] for name in names])
        ids = tf.cast(inputs["ids"], tf.int32)  # Keras traces a float default, whatever the signature says
        logits, state = self.model(ids, state)
        flat = [tf.cast(tensor, tf.float32) for tensor in tf.nest.flatten(state)]
        next_state = {f"next_{name}": tensor for name, tensor in zip(names, flat, strict=True)}
        return {"logits": logits[:, -1], **next_state}

    @property
    def state_sizes(self) -> list[int]:
        """H of each tensor of the state."""
        return [int(zeros.shape[-1]) for zeros in tf.nest.flatten(self._zeros)]

    @property
    def state_names(self) -> list[str]:
        """The names of the state's tensors among the inputs."""
        return [f"state_{index}" for index in range(len(self.state_sizes))]

    def zero_inputs(self, batch_size: int = 1) -> dict[str, Any]:
        """Inputs of the right names, dtypes and shapes, all of them zero."""
        sizes = zip(self.state_names, self.state_sizes, strict=True)
        state = {name: tf.zeros((batch_size, size)) for name, size in sizes}
        return {"ids": tf.zeros((batch_size, 1), tf.int32), **state}

    def input_signature(self) -> list[dict[str, keras.InputSpec]]:
        """What `export` traces: any B, one step."""
        sizes = zip(self.state_names, self.state_sizes, strict=True)
        state = {
            name: keras.InputSpec(shape=(None, size), dtype="float32", name=name) for name, size in sizes
        }
        return [{"ids": keras.InputSpec(shape=(None, 1), dtype="int32", name="ids"), **state}]
