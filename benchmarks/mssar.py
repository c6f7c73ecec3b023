"""MS-SAR against pool, squeeze and upsampling layers for each scale, forward and backward."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.timing import Pair, paired, show, training_step
from searchspace import MultiScaleRecalibration, Slot
from searchspace.operators.mssar import MultiScaleRecalibration2d, RegionSqueeze
from trainers.runtime.allocator import keep_freed_memory

SHAPES = (
    (128, 16, 32),
    (128, 32, 16),
    (128, 64, 8),
    (16, 64, 56),
    (16, 512, 7),
)
"""(images, channels, height and width): CIFAR ResNets at their batch size, then ResNet-18/34."""


class Layers(nn.Module):
    """The definition, with the weights of `ours`: Figure 2, layer by layer for each scale."""

    def __init__(self, ours: MultiScaleRecalibration2d) -> None:
        super().__init__()
        self.scales = ours.average.scales
        self.squeezes = nn.ModuleList(_layers(squeeze) for squeeze in ours.squeezes)
        with torch.no_grad():
            # Linear weights become those of 1x1 convolutions.
            for to, like in zip(self.parameters(), ours.parameters(), strict=True):
                to.copy_(like.view_as(to))

    def forward(self, x: Tensor, source: Tensor | None = None) -> Tensor:
        total = torch.zeros_like(x)
        for scale, squeeze in zip(self.scales, self.squeezes, strict=True):
            weights = squeeze(F.adaptive_avg_pool2d(x, scale))
            total = total + F.interpolate(weights, x.shape[2:], mode="nearest")
        return x * (total / len(self.scales))


def _layers(squeeze: RegionSqueeze) -> nn.Sequential:
    inner, chs = squeeze.reduce.out_features, squeeze.reduce.in_features
    return nn.Sequential(
        nn.Conv2d(chs, inner, 1, bias=False),
        nn.BatchNorm2d(inner),
        nn.ReLU(),
        nn.Conv2d(inner, squeeze.expand.out_features, 1, bias=False),
        nn.Sigmoid(),
    )


def slot(chs: int) -> Slot:
    return Slot("r", 1, "recalibration", chs, chs)


class Ours(nn.Module):
    """The operator with the map that it rescales as its source."""

    def __init__(self, choice: MultiScaleRecalibration, chs: int) -> None:
        super().__init__()
        self.module = choice.module(slot(chs))

    def forward(self, x: Tensor) -> Tensor:
        return self.module(x, x)


def compare(shape: tuple[int, int, int], device: str, repeats: int) -> Pair:
    """One shape: check that both forms agree, then time them."""
    images, chs, side = shape
    choice = MultiScaleRecalibration()
    ours = Ours(choice, chs).to(device)
    layers = Layers(ours.module).to(device)
    x = torch.randn(images, chs, side, side, device=device)
    torch.testing.assert_close(ours(x), layers(x), rtol=1e-4, atol=1e-4)
    return paired(training_step(layers, x), training_step(ours, x), repeats, device)


def main(device: str = "cpu", repeats: int = 15) -> None:
    torch.set_num_threads(1)
    keep_freed_memory()

    def rows() -> Iterator[tuple[str, Pair]]:
        for shape in SHAPES:
            images, chs, side = shape
            yield f"{images} x {chs} x {side} x {side}", compare(shape, device, repeats)

    show(f"MS-SAR, scales 1, 2, 4, {device}", rows())


if __name__ == "__main__":
    import typer

    typer.run(main)
