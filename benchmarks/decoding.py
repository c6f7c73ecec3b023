"""JPEG files to square crops: images for each second of one core, by several decoders.

Files are smooth noise of quality 90, 500 x 375 as many of ImageNet's, or 2000 x 1500 as a camera's.
All take the same random crops (8 to 100 % of the area) and resize them, antialiased, on one
thread. Time is that of the processor, so that other work on the machine counts little. A GPU that
trains R images/s needs R divided by this figure cores. "pixels" is the mean absolute difference to
ours, of 255.
"""

import io
import statistics
import tarfile
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import typer
from PIL import Image
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torchvision.io import decode_jpeg, read_file

from trainers.tasks.base import Crop
from trainers.tasks.image_file import decoded
from trainers.tasks.stream import StreamedSplit, random_box

CROP = Crop((0.08, 1.0), (3 / 4, 4 / 3), "")
QUALITY, BATCH = 90, 64
SIZES = ((500, 375), (2000, 1500))
Run = Callable[[], Iterator[Tensor]]


def write_files(folder: Path, count: int, width: int, height: int) -> list[Path]:
    """JPEG files of smooth noise with fine grain, about as hard to decode as photographs."""
    generator = torch.Generator().manual_seed(0)
    paths = []
    for number in range(count):
        coarse = torch.rand(1, 3, height // 16, width // 16, generator=generator)
        smooth = F.interpolate(coarse, (height, width), mode="bicubic", antialias=True)
        grain = 0.05 * torch.randn(1, 3, height, width, generator=generator)
        pixels = (255 * (smooth + grain)).clamp(0, 255).byte()[0].permute(1, 2, 0).numpy()
        paths.append(folder / f"{number:05}.jpg")
        Image.fromarray(pixels).save(paths[-1], quality=QUALITY)
    return paths


def ours(paths: list[Path], size: int) -> Iterator[Tensor]:
    """As jobs read streams."""
    labels = torch.zeros(len(paths), dtype=torch.long)
    split = StreamedSplit([*map(str, paths)], labels, size, workers=1)
    for images, _ in split.batches(BATCH, crop=CROP):
        yield from images


def drafted(paths: list[Path], size: int, gap: float) -> Iterator[Tensor]:
    """Pillow, at a half, a quarter or an eighth if the crop is still `gap` times the size."""
    for index, path in enumerate(paths):
        with Image.open(path) as image:
            box = random_box(image.size, CROP, index)
            width = image.width
            side = min(box[2] - box[0], box[3] - box[1])
            for reduction in (8, 4, 2):
                if side / reduction >= gap * size:
                    image.draft("RGB", (image.width // reduction, image.height // reduction))
                    break
            whole = image.convert("RGB")
        scale = whole.width / width
        left, top, right, bottom = (scale * edge for edge in box)
        box = left, top, min(right, whole.width), min(bottom, whole.height)
        yield _tensor(whole.resize((size, size), Image.Resampling.BILINEAR, box))


def _by_torchvision(path: Path) -> Tensor:
    with warnings.catch_warnings():
        # It is deprecated since torchvision 0.29.
        warnings.simplefilter("ignore", DeprecationWarning)
        return decode_jpeg(read_file(str(path)))


def torchvision_files(paths: list[Path], size: int) -> Iterator[Tensor]:
    """torchvision.io, resized by torch."""
    for index, path in enumerate(paths):
        image = _by_torchvision(path)
        box = random_box((image.shape[2], image.shape[1]), CROP, index)
        left, top, right, bottom = (round(edge) for edge in box)
        cut = image[None, :, top:bottom, left:right]
        yield F.interpolate(cut, (size, size), mode="bilinear", antialias=True)[0]


def torchvision_then_pillow(paths: list[Path], size: int) -> Iterator[Tensor]:
    """torchvision.io, resized by Pillow."""
    for index, path in enumerate(paths):
        image = Image.fromarray(_by_torchvision(path).permute(1, 2, 0).numpy())
        box = random_box(image.size, CROP, index)
        yield _tensor(image.resize((size, size), Image.Resampling.BILINEAR, box))


def shards(path: Path, size: int) -> Iterator[Tensor]:
    """WebDataset's reader of a tar file, decoded by Pillow."""
    import webdataset  # type: ignore[import-not-found,import-untyped,unused-ignore]

    samples: Any = webdataset.WebDataset(str(path), shardshuffle=False)
    for index, sample in enumerate(samples):
        image = decoded(io.BytesIO(sample["jpg"]), sample["__key__"])
        box = random_box(image.size, CROP, index)
        yield _tensor(image.resize((size, size), Image.Resampling.BILINEAR, box))


def _tensor(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def write_shard(path: Path, files: list[Path]) -> None:
    """A tar file of the images."""
    with tarfile.open(path, "w") as archive:
        for file in files:
            archive.add(file, file.name)


def seconds(run: Run) -> float:
    """Processor time of all threads."""
    start = time.process_time()
    for _ in run():
        pass
    return time.process_time() - start


def difference(run: Run, reference: Run) -> float:
    """The mean absolute difference of pixels, of 255."""
    pairs = zip(run(), reference(), strict=True)
    return statistics.fmean(float((a.float() - b.float()).abs().mean()) for a, b in pairs)


@dataclass(frozen=True)
class Rate:
    """Images for each second of a core, that beside ours, and how far pixels are from ours."""

    name: str
    images_s: float
    ratio: float
    difference: float


def decoders(paths: list[Path], size: int) -> dict[str, Run]:
    """Ways to read the files, ours first."""
    return {
        "ours": partial(ours, paths, size),
        "Pillow, draft": partial(drafted, paths, size, 1.0),
        "Pillow, draft to twice": partial(drafted, paths, size, 2.0),
        "torchvision.io": partial(torchvision_files, paths, size),
        "torchvision.io, Pillow": partial(torchvision_then_pillow, paths, size),
    }


def compared(runs: Mapping[str, Run], count: int, repeats: int) -> Iterator[Rate]:
    """The rates of all, run in turn, so that a machine's moods reach all alike."""
    times = [{name: seconds(run) for name, run in runs.items()} for _ in range(repeats)]
    for name, run in runs.items():
        ratio = statistics.median(each["ours"] / each[name] for each in times)
        rate = count / statistics.median(each[name] for each in times)
        yield Rate(name, rate, ratio, difference(run, runs["ours"]))


def main(count: int = 128, size: int = 224, repeats: int = 5) -> None:
    torch.set_num_threads(1)
    table = Table(
        *("files", "decoder", "images/s", "ratio", "pixels"),
        title=f"Random crops at {size} px, one thread",
    )
    for width, height in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            paths = write_files(Path(folder), count, width, height)
            runs = decoders(paths, size)
            if find_spec("webdataset") is not None:
                shard = Path(folder, "train.tar")
                write_shard(shard, paths)
                runs["WebDataset, Pillow"] = partial(shards, shard, size)
            kilobytes = statistics.fmean(path.stat().st_size for path in paths) / 1e3
            for rate in compared(runs, count, repeats):
                cells = f"{rate.images_s:,.0f}", f"{rate.ratio:.2f}", f"{rate.difference:.2f}"
                table.add_row(f"{width} x {height}, {kilobytes:.0f} kB", rate.name, *cells)
            table.add_section()
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
