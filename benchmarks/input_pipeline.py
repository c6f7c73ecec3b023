"""Crop, flip and normalise: whole batches in memory against torchvision, image by image.

Images are CIFAR's in shape, crops padded by 4 pixels; one thread for each process. torchvision's
transforms run in a DataLoader, as its users write them: on PIL images, without workers or with two,
which are started before the clock.
"""

import statistics
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
import typer
from PIL import Image
from rich.console import Console
from rich.table import Table
from torch import Generator, Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.transforms import v2

from benchmarks.timing import Pair, paired
from trainers import Recipe
from trainers.augment import augmented
from trainers.tasks import StoredSplit

STORED = 50_000
MEAN = torch.tensor([125.0, 123.0, 114.0])
STD = torch.tensor([63.0, 62.0, 67.0])
RECIPE = Recipe(epochs=1, batch_size=128, lr=0.1, crop_padding=4, flip=True)

Transform = Callable[[Image.Image], Tensor]
SCALED = ((MEAN / 255).tolist(), (STD / 255).tolist())
FILL = tuple(map(int, MEAN.tolist()))
APIS: dict[str, Transform] = {
    "transforms": transforms.Compose(
        [
            transforms.RandomCrop(32, padding=4, fill=FILL),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(*SCALED),
        ]
    ),
    "transforms.v2": v2.Compose(
        [
            v2.ToImage(),
            v2.RandomCrop(32, padding=4, fill=FILL),
            v2.RandomHorizontalFlip(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(*SCALED),
        ]
    ),
}


@dataclass(frozen=True)
class PilImages(Dataset[tuple[Tensor, int]]):
    """Stored images as torchvision's datasets give them, each through a transform."""

    split: StoredSplit
    transform: Transform

    def __len__(self) -> int:
        return len(self.split)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = Image.fromarray(self.split.images[index].permute(1, 2, 0).contiguous().numpy())
        return self.transform(image), int(self.split.labels[index])


def stored(count: int, device: str = "cpu") -> StoredSplit:
    """Random images in CIFAR's shape."""
    images = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8)
    return StoredSplit(images, torch.zeros(count, dtype=torch.long)).to(torch.device(device))


def ours(split: StoredSplit, order: Tensor, generator: Generator) -> Iterator[Tensor]:
    """The batches that a network is trained on, as `Training` makes them."""
    mean, std = MEAN.to(order.device), STD.to(order.device)
    batches = augmented(split, order, RECIPE, generator, classes=10, fill=mean, seed="")
    for ((images, _),) in batches:
        yield (images.float() - mean[:, None, None]).div_(std[:, None, None])


def compare(api: str, workers: int, count: int, device: str, repeats: int) -> Pair:
    """Time both on `count` of the stored images, drawn anew each time."""
    split = stored(STORED, device)
    sampled = torch.utils.data.RandomSampler(range(STORED), num_samples=count)
    loader = DataLoader(
        PilImages(split.to(torch.device("cpu")), APIS[api]),
        RECIPE.batch_size,
        sampler=sampled,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    generator = Generator(device)

    def whole_batches() -> None:
        order = torch.randperm(STORED, device=device)[:count]
        for _ in ours(split, order, generator):
            pass

    return paired(lambda: _exhaust(loader), whole_batches, repeats, device)


def _exhaust(batches: Iterable[object]) -> None:
    for _ in batches:
        pass


def main(device: str = "cpu", repeats: int = 7, count: int = 4096) -> None:
    torch.set_num_threads(1)
    columns = (
        "torchvision",
        "workers",
        "its images/s",
        "ours images/s",
        "ratio",
        "quartiles",
        "best",
    )
    table = Table(*columns, title=f"Crop, flip, normalise, 3 x 32 x 32, {device}")
    rates = []
    for api in APIS:
        for workers in (0, 2):
            pair = compare(api, workers, count, device, repeats)
            rates.append(1e3 * count / pair.fast_ms)
            table.add_row(
                api,
                str(workers),
                f"{1e3 * count / pair.slow_ms:,.0f}",
                f"{rates[-1]:,.0f}",
                f"{pair.ratio:.1f}",
                f"{pair.low:.1f} to {pair.high:.1f}",
                f"{pair.best:.1f}",
            )
    table.add_section()
    table.add_row("median", "", "", f"{statistics.median(rates):,.0f}", "", "", "")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
