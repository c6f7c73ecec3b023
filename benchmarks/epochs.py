"""An epoch of `Training` beside loops that one would write by hand.

The plain loop: batches augmented alike, torch's own SGD, and a look at the few images of the
validation split, as ours. The tuned loop, which shows what is possible in bfloat16: images on the
device in the precision and layout of the network, augmented all at once, weights themselves in
bfloat16, and no wait for the device within an epoch.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.timing import Pair, paired, show
from searchspace import Architecture, ResNet, ResNetCifar, build
from trainers import Job, Recipe, Task, Training
from trainers.augment import flip, pad_crop
from trainers.runtime.allocator import keep_freed_memory
from trainers.tasks import Splits, StoredSplit

RECIPE = Recipe(
    epochs=1000, batch_size=128, lr=0.01, schedule="constant", flip=True, crop_padding=4
)
LOWER = replace(RECIPE, precision="bfloat16", channels_last=True)


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


def tuned_epoch(training: Training) -> Callable[[], Tensor]:
    """A loop tuned for speed; it gives the epoch's mean loss, on the device."""
    recipe, data = training.job.recipe, training.data
    assert isinstance(data.train, StoredSplit) and isinstance(data.validation, StoredSplit)
    network = build(training.job.architecture, 10).to(training.device)
    network.to(memory_format=torch.channels_last)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.to(torch.bfloat16)
    optimizer = torch.optim.SGD(
        network.parameters(), recipe.lr, recipe.momentum, weight_decay=recipe.weight_decay,
        fused=True,
    )  # fmt: skip
    mean, std = data.mean[:, None, None], data.std[:, None, None]

    def prepared(images: Tensor) -> Tensor:
        scaled = ((images.float() - mean) / std).bfloat16()
        return scaled.contiguous(memory_format=torch.channels_last)

    train, held = prepared(data.train.images), prepared(data.validation.images)
    pad, side = recipe.crop_padding, train.shape[-1]
    padded = F.pad(train, (pad,) * 4).contiguous(memory_format=torch.channels_last)
    labels, device = data.train.labels, training.device
    size = min(recipe.batch_size, len(labels))

    def augmented() -> Tensor:
        shifts = torch.randint(2 * pad + 1, (2, len(labels)), device=device)
        across = torch.arange(side, device=device)
        rows, columns = (shift[:, None] + across for shift in shifts)
        columns = torch.where(
            torch.rand(len(labels), 1, device=device) < 0.5, columns.flip(1), columns
        )
        images = padded.permute(0, 2, 3, 1)
        first = torch.arange(len(labels), device=device)[:, None, None]
        return images[first, rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2)

    def epoch() -> Tensor:
        network.train()
        images, total = augmented(), torch.zeros((), device=device)
        batches = torch.randperm(len(labels), device=device).split(size)
        whole = [picked for picked in batches if len(picked) == size]
        for picked in whole:
            loss = F.cross_entropy(network(images[picked]).float(), labels[picked])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.detach()
        network.eval()
        with torch.no_grad():
            (network(held).argmax(1) == data.validation.labels).float().mean()
        return total / len(whole)

    return epoch


def epochs(
    architecture: Architecture, recipe: Recipe, device: str, repeats: int, n: int, *,
    tuned: bool = False,
) -> Pair:  # fmt: skip
    """An epoch over `n` images by hand, and one of `Training`."""
    training = Training(Job(architecture, CifarShaped(n), recipe, 0), device=device)
    by_hand = tuned_epoch(training) if tuned else plain_epoch(training)
    return paired(by_hand, training.epoch, repeats, device)


def settings(device: str, *, compiled: bool) -> dict[str, Recipe]:
    """What a recipe may set for speed, or at the cost of some."""
    found = {
        "as it comes": RECIPE,
        "channels last": replace(RECIPE, channels_last=True),
        "bfloat16": replace(RECIPE, precision="bfloat16"),
        "bfloat16, channels last": LOWER,
        "moving average": replace(RECIPE, ema_decay=0.99),
        "two pieces": replace(RECIPE, accumulation=2),
    }
    if device != "cpu":
        found["float16, channels last"] = replace(LOWER, precision="float16")
    if compiled:
        found["channels last, compiled"] = replace(RECIPE, channels_last=True, compile="default")
        found["bfloat16, channels last, compiled"] = replace(LOWER, compile="default")
        if device != "cpu":
            found["the same with CUDA graphs"] = replace(LOWER, compile="reduce-overhead")
    return found


def main(
    device: str = "cpu",
    repeats: int = 5,
    images: int = 512,
    resnet18: bool = False,
    compiled: bool = False,
) -> None:
    """Time ResNet-20, or ResNet-18, ten times the work; compiled too, which takes a minute each."""
    torch.set_num_threads(1)
    keep_freed_memory()
    architecture = Architecture(ResNet(18, stem="small") if resnet18 else ResNetCifar(20))

    def against_plain() -> Iterator[tuple[str, Pair]]:
        for setting, recipe in settings(device, compiled=compiled).items():
            yield setting, epochs(architecture, recipe, device, repeats, images)

    what = f"ResNet-{18 if resnet18 else 20}, {images} CIFAR-shaped images, {device}"
    tuned = epochs(architecture, LOWER, device, repeats, images, tuned=True)
    show(f"{what}: a tuned loop against ours", [("bfloat16, channels last", tuned)])
    show(f"{what}: a plain loop against ours", against_plain())


if __name__ == "__main__":
    import typer

    typer.run(main)
