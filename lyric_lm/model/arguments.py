"""What `RNNModel` checks of its arguments; each error names the cure."""

from collections.abc import Callable
from typing import Any

import keras

from lyric_lm.checks import whole_number
from lyric_lm.data import Vocabulary


class Setting:
    """A setting of a model that may be changed at any time, also between two epochs of a `fit`.

    It is checked as in the constructor, and steps compiled with the old value are made anew.

    Args:
        checked: `(name, value)` -> the value as a plain Python object, or ValueError.
    """

    def __init__(self, checked: Callable[[str, Any], Any]) -> None:
        self._checked = checked

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, model: Any, owner: type | None = None) -> Any:
        if model is None:
            return self
        if self._name not in model.__dict__:
            raise AttributeError(self._name)  # Keras looks whether it is set
        return model.__dict__[self._name]

    def __set__(self, model: Any, value: Any) -> None:
        value = self._checked(self._name, value)
        changed = self._name in model.__dict__ and model.__dict__[self._name] != value
        model.__dict__[self._name] = value
        for loop in (model.train_function, model.test_function) if changed else ():
            if loop is not None:
                loop.forget_compiled()


def checked_cells(cell: Any) -> list[Any]:
    """The cells of a model's layers, from the input to the output.

    Raises:
        ValueError: `cell` is not an RNN cell, or a stack holds one cell twice.
    """
    if isinstance(cell, type):
        raise ValueError(
            f"`cell` must be a cell, not a class: use {cell.__name__}(256). Received: cell={cell}"
        )
    if isinstance(cell, keras.layers.RNN):
        name, units = type(cell).__name__, getattr(cell, "units", None)
        cure = f"keras.layers.{name}Cell({units})" if units else "layer.cell"
        raise ValueError(f"`cell` must be a cell, not a layer: use {cure}. Received: cell={cell!r}")
    if isinstance(cell, (list, tuple)):
        raise ValueError(
            f"`cell` must be one cell: use keras.layers.StackedRNNCells([...]). Received: cell={cell!r}"
        )
    if not (hasattr(cell, "state_size") and hasattr(cell, "call")):  # what `keras.layers.RNN` asks for
        raise ValueError(
            f"`cell` must be a Keras RNN cell, say keras.layers.GRUCell(256). Received: cell={cell!r}"
        )
    cells = list(cell.cells) if type(cell) is keras.layers.StackedRNNCells else [cell]
    if len({id(c) for c in cells}) < len(cells):
        raise ValueError("`cell` must hold a cell of its own for each layer. Received one of them twice")
    return cells


def check_input_width(cell: Any, width: int) -> None:
    """Refuse a cell that was built in another model, for inputs of another width than here.

    Raises:
        ValueError: its kernel has another number of rows.
    """
    kernel = getattr(cell, "kernel", None)
    if kernel is not None and kernel.shape[0] != width:
        raise ValueError(
            f"`cell` already belongs to a model whose inputs are {kernel.shape[0]} wide, not {width}: "
            f"make a new cell for each model. Received: cell={cell!r}"
        )


def check_vocabulary(vocabulary: Any) -> None:
    """Refuse what is no `Vocabulary`.

    Raises:
        ValueError: it is a string, say, or a whole `Lyrics`.
    """
    if not isinstance(vocabulary, Vocabulary):
        raise ValueError(
            "`vocabulary` must be a lyric_lm.data.Vocabulary: use Vocabulary.from_text(text), or "
            f"load_lyrics(...).vocabulary. Received: vocabulary={vocabulary!r:.60}"
        )


def checked_theta(name: str, value: Any) -> float | None:
    """A positive number as a float, or None."""
    if value is None:
        return None
    if not (_is_number(value) and value > 0):
        raise ValueError(f"`{name}` must be positive or None. Received: {name}={value!r}")
    return float(value)


def checked_share(name: str, value: Any) -> float:
    """A number in [0, 1) as a float."""
    if not (_is_number(value) and 0 <= value < 1):
        raise ValueError(f"`{name}` must be in [0, 1). Received: {name}={value!r}")
    return float(value)


def checked_switch(name: str, value: Any) -> bool:
    """True or False."""
    if value not in (True, False):
        raise ValueError(f"`{name}` must be True or False. Received: {name}={value!r}")
    return bool(value)


def checked_embedding_dim(value: Any, *, tie_embeddings: bool) -> int | None:
    """A whole number of at least 1, or None where nothing is tied to an embedding."""
    if value is None:
        if tie_embeddings:
            raise ValueError("`tie_embeddings` needs an `embedding_dim`. Received: embedding_dim=None")
        return None
    return whole_number("embedding_dim", value)


def check_id_tensor(ids: Any, name: str = "ids") -> None:
    """Refuse a tensor that cannot be the ids of a batch.

    Raises:
        ValueError: it is not of integers, or has not the two axes (B, T).
    """
    if ids.shape.rank not in (None, 2):
        hint = f"; for one text pass {name}[None]" if ids.shape.rank == 1 else ""
        raise ValueError(f"`{name}` must have two axes, (B, T){hint}. Received: shape={tuple(ids.shape)}")
    if not ids.dtype.is_integer:
        raise ValueError(
            f"`{name}` must be integers, as Vocabulary.encode gives them. Received: dtype={ids.dtype.name}"
        )


def _is_number(value: Any) -> bool:
    return not isinstance(value, (str, bytes, bool)) and hasattr(value, "__float__")
