"""The IDX files of MNIST and its successors: bytes with their shape, compressed by gzip or not."""

import gzip
import zlib
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from searchspace.errors import InputError
from searchspace.serialization.files import check_regular

UNSIGNED_BYTES = 8
"""The code of the only element type that these sets use."""
_DAMAGE = (OSError, EOFError, zlib.error)


def read_idx(path: Path, dimensions: int) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    """The array of a file, which must have that many dimensions.

    An InputError names a file that is missing, damaged, cut short or of another form.
    """
    check_regular(path)
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            head = file.read(4 + 4 * dimensions)
            if len(head) < 4 + 4 * dimensions or head[:4] != bytes(
                [0, 0, UNSIGNED_BYTES, dimensions]
            ):
                raise InputError(f"{path} is not an IDX file of bytes in {dimensions} dimensions")
            shape = tuple(int(n) for n in np.frombuffer(head, ">u4", offset=4))
            content = file.read(prod(shape) + 1)
    except _DAMAGE as error:
        raise InputError(f"{path} is damaged or cut short ({error}); fetch it again") from None
    if len(content) != prod(shape):
        raise InputError(
            f"{path} must hold {prod(shape):,} bytes after its header, as the header says, and "
            f"has {'more' if len(content) > prod(shape) else f'{len(content):,}'}; fetch it again"
        )
    return np.frombuffer(bytearray(content), np.uint8).reshape(shape)
