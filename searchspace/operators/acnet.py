"""ACNet: asymmetric convolution blocks, deployed as one 3x3 convolution.

Xiaohan Ding, Yuchen Guo, Guiguang Ding and Jungong Han, "ACNet: Strengthening the Kernel Skeletons
for Powerful CNN via Asymmetric Convolution Blocks", ICCV 2019. https://arxiv.org/abs/1908.03930

Section 3. Here as a row of CoConv Table 3, which is trained with branch norms; its count is that of
the form without.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from searchspace.checks import check_one_of
from searchspace.choice import Choice, register
from searchspace.layers.norms import PrivateBatchNorm2d, inference_affine
from searchspace.slot import Role, Slot


@register
@dataclass(frozen=True)
class ACNet(Choice):
    """BN(3x3 conv x) + BN(1x3 conv x) + BN(3x1 conv x), deployed as one 3x3 convolution.

    With `norms` each branch has a batch norm (the ACNet paper), which folds into the kernel and a
    bias; without, the deployed form is the plain convolution (the count of CoConv Table 3).
    """

    norms: bool = True

    kind: ClassVar[str] = "acnet"
    role: ClassVar[Role] = "conv"

    def __post_init__(self) -> None:
        check_one_of((True, False), norms=self.norms)

    def illegal(self, slot: Slot) -> str | None:
        """The asymmetric kernels are rows and columns of a padded 3x3."""
        if slot.kernel != 3:
            return (
                f"it adds 1x3 and 3x1 kernels to a 3x3, and the slot is {slot.kernel}x{slot.kernel}"
            )
        if slot.padding < 1:
            return "its 1x3 and 3x1 kernels reach as far as the 3x3 only where the slot is padded"
        return None

    def module(self, slot: Slot) -> nn.Module:
        """The training form; `deployed()` gives the single convolution."""
        return AsymmetricConv2d(slot, self.norms)


class AsymmetricConv2d(nn.Module):
    """The sum of a square, a horizontal and a vertical branch, each conv and BN."""

    def __init__(self, slot: Slot, norms: bool) -> None:
        super().__init__()
        self.slot = slot
        self.square = self._branch((3, 3), norms, slot.bias)
        self.horizontal = self._branch((1, 3), norms)
        self.vertical = self._branch((3, 1), norms)

    def _branch(self, kernel: tuple[int, int], norm: bool, bias: bool = False) -> nn.Sequential:
        """A convolution whose kernel is centred where the 3x3's is, and its norm."""
        slot = self.slot
        padding = tuple(slot.padding - (3 - side) // 2 for side in kernel)
        conv = nn.Conv2d(
            slot.in_chs,
            slot.out_chs,
            kernel,
            stride=slot.stride,
            padding=(padding[0], padding[1]),
            groups=slot.groups,
            # A bias in front of a norm would have no effect.
            bias=bias and not norm,
        )
        return nn.Sequential(conv, nn.BatchNorm2d(slot.out_chs) if norm else nn.Identity())

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to (N, out_chs, H', W')."""
        y: Tensor = self.square(x) + self.horizontal(x) + self.vertical(x)
        return y

    def fused(self) -> tuple[Tensor, Tensor | None]:
        """The 3x3 kernel and the bias that all branches are together in evaluation mode."""
        kernels, biases = [], []
        for branch in (self.square, self.horizontal, self.vertical):
            conv, norm = branch
            assert isinstance(conv, nn.Conv2d)
            affine = inference_affine(norm)
            rows, columns = (3 - side for side in conv.weight.shape[2:])
            # F.pad counts from the last side.
            kernel = F.pad(conv.weight, (columns // 2, columns // 2, rows // 2, rows // 2))
            kernels.append(kernel if affine is None else kernel * affine[0][:, None, None, None])
            bias = conv.bias if affine is None else affine[1]
            biases += [] if bias is None else [bias]
        kernel = torch.stack(kernels).sum(0)
        return kernel, torch.stack(biases).sum(0) if biases else None

    @torch.no_grad()
    def start_from(self, kernel: Tensor, bias: Tensor | None) -> None:
        """Start as the convolution with this kernel and bias: the other branches add zeros."""
        for branch in (self.square, self.horizontal, self.vertical):
            conv = branch[0]
            assert isinstance(conv, nn.Conv2d)
            if branch is self.square:
                conv.weight.copy_(kernel)
            if conv.bias is not None and bias is not None:
                conv.bias.copy_(bias)
            norms = [norm for norm in branch[1].modules() if isinstance(norm, nn.BatchNorm2d)]
            for norm in norms:
                norm.reset_running_stats()
                norm.weight.fill_((1 + norm.eps) ** 0.5 if branch is self.square else 0.0)
                norm.bias.zero_()
                if branch is self.square and bias is not None:
                    norm.bias.copy_(bias)
            if branch is not self.square and not norms:
                conv.weight.zero_()

    def deployed(self) -> nn.Module:
        """One 3x3 convolution, equal in evaluation mode."""
        if isinstance(self.square[1], PrivateBatchNorm2d):
            return SwitchedConv2d(self)
        slot = self.slot
        kernel, bias = self.fused()
        conv = nn.Conv2d(
            slot.in_chs, slot.out_chs, 3, slot.stride, slot.padding, groups=slot.groups,
            bias=bias is not None, device=kernel.device, dtype=kernel.dtype,
        )  # fmt: skip
        with torch.no_grad():
            conv.weight.copy_(kernel)
            if conv.bias is not None and bias is not None:
                conv.bias.copy_(bias)
        return conv


class SwitchedConv2d(nn.Module):
    """One 3x3 convolution per call, fused from the branches: their norms depend on the size."""

    def __init__(self, trained: AsymmetricConv2d) -> None:
        super().__init__()
        self.trained = trained

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to (N, out_chs, H', W')."""
        slot = self.trained.slot
        kernel, bias = self.trained.fused()
        return F.conv2d(x, kernel, bias, slot.stride, slot.padding, groups=slot.groups)
