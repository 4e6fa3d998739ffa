"""What TensorBoard shows of the model itself: its layers as a graph, its weights and its hidden state."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

# The parts of a layer's state, by their number: an LSTM carries a cell state beside the hidden one.
_STATE_PARTS = {1: [""], 2: ["/hidden", "/cell"]}


def layer_graph(model: Any) -> Any:
    """The layers, from characters to logits, as a `GraphDef`: a box a layer, with its weights inside.

    Drawn by hand: the graph of the compiled training step has thousands of operations, and Keras describes
    only sequential and functional models.
    """
    graph = tf.compat.v1.GraphDef()
    num_characters = len(model.vocabulary)
    _add_node(graph, "characters", "int32", [], (-1, -1))
    last = "characters"
    for layer, kind, width in _layers(model):
        weights = [(n, w) for n, w in named_weights(model) if n == layer or n.startswith(f"{layer}/")]
        for name, weight in weights:
            _add_node(graph, name, "Variable", [], weight.shape)
        inputs = [last, *(name for name, _ in weights)]
        last = f"{layer}/{kind}" if weights else layer
        _add_node(graph, last, kind, inputs, (-1, -1, width))
    _add_node(graph, "logits", "float32", [last], (-1, -1, num_characters))
    return graph


def _layers(model: Any) -> Iterator[tuple[str, str, int]]:
    """Name, kind and output width of each layer."""
    num_characters = len(model.vocabulary)
    if model.embedding is None:
        yield "one_hot", "OneHot", num_characters
    else:
        yield "embedding", "Embedding", model.embedding.output_dim
    for number, rnn in enumerate(model.rnns, start=1):
        size = getattr(rnn.cell, "output_size", None) or rnn.cell.state_size
        yield f"layer_{number}", type(rnn.cell).__name__, int(np.ravel(size)[0])
    if model.projection is not None:
        yield "projection", "Dense", model.projection.units
    yield "output", "Dense" if model.dense is not None else "TiedToEmbedding", num_characters


def _add_node(graph: Any, name: str, kind: str, inputs: list[str], shape: Iterable[int]) -> None:
    node = graph.node.add(name=name, op=kind, input=inputs)
    # TensorBoard writes the shape along the arrows, -1 as "?".
    output = node.attr["_output_shapes"].list.shape.add()
    for size in shape:
        output.dim.add(size=size)


def named_weights(model: Any) -> Iterator[tuple[str, Any]]:
    """Each trainable weight with a name that is the same in every process: layer_1/kernel, output/bias."""
    numbered = [(f"layer_{number}", rnn) for number, rnn in enumerate(model.rnns, start=1)]
    named = [("embedding", model.embedding), ("projection", model.projection), ("output", model.dense)]
    for name, layer in numbered + [(name, layer) for name, layer in named if layer is not None]:
        parts = [weight.path.split("/") for weight in layer.trainable_weights]
        for weight, part in zip(layer.trainable_weights, parts, strict=True):
            # A cell's name depends on how many the process has made, so it is left out unless it is needed.
            short = part[-1] if [p[-1] for p in parts].count(part[-1]) == 1 else "/".join(part[-2:])
            yield f"{name}/{short}", np.asarray(weight)
    if model.tie_embeddings:
        yield "output/bias", np.asarray(model.output_bias)


def named_states(state: list[list[Any]]) -> Iterator[tuple[str, Any]]:
    """Each tensor of a state with its name: layer_1, or layer_1/hidden and layer_1/cell."""
    for number, tensors in enumerate(state, start=1):
        parts = _STATE_PARTS.get(len(tensors), [f"/{i + 1}" for i in range(len(tensors))])
        for part, tensor in zip(parts, tensors, strict=True):
            yield f"layer_{number}{part}", np.asarray(tensor)
