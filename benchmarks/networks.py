"""A training step of a whole ResNet-20 with an operator, against the operator's plain layers."""

import copy
from collections.abc import Iterator, Mapping

import torch
import typer
from torch import Tensor, nn

from benchmarks import coconv, mssar, multiception
from benchmarks.timing import Pair, paired, show, training_step
from searchspace import (
    Architecture,
    Choice,
    CoConv,
    Multiception,
    MultiScaleRecalibration,
    ResNetCifar,
    build,
)
from searchspace.operators.dynamic import DynamicConv2d
from searchspace.operators.mssar import MultiScaleRecalibration2d
from searchspace.operators.separable import SeparableConv2d

CHOICES: dict[str, Mapping[str, Choice]] = {
    "CoConv, 4 experts": {"*": CoConv(4)},
    "MS-SAR 1, 2, 4": {"*": MultiScaleRecalibration()},
    "Multiception 3, 5": {"*.conv1": Multiception((3, 5))},
}
PLAIN = {
    DynamicConv2d: coconv.Loop,
    MultiScaleRecalibration2d: mssar.Layers,
    SeparableConv2d: multiception.Layers,
}


def plain(module: nn.Module) -> nn.Module:
    """A copy in which each operator is its definition in plain layers, with the same weights."""
    if type(module) in PLAIN:
        return PLAIN[type(module)](module)
    module = copy.copy(module)
    module._modules = {name: plain(child) for name, child in module._modules.items()}
    return module


def compare(
    network: nn.Module, images: Tensor, repeats: int, *, channels_last: bool = False
) -> Pair:
    """Check that both forms agree, then time their steps; only ours may have another layout."""
    definition = plain(copy.deepcopy(network))
    torch.testing.assert_close(network(images), definition(images), rtol=1e-3, atol=1e-3)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    ours = copy.deepcopy(network).to(memory_format=layout)
    fast = training_step(ours, images.contiguous(memory_format=layout))
    return paired(training_step(definition, images), fast, repeats)


def main(device: str = "cpu", repeats: int = 11, depth: int = 20, images: int = 64) -> None:
    torch.set_num_threads(1)

    def rows() -> Iterator[tuple[str, Pair]]:
        for name, choices in CHOICES.items():
            network = build(Architecture(ResNetCifar(depth), choices)).to(device)
            for size in (8, 32):
                x = torch.randn(images, 3, size, size, device=device)
                for channels_last in (False, True):
                    pair = compare(network, x, repeats, channels_last=channels_last)
                    layout = ", channels last" if channels_last else ""
                    yield f"{name}, {size} px{layout}", pair

    show(f"ResNet-{depth}, training step of {images} images, {device}", rows())


if __name__ == "__main__":
    typer.run(main)
