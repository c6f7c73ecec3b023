"""Pickles that hold arrays of whole numbers, read without running what else a pickle may ask for.

The archives of CIFAR and ImageNet32x32 are pickles. Unpickling can run any code, and numpy's own
part of it is not safe with made-up data types: objects in their fields end in a crash of the
interpreter. Here a pickle gets stand-ins for `dtype` and `ndarray` that take plain types only.
"""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PLAIN = {"u1": "u1", "i8": "i8", "f8": "f8"}
"""Types that an array may have: bytes, 64-bit integers, and doubles for the mean image."""


class _PlainType:
    """Stands for a numpy dtype."""

    def __init__(self, code: object, *_settings: object) -> None:
        if code not in PLAIN:
            raise pickle.UnpicklingError(f"it holds an array of type {str(code)[:40]!r}")
        self.dtype = np.dtype(PLAIN[str(code)])

    def __setstate__(self, state: object) -> None:
        # Version, byte order, sub-array, names, fields, ...: the last three make structured types.
        if (
            not isinstance(state, tuple)
            or len(state) < 5
            or state[1] not in ("<", "|", "=")
            or any(state[2:5])
        ):
            raise pickle.UnpicklingError("it holds an array of a structured type")


class _PlainArray:
    """Stands for a numpy array until its content is known."""

    def __init__(self, *_settings: object) -> None:
        self.array: NDArray[Any] | None = None

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise pickle.UnpicklingError("it holds an array without content")
        _version, shape, kind, by_columns, content = state
        if isinstance(content, str):
            # Written by Python 2, whose strings were bytes.
            content = content.encode("latin1")
        self.array = _array(content, kind, shape, "F" if by_columns else "C")


def _array(content: object, kind: object, shape: object, order: Any = "C") -> NDArray[Any]:
    if not isinstance(kind, _PlainType) or not isinstance(content, bytes | bytearray):
        raise pickle.UnpicklingError("it holds an array that is not of plain numbers")
    # Of a copy that may be written to; a ValueError if the shape does not fit the content.
    return np.frombuffer(bytearray(content), kind.dtype).reshape(shape, order=order)  # type: ignore[call-overload]


def _encoded(text: object, encoding: object) -> bytes:
    """Bytes, as protocol 2 writes them."""
    if not isinstance(text, str) or encoding != "latin1":
        raise pickle.UnpicklingError("it holds a text in another encoding than latin1")
    return text.encode("latin1")


class _ArrayUnpickler(pickle.Unpickler):
    STAND_INS = {
        "ndarray": _PlainArray,
        "dtype": _PlainType,
        "_reconstruct": _PlainArray,
        "_frombuffer": _array,
    }
    MODULES = frozenset(
        f"numpy{name}"
        for name in ("", ".core.multiarray", "._core.multiarray", ".core.numeric", "._core.numeric")
    )

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("_codecs", "encode"):
            return _encoded
        if module in self.MODULES and name in self.STAND_INS:
            return self.STAND_INS[name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def read_pickle(path: Path) -> dict[str, Any]:
    """The dictionary in a file; values are numbers, text, lists of them, and arrays.

    Raises pickle.UnpicklingError for anything else, an OSError if the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = _ArrayUnpickler(file, encoding="latin1").load()
    except OSError:
        raise
    except Exception as error:
        # Damaged pickles raise errors of many kinds: IndexError, AttributeError, MemoryError, ...
        raise pickle.UnpicklingError(str(error) or type(error).__name__) from None
    if not isinstance(content, dict):
        raise pickle.UnpicklingError(f"it holds a {type(content).__name__}")
    return {
        str(name): value.array if isinstance(value, _PlainArray) else value
        for name, value in content.items()
    }
