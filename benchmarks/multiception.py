"""Multiception against its definition in plain layers, forward and backward.

Then depthwise convolutions by themselves against the library's, with channels innermost in both.
"""

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from benchmarks.timing import Pair, paired, show, training_step
from searchspace import Multiception, Slot
from searchspace.layers.depthwise import DepthwiseConv2d
from searchspace.layers.separable import SeparableConv2d
from trainers.runtime.allocator import keep_freed_memory

Case = tuple[int, int, int, int, int, tuple[int, ...]]
CASES: tuple[Case, ...] = (
    (128, 16, 16, 32, 1, (3, 5, 7)),
    (128, 16, 32, 32, 2, (3, 5)),
    (128, 32, 32, 16, 1, (3, 5)),
    (128, 64, 64, 8, 1, (3, 3)),
    (32, 96, 96, 32, 1, (3, 5, 7)),
    (32, 192, 192, 16, 1, (3, 5)),
    (32, 384, 384, 8, 1, (3, 3)),
)
"""(images, channels in, channels out, height and width, stride, kernels) of the paper's networks:
ResNet-20/50 at their batch size, then Shake-Shake-26-2x96d at a quarter of it."""


DEPTHWISE: tuple[tuple[int, int, int, int], ...] = (
    (128, 16, 32, 5),
    (128, 16, 32, 7),
    (128, 32, 16, 5),
    (128, 16, 8, 5),
    (128, 32, 4, 5),
    (128, 64, 2, 5),
    (32, 96, 56, 5),
    (64, 576, 2, 3),
    (64, 960, 1, 3),
)
"""(images, channels, height and width, kernel); the last two are MobileNetV2's at 32x32 pixels."""


class Layers(nn.Module):
    """Algorithm 1, layer by layer, with the layers of `ours`."""

    def __init__(self, ours: SeparableConv2d) -> None:
        super().__init__()
        self.norm, self.pointwise = copy.deepcopy((ours.norm, ours.pointwise))
        self.depthwise = nn.ModuleList(plain_conv(conv) for conv in ours.depthwise)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.norm(torch.cat([conv(x) for conv in self.depthwise], 1)))


def plain_conv(conv: nn.Module) -> nn.Conv2d:
    """The library's own form of a depthwise convolution, with the weights of `conv`."""
    chs, _, kernel, _ = conv.weight.shape
    plain = nn.Conv2d(chs, chs, kernel, padding=kernel // 2, groups=chs, bias=False)
    plain.load_state_dict(conv.state_dict())
    return plain


def compare(case: Case, device: str, repeats: int) -> Pair:
    """One case: check that both forms agree, then time them."""
    images, in_chs, out_chs, side, stride, kernels = case
    slot = Slot("c", 1, "conv", in_chs, out_chs, kernel=3, stride=stride, padding=1)
    ours = Multiception(kernels).module(slot).to(device)
    layers = Layers(ours)
    x = torch.randn(images, in_chs, side, side, device=device)
    torch.testing.assert_close(ours(x), layers(x), rtol=1e-4, atol=1e-4)
    return paired(training_step(layers, x), training_step(ours, x), repeats, device)


def compare_depthwise(case: tuple[int, int, int, int], device: str, repeats: int) -> Pair:
    """One depthwise convolution: check that both forms agree, then time them."""
    images, chs, side, kernel = case
    ours = DepthwiseConv2d(chs, kernel, padding=kernel // 2, bias=False).to(device)
    plain = plain_conv(ours).to(device)
    x = torch.randn(images, chs, side, side, device=device)
    x = x.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(ours(x), plain(x), rtol=1e-4, atol=1e-4)
    return paired(training_step(plain, x), training_step(ours, x), repeats, device)


def main(device: str = "cpu", repeats: int = 15) -> None:
    torch.set_num_threads(1)
    keep_freed_memory()

    def rows() -> Iterator[tuple[str, Pair]]:
        for case in CASES:
            images, in_chs, out_chs, side, stride, kernels = case
            name = f"{images} x {in_chs} to {out_chs} x {side} x {side} / {stride}, {kernels}"
            yield name, compare(case, device, repeats)

    def depthwise_rows() -> Iterator[tuple[str, Pair]]:
        for case in DEPTHWISE:
            images, chs, side, kernel = case
            name = f"{images} x {chs} x {side} x {side}, {kernel} x {kernel}"
            yield name, compare_depthwise(case, device, repeats)

    show(f"Multiception, {device}", rows())
    show(f"Depthwise convolutions, {device}", depthwise_rows())


if __name__ == "__main__":
    import typer

    typer.run(main)
