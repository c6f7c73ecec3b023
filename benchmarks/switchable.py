"""A training step of a network that switches its input size, beside a list of inputs.

`definition`: all sizes forward in a list, each divergence by itself, one backward pass. "Bound" is
the definition without distillation against plain steps at each size by itself, in the faster memory
layout: what switching for nothing would give.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.timing import Pair, paired, show
from searchspace import Architecture, ResNetCifar, Resolutions, build, ensemble_logits
from searchspace.resolutions import Distillation
from trainers.learning.losses import Batch
from trainers.learning.switchable_loss import SwitchableLoss, resize
from trainers.runtime.allocator import keep_freed_memory
from trainers.runtime.live_memory import peak_bytes

SIZES = (32, 28, 24, 20, 16)


def listed_loss(network: nn.Module, resolutions: Resolutions, batch: Batch) -> Tensor:
    """Eqs. 2, 6, 8 and 10, one term after the other; p_0 is the ensemble."""
    labels = batch.targets[0]
    inputs = [resize(batch.crops[0], size) for size in resolutions.sizes]
    logits = [network(images) for images in inputs]
    total = sum((F.cross_entropy(z, labels) for z in logits), torch.zeros(()).to(labels.device))
    teachers = {s: z.detach() for s, z in enumerate(logits, 1)}
    if resolutions.ensemble:
        mixed = ensemble_logits(network, logits)
        total = total + F.cross_entropy(mixed, labels)
        teachers[0] = mixed.detach()
    factor = 1.0 if resolutions.distillation == "vanilla" else 2 / (len(logits) + 1)
    for s, z in enumerate(logits, 1):
        for t, teacher in teachers.items():
            if t >= s or resolutions.distillation == "none":
                continue
            if resolutions.distillation == "vanilla" and t:
                continue
            wanted = teacher.softmax(1)
            total = total + factor * F.kl_div(z.log_softmax(1), wanted, reduction="batchmean")
    return total


@dataclass(frozen=True)
class Step:
    """A switchable step to compare: `distillation` other than "highest"."""

    distillation: Distillation
    channels_last: bool = False
    recompute: bool = False
    images: int = 64
    sizes: tuple[int, ...] = SIZES
    depth: int = 20

    def label(self) -> str:
        """What differs between the steps."""
        extras = ", channels last" * self.channels_last + ", recomputed" * self.recompute
        return self.distillation + extras


def switchable_steps(step: Step, device: str) -> tuple[Callable[[], Tensor], Callable[[], Tensor]]:
    """The step as listed and ours, on networks with equal weights."""
    resolutions = Resolutions(step.sizes, distillation=step.distillation)
    architecture = Architecture(ResNetCifar(step.depth), {}, resolutions)
    listed, ours = (build(architecture, 100).to(device) for _ in range(2))
    ours.load_state_dict(listed.state_dict())
    side = step.sizes[0]
    images = torch.randn(step.images, 3, side, side, device=device)
    batch = Batch((images,), (torch.randint(100, (step.images,), device=device),))
    fast = batch
    if step.channels_last:
        ours.to(memory_format=torch.channels_last)
        fast = Batch((images.contiguous(memory_format=torch.channels_last),), batch.targets)
    loss = SwitchableLoss(ours, ours, resolutions, F.cross_entropy, recompute=step.recompute)

    def slow_step() -> Tensor:
        listed.zero_grad()
        total = listed_loss(listed, resolutions, batch)
        total.backward()
        return total.detach()

    def fast_step() -> Tensor:
        ours.zero_grad()
        return loss.backward(fast, lambda total: total)

    return slow_step, fast_step


def compare_steps(step: Step, device: str, repeats: int) -> tuple[Pair, float]:
    """Check that both agree, then time them; and our peak memory as a share of the listed one."""
    slow, fast = switchable_steps(step, device)
    torch.testing.assert_close(slow(), fast(), rtol=1e-3, atol=1e-3)
    share = peak_bytes(fast) / peak_bytes(slow)
    return paired(slow, fast, repeats, device), share


def single_steps(step: Step, device: str) -> Callable[[], None]:
    """A plain step at each size, one after the other, of a network that does not switch."""
    network = build(Architecture(ResNetCifar(step.depth)), 100).to(device)
    network.to(memory_format=torch.channels_last)
    images = torch.randn(step.images, 3, *step.sizes[:1] * 2, device=device)
    inputs = [resize(images, size) for size in step.sizes]
    inputs = [resized.contiguous(memory_format=torch.channels_last) for resized in inputs]
    labels = torch.randint(100, (step.images,), device=device)

    def steps() -> None:
        network.zero_grad()
        for resized in inputs:
            F.cross_entropy(network(resized), labels).backward()

    return steps


def bound(step: Step, device: str, repeats: int) -> Pair:
    """The listed step without distillation against plain steps."""
    listed, _ = switchable_steps(replace(step, distillation="none"), device)
    return paired(listed, single_steps(step, device), repeats, device)


def main(device: str = "cpu", repeats: int = 5, images: int = 64, side: int = 32) -> None:
    torch.set_num_threads(1)
    keep_freed_memory()
    sizes = tuple(side * size // SIZES[0] for size in SIZES)

    def rows() -> Iterator[tuple[str, Pair]]:
        for step in (
            Step("none"),
            Step("none", channels_last=True),
            Step("higher"),
            Step("higher", channels_last=True),
            Step("full"),
            Step("full", channels_last=True),
            Step("full", recompute=True),
        ):
            step = replace(step, images=images, sizes=sizes)
            pair, share = compare_steps(step, device, repeats)
            yield f"{step.label()}: {share:.2f} of the memory", pair
        yield "bound", bound(Step("none", images=images, sizes=sizes), device, repeats)

    show(f"Switchable ResNet-20, {len(sizes)} sizes from {side}, {device}", rows())


if __name__ == "__main__":
    import typer

    typer.run(main)
