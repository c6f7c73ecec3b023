"""Operations whose gradients lie in memory as their input does.

The gradients of a slice and of a mean come in torch's default layout, whatever that of the map. In
a network whose maps have their channels innermost, all that meets them from there on is added or
masked across layouts, which takes several times as long.
"""

from typing import Any

import torch
from torch import Tensor, nn


def strided(x: Tensor, step: int) -> Tensor:
    """`x[:, :, ::step, ::step]`."""
    if step == 1:
        return x
    if _is_recorded(x):
        picked: Tensor = _Strided.apply(x, step)
        return picked
    return x[:, :, ::step, ::step]


def spatial_mean(x: Tensor) -> Tensor:
    """`x.mean((2, 3))`."""
    if _is_recorded(x):
        mean: Tensor = _SpatialMean.apply(x)
        return mean
    return x.mean((2, 3))


def kept_layout(x: Tensor) -> Tensor:
    """`x`, whose gradient lies in memory as it does, whatever is computed from it."""
    if not _is_recorded(x):
        return x
    kept: Tensor = _KeptLayout.apply(x)
    return kept


class _KeptLayout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.innermost = x.is_contiguous(memory_format=torch.channels_last)
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        layout = torch.channels_last if ctx.innermost else torch.contiguous_format
        return grad.contiguous(memory_format=layout)


class GlobalAveragePool(nn.AdaptiveAvgPool2d):
    """`spatial_mean` as a layer, (N, C, H, W) to (N, C, 1, 1)."""

    def __init__(self) -> None:
        super().__init__(1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, 1, 1)."""
        return spatial_mean(x)[..., None, None]


def _is_recorded(x: Tensor) -> bool:
    """Whether a gradient will be asked for; compilers choose layouts themselves."""
    return torch.is_grad_enabled() and x.requires_grad and not torch.compiler.is_compiling()


def _like(x: Tensor) -> Any:
    """Shape and memory layout of a map."""
    innermost = x.is_contiguous(memory_format=torch.channels_last)
    return x.shape, torch.channels_last if innermost else torch.contiguous_format


class _Strided(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, step: int) -> Tensor:
        ctx.like, ctx.step = _like(x), step
        # A view of an odd side is taken for a map in the default layout by what comes next.
        return x[:, :, ::step, ::step].contiguous(memory_format=ctx.like[1])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        shape, layout = ctx.like
        full = torch.empty(shape, dtype=grad.dtype, device=grad.device, memory_format=layout)
        full.zero_()[:, :, :: ctx.step, :: ctx.step] = grad
        return full, None


class _SpatialMean(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.like = _like(x)
        return x.mean((2, 3))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        shape, layout = ctx.like
        share = (grad / (shape[2] * shape[3]))[:, :, None, None]
        return share.expand(shape).contiguous(memory_format=layout)
