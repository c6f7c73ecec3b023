from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from searchspace import InputError
from trainers import Folder, folder_task
from trainers.tasks import folder as folders
from trainers.tasks import stream
from trainers.tasks.base import StoredSplit
from trainers.tasks.stream import StreamedSplit


def write(path: Path, value: int, size: tuple[int, int] = (10, 10)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, value, value)).save(path)


def tree(root: Path, part: str = "train", counts: tuple[int, ...] = (10, 5)) -> Path:
    """A set in which each image has one value: its class times 100 plus its number."""
    for label, count in enumerate(counts):
        for i in range(count):
            write(root / "set" / part / f"class{label}" / f"{i:02}.png", 100 * label + i)
    return root / "set"


def values(split: object) -> list[int]:
    assert isinstance(split, StoredSplit)
    assert split.images.dtype == torch.uint8
    return [int(image[0, 0, 0]) for image in split.images]


def test_a_fifth_of_each_class_is_set_aside_twice(tmp_path: Path) -> None:
    task = folder_task(tree(tmp_path), size=8)
    assert task == Folder(name="set", classes=2, images=15, size=8)
    splits = task.load(tmp_path)
    parts = [values(part) for part in (splits.train, splits.validation, splits.test)]
    assert [len(part) for part in parts] == [9, 3, 3]
    assert sorted(sum(parts, [])) == [*range(10), *range(100, 105)]
    for part, held in zip((splits.validation, splits.test), parts[1:], strict=True):
        assert [value // 100 for value in held] == [0, 0, 1]
        assert part.labels.tolist() == [0, 0, 1]  # type: ignore[attr-defined]
    folders._load.cache_clear()
    again = task.load(tmp_path)
    assert values(again.train) == parts[0]
    mean = np.mean(parts[0])
    assert splits.mean.tolist() == pytest.approx([mean] * 3)


def test_folders_for_the_other_parts_are_used(tmp_path: Path) -> None:
    tree(tmp_path)
    tree(tmp_path, "val", (1, 2))
    splits = folder_task(tree(tmp_path, "test", (2, 1))).load(tmp_path)
    assert len(splits.train) == 15
    assert values(splits.validation) == [0, 100, 101]
    assert values(splits.test) == [0, 1, 100]


def test_images_are_cut_to_a_centred_square_and_resized(tmp_path: Path) -> None:
    root = tree(tmp_path)
    pixels = np.zeros((10, 30, 3), np.uint8)
    pixels[:, 10:20] = 200
    Image.fromarray(pixels).save(root / "train" / "class0" / "00.png")
    # Grey and transparent images become colour ones.
    Image.new("L", (10, 10), 1).save(root / "train" / "class0" / "01.png")
    Image.new("RGBA", (10, 10), (2, 2, 2, 0)).save(root / "train" / "class0" / "02.png")
    tree(tmp_path, "val")
    splits = folder_task(tree(tmp_path, "test"), size=5).load(tmp_path)
    images = splits.train.images  # type: ignore[attr-defined]
    assert images.shape == (15, 3, 5, 5)
    # Smoothing sees a little of what is beside the square.
    assert (images[0, :, :, 1:4] == 200).all()
    assert (images[0] > 150).all()
    assert [int(image.max()) for image in images[:4]] == [200, 1, 2, 3]


def test_large_sets_are_read_while_they_are_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = folder_task(tree(tmp_path), size=8)
    stored = task.load(tmp_path)
    folders._load.cache_clear()
    monkeypatch.setattr(stream, "STORED_BYTES", 100)
    streamed = task.load(tmp_path)
    folders._load.cache_clear()
    assert isinstance(streamed.train, StreamedSplit)
    images = torch.cat([batch for batch, _ in streamed.train.batches(4)])
    assert torch.equal(images, stored.train.images)  # type: ignore[attr-defined]
    assert torch.equal(streamed.mean, stored.mean)


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ("no train", "has no folder train: it must hold train/CLASS"),
        ("one class", r"has 1 class folders \(class0\); there must be two or more"),
        ("empty class", "class2 holds no image"),
        ("other classes", "must have the same classes; 'class1' is in one only"),
        ("few images", "class 'class1' of .* has too few images to set some aside"),
        ("broken", r"00.png is missing or not an image"),
        ("cut short", r"00.png is missing or not an image"),
        ("changed", "has 16 images of 2 classes, not the 15 of 2"),
    ],
)
def test_mistakes_name_the_folder_or_file(mistake: str, message: str, tmp_path: Path) -> None:
    root = tmp_path / "set"
    first = root / "train" / "class0" / "00.png"
    counts = {"one class": (5,), "few images": (5, 1)}.get(mistake, (10, 5))
    tree(tmp_path, "train" if mistake != "no train" else "test", counts)
    if mistake == "empty class":
        (root / "train" / "class2").mkdir()
    if mistake == "other classes":
        write(root / "val" / "class0" / "0.png", 1)
        write(root / "val" / "class2" / "0.png", 1)
    if mistake == "broken":
        first.write_bytes(b"not an image")
    if mistake == "cut short":
        generator = np.random.default_rng(0)
        Image.fromarray(generator.integers(0, 255, (50, 50, 3), np.uint8)).save(first)
        first.write_bytes(first.read_bytes()[:3000])
    with pytest.raises(InputError, match=message):
        task = folder_task(root)
        if mistake == "changed":
            write(root / "train" / "class0" / "99.png", 1)
        task.load(tmp_path)


def test_links_are_followed_to_images_and_to_nothing_else(tmp_path: Path) -> None:
    root = tree(tmp_path)
    link = root / "train" / "class0" / "linked.png"
    link.symlink_to(root / "train" / "class1" / "00.png")
    # A class folder within itself is not searched.
    (root / "train" / "class0" / "loop").symlink_to(root / "train" / "class0")
    task = folder_task(root)
    assert task.images == 16
    assert sorted(values(task.load(tmp_path).train))[-1] >= 100
    for target in (tmp_path / "missing.png", Path("/dev/zero")):
        folders._load.cache_clear()
        link.unlink()
        link.symlink_to(target)
        with pytest.raises(InputError, match="linked.png is missing or not an image"):
            task.load(tmp_path)


def test_bad_settings() -> None:
    for path in ("a/b", "..", ".", "/", "../set", ""):
        with pytest.raises(InputError, match=f"without a path, got {path!r}"):
            Folder(name=path)
    with pytest.raises(InputError, match="classes must be a whole number of at least 2, got 1"):
        Folder(name="a", classes=1)
    with pytest.raises(InputError, match="needs --data-root, a folder that holds images"):
        Folder(name="images").load(None)
