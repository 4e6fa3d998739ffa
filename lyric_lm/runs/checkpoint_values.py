"""Plain Python values and NumPy arrays as JSON beside raw bytes: the inside of a checkpoint."""

import math
from typing import Any

import numpy as np

# Written out, so that a file cannot name a type that holds objects.
_INTEGERS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
_DTYPES = frozenset(["bool", *_INTEGERS, "bfloat16", "float16", "float32", "float64"])
_ARRAY, _SCALAR, _TUPLE, _SET, _MAP, _PAIRS = "array", "scalar", "tuple", "set", "map", "pairs"


def not_plain(value: Any) -> type | None:
    """The type of a value, or of something in it, that `pack_value` cannot keep; None where it can.

    It keeps None, booleans, numbers, texts, NumPy arrays and scalars, and lists, tuples, sets and dicts of
    them; no subclass, say a defaultdict, which would come back as what it is derived from.
    """
    if value is None or type(value) in (bool, int, float, str):
        return None
    if type(value) is np.ndarray or isinstance(value, np.generic):
        return None if value.dtype.name in _DTYPES else type(value)
    if type(value) in (list, tuple, set):
        return next((found for entry in value if (found := not_plain(entry)) is not None), None)
    if type(value) is dict:
        return not_plain(list(value)) or not_plain(list(value.values()))
    return type(value)


def pack_value(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    """A JSON-able value; the arrays in it are appended to `arrays` and referred to by position.

    Raises:
        ValueError: the value is not plain.

    >>> arrays = []
    >>> pack_value({"wait": 3, "best_weights": [np.zeros(2)]}, arrays)
    {'map': {'wait': 3, 'best_weights': [{'array': 0}]}}
    >>> pack_value({0: 2.5, 1: 1.5}, arrays)
    {'pairs': [[0, 2.5], [1, 1.5]]}
    """
    if (kind := not_plain(value)) is not None:
        raise ValueError(f"`value` must be plain: numbers, text, arrays. Received: {kind.__name__}")
    if isinstance(value, (np.ndarray, np.generic)):
        arrays.append(np.asarray(value))
        return {_ARRAY if isinstance(value, np.ndarray) else _SCALAR: len(arrays) - 1}
    if isinstance(value, dict):
        if all(type(key) is str for key in value):
            return {_MAP: {key: pack_value(entry, arrays) for key, entry in value.items()}}
        return {_PAIRS: [[pack_value(part, arrays) for part in item] for item in value.items()]}
    if isinstance(value, (list, tuple, set)):
        ordered = sorted(value, key=repr) if isinstance(value, set) else value  # the same in each process
        entries = [pack_value(entry, arrays) for entry in ordered]
        return entries if isinstance(value, list) else {_TUPLE if isinstance(value, tuple) else _SET: entries}
    return value


def unpack_value(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    """The inverse of `pack_value`.

    Raises:
        ValueError: the value is not what `pack_value` makes.
        IndexError: it refers to an array that is not there.
    """
    if isinstance(value, list):
        return [unpack_value(entry, arrays) for entry in value]
    if not isinstance(value, dict):
        return value
    if len(value) != 1:
        raise ValueError("an entry of two kinds")
    kind, content = next(iter(value.items()))
    if kind == _MAP:
        return {key: unpack_value(entry, arrays) for key, entry in content.items()}
    if kind in (_TUPLE, _SET):
        return (tuple if kind == _TUPLE else set)(unpack_value(entry, arrays) for entry in content)
    if kind == _PAIRS:
        return {unpack_value(key, arrays): unpack_value(entry, arrays) for key, entry in content}
    if kind not in (_ARRAY, _SCALAR) or type(content) is not int or content < 0:
        raise ValueError("an entry of unknown kind")
    array = arrays[content]
    return array if kind == _ARRAY else array[()]


class ArrayReader:
    """Arrays cut from raw bytes.

    Args:
        described: for each array a dict of its `dtype` (a name) and `shape` (a list of sizes).
        data: their bytes, little-endian, one after the other, and nothing more.

    Raises:
        ValueError: the descriptions are not such dicts, or do not fit the bytes.
    """

    def __init__(self, described: Any, data: memoryview) -> None:
        self.arrays: list[np.ndarray[Any, Any]] = []
        start = 0
        for entry in described:
            dtype, shape = _dtype(entry["dtype"]), _shape(entry["shape"])
            end = start + dtype.itemsize * math.prod(shape)
            if end > len(data):
                raise ValueError("an array longer than the file")
            flat = np.frombuffer(data[start:end], dtype.newbyteorder("<"))
            self.arrays.append(flat.astype(dtype).reshape(shape))
            start = end
        if start != len(data):
            raise ValueError("bytes that belong to no array")


def _dtype(name: Any) -> np.dtype[Any]:
    if not isinstance(name, str) or name not in _DTYPES:
        raise ValueError("an array of unknown type")
    dtype: np.dtype[Any]
    if name == "bfloat16":
        import ml_dtypes  # comes with TensorFlow

        dtype = np.dtype(ml_dtypes.bfloat16)
    else:
        dtype = np.dtype(name)
    return dtype


def _shape(sizes: Any) -> tuple[int, ...]:
    if not isinstance(sizes, list) or not all(type(size) is int and size >= 0 for size in sizes):
        raise ValueError("an array of no shape")
    return tuple(sizes)
