"""CoConv against a loop of convolutions and batch norms: a training step, and inference.

What a training step can gain is bounded by the convolutions, which both forms compute: on a core
with AVX-512 they take four tenths of the loop's time with 16 channels and eight with 128.
"""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.timing import Pair, paired, show, training_step
from searchspace import CoConv, Slot, Static, deploy
from searchspace.layers.dynamic import DynamicConv2d
from searchspace.operators.coconv import CoConvRouter
from trainers.runtime.allocator import keep_freed_memory

Case = tuple[int, int, int, int]
TRAINING: tuple[Case, ...] = (
    (128, 16, 32, 4),
    (128, 32, 16, 4),
    (128, 64, 8, 4),
    (128, 16, 32, 8),
    (32, 64, 32, 4),
    (32, 128, 16, 4),
)
"""(images, channels, height and width, experts): CIFAR ResNets, then a small-image ResNet-18."""
INFERENCE: tuple[Case, ...] = tuple(
    (images, chs, side, experts)
    for images in (1, 8, 64)
    for chs, side, experts in ((16, 32, 4), (32, 16, 4), (64, 8, 4), (64, 32, 4), (64, 32, 8))
)


class Layers(nn.Module):
    """The router as layers, with the weights of ours."""

    def __init__(self, router: CoConvRouter) -> None:
        super().__init__()
        parts = (router.squeeze, router.gather, router.expand)
        self.squeeze, self.gather, self.expand = copy.deepcopy(parts)
        self.experts = router.experts

    def forward(self, x: Tensor) -> Tensor:
        coarse = F.adaptive_avg_pool2d(x, 3)
        whole = F.adaptive_avg_pool2d(x, 1).expand_as(coarse)
        hidden = F.relu(self.gather(F.relu(self.squeeze(torch.cat([whole, coarse], 1)))))
        return self.expand(hidden).sigmoid().unflatten(1, (self.experts, -1))


class Loop(nn.Module):
    """The definition, with the weights of `ours`: one convolution and norm after the other."""

    def __init__(self, ours: DynamicConv2d) -> None:
        super().__init__()
        self.router = Layers(ours.router)
        slot, experts = ours.slot, ours.experts.count
        self.convs = nn.ModuleList(Static().module(slot) for _ in range(experts))
        self.norms = nn.ModuleList(nn.BatchNorm2d(slot.out_chs) for _ in range(experts))
        with torch.no_grad():
            for conv, weight in zip(self.convs, ours.weight.chunk(experts), strict=True):
                conv.weight.copy_(weight)

    def forward(self, x: Tensor) -> Tensor:
        gates = self.router(x).unbind(1)
        layers = zip(gates, self.convs, self.norms, strict=True)
        return sum(gate * norm(conv(x)) for gate, conv, norm in layers)


def forms(case: Case, device: str) -> tuple[nn.Module, nn.Module, Tensor]:
    """The loop, the operator with the same weights, and an input."""
    images, chs, side, experts = case
    slot = Slot("c", 1, "conv", chs, chs, kernel=3, padding=1)
    ours = CoConv(experts).module(slot).to(device)
    x = torch.randn(images, chs, side, side, device=device)
    return Loop(ours).to(device), ours, x


def training(case: Case, device: str, repeats: int, compiled: bool = False) -> Pair:
    """Forward and backward: check that both forms agree, then time them."""
    loop, ours, x = forms(case, device)
    torch.testing.assert_close(ours(x), loop(x), rtol=1e-4, atol=1e-4)
    fast = torch.compile(ours) if compiled else ours
    return paired(training_step(loop, x), training_step(fast, x), repeats, device)


def inference(case: Case, device: str, repeats: int) -> Pair:
    """Evaluation: the loop, which computes every expert's output, and the deployed form."""
    loop, ours, x = forms(case, device)
    loop.eval()
    folded = deploy(ours)
    with torch.no_grad():
        torch.testing.assert_close(folded(x), loop(x), rtol=1e-4, atol=1e-4)
    return paired(_inference(loop, x), _inference(folded, x), repeats, device)


def _inference(module: nn.Module, x: Tensor) -> Callable[[], object]:
    def call() -> object:
        with torch.inference_mode():
            return module(x)

    return call


def main(
    device: str = "cpu", repeats: int = 15, compiled: bool = False, out: Path | None = None
) -> None:
    torch.set_num_threads(1)
    keep_freed_memory()

    def rows(
        compare: Callable[[Case], Pair], cases: tuple[Case, ...]
    ) -> Iterator[tuple[str, Pair]]:
        for case in cases:
            images, chs, side, experts = case
            yield f"{images} x {chs} x {side} x {side}, {experts} experts", compare(case)

    show(
        f"CoConv, training step, {device}{', compiled' if compiled else ''}",
        rows(lambda case: training(case, device, repeats, compiled), TRAINING),
        out,
    )
    show(
        f"CoConv, inference, {device}",
        rows(lambda case: inference(case, device, repeats), INFERENCE),
        out,
    )


if __name__ == "__main__":
    import typer

    typer.run(main)
