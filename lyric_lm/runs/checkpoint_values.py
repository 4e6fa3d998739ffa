"""Plain Python values and NumPy arrays as JSON beside raw bytes: the inside of a checkpoint."""

import math
from typing import Any

import numpy as np

# Written out, so that a file cannot name a type that holds objects.
_INTEGERS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
_DTYPES = frozenset(["bool", *_INTEGERS, "bfloat16", "float16", "float32", "float64"])
_ARRAY, _SCALAR, _TUPLE, _MAP = "array", "scalar", "tuple", "map"


def is_plain(value: Any) -> bool:
    """Whether `pack_value` can keep a value: numbers, text, arrays, and lists, tuples and dicts of them."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return True
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.name in _DTYPES
    if isinstance(value, (list, tuple)):
        return all(map(is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_plain(entry) for key, entry in value.items())
    return False


def pack_value(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    """A JSON-able value; the arrays in it are appended to `arrays` and referred to by position.

    Raises:
        ValueError: the value is not plain.

    >>> arrays = []
    >>> pack_value({"wait": 3, "best_weights": [np.zeros(2)]}, arrays)
    {'map': {'wait': 3, 'best_weights': [{'array': 0}]}}
    """
    if not is_plain(value):
        raise ValueError(f"`value` must be plain: numbers, text, arrays. Received: {type(value).__name__}")
    if isinstance(value, (np.ndarray, np.generic)):
        arrays.append(np.asarray(value))
        return {_ARRAY if isinstance(value, np.ndarray) else _SCALAR: len(arrays) - 1}
    if isinstance(value, dict):
        return {_MAP: {key: pack_value(entry, arrays) for key, entry in value.items()}}
    if isinstance(value, tuple):
        return {_TUPLE: [pack_value(entry, arrays) for entry in value]}
    if isinstance(value, list):
        return [pack_value(entry, arrays) for entry in value]
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
    if kind == _TUPLE:
        return tuple(unpack_value(entry, arrays) for entry in content)
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
