"""`ModelPool`: compiled models that trials of the same shapes share."""

import dataclasses
from collections import OrderedDict
from typing import Any

from lyric_lm.model.rnn_model import RNNModel
from lyric_lm.settings.config import TrainConfig


class ModelPool:
    """Lends a compiled model instead of compiling another that differs in nothing but numbers.

    Compiling takes as long as some twenty epochs. Learning rate, weights, optimizer state and seeds are
    variables of the compiled step; everything else about a model has to be equal.

    Args:
        size: models kept, the latest ones, >= 1.
    """

    def __init__(self, size: int = 8) -> None:
        self._size = size
        self._models: OrderedDict[Any, RNNModel] = OrderedDict()

    def exchange(self, new: RNNModel, config: TrainConfig) -> RNNModel:
        """A model that will train exactly as `new` would, compiled already where the pool has one.

        Args:
            new: built and compiled by Keras' `compile`, never fitted.
            config: its settings; all models of a pool learn one text.

        Returns:
            A model of the pool, or `new`, which the pool keeps. Until the next call for a model of these
            shapes it is the caller's alone.
        """
        new.optimizer.build(new.trainable_variables)
        optimizer = dataclasses.replace(config.optimizer, seed=0)
        if optimizer.schedule == "constant":  # else the rate is part of the compiled step
            optimizer = dataclasses.replace(optimizer, learning_rate=None)
        key = config.model, optimizer
        old = self._models.setdefault(key, new)
        if old is not new:
            state, new_state = ([*m.variables, *m.optimizer.variables] for m in (old, new))
            for mine, its in zip(state, new_state, strict=True):
                mine.assign(its)
        self._models.move_to_end(key)
        if len(self._models) > self._size:
            self._models.popitem(last=False)
        return old
