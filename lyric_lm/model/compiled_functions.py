"""`compiled_function`: the functions that are compiled for one model beside `fit`'s own, kept with it."""

import threading
from collections.abc import Callable, Hashable
from typing import Any

import keras

from lyric_lm.model.keras_internals import expect_tracing

_MAX_FUNCTIONS = 32  # kept for a model, the latest ones
_NAME = "_compiled_functions"
_lock = threading.Lock()


def compiled_function(model: keras.Model, key: Hashable, make: Callable[[], Any]) -> Any:
    """A model's compiled function, made at its first use; it lives as long as the model.

    Args:
        model: the model; its weights must be read anew at each call.
        key: all that the function depends on, beside the model.
        make: called without arguments where the model has no function of that key; gives a `tf.function`.
    """
    with _lock:
        # Attributes set this way stay out of Keras' tracking of layers and variables.
        functions = model.__dict__.setdefault(_NAME, {})
        if key not in functions:
            functions[key] = expect_tracing(make())
            if len(functions) > _MAX_FUNCTIONS:
                del functions[next(iter(functions))]
        return functions[key]
