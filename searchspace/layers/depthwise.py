"""Depthwise convolution with gradients that are fast on a CPU.

oneDNN, which computes torch's convolutions on x86, has a fast weight gradient for depthwise kernels
of up to three columns, whatever their height, and for maps that are not tiny; all others take many
times as long as the forward pass, and most of the time of a training step. So wider kernels are put
together from stripes of three columns, and on tiny maps the gradients are sums over products of
positions. Its input gradient takes twice as long as its forward pass, which computes the same with
the kernel turned around. In lower precisions the input gradient of a stride above 1 takes a hundred
times as long as in single precision, and the others gain nothing: the slow cases are computed in
single precision there.
"""

from functools import lru_cache
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from searchspace.layers.batch_pieces import samples_at_a_time

STRIPE = 3
"""Columns of the widest kernel that oneDNN's fast weight gradient takes."""
TINY, SMALL = 4, 25
"""Pixels up to which products win against any kernel, and against kernels wider than a stripe."""
EXACT, CAST = (torch.float32, torch.float64), (torch.float32, torch.bfloat16, torch.float16)
"""Types that are computed as they are, and types that autocast casts."""


class DepthwiseConv2d(nn.Conv2d):
    """`nn.Conv2d` with a kernel for each channel; `settings` are those of `nn.Conv2d`."""

    def __init__(self, chs: int, kernel: int, **settings: Any) -> None:
        super().__init__(chs, chs, kernel, groups=chs, **settings)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        if not self._gains(x):
            return super().forward(x)
        if torch.is_autocast_enabled("cpu"):
            return self._fast(x.to(self.weight.dtype)).to(torch.get_autocast_dtype("cpu"))
        return self._fast(x)

    def _gains(self, x: Tensor) -> bool:
        """Whether this is a training step with a gradient that is slow."""
        lower = torch.is_autocast_enabled("cpu")
        wide, tiny = self.weight.shape[-1] > STRIPE, x.shape[2] * x.shape[3] <= TINY
        return (
            (wide or tiny or (lower and self.stride[0] > 1))
            and x.device.type == "cpu"
            and x.dtype in (CAST if lower else EXACT)
            and torch.is_grad_enabled()
            and self.weight.requires_grad
            and not torch.compiler.is_exporting()
        )

    def _fast(self, x: Tensor) -> Tensor:
        y: Tensor = _DepthwiseConv.apply(x, self.weight, self.stride[0], int(self.padding[0]))
        return y if self.bias is None else y + self.bias[:, None, None]


class _DepthwiseConv(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
        # Depthwise convolutions are much faster with the channels innermost, here and backward.
        x = x.contiguous(memory_format=torch.channels_last)
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        with torch.autocast("cpu", enabled=False):
            return torch.conv2d(x, weight, None, stride, padding, 1, len(weight))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        # A compiler traces this under the autocast of the forward pass.
        with torch.autocast("cpu", enabled=False):
            return *_both_gradients(ctx, grad), None, None


def _both_gradients(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """The gradients of input and weight, None for those not needed."""
    x, weight = ctx.saved_tensors
    grad = grad.contiguous(memory_format=torch.channels_last)
    stride, padding, kernel = ctx.stride, ctx.padding, weight.shape[-1]
    to_x = to_weight = None
    if ctx.needs_input_grad[0] and stride == 1 and padding < kernel:
        turned = weight.flip(2, 3)
        to_x = torch.conv2d(grad, turned, None, 1, kernel - 1 - padding, 1, len(weight))
    elif ctx.needs_input_grad[0]:
        to_x = _gradients(grad, x, weight, stride, (padding, padding), "input")[0]
    if ctx.needs_input_grad[1]:
        by = _by_products if x.shape[2] * x.shape[3] <= SMALL else _by_stripes
        to_weight = by(grad, x, kernel, stride, padding)
    return to_x, to_weight


def _by_stripes(grad: Tensor, x: Tensor, kernel: int, stride: int, padding: int) -> Tensor:
    """The weight gradient, three columns at a time, of some samples at a time."""
    across = stride * (grad.shape[3] - 1)
    piece = samples_at_a_time(x, x[0].numel())
    results = []
    for some, upstream in zip(x.split(piece), grad.split(piece), strict=True):
        padded = F.pad(some, (padding, padding))
        stripes = []
        for first in range(0, kernel, STRIPE):
            columns = min(STRIPE, kernel - first)
            # The columns of the map that these columns of the kernel meet.
            met = padded[..., first : first + across + columns]
            like = met.new_empty(met.shape[1], 1, kernel, columns)
            stripes.append(_gradients(upstream, met, like, stride, (padding, 0), "weight")[1])
        results.append(torch.cat(stripes, 3))
    return sum(results[1:], results[0])


def _by_products(grad: Tensor, x: Tensor, kernel: int, stride: int, padding: int) -> Tensor:
    """The weight gradient from the sums over samples of output times input, for all positions."""
    outputs, inputs = (_rows(t) for t in (grad, x))
    products = torch.bmm(outputs.transpose(1, 2), inputs).flatten(1)
    sizes = ((grad.shape[2], x.shape[2]), (grad.shape[3], x.shape[3]))
    # What a compiler traces must not outlive the trace, as a cached tensor would.
    make = _taps if torch.compiler.is_compiling() else _cached_taps
    taps = make(sizes, kernel, stride, padding).to(x)
    return (products @ taps).view(-1, 1, kernel, kernel)


def _rows(x: Tensor) -> Tensor:
    """(N, C, H, W), channels innermost, to (C, N, H*W)."""
    flat = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])
    return flat.t().contiguous().view(x.shape[1], len(x), -1)


def _taps(
    sizes: tuple[tuple[int, int], tuple[int, int]], kernel: int, stride: int, padding: int
) -> Tensor:
    """(H'*W'*H*W, kernel^2): 1 where a tap of the kernel joins that output and that input."""
    # Of one axis, (outputs, inputs, taps).
    down, across = (
        torch.arange(n)[None, :, None] - stride * torch.arange(m)[:, None, None] + padding
        == torch.arange(kernel)
        for m, n in sizes
    )
    joined = down[:, None, :, None, :, None] & across[None, :, None, :, None, :]
    return joined.reshape(-1, kernel * kernel).float()


@lru_cache(maxsize=256)
def _cached_taps(
    sizes: tuple[tuple[int, int], tuple[int, int]], kernel: int, stride: int, padding: int
) -> Tensor:
    return _taps(sizes, kernel, stride, padding)


def _gradients(
    grad: Tensor,
    x: Tensor,
    weight: Tensor,
    stride: int,
    padding: tuple[int, int],
    to: Literal["input", "weight"],
) -> tuple[Tensor, ...]:
    """The library's own gradients of a depthwise convolution, None for those not needed."""
    result: tuple[Tensor, ...] = torch.ops.aten.convolution_backward.default(
        grad, x, weight, None, (stride,) * 2, padding, (1, 1), False, (0, 0), len(weight),
        (to == "input", to == "weight", False),
    )  # fmt: skip
    return result
