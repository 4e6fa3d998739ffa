"""`ModelPool`: compiled models that trials of the same shapes share."""

import json
from collections import OrderedDict
from typing import Any

from lyric_lm.model.rnn_model import RNNModel


class ModelPool:
    """Lends a compiled model instead of compiling another that differs in nothing but numbers.

    Compiling takes as long as some twenty epochs. Learning rate, weights, optimizer state and seeds are
    variables of the compiled step; everything else about a model has to be equal.

    Args:
        size: models kept, the latest ones, >= 1.
    """

    def __init__(self, size: int = 8) -> None:
        self._size = size
        self._models: OrderedDict[str, RNNModel] = OrderedDict()

    def exchange(self, new: RNNModel) -> RNNModel:
        """A model that will train exactly as `new` would, compiled already where the pool has one.

        Args:
            new: built and compiled by Keras' `compile`, never fitted.

        Returns:
            A model of the pool, or `new`, which the pool keeps. Until the next call for a model of these
            shapes it is the caller's alone.
        """
        new.optimizer.build(new.trainable_variables)
        key = _signature(new)
        old = self._models.get(key)
        if old is None:
            old = self._models[key] = new
            if len(self._models) > self._size:
                self._models.popitem(last=False)
        elif old is not new:
            state, new_state = ([*m.variables, *m.optimizer.variables] for m in (old, new))
            for mine, its in zip(state, new_state, strict=True):
                mine.assign(its)
        self._models.move_to_end(key)
        return old


def _signature(model: RNNModel) -> str:
    """All that a compiled step depends on, but for the values of variables and for names."""
    compiled = model.get_compile_config()
    settings = compiled["optimizer"]["config"]
    if isinstance(settings["learning_rate"], float):  # a schedule is part of the compiled step
        settings["learning_rate"] = "variable"
    return json.dumps(_without_names([model.get_config(), compiled]), sort_keys=True)


def _without_names(config: Any) -> Any:
    if isinstance(config, dict):
        return {key: _without_names(value) for key, value in config.items() if key != "name"}
    if isinstance(config, (list, tuple)):
        return [_without_names(value) for value in config]
    return config
