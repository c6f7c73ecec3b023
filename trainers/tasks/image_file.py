"""One image file as RGB pixels of 8 bits; whatever is wrong with it is one sentence."""

import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from searchspace.errors import InputError

GREY_MODES = ("1", "L", "LA")
BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, MemoryError)
"""What Pillow raises for files that are no images, end early or are damaged."""


def read_rgb(path: str | Path) -> Image.Image:
    """The image in RGB, 8 bits a channel; grey images get three equal channels.

    16-bit grey is scaled to 8 bits. An InputError names a file that is missing, not a regular file,
    damaged, has pixels of 32 bits (whose range is unknown), or is so large when decoded that
    Pillow takes it for a decompression bomb.
    """
    # Opening a pipe would wait for ever.
    if not Path(path).is_file():
        raise InputError(f"{path} is missing or not an image; restore it")
    return decoded(path, str(path)).convert("RGB")


def decoded(file: str | Path | BinaryIO, where: str) -> Image.Image:
    """The image in a file, grey or RGB, 8 bits a channel; `where` names it in an InputError."""
    try:
        with Image.open(file) as image:
            return eight_bit(image, where)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"{where} is too large an image: {error}") from None
    except InputError:
        raise
    except BROKEN:
        raise InputError(f"{where} is missing or not an image; restore it") from None


def eight_bit(image: Image.Image, where: str) -> Image.Image:
    """An image of any mode as grey or RGB with 8 bits a channel; 16-bit grey is scaled."""
    if image.mode in ("I", "F"):
        raise InputError(
            f"{where} has pixels of 32 bits, whose range is unknown; save it with 8 or 16 bits a "
            "channel"
        )
    if image.mode.startswith("I;16"):
        scaled = np.asarray(image).astype(np.float64) / 257
        return Image.fromarray(scaled.round().astype(np.uint8))
    return image.convert("L" if image.mode in GREY_MODES else "RGB")
