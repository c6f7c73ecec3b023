"""A training step of a whole ResNet-20 with an operator, against the operator's plain layers.

A step is forward, cross-entropy, backward and SGD with momentum, the optimiser fused in both. With
`--compiled` ours is compiled (the definition is not), for 8 pixels only: minutes pass compiling.
With `--bound` the definition is timed against its convolutions alone, as if all else were free.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks import coconv, mssar, multiception
from benchmarks.timing import Call, Pair, paired, show
from searchspace import (
    Architecture,
    Choice,
    CoConv,
    Multiception,
    MultiScaleRecalibration,
    ResNetCifar,
    build,
)
from searchspace.layers.dynamic import DynamicConv2d
from searchspace.layers.separable import SeparableConv2d
from searchspace.operators.mssar import MultiScaleRecalibration2d
from trainers.runtime.allocator import keep_freed_memory

CHOICES: dict[str, Mapping[str, Choice]] = {
    "CoConv, 4 experts": {"*": CoConv(4)},
    "MS-SAR 1, 2, 4": {"*": MultiScaleRecalibration()},
    "Multiception 3, 5": {"*.conv1": Multiception((3, 5))},
}


class ExpertConvs(nn.Module):
    """CoConv's convolutions alone, of all experts at once; their outputs are not summed."""

    def __init__(self, ours: DynamicConv2d) -> None:
        super().__init__()
        self.slot, self.weight = ours.slot, ours.weight

    def forward(self, x: Tensor) -> Tensor:
        y = F.conv2d(x, self.weight, None, self.slot.stride, self.slot.padding)
        return y[:, : self.slot.out_chs]


class Unscaled(nn.Module):
    """No recalibration."""

    def __init__(self, ours: MultiScaleRecalibration2d) -> None:
        super().__init__()

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        return x


class SeparableConvs(nn.Module):
    """Multiception's convolutions alone."""

    def __init__(self, ours: SeparableConv2d) -> None:
        super().__init__()
        self.depthwise, self.pointwise = ours.depthwise, ours.pointwise

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(torch.cat([conv(x) for conv in self.depthwise], 1))


Forms = Mapping[type[nn.Module], Callable[[Any], nn.Module]]
PLAIN: Forms = {
    DynamicConv2d: coconv.Loop,
    MultiScaleRecalibration2d: mssar.Layers,
    SeparableConv2d: multiception.Layers,
}
BARE: Forms = {
    DynamicConv2d: ExpertConvs,
    MultiScaleRecalibration2d: Unscaled,
    SeparableConv2d: SeparableConvs,
}


def plain(module: nn.Module, forms: Forms = PLAIN) -> nn.Module:
    """A copy in which each operator has another form: its plain layers, with the same weights."""
    if type(module) in forms:
        return forms[type(module)](module)
    module = copy.copy(module)
    module._modules = {name: plain(child, forms) for name, child in module._modules.items()}
    return module


def whole_step(network: nn.Module, images: Tensor, *, compiled: bool = False) -> Call:
    """A call that trains `network` on one batch of images, always the same."""
    labels = torch.zeros(len(images), dtype=torch.long, device=images.device)
    optimizer = torch.optim.SGD(network.parameters(), 1e-3, 0.9, weight_decay=1e-4, fused=True)
    forward = torch.compile(network, dynamic=False) if compiled else network

    def step() -> None:
        F.cross_entropy(forward(images), labels).backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def compare(
    network: nn.Module,
    images: Tensor,
    repeats: int,
    *,
    channels_last: bool = False,
    compiled: bool = False,
) -> Pair:
    """Check that both forms agree, then time their steps; only ours may have another layout."""
    definition = plain(copy.deepcopy(network))
    torch.testing.assert_close(network(images), definition(images), rtol=1e-3, atol=1e-3)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    ours = copy.deepcopy(network).to(memory_format=layout)
    fast = whole_step(ours, images.contiguous(memory_format=layout), compiled=compiled)
    return paired(whole_step(definition, images), fast, repeats, images.device.type)


def convolutions_alone(
    network: nn.Module, images: Tensor, repeats: int, *, channels_last: bool
) -> Pair:
    """Time the definition's step and one of its convolutions alone."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    bare = copy.deepcopy(plain(network, BARE)).to(memory_format=layout)
    fast = whole_step(bare, images.contiguous(memory_format=layout))
    return paired(
        whole_step(plain(copy.deepcopy(network)), images), fast, repeats, images.device.type
    )


def main(
    device: str = "cpu",
    repeats: int = 11,
    depth: int = 20,
    images: int = 128,
    sizes: list[int] | None = None,
    compiled: bool = False,
    bound: bool = False,
    operator: str = "",
) -> None:
    """Compare at `sizes`, 8 and 32 by default, the operators whose names begin with `operator`."""
    torch.set_num_threads(1)
    keep_freed_memory()
    sizes = [8] if compiled else sizes or [8, 32]

    def rows() -> Iterator[tuple[str, Pair]]:
        for name, choices in CHOICES.items():
            if not name.lower().startswith(operator.lower()):
                continue
            network = build(Architecture(ResNetCifar(depth), choices)).to(device)
            for size in sizes:
                x = torch.randn(images, 3, size, size, device=device)
                for last in (False, True):
                    if bound:
                        pair = convolutions_alone(network, x, repeats, channels_last=last)
                    else:
                        pair = compare(network, x, repeats, channels_last=last, compiled=compiled)
                    yield f"{name}, {size} px{', channels last' * last}", pair

    how = ", compiled" * compiled + ", convolutions alone" * bound
    show(f"ResNet-{depth}, training step of {images} images, {device}{how}", rows())


if __name__ == "__main__":
    import typer

    typer.run(main)
