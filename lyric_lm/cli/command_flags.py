"""A command's flags, read from its dataclass: what its help shows and what its errors name."""

import dataclasses
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from lyric_lm.settings.comments import comments_of

REQUIRED = dataclasses.MISSING  # the default of a flag that has none
_PLACEHOLDERS = {int: "N", float: "X", str: "TEXT", Path: "PATH"}


class Flag(NamedTuple):
    """One flag: `--name PLACEHOLDER`, what it does, and what it is where it is not given."""

    name: str  # the field's
    placeholder: str
    text: str
    default: Any

    @property
    def spelling(self) -> str:
        """As it is typed; a switch that is on by default is typed to turn it off."""
        flag = "--" + ("no-" if self.default is True else "") + self.name.replace("_", "-")
        return f"{flag} {self.placeholder}".rstrip()


class FlagGroup(NamedTuple):
    """Flags that belong together."""

    heading: str  # empty for those of the command itself
    flags: list[Flag]


def flag_groups(command: type, default: Any = None) -> list[FlagGroup]:
    """A command's own flags and those of the settings that it is made of, as they stand in its dataclasses.

    Args:
        command: its dataclass.
        default: an instance whose values are the defaults; None takes the dataclass' own.
    """
    groups = list(_groups(command, default, ""))
    return [group for group in groups if group.flags]


def _groups(part: type, default: Any, heading: str) -> Iterator[FlagGroup]:
    kinds, comments = typing.get_type_hints(part, include_extras=True), _comments(part)
    own: list[Flag] = []
    nested: list[FlagGroup] = []
    for field in dataclasses.fields(part):
        kind = kinds[field.name]
        value = getattr(default, field.name) if default is not None else _default(field)
        if dataclasses.is_dataclass(kind):
            text = comments.get(field.name) or (kind.__doc__ or "").partition("\n\n")[0]
            given = None if value is REQUIRED else value
            nested.extend(_groups(typing.cast(type, kind), given, text[:1].upper() + text[1:]))
        else:
            own.append(Flag(_name(field.name, kind), _placeholder(kind), comments.get(field.name, ""), value))
    yield FlagGroup(heading, own)
    yield from nested


def _comments(part: type) -> dict[str, str]:
    hints = typing.get_type_hints(part, include_extras=True)
    given = {name: kind.__metadata__[0].help for name, kind in hints.items() if hasattr(kind, "__metadata__")}
    return {name: text for name, text in given.items() if text} or comments_of(part)


def _name(field: str, kind: Any) -> str:
    """The flag's, where it differs from the field's: `from` is no name in Python."""
    metadata = getattr(kind, "__metadata__", ())
    return next((arg.name for arg in metadata if arg.name), field)


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _placeholder(kind: Any) -> str:
    """The value as help writes it; empty for a switch.

    >>> _placeholder(tuple[int, ...] | None), _placeholder(typing.Literal["a", "b"]), _placeholder(bool)
    ('N ...', '{a,b}', '')
    """
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _placeholder(parts[0])
    if origin is typing.Literal:
        return "{" + ",".join(parts) + "}"
    if origin is tuple:
        return f"{_placeholder(parts[0])} ..."
    if origin in (types.UnionType, typing.Union):  # of what may be given the longest says the most
        return max((_placeholder(part) for part in parts if part is not types.NoneType), key=_weight)
    return _PLACEHOLDERS.get(kind, "")


def _weight(placeholder: str) -> tuple[bool, bool]:
    return placeholder.endswith("..."), not placeholder.startswith("{")
