"""Averages over regions of a map at several scales, and back, as matrix products.

Over flattened positions, pooling and nearest upsampling are linear maps with small matrices, so all
scales take one product each. They count as the pooling and upsampling that they are: no MACs.
"""

from collections.abc import Callable
from functools import lru_cache
from math import lcm
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from searchspace.layers.counted_module import CountedModule, Shape

Strategy = Literal["regional", "sliding"]
Scales = tuple[int, ...]
Size = tuple[int, int]
SMALL = 64
"""Positions up to which a map is small."""
Matrix = Callable[[Scales, Size, torch.device, torch.dtype], Tensor]


def region_averages(x: Tensor, scales: Scales) -> Tensor:
    """(N, C, H, W) to (N, sum of K^2, C), for each scale K the average of each of K x K regions.

    A product per sample: no copy, whichever way the map lies in memory. Inside a `CountedModule`,
    or a counter would take it for work.
    """
    return _product(_matrix(average_matrix, scales, _size(x), x), x.flatten(2).transpose(1, 2))


class AverageRegions(CountedModule):
    """The map averaged at each scale K: over K x K regions, or over a ball around each position."""

    def __init__(self, scales: Scales, strategy: Strategy) -> None:
        super().__init__()
        self.scales = scales
        self.strategy: Strategy = strategy

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(N, C, H, W) to a row for each region of each scale, positions being K*K or H*W.

        (positions*N, C); (N, positions, C) if the map's channels are innermost in memory.
        """
        size, chs = _size(x), x.shape[1]
        innermost = x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
        if innermost:
            # A product per sample, for the map would have to be copied for a single one.
            flat = x.flatten(2).transpose(1, 2)
        else:
            # Positions first: products of this shape are faster, and what follows reads rows.
            flat = x.flatten(2).flatten(0, 1).t()
        if self.strategy == "sliding":
            flat = _product(_matrix(ball_matrix, self.scales, size, x), flat)
            counts = [size[0] * size[1]] * len(self.scales)
        else:
            grid = _grid(self.scales, size)
            if grid != size:
                flat = _product(_matrix(average_matrix, grid[:1], size, x), flat)
            flat = _product(_matrix(average_matrix, self.scales, grid, x), flat)
            counts = [k * k for k in self.scales]
        if innermost:
            return flat.split(counts, 1)
        return tuple(part.reshape(-1, chs) for part in flat.split(counts))

    def macs(self, *shapes: Shape) -> int:
        """None: pooling is not counted, whichever way it is computed."""
        return 0


class SpreadRegions(CountedModule):
    """The mean over the scales, brought to one size by nearest upsampling."""

    def __init__(self, scales: Scales, strategy: Strategy) -> None:
        super().__init__()
        self.scales = scales
        self.strategy: Strategy = strategy

    def forward(self, rows: Tensor, like: Tensor) -> Tensor:
        """The rows of all scales to (N, D, H, W), N, H and W those of `like`.

        (positions*N, D), or (N, positions, D), which gives a map with its channels innermost.
        """
        size, scales = _size(like), self.scales
        innermost = rows.dim() == 3
        if self.strategy == "sliding":
            if innermost:
                return rows.unflatten(1, (len(scales), *size)).mean(1).permute(0, 3, 1, 2)
            return rows.view(len(scales), size[0] * size[1], -1).mean(0).t().view_as(like)
        flat = rows if innermost else rows.view(sum(k * k for k in scales), -1)
        grid = _grid(scales, size)
        if grid != size:
            flat = _product(_matrix(spread_matrix, scales, grid, rows).t(), flat)
            scales = grid[:1]
        matrix = _matrix(spread_matrix, scales, size, rows)
        if innermost:
            return _product(matrix.t(), flat).transpose(1, 2).unflatten(2, size)
        return (flat.t() @ matrix).view_as(like)

    def macs(self, *shapes: Shape) -> int:
        """None: upsampling is not counted, whichever way it is computed."""
        return 0


def _product(matrix: Tensor, flat: Tensor) -> Tensor:
    """`matrix` times (positions, M), or times each of (N, positions, C)."""
    if flat.dim() == 2:
        return matrix @ flat
    return torch.bmm(matrix.expand(flat.shape[0], -1, -1), flat)


def _grid(scales: Scales, size: Size) -> Size:
    """The coarsest grid with the regions of all scales made of whole cells, if that saves work.

    On small maps it saves less than the second product costs.
    """
    side = lcm(*scales)
    fits = all(length % side == 0 for length in size) and size[0] * size[1] > SMALL
    return (side, side) if fits and side * side < sum(k * k for k in scales) else size


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
    """(sum of K^2, H*W): adaptive average pooling to K x K for each scale K."""
    eyes = [torch.eye(side, device=device, dtype=_precise(dtype))[None] for side in size]
    blocks = []
    for k in scales:
        # A region is a product of intervals, so its average is one over rows, then columns.
        rows, columns = (F.adaptive_avg_pool1d(eye, k)[0].t() for eye in eyes)
        blocks.append(torch.kron(rows, columns))
    return torch.cat(blocks).to(dtype)


def spread_matrix(scales: Scales, size: Size, device: torch.device, dtype: torch.dtype) -> Tensor:
    """(sum of K^2, H*W): nearest upsampling from K x K for each scale K, divided by |scales|."""
    blocks = []
    for k in scales:
        eye = torch.eye(k, device=device, dtype=_precise(dtype))[None]
        rows, columns = (F.interpolate(eye, side, mode="nearest")[0] for side in size)
        blocks.append(torch.kron(rows, columns))
    return (torch.cat(blocks) / len(scales)).to(dtype)


def ball_matrix(scales: Scales, size: Size, device: torch.device, dtype: torch.dtype) -> Tensor:
    """(|scales|*H*W, H*W): for each K, the average over an L1 ball of radius sqrt(WH)/K."""
    height, width = size
    rows, columns = (torch.arange(side, device=device) for side in size)
    down, across = ((side[:, None] - side).abs() for side in (rows, columns))
    distance = (down[:, None, :, None] + across[None, :, None, :]).reshape(height * width, -1)
    blocks = []
    for k in scales:
        # Squared, the comparison is one of whole numbers.
        near = ((distance * k) ** 2 <= height * width).to(_precise(dtype))
        blocks.append(near / near.sum(1, keepdim=True))
    return torch.cat(blocks).to(dtype)


def _precise(dtype: torch.dtype) -> torch.dtype:
    """Single precision for half types, whose matrices are rounded once, at the end."""
    return torch.promote_types(dtype, torch.float32)
