"""One image file as RGB pixels of 8 bits; whatever is wrong with it is one sentence."""

import struct
from pathlib import Path

import numpy as np
from PIL import Image

from searchspace.errors import InputError

BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, MemoryError)
"""What Pillow raises for files that are no images, end early or are damaged."""


def read_rgb(path: str | Path) -> Image.Image:
    """The image in RGB, 8 bits a channel; grey images get three equal channels.

    16-bit grey is scaled to 8 bits. An InputError names a file that is missing, not a regular file,
    damaged, has pixels of 32 bits (whose range is unknown), or is so large when decoded that
    Pillow takes it for a decompression bomb.
    """
    try:
        # Opening a pipe would wait for ever.
        if not Path(path).is_file():
            raise InputError(f"{path} is missing or not an image; restore it")
        with Image.open(path) as file:
            if file.mode in ("I", "F"):
                raise InputError(
                    f"{path} has pixels of 32 bits, whose range is unknown; save it with 8 or 16 "
                    "bits a channel"
                )
            if file.mode.startswith("I;16"):
                scaled = np.asarray(file).astype(np.float64) / 257
                return Image.fromarray(scaled.round().astype(np.uint8)).convert("RGB")
            return file.convert("RGB")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"{path} is too large an image: {error}") from None
    except InputError:
        raise
    except BROKEN:
        raise InputError(f"{path} is missing or not an image; restore it") from None
