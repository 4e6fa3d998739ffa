"""Check values from a file against the types that a settings dataclass declares."""

import types
import typing
from typing import Any, Literal


def check_field_types(settings: type, values: dict[str, Any]) -> None:
    """Refuse a value that its field's type does not allow; a dataclass itself takes anything.

    Args:
        settings: a dataclass whose fields are bool, int, float, str, tuples of str, literals, or None.
        values: some of its fields' values, by name.

    Raises:
        ValueError: a value is of another type, or a name is no field.

    >>> from lyric_lm.settings.config import ModelConfig
    >>> check_field_types(ModelConfig, {"hidden_size": True})
    Traceback (most recent call last):
    ValueError: `hidden_size` must be int. Received: hidden_size=True
    """
    declared = typing.get_type_hints(settings)
    for name, value in values.items():
        if name not in declared:
            raise ValueError(f"`{name:.40}` is not a setting of {settings.__name__}.")
        if not _allows(declared[name], value):
            kind = getattr(declared[name], "__name__", None) or str(declared[name])
            raise ValueError(f"`{name}` must be {kind}. Received: {name}={value!r:.80}")


def _allows(declared: Any, value: Any) -> bool:
    kind = typing.get_origin(declared)
    if kind is Literal:
        return isinstance(value, str) and value in typing.get_args(declared)
    if kind in (types.UnionType, typing.Union):
        return any(_allows(option, value) for option in typing.get_args(declared))
    if kind is tuple:
        return isinstance(value, tuple) and all(isinstance(entry, str) for entry in value)
    if declared is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return type(value) is declared or (declared is types.NoneType and value is None)
