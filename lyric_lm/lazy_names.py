"""`lazy_names`: a package's public names, imported on first use.

So `import lyric_lm` and `lyric-lm --help` need not wait for TensorFlow.
"""

import ast
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def lazy_names(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The module-level `__getattr__` and `__dir__` (PEP 562) of a package.

    Which module defines each name stands in the package itself, in the imports below `if TYPE_CHECKING:`. No
    module is called as its name is: importing it would put the module in the name's place.

    Args:
        package: its full name; it is being imported.

    >>> get, names = lazy_names("lyric_lm")
    >>> "CopyIndex" in names(), get("CopyIndex").__name__
    (True, 'CopyIndex')
    """
    tree = ast.parse(Path(str(sys.modules[package].__file__)).read_text(encoding="utf-8"))
    blocks = [node.body for node in tree.body if isinstance(node, ast.If)]
    imports = [node for body in blocks for node in body if isinstance(node, ast.ImportFrom)]
    homes = {alias.name: str(node.module) for node in imports for alias in node.names}

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)  # asked once; and tools that read `__dict__` find it
        return value

    return get, lambda: sorted(
        {*homes, *(name for name in vars(sys.modules[package]) if name.startswith("__"))}
    )
