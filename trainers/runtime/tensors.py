"""Copies of many small tensors in few calls."""

from collections.abc import Sequence

import torch
from torch import Tensor


@torch.no_grad()
def copy_all(targets: Sequence[Tensor], sources: Sequence[Tensor]) -> None:
    """Copy every source to the target at its place."""
    # One type at a time: only then does a GPU copy all of them at once.
    for dtype in {target.dtype for target in targets}:
        pairs = [pair for pair in zip(targets, sources, strict=True) if pair[0].dtype == dtype]
        torch._foreach_copy_([to for to, _ in pairs], [like for _, like in pairs])
