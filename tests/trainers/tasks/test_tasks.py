import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from searchspace import InputError
from trainers import TASKS, Cifar10, Cifar100, Digits, TinyImageNet
from trainers.tasks.base import statistics, stratified_split


def test_digits_splits_are_disjoint_whole_and_even_over_classes() -> None:
    splits = Digits(noise=0.0).load()
    sizes = [len(part) for part in (splits.train, splits.validation, splits.test)]
    assert sizes == [897, 450, 450]
    parts = [splits.train, splits.validation, splits.test]
    pixels = torch.cat([part.images[:, 0].flatten(1) for part in parts]).numpy()
    original = load_digits().data
    # The same multiset of images: nothing lost, nothing in two splits.
    assert np.array_equal(np.sort(pixels, axis=0), np.sort(original.astype(np.float32), axis=0))
    assert sorted(map(bytes, pixels)) == sorted(map(bytes, original.astype(np.float32)))
    for part in parts[1:]:
        assert torch.bincount(part.labels).tolist() == [45] * 10


def test_digits_noise_has_the_stated_size_and_never_changes() -> None:
    clean, noisy = Digits(noise=0.0).load(), Digits(noise=1.5).load()
    added = noisy.train.images - clean.train.images
    unit = clean.train.images[:, 0].std()
    assert (added.std() / unit).item() == pytest.approx(1.5, rel=0.02)
    assert torch.corrcoef(added.transpose(0, 1).flatten(1))[0, 1].abs() < 0.02
    Digits.load.__globals__["_load"].cache_clear()
    assert torch.equal(Digits(noise=1.5).load().train.images, noisy.train.images)


def test_digits_train_size_takes_an_even_part() -> None:
    task = Digits(train_size=100)
    assert len(task.load().train) == task.train_images == 100
    assert torch.bincount(task.load().train.labels).tolist() == [10] * 10


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"noise": -1}, "noise must be a number of at least 0, got -1"),
        ({"train_size": 898}, "train_size must be at most 897, got 898"),
    ],
)
def test_digits_bad_settings(settings: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Digits(**settings)


def test_stratified_split_is_even_seeded_and_complete() -> None:
    labels = torch.arange(30) % 3
    rest, held = stratified_split(labels, 6, seed=1)
    assert torch.bincount(labels[held]).tolist() == [2, 2, 2]
    assert sorted(torch.cat([rest, held]).tolist()) == list(range(30))
    assert torch.equal(held, stratified_split(labels, 6, seed=1)[1])
    assert not torch.equal(held, stratified_split(labels, 6, seed=2)[1])


def test_statistics_are_those_of_the_pixels() -> None:
    images = torch.randint(0, 256, (7, 3, 5, 4), dtype=torch.uint8)
    mean, std = statistics(images)
    flat = images.double().transpose(0, 1).flatten(1)
    torch.testing.assert_close(mean.double(), flat.mean(1), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(std.double(), flat.std(1, unbiased=False), rtol=1e-6, atol=1e-6)


def write_cifar100(root: Path, train: int = 200, test: int = 20) -> dict[str, np.ndarray]:
    """A small archive folder in the published format: pickled rows of R, G, B planes."""
    folder = root / "cifar-100-python"
    folder.mkdir()
    generator = np.random.default_rng(0)
    content = {}
    for name, count in (("train", train), ("test", test)):
        content[name] = generator.integers(0, 256, (count, 3072), dtype=np.uint8)
        labels = [i % 100 for i in range(count)]
        entry = {"data": content[name], "fine_labels": labels, "coarse_labels": labels}
        (folder / name).write_bytes(pickle.dumps(entry))
    names = {"fine_label_names": [str(i) for i in range(100)]}
    (folder / "meta").write_bytes(pickle.dumps(names))
    return content


def write_cifar10(root: Path, each: int = 20) -> dict[str, np.ndarray]:
    """A small archive folder in the published format: five training batches and a test batch."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir()
    generator = np.random.default_rng(1)
    content = {}
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        content[name] = generator.integers(0, 256, (each, 3072), dtype=np.uint8)
        entry = {"data": content[name], "labels": [i % 10 for i in range(each)]}
        (folder / name).write_bytes(pickle.dumps(entry))
    names = {"label_names": [str(i) for i in range(10)]}
    (folder / "batches.meta").write_bytes(pickle.dumps(names))
    return content


@pytest.fixture
def unchecked_cifar(monkeypatch: pytest.MonkeyPatch) -> None:
    """The published archives have known checksums; a generated one cannot."""
    monkeypatch.setattr("torchvision.datasets.utils.check_integrity", lambda *a: True)


@pytest.mark.usefixtures("unchecked_cifar")
def test_cifar10_reads_all_batches(tmp_path: Path) -> None:
    content = write_cifar10(tmp_path)
    splits = Cifar10().load(tmp_path)
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [80, 20, 20]
    assert np.array_equal(splits.test.images.flatten(1).numpy(), content.pop("test_batch"))
    seen = torch.cat([splits.train.images, splits.validation.images]).flatten(1).numpy()
    assert sorted(map(bytes, seen)) == sorted(map(bytes, np.concatenate(list(content.values()))))
    assert torch.bincount(splits.validation.labels).tolist() == [2] * 10


@pytest.mark.usefixtures("unchecked_cifar")
def test_cifar100_reads_the_archive_and_draws_validation(tmp_path: Path) -> None:
    content = write_cifar100(tmp_path)
    splits = Cifar100().load(tmp_path)
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [160, 40, 20]
    assert splits.train.images.dtype == torch.uint8
    rows = splits.test.images.flatten(1).numpy()
    assert np.array_equal(rows, content["test"])
    seen = torch.cat([splits.train.images, splits.validation.images]).flatten(1).numpy()
    assert sorted(map(bytes, seen)) == sorted(map(bytes, content["train"]))


def test_cifar100_with_wrong_checksums_is_refused(tmp_path: Path) -> None:
    write_cifar100(tmp_path)
    with pytest.raises(InputError, match="is not a complete CIFAR-100"):
        Cifar100().load(tmp_path)


def write_tiny_imagenet(root: Path, classes: int = 3, images: int = 5) -> None:
    """A small folder in the published layout, one grey image among the colour ones."""
    folder = root / "tiny-imagenet-200"
    names = [f"n{i:08d}" for i in range(classes)]
    (folder / "val" / "images").mkdir(parents=True)
    (folder / "wnids.txt").write_text("\n".join(names) + "\n")
    lines = []
    for label, name in enumerate(names):
        (folder / "train" / name / "images").mkdir(parents=True)
        for i in range(images):
            mode, colour = ("L", 40 * label) if i == 0 else ("RGB", (40 * label + i,) * 3)
            picture = Image.new(mode, (64, 64), colour)
            picture.save(folder / "train" / name / "images" / f"{name}_{i}.JPEG", quality=100)
        picture.save(folder / "val" / "images" / f"val_{label}.JPEG", quality=100)
        lines.append(f"val_{label}.JPEG\t{name}\t0\t0\t62\t62")
    (folder / "val" / "val_annotations.txt").write_text("\n".join(lines) + "\n")


def test_tiny_imagenet_reads_the_folder_and_tests_on_its_validation_images(tmp_path: Path) -> None:
    write_tiny_imagenet(tmp_path)
    splits = TinyImageNet().load(tmp_path)
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [12, 3, 3]
    assert splits.test.labels.tolist() == [0, 1, 2]
    for part in (splits.train, splits.validation, splits.test):
        assert part.images.shape[1:] == (3, 64, 64)
        # Brightness says the class: 40 to a class, at most 4 within it, JPEG error below 3.
        labels = ((part.images.float().mean((1, 2, 3)) + 3) // 40).long()
        assert torch.equal(labels, part.labels)


def test_stored_batches_are_the_images_in_order() -> None:
    split = Digits(train_size=50).load().train
    parts = list(split.batches(20))
    assert [len(images) for images, _ in parts] == [20, 20, 10]
    assert torch.equal(torch.cat([images for images, _ in parts]), split.images)
    order = torch.tensor([7, 3, 3, 40])
    (first, labels), (last, _) = split.batches(3, order)
    assert torch.equal(first, split.images[[7, 3, 3]])
    assert torch.equal(labels, split.labels[[7, 3, 3]])
    assert torch.equal(last, split.images[[40]])
    assert list(split.batches(3, order[:0])) == []


def test_tiny_imagenet_names_a_damaged_file(tmp_path: Path) -> None:
    write_tiny_imagenet(tmp_path)
    victim = next((tmp_path / "tiny-imagenet-200" / "train").rglob("*_1.JPEG"))
    victim.write_bytes(b"")
    with pytest.raises(InputError, match=f"{victim.name} is missing or not an image"):
        TinyImageNet().load(tmp_path)
    Image.new("RGB", (64, 32)).save(victim)
    with pytest.raises(InputError, match=f"{victim.name} is 64x32, not a 64x64 JPEG"):
        TinyImageNet().load(tmp_path)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("wnids.txt", b"\xff\xfe\x00", "wnids.txt is not a text"),
        ("wnids.txt", None, "wnids.txt is missing"),
        ("wnids.txt", b"", "must be a file, a class of wnids.txt and a box"),
        ("val/val_annotations.txt", b"val_0.JPEG\n", "line 1 must be a file, a class"),
        ("val/val_annotations.txt", b"val_0.JPEG\tn99\t0\n", "line 1 must be a file, a class"),
        ("val/val_annotations.txt", b"../../x.JPEG\tn00000000\t0\n", "line 1 must be a file"),
        ("val/val_annotations.txt", b"", "15 training and 0 validation images"),
    ],
)
def test_tiny_imagenet_names_a_damaged_list(
    tmp_path: Path, file: str, content: bytes | None, message: str
) -> None:
    write_tiny_imagenet(tmp_path)
    path = tmp_path / "tiny-imagenet-200" / file
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        TinyImageNet().load(tmp_path)


# Of torchvision's sets there is one that an operating system may hold: its own tests hide that.
FOUND_WITHOUT_ROOT = ("digits", "synthetic", "torchvision", "python")


@pytest.mark.parametrize("name", [name for name in TASKS if name not in FOUND_WITHOUT_ROOT])
def test_missing_data_is_one_sentence_with_the_folder(name: str, tmp_path: Path) -> None:
    task = TASKS[name]()
    for root, message in (
        (None, f"task {name} needs --data-root"),
        (tmp_path / "none", "does not exist"),
        (tmp_path, f"{tmp_path} has no folder"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            task.load(root)
        assert "\n" not in str(caught.value)
