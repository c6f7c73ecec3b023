"""Training steps and epochs beside the plain loops that they replace.

`definition` of a switchable step: all sizes forward in a list, each divergence by itself, one
backward pass. Of an epoch: a plain loop over batches, augmented alike, with torch's own SGD, and a
look at the few images of the validation split, as ours.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import torch
import torch.nn.functional as F
import typer
from torch import Tensor, nn

from benchmarks.timing import Pair, paired, show
from searchspace import Architecture, ResNet, ResNetCifar, Resolutions, build, ensemble_logits
from searchspace.resolutions import Distillation
from trainers import Job, Recipe, Task, Training
from trainers.allocator import keep_freed_memory
from trainers.augment import flip, pad_crop
from trainers.live_memory import peak_bytes
from trainers.losses import Batch
from trainers.resolutions import SwitchableLoss, resize
from trainers.tasks import Splits, StoredSplit

SIZES = (32, 28, 24, 20, 16)
RECIPE = Recipe(
    epochs=1000, batch_size=128, lr=0.01, schedule="constant", flip=True, crop_padding=4
)


@dataclass(frozen=True)
class CifarShaped(Task):
    """Random 32x32 images of 10 classes: only their shape matters here."""

    images: int = 512

    kind: ClassVar[str] = "cifar_shaped"
    classes: ClassVar[int] = 10
    input_size: ClassVar[int] = 32

    @property
    def train_images(self) -> int:
        """The number of training images."""
        return self.images

    def load(self, data_root: Path | None) -> Splits:
        """The same images every time; next to none to measure on."""
        generator = torch.Generator().manual_seed(0)
        splits = (self._split(count, generator) for count in (self.images, 10, 10))
        return Splits(*splits, torch.full((3,), 127.5), torch.full((3,), 74.0))

    def _split(self, count: int, generator: torch.Generator) -> StoredSplit:
        images = torch.randint(256, (count, 3, 32, 32), dtype=torch.uint8, generator=generator)
        return StoredSplit(images, torch.randint(10, (count,), generator=generator))


def plain_epoch(training: Training) -> Callable[[], None]:
    """The loop that one would write, on data that is on the device."""
    recipe, data = training.job.recipe, training.data
    held = data.validation
    assert isinstance(data.train, StoredSplit) and isinstance(held, StoredSplit)
    stored, known = data.train.images, data.train.labels
    network = build(training.job.architecture, 10).to(training.device).train()
    optimizer = torch.optim.SGD(
        network.parameters(), recipe.lr, recipe.momentum, weight_decay=recipe.weight_decay
    )
    generator = torch.Generator(training.device).manual_seed(0)
    mean, std = data.mean[:, None, None], data.std[:, None, None]

    def epoch() -> None:
        order = torch.randperm(len(known), generator=generator, device=training.device)
        for picked in order.split(recipe.batch_size):
            images = pad_crop(stored[picked], recipe.crop_padding, generator, data.mean)
            images = (flip(images, generator).float() - mean) / std
            loss = F.cross_entropy(network(images), known[picked])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        network.eval()
        with torch.no_grad():
            logits = network((held.images.float() - mean) / std)
            F.cross_entropy(logits, held.labels).item()
            (logits.argmax(1) == held.labels).float().mean().item()
        network.train()

    return epoch


def epochs(architecture: Architecture, recipe: Recipe, device: str, repeats: int, n: int) -> Pair:
    """A plain epoch over `n` images, and one of `Training`."""
    training = Training(Job(architecture, CifarShaped(n), recipe, 0), device=device)
    return paired(plain_epoch(training), training.epoch, repeats)


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
    return paired(slow, fast, repeats), share


def main(device: str = "cpu", repeats: int = 3, images: int = 256, resnet18: bool = False) -> None:
    torch.set_num_threads(1)
    keep_freed_memory()

    def step_rows() -> Iterator[tuple[str, Pair]]:
        for step in (
            Step("none"),
            Step("none", channels_last=True),
            Step("higher"),
            Step("higher", channels_last=True),
            Step("full"),
            Step("full", channels_last=True),
            Step("full", recompute=True),
        ):
            pair, share = compare_steps(step, device, repeats)
            yield f"{step.label()}: {share:.2f} of the memory", pair

    def epoch_rows() -> Iterator[tuple[str, Pair]]:
        last = replace(RECIPE, channels_last=True)
        networks = {"ResNet-20": Architecture(ResNetCifar(20))}
        if resnet18:
            networks["ResNet-18"] = Architecture(ResNet(18, stem="small"))
        for name, architecture in networks.items():
            yield name, epochs(architecture, RECIPE, device, repeats, images)
            yield f"{name}, channels last", epochs(architecture, last, device, repeats, images)

    show(f"Switchable ResNet-20, {len(SIZES)} sizes from {SIZES[0]}, {device}", step_rows())
    show(f"An epoch of {images} CIFAR-shaped images, {device}", epoch_rows())


if __name__ == "__main__":
    typer.run(main)
