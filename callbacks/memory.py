"""What a callback remembers: it says so itself, in `state_dict` and `load_state_dict`."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

import keras

from lyric_lm.callbacks import keras_internals
from lyric_lm.runs.checkpoint_values import not_plain


@runtime_checkable
class Remembers(Protocol):
    """What a callback must have to be remembered; Keras' own need not.

    Its state is what a new callback with the same settings lacks at the end of an epoch: numbers, texts,
    arrays, and lists, tuples, sets and dicts of them.

    >>> class Best(keras.callbacks.Callback):
    ...     losses: dict[int, float] = {}
    ...
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         self.losses = {**self.losses, epoch: logs["loss"]}
    ...
    ...     def state_dict(self):
    ...         return {"losses": self.losses}
    ...
    ...     def load_state_dict(self, state):
    ...         self.losses = state["losses"]
    >>> isinstance(Best(), Remembers)
    True
    """

    def state_dict(self) -> dict[str, Any]:
        """What to keep, asked for at the end of an epoch."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` returned, after `on_train_begin` and before the first epoch."""


def says_what_it_remembers(callback: Any) -> bool:
    """Whether the memory of a callback can be kept; `EarlyStopping`'s can, as most of Keras' own."""
    return isinstance(callback, Remembers) or keras_internals.is_known(callback)


def has_memory(callback: Any) -> bool:
    """Whether a callback says what it remembers, and may remember something."""
    return isinstance(callback, Remembers) or keras_internals.has_memory(callback)


def names_of(callbacks: Iterable[Any]) -> str:
    """The names of the callbacks' classes, for a sentence."""
    return ", ".join(type(callback).__name__ for callback in callbacks)


def _check_only_way_to_go_on(callbacks: Iterable[Any]) -> None:
    if any(isinstance(callback, keras.callbacks.BackupAndRestore) for callback in callbacks):
        raise ValueError("BackupAndRestore goes on with a training too: use it or ExactResume, not both.")


def check_rememberable(callbacks: Iterable[Any]) -> None:
    """Refuse a callback that does not say what it remembers.

    Raises:
        ValueError: names all of them, and the cure.
    """
    callbacks = list(callbacks)
    _check_only_way_to_go_on(callbacks)
    silent = [callback for callback in callbacks if not says_what_it_remembers(callback)]
    if silent:
        raise ValueError(
            "`remember` must hold callbacks that say what they remember: give them the methods "
            "`state_dict()` and `load_state_dict(state)`, or leave them out if they remember nothing. "
            f"Received: {names_of(silent)}"
        )


def whose_memory_to_keep(
    remember: list[Any] | None, others: Sequence[Any] | None, *, report: Callable[[str], object]
) -> list[Any]:
    """The callbacks whose memory `ExactResume` keeps; whose it does not is reported.

    Args:
        remember: those that the user named; None: all that say what they remember.
        others: all callbacks of the `fit`, apart from `ExactResume`; None: not known.
        report: called with a sentence.

    Raises:
        ValueError: as for `check_rememberable`.
    """
    if others is None:
        if remember is None:
            report(
                "ExactResume keeps no other callback's memory here, as only RNNModel.fit says which it has: "
                "name them in `remember`, [] if none has a memory."
            )
    else:
        _check_only_way_to_go_on(others)
        if remember is None:
            remember = [callback for callback in others if has_memory(callback)]
            if silent := [callback for callback in others if not says_what_it_remembers(callback)]:
                report(
                    f"ExactResume does not keep what these callbacks may remember: {names_of(silent)}. "
                    "Give them `state_dict()` and `load_state_dict(state)`, or, if they remember nothing, "
                    "name all others in `remember`."
                )
        elif left_out := [c for c in others if has_memory(c) and c not in remember]:
            report(
                f"ExactResume does not keep what these callbacks remember: {names_of(left_out)}. "
                "Name them in `remember`, or leave it out to keep all."
            )
    check_rememberable(remember or [])
    return remember or []


def state_of(callback: Any) -> dict[str, Any]:
    """What a callback remembers.

    Raises:
        ValueError: something in it cannot be kept.
    """
    is_ours = isinstance(callback, Remembers)
    state: Any = callback.state_dict() if is_ours else keras_internals.state_of(callback)
    name = type(callback).__name__
    if type(state) is not dict:
        raise ValueError(f"`{name}.state_dict()` must return a dict. Received: {type(state).__name__}")
    for key, value in state.items():
        if (kind := not_plain(value)) is not None:
            raise ValueError(
                f"ExactResume cannot keep `{key}` of {name}: it must be a number, a text, an array, or a "
                f"list, tuple, set or dict of them. Received: {kind.__name__}"
            )
    return state


def load_state(callback: Any, state: dict[str, Any]) -> None:
    """Give a callback its memory back."""
    if isinstance(callback, Remembers):
        callback.load_state_dict(state)
    else:
        keras_internals.load_state(callback, state)
