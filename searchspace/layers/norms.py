"""Batch norms that operators fold into their kernels, and those private to a resolution."""

import copy
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Blend:
    """Which of several norms to use: (1 - fraction) * norms[low] + fraction * norms[high]."""

    low: int = 0
    high: int = 0
    fraction: float = 0.0


class PrivateBatchNorm2d(nn.Module):
    """One batch norm per input size of the network, of which one is in use (RS-Net eq. 3).

    In evaluation two may be blended: parameters and statistics are interpolated linearly (RS-Net
    Section 4.3). The selected norm's tensors can be read as those of an `nn.BatchNorm2d`.
    """

    def __init__(self, norm: nn.BatchNorm2d, count: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(copy.deepcopy(norm) for _ in range(count))
        self.blend = Blend()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W), normalised for the size in use."""
        if self.blend.low == self.blend.high:
            return self.norms[self.blend.low](x)
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )

    def selected(self, blend: Blend) -> nn.BatchNorm2d:
        """A norm of its own with the parameters and statistics that `blend` selects."""
        self.blend = blend
        norm: nn.BatchNorm2d = copy.deepcopy(self._norm(blend.low))
        with torch.no_grad():
            for name, value in [*norm.named_parameters(), *norm.named_buffers()]:
                if value.is_floating_point():
                    value.copy_(self._blended(name))
        return norm

    def in_use(self) -> nn.BatchNorm2d:
        """The norm that is trained: that of the selected size."""
        return self._norm(self.blend.low)

    def _norm(self, index: int) -> nn.BatchNorm2d:
        norm = self.norms[index]
        assert isinstance(norm, nn.BatchNorm2d)
        return norm

    def _blended(self, name: str) -> Tensor:
        low: Tensor = getattr(self._norm(self.blend.low), name)
        if self.blend.low == self.blend.high:
            return low
        high: Tensor = getattr(self._norm(self.blend.high), name)
        return torch.lerp(low, high, self.blend.fraction)

    @property
    def weight(self) -> Tensor:
        """gamma, (C,)."""
        return self._blended("weight")

    @property
    def bias(self) -> Tensor:
        """beta, (C,)."""
        return self._blended("bias")

    @property
    def running_mean(self) -> Tensor:
        """The mean used in evaluation, (C,)."""
        return self._blended("running_mean")

    @property
    def running_var(self) -> Tensor:
        """The variance used in evaluation, (C,)."""
        return self._blended("running_var")

    @property
    def eps(self) -> float:
        """What is added to the variance."""
        return self._norm(self.blend.low).eps


def inference_affine(norm: nn.Module) -> tuple[Tensor, Tensor] | None:
    """Scale and shift, each (C,), that a batch norm applies in evaluation; None for an identity."""
    if isinstance(norm, nn.Identity):
        return None
    if not isinstance(norm, nn.BatchNorm2d | PrivateBatchNorm2d):
        raise TypeError(f"expected a batch norm or an identity, got {type(norm).__name__}")
    if norm.running_var is None or norm.running_mean is None:
        raise ValueError("a batch norm without running statistics cannot be folded")
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    return scale, norm.bias - norm.running_mean * scale


def norm_in_use(norm: nn.Module) -> nn.BatchNorm2d:
    """A batch norm itself, or of private ones that of the selected size."""
    if isinstance(norm, PrivateBatchNorm2d):
        return norm.in_use()
    if not isinstance(norm, nn.BatchNorm2d):
        raise TypeError(f"expected a batch norm, got {type(norm).__name__}")
    return norm
