"""`inherit`: a model goes on from the weights of one that knows fewer characters."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lyric_lm.data import Vocabulary, name_characters
from lyric_lm.model.rnn_network import RNNNetwork

CLOSED = -1e4
"""The bias of an output whose probability is 0, in every float type."""

_UNKNOWN = ""  # stands for the unknown token, which is no character
_ANY = "any"


def inherit(model: RNNNetwork, parent: RNNNetwork) -> None:
    """Give a model the weights of another, whose characters it knows, and perhaps more.

    Each weight of a character goes to where that character is now. Those of a new character are the mean of
    its like: letters of the same script and case, digits, white space, marks; of all, where the parent knows
    none of its kind. Nothing else moves. The new characters' outputs are closed: their probability is 0 until
    `open_characters`, so that the model scores a text of the parent's characters as the parent does.

    Args:
        model: of the same network; its weights are replaced.
        parent: whose weights are taken.

    Raises:
        ValueError: the model lacks a character of the parent, or its network is another.

    >>> import keras
    >>> from lyric_lm import RNNModel
    >>> model, parent = (RNNModel(keras.layers.GRUCell(4), Vocabulary(text)) for text in ("不分开", "分开"))
    >>> inherit(model, parent)
    >>> model.logit_bias.numpy().tolist()
    [-10000.0, 0.0, 0.0]
    """
    here, there = _names(model.vocabulary), _names(parent.vocabulary)
    if lost := set(there) - set(here):
        named = name_characters("".join(sorted(lost))) or "the unknown token"
        raise ValueError(f"`model` must know every character of `parent`. Received: one without {named}")
    places, groups = {name: index for index, name in enumerate(there)}, _groups(there)
    sources = [(places[name],) if name in places else _like(name, groups) for name in here]
    values = [_regrown(np.asarray(its), sizes, sources) for its, sizes in _pairs(model, parent)]
    shapes, expected = ([tuple(weight.shape) for weight in weights] for weights in (values, model.weights))
    if shapes != expected:
        raise ValueError(f"`model` must have the network of `parent`, {shapes}. Received: {expected}")
    for weight, value in zip(model.weights, values, strict=True):
        weight.assign(value)
    bias = np.array(model.logit_bias)
    bias[[name not in places for name in here]] = CLOSED
    model.logit_bias.assign(bias)


def open_characters(model: RNNNetwork) -> None:
    """Give each closed output the mean bias of its like; the first act of a training that goes on.

    Closed, it would have ten thousand nats to climb, with the learning rate as the step.
    """
    names, bias = _names(model.vocabulary), np.array(model.logit_bias)
    groups = _groups(_UNKNOWN if value == CLOSED else name for name, value in zip(names, bias, strict=True))
    means = {kind: bias[list(indices)].mean() for kind, indices in groups.items()}
    for index in np.flatnonzero(bias == CLOSED):
        bias[index] = next(means[kind] for kind in _kinds(names[index]) if kind in means)
    model.logit_bias.assign(bias)


def _names(vocabulary: Vocabulary) -> list[str]:
    """What each id stands for."""
    return [*vocabulary.characters, *([] if vocabulary.unknown_id is None else [_UNKNOWN])]


def _groups(names: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """For each kind the characters' indices."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index, name in enumerate(names):
        for kind in _kinds(name) if name != _UNKNOWN else ():
            groups[kind].append(index)
    return {kind: tuple(indices) for kind, indices in groups.items()}


def _like(name: str, groups: dict[str, tuple[int, ...]]) -> tuple[int, ...]:
    return next(groups[kind] for kind in _kinds(name) if kind in groups)


def _kinds(name: str) -> list[str]:
    """The kinds of a character, the narrowest first: Lo and CJK, say, then all letters, then all."""
    if name == _UNKNOWN:
        return [_ANY]
    if name.isspace():
        return ["space", _ANY]
    category = unicodedata.category(name)
    script = unicodedata.name(name, "").partition(" ")[0] if category[0] == "L" else ""
    return [f"{category} {script}", category[0], _ANY]


def _pairs(model: RNNNetwork, parent: RNNNetwork) -> list[tuple[Any, tuple[int, ...]]]:
    """The parent's weights, and the shapes that they are to have."""
    if len(model.weights) != len(parent.weights):
        raise ValueError(
            f"`model` must have the network of `parent`, with {len(parent.weights)} weights. "
            f"Received: {len(model.weights)}"
        )
    return [(its, tuple(own.shape)) for own, its in zip(model.weights, parent.weights, strict=True)]


def _regrown(
    value: npt.NDArray[Any], shape: tuple[int, ...], sources: Sequence[tuple[int, ...]]
) -> npt.NDArray[Any]:
    """A weight whose axis of characters, the one that has another size, has the means of its sources."""
    axes = [axis for axis, (size, other) in enumerate(zip(value.shape, shape, strict=False)) if size != other]
    if len(axes) != 1 or shape[axes[0]] != len(sources):
        return value
    rows = np.moveaxis(value, axes[0], 0)
    means = {source: rows[list(source)].mean(axis=0) for source in set(sources)}
    return np.moveaxis(np.stack([means[source] for source in sources]), 0, axes[0])
