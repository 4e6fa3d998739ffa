"""`SettingValues`: the flags of a training's settings, of which a search takes several values each."""

import dataclasses
import types
import typing
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from lyric_lm.settings.comments import comments_of
from lyric_lm.settings.config import ModelConfig, OptimizerConfig, TrainConfig

_ONE_VALUE = ("tie_embeddings", "rotate", "epochs", "patience", "seed")
_HELP = """The network and how it learns: one value sets it, several are tried.

Two values of --learning-rate and of --clipping-theta are the lowest and the highest of an interval. Without a
--learning-rate, a tenth to ten times what suits the optimizer is.
"""
_PARTS = (ModelConfig, OptimizerConfig)


def values_of(config: TrainConfig) -> dict[str, Any]:
    """A training's settings as `SettingValues` has them: one value each, None where there is none."""
    settings = {**dataclasses.asdict(config.model), **dataclasses.asdict(config.optimizer)}
    return {n: v if v is None or n in _ONE_VALUE else (v,) for n, v in settings.items()}


def first_of(values: Any) -> dict[str, Any]:
    """Of each setting its first value."""
    return {n: v[0] if isinstance(v, tuple) else v for n, v in vars(values).items()}


def several_of(values: Any) -> dict[str, tuple[Any, ...]]:
    """The values of the settings that may vary and have any."""
    return {n: v for n, v in vars(values).items() if isinstance(v, tuple)}


def _new_class() -> type:
    fields = []
    defaults = values_of(TrainConfig())
    for part in _PARTS:
        comments, kinds = comments_of(part), typing.get_type_hints(part)
        for field in dataclasses.fields(part):
            kind = kinds[field.name] if field.name in _ONE_VALUE else _several(kinds[field.name])
            flag = tyro.conf.arg(help=comments[field.name])
            fields.append(
                (field.name, Annotated[kind, flag], dataclasses.field(default=defaults[field.name]))
            )
    namespace = {"__post_init__": _refuse_nothing, "__doc__": _HELP}
    return dataclasses.make_dataclass("SettingValues", fields, namespace=namespace, frozen=True)


def _several(kind: Any) -> Any:
    options = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    (one,) = (option for option in options if option is not types.NoneType)
    several = tuple[one, ...]  # type: ignore[valid-type]
    return several | None if len(options) > 1 else several


def _refuse_nothing(values: Any) -> None:
    for name, value in vars(values).items():
        if value == ():
            raise ValueError(f"`{name}` must have a value. Received: none")


if TYPE_CHECKING:

    @dataclasses.dataclass(frozen=True, init=False)
    class SettingValues:
        """Its fields are those of `ModelConfig` and `OptimizerConfig`, most of them tuples."""

        def __init__(self, **values: Any) -> None: ...
        def __getattr__(self, name: str) -> Any: ...

else:
    SettingValues = _new_class()
