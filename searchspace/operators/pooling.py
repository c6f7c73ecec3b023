"""Averages over regions of a map at several scales, and back, as matrix products.

Over flattened positions, pooling and nearest upsampling are linear maps with small matrices, so all
scales take one product each. They count as the pooling and upsampling that they are: no MACs.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from searchspace.counting import CountedModule, Shape

Strategy = Literal["regional", "sliding"]
Scales = tuple[int, ...]
Size = tuple[int, int]
Matrix = Callable[[Scales, Size, torch.device, torch.dtype], Tensor]


class AverageRegions(CountedModule):
    """The map averaged at each scale K: over K x K regions, or over a ball around each position."""

    def __init__(self, scales: Scales, strategy: Strategy) -> None:
        super().__init__()
        self.scales = scales
        self.strategy: Strategy = strategy

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(N, C, H, W) to one (N, C, K, K) (regional) or (N, C, H, W) (sliding) for each scale."""
        size, regional = _size(x), self.strategy == "regional"
        make = average_matrix if regional else ball_matrix
        pooled = x.flatten(2) @ _matrix(make, self.scales, size, x)
        sizes = [(k, k) if regional else size for k in self.scales]
        parts = pooled.split([height * width for height, width in sizes], 2)
        return tuple(part.unflatten(2, to) for part, to in zip(parts, sizes, strict=True))

    def macs(self, *shapes: Shape) -> int:
        """None: pooling is not counted, whichever way it is computed."""
        return 0


class SpreadRegions(CountedModule):
    """The mean over the scales of maps brought to one size by nearest upsampling."""

    def __init__(self, scales: Scales, strategy: Strategy) -> None:
        super().__init__()
        self.scales = scales
        self.strategy: Strategy = strategy

    def forward(self, *maps: Tensor) -> Tensor:
        """The averages' (N, D, ...) maps, then one of the size wanted, to (N, D, H, W)."""
        *parts, like = maps
        if self.strategy == "sliding":
            return torch.stack(parts).mean(0)
        flat = torch.cat([part.flatten(2) for part in parts], 2)
        size = _size(like)
        return (flat @ _matrix(spread_matrix, self.scales, size, flat)).unflatten(2, size)

    def macs(self, *shapes: Shape) -> int:
        """None: upsampling is not counted, whichever way it is computed."""
        return 0


def _size(x: Tensor) -> Size:
    # Under torch.jit.trace sizes are tensors, which would not do as keys of a cache.
    return int(x.shape[2]), int(x.shape[3])


def _matrix(make: Matrix, scales: Scales, size: Size, like: Tensor) -> Tensor:
    """`make`'s matrix for maps of one size, with the device and dtype of `like`."""
    if torch.compiler.is_compiling():
        # What a compiler traces must not outlive the trace, as a cached tensor would.
        return make(scales, size, like.device, like.dtype)
    return _cached(make, scales, size, like.device, like.dtype)


@lru_cache(maxsize=64)
def _cached(
    make: Matrix, scales: Scales, size: Size, device: torch.device, dtype: torch.dtype
) -> Tensor:
    # A tensor made in inference mode could not be saved for a later backward pass.
    with torch.inference_mode(False), torch.no_grad():
        return make(scales, size, device, dtype)


def average_matrix(scales: Scales, size: Size, device: torch.device, dtype: torch.dtype) -> Tensor:
    """(H*W, sum of K^2): adaptive average pooling to K x K for each scale K."""
    blocks = []
    for k in scales:
        # A region is a product of intervals, so its average is one over rows, then columns.
        rows, columns = (
            F.adaptive_avg_pool1d(torch.eye(side, device=device, dtype=_precise(dtype))[None], k)[0]
            for side in size
        )
        blocks.append(torch.kron(rows, columns))
    return torch.cat(blocks, 1).to(dtype)


def spread_matrix(scales: Scales, size: Size, device: torch.device, dtype: torch.dtype) -> Tensor:
    """(sum of K^2, H*W): nearest upsampling from K x K for each scale K, divided by |scales|."""
    blocks = []
    for k in scales:
        eye = torch.eye(k, device=device, dtype=_precise(dtype))[None]
        rows, columns = (F.interpolate(eye, side, mode="nearest")[0] for side in size)
        blocks.append(torch.kron(rows, columns))
    return (torch.cat(blocks) / len(scales)).to(dtype)


def ball_matrix(scales: Scales, size: Size, device: torch.device, dtype: torch.dtype) -> Tensor:
    """(H*W, |scales|*H*W): for each K, the average over an L1 ball of radius sqrt(WH)/K."""
    height, width = size
    rows, columns = (torch.arange(side, device=device) for side in size)
    down, across = ((side[:, None] - side).abs() for side in (rows, columns))
    distance = (down[:, None, :, None] + across[None, :, None, :]).reshape(height * width, -1)
    blocks = []
    for k in scales:
        # Squared, the comparison is one of whole numbers.
        near = ((distance * k) ** 2 <= height * width).to(_precise(dtype))
        blocks.append(near / near.sum(0))
    return torch.cat(blocks, 1).to(dtype)


def _precise(dtype: torch.dtype) -> torch.dtype:
    """Single precision for half types, whose matrices are rounded once, at the end."""
    return torch.promote_types(dtype, torch.float32)
