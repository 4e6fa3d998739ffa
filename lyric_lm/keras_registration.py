"""`register_with_keras`: `import lyric_lm`, quick as it is, lets Keras load our models.

Keras finds the class that a model file names in its registry. Ours stands there as soon as its module is
imported, which imports TensorFlow; until then a stand-in does.
"""

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any


def register_with_keras(package: str, name: str, *, home: str) -> None:
    """Put a stand-in for a class into Keras' registry: now, or, if Keras is not imported yet, once it is.

    Args:
        package: what the class is registered under, together with its name.
        name: of the class.
        home: the module whose import registers the class itself.
    """

    class StandIn:
        @classmethod
        def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
            real = getattr(importlib.import_module(home), name)
            return real.from_config(config, custom_objects)

        def get_config(self) -> dict[str, Any]:
            raise NotImplementedError  # Keras registers nothing that lacks it, and does not call it

    def register(keras: Any) -> None:
        if keras.saving.get_registered_object(f"{package}>{name}") is None:
            keras.saving.register_keras_serializable(package, name)(StandIn)

    if sys.modules.get("keras") is not None:
        register(sys.modules["keras"])
    else:
        sys.meta_path.insert(0, _AfterImport("keras", register))


class _AfterImport(importlib.abc.MetaPathFinder):
    """Finds a module as the other finders do, and calls a function with it once it has been imported."""

    def __init__(self, name: str, call: Callable[[ModuleType], None]) -> None:
        self._name, self._call = name, call

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        found = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is not None and spec.loader is not None:
            self._hook(spec.loader)
        return spec

    def _hook(self, loader: Any) -> None:
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            sys.meta_path.remove(self)
            self._call(module)

        loader.exec_module = exec_module
