"""`lazy_names`: a package's public names, imported on first use.

So `import lyric_lm` and `lyric-lm --help` need not wait for TensorFlow.
"""

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def lazy_names(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The module-level `__getattr__` and `__dir__` (PEP 562) of a package.

    Args:
        package: its full name.
        homes: for each public name the module, below the package, that defines it. No module is called as its
            name is: importing it would put the module in the name's place.

    >>> get, names = lazy_names("lyric_lm", {"CopyIndex": "originality.copy_index"})
    >>> "CopyIndex" in names(), get("CopyIndex").__name__
    (True, 'CopyIndex')
    """

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)

    return get, lambda: sorted(
        {*homes, *(name for name in vars(sys.modules[package]) if name.startswith("__"))}
    )
