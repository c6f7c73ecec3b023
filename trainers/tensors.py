"""Copies of many small tensors in few calls, and flags as text."""

import base64
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from searchspace.errors import InputError


@torch.no_grad()
def copy_all(targets: Sequence[Tensor], sources: Sequence[Tensor]) -> None:
    """Copy every source to the target at its place."""
    # One type at a time: only then does a GPU copy all of them at once.
    for dtype in {target.dtype for target in targets}:
        pairs = [pair for pair in zip(targets, sources, strict=True) if pair[0].dtype == dtype]
        torch._foreach_copy_([to for to, _ in pairs], [like for _, like in pairs])


def pack_flags(flags: Tensor) -> str:
    """(N,) bool as text: a bit each, the first in the highest bit of a byte, base64."""
    return base64.b64encode(np.packbits(flags.cpu().numpy()).tobytes()).decode()


def unpack_flags(text: str, count: int) -> np.ndarray:
    """The (count,) bool flags that `pack_flags` made text of."""
    packed = np.frombuffer(base64.b64decode(text), dtype=np.uint8)
    if len(packed) != -(-count // 8):
        raise InputError(f"flags of {count} images take {-(-count // 8)} bytes, got {len(packed)}")
    return np.unpackbits(packed, count=count).astype(bool)
