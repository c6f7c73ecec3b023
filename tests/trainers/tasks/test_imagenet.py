from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from searchspace import Architecture, InputError, ResNetCifar
from tests.support.helpers import job
from trainers import ImageNet, Recipe, Training
from trainers.tasks import Crop, StreamedSplit
from trainers.tasks.stream import centre_box, random_box

CROP = Crop((0.08, 1.0), (3 / 4, 4 / 3), "1 0")


def write_imagenet(root: Path, classes: int = 3, images: int = 5) -> Path:
    """A small folder in the published layout: images of different sizes, one of them grey."""
    folder = root / "imagenet"
    for part, count in (("train", images), ("val", 2)):
        for label in range(classes):
            name = f"n{label:08d}"
            (folder / part / name).mkdir(parents=True)
            for i in range(count):
                mode, colour = ("L", 60 * label) if i == 0 else ("RGB", (60 * label,) * 3)
                picture = Image.new(mode, (40 + 9 * i, 60 - 4 * i), colour)
                picture.save(folder / part / name / f"{name}_{i}.JPEG", quality=100)
    return folder


def test_folders_become_three_splits_with_the_right_labels(tmp_path: Path) -> None:
    write_imagenet(tmp_path)
    splits = ImageNet().load(tmp_path)
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [12, 3, 6]
    train, held = set(splits.train.paths), set(splits.validation.paths)
    assert len(train | held) == 15
    for part in (splits.train, splits.validation, splits.test):
        for images, labels in part.batches(4):
            assert images.dtype == torch.uint8 and images.shape[1:] == (3, 224, 224)
            assert torch.equal((images.float().mean((1, 2, 3)) / 60).round().long(), labels)


def gradient(path: Path, size: tuple[int, int]) -> None:
    """A picture whose red says the column and green the row, losslessly stored."""
    width, height = size
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    pixels = np.stack([255 * x / width, 255 * y / height, 0 * x], 2).round().astype(np.uint8)
    Image.fromarray(pixels).save(path)


def test_measurement_sees_the_centre(tmp_path: Path) -> None:
    gradient(tmp_path / "a.png", (200, 100))
    split = StreamedSplit((str(tmp_path / "a.png"),), torch.tensor([3]), 35)
    ((images, labels),) = split.batches(1)
    assert labels.tolist() == [3]
    assert centre_box((200, 100)) == (56.25, 6.25, 143.75, 93.75)
    # The middle of the outermost output pixels, 87.5 / 35 = 2.5 input pixels wide.
    red, green = images[0, 0, 17].float(), images[0, 1, :, 17].float()
    assert red[[0, -1]].tolist() == pytest.approx([255 * 57 / 200, 255 * 142 / 200], abs=1.5)
    assert green[[0, -1]].tolist() == pytest.approx([255 * 7 / 100, 255 * 92 / 100], abs=1.5)


def test_batches_do_not_depend_on_order_size_or_threads(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.png" for i in range(5)]
    for i, path in enumerate(paths):
        gradient(path, (30 + 5 * i, 40 - 3 * i))
    names = tuple(map(str, paths))
    split = StreamedSplit(names, torch.arange(5), 16)
    whole, _ = next(split.batches(5, crop=CROP))
    order = torch.tensor([4, 0, 2, 2, 1])
    for workers, size in ((1, 1), (2, 2), (3, 4)):
        parts = list(StreamedSplit(names, torch.arange(5), 16, workers=workers).batches(
            size, order, CROP
        ))  # fmt: skip
        assert torch.equal(torch.cat([images for images, _ in parts]), whole[order])
        assert torch.equal(torch.cat([labels for _, labels in parts]), order)
    assert list(split.batches(2, order[:0])) == []
    other, _ = next(split.batches(5, crop=Crop(CROP.area, CROP.aspect, "1 1")))
    assert not torch.equal(other, whole)


def test_a_crop_of_several_sizes_is_one_box_read_once(tmp_path: Path) -> None:
    gradient(tmp_path / "a.png", (50, 40))
    split = StreamedSplit((str(tmp_path / "a.png"),), torch.tensor([0]), 16)
    crop = replace(CROP, sizes=(20, 12))
    images, _ = next(split.batches(1, crop=crop))
    for size, view in zip(crop.sizes, crop.views(images), strict=True):
        alone, _ = next(replace(split, size=size).batches(1, crop=CROP))
        assert torch.equal(view, alone)


@pytest.mark.parametrize("size", [(500, 375), (64, 64), (300, 40)])
def test_random_boxes_lie_inside_with_area_and_aspect_in_range(size: tuple[int, int]) -> None:
    width, height = size
    shares = []
    for index in range(300):
        left, top, right, bottom = random_box(size, CROP, index)
        assert 0 <= left < right <= width and 0 <= top < bottom <= height
        share = (right - left) * (bottom - top) / (width * height)
        ratio = (right - left) / (bottom - top)
        # Too wide an image cannot give a large area at the largest aspect.
        widest = max(4 / 3, share * width / height)
        assert 3 / 4 - 1e-6 <= ratio <= widest + 1e-6
        shares.append(share)
    assert 0.08 <= min(shares) < 0.12 and 0.96 < max(shares) <= 1 + 1e-9
    assert np.mean(shares) == pytest.approx(0.54, abs=0.05)


def test_stopping_early_ends_the_threads(tmp_path: Path) -> None:
    import threading

    gradient(tmp_path / "a.png", (30, 30))
    split = StreamedSplit((str(tmp_path / "a.png"),) * 40, torch.zeros(40).long(), 8)
    before = threading.active_count()
    batches = split.batches(2)
    next(batches)
    batches.close()
    assert threading.active_count() == before


def test_a_damaged_image_is_named(tmp_path: Path) -> None:
    folder = write_imagenet(tmp_path)
    victim = folder / "val" / "n00000001" / "n00000001_1.JPEG"
    victim.write_bytes(b"no image")
    with pytest.raises(InputError, match="n00000001_1.JPEG is missing or not an image"):
        list(ImageNet().load(tmp_path).test.batches(3))


def test_missing_parts_are_named(tmp_path: Path) -> None:
    folder = write_imagenet(tmp_path)
    (folder / "val" / "n00000002").rename(folder / "val" / "other")
    with pytest.raises(InputError, match="n00000002 is missing; .* must have a folder for each"):
        ImageNet().load(tmp_path)
    (folder / "val").rename(folder / "validation")
    with pytest.raises(InputError, match="val is missing; unpack ILSVRC2012_img_train.tar"):
        ImageNet().load(tmp_path)


def test_a_network_trains_on_a_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_imagenet(tmp_path, images=10)
    monkeypatch.setattr(ImageNet, "input_size", 16)
    monkeypatch.setattr(ImageNet, "classes", 3)
    recipe = Recipe(epochs=2, batch_size=8, lr=0.05, crop_area=(0.3, 1.0), flip=True)
    small = Architecture(ResNetCifar(depth=8, width=4))
    curves = []
    for _ in range(2):
        training = Training(
            job(architecture=small, recipe=recipe, task=ImageNet()), data_root=tmp_path
        )
        curves.append([training.epoch(), training.epoch()])
        assert training.result().points[0].test_images == 6
    assert curves[0] == curves[1]
