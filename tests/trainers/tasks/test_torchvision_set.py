import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from searchspace import Architecture, InputError, ResNetCifar
from searchspace.schema import from_json, to_json
from tests.support.idx_files import idx_bytes, write_idx_set
from trainers import RECIPES, Job, Task, Torchvision, train
from trainers.tasks import stream
from trainers.tasks.base import StoredSplit
from trainers.tasks.published import OWN_TASKS, PUBLISHED
from trainers.tasks.stream import StreamedSplit
from trainers.tasks.torchvision_set import _load

FASHION = PUBLISHED["FashionMNIST"].system_folder


@pytest.fixture(autouse=True)
def no_system_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests are the same whether a package of the operating system is installed or not."""
    hidden = replace(PUBLISHED["FashionMNIST"], system_folder=Path("/nowhere/fashion-mnist"))
    monkeypatch.setitem(PUBLISHED, "FashionMNIST", hidden)
    _load.cache_clear()


def images(split: object) -> torch.Tensor:
    assert isinstance(split, StoredSplit)
    assert split.images.dtype == torch.uint8
    return split.images


def test_grey_images_stay_grey_and_test_stays_whole(tmp_path: Path) -> None:
    content = write_idx_set(tmp_path)
    task = Torchvision()
    splits = task.load(tmp_path)
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [48, 12, 20]
    assert (task.in_chs, task.classes, task.input_size) == (1, 10, 28)
    assert np.array_equal(images(splits.test)[:, 0].numpy(), content["t10k"])
    seen = torch.cat([images(splits.train), images(splits.validation)])[:, 0].numpy()
    assert sorted(map(bytes, seen)) == sorted(map(bytes, content["train"]))
    assert splits.mean.shape == (1,)
    assert splits.mean.item() == pytest.approx(images(splits.train).float().mean().item())


@pytest.mark.parametrize("compressed", [True, False])
def test_torchvision_reads_the_same(compressed: bool, tmp_path: Path) -> None:
    from torchvision.datasets import FashionMNIST

    write_idx_set(tmp_path, compressed=False)
    theirs = FashionMNIST(str(tmp_path), train=False)
    if compressed:
        for path in (tmp_path / "FashionMNIST" / "raw").iterdir():
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
    ours = Torchvision().load(tmp_path).test
    assert torch.equal(theirs.data, images(ours)[:, 0])
    assert torch.equal(theirs.targets, ours.labels)  # type: ignore[attr-defined]
    assert Torchvision().class_names(tmp_path)[9] == "Ankle boot"


def test_labels_of_emnist_letters_start_at_zero(tmp_path: Path) -> None:
    parts = ("emnist-letters-train", "emnist-letters-test")
    write_idx_set(tmp_path, "EMNIST", parts=parts, train=130, test=26, classes=26, first_label=1)
    labels = Torchvision("EMNIST-letters").load(tmp_path).test.labels  # type: ignore[attr-defined]
    assert labels.tolist() == list(range(26))


def test_a_part_of_the_training_images_is_even_fixed_and_within_larger_parts(
    tmp_path: Path,
) -> None:
    write_idx_set(tmp_path, train=200)
    small, larger, whole = (
        Torchvision(train_size=count, validation=20).load(tmp_path) for count in (30, 60, None)
    )
    assert torch.bincount(small.train.labels).tolist() == [3] * 10  # type: ignore[attr-defined]
    for data in (small, larger):
        assert torch.equal(images(data.validation), images(whole.validation))
        assert torch.equal(images(data.test), images(whole.test))
    rows = [set(map(bytes, images(data.train).numpy())) for data in (small, larger, whole)]
    assert [len(row) for row in rows] == [30, 60, 180]
    assert rows[0] < rows[1] < rows[2]


def test_pad_puts_a_border_and_resize_scales(tmp_path: Path) -> None:
    content = write_idx_set(tmp_path)
    padded = images(Torchvision(size=32, fit="pad").load(tmp_path).test)[:, 0].numpy()
    assert padded.shape == (20, 32, 32)
    assert np.array_equal(padded[:, 2:30, 2:30], content["t10k"])
    assert padded.sum() == content["t10k"].sum(dtype=np.int64)
    for fit in ("resize", "pad"):
        scaled = images(Torchvision(size=14, fit=fit).load(tmp_path).test)  # type: ignore[arg-type]
        assert scaled.shape == (20, 1, 14, 14)
        assert scaled.float().mean() == pytest.approx(content["t10k"].mean(), rel=0.02)


def test_the_fingerprint_is_that_of_the_content(tmp_path: Path) -> None:
    write_idx_set(tmp_path / "a")
    write_idx_set(tmp_path / "b", compressed=False)
    task = Torchvision(size=32).identified(tmp_path / "a")
    assert len(task.fingerprint) == 16
    assert task == Torchvision(size=32).identified(tmp_path / "b")
    assert from_json(Task, to_json(task)) == task  # type: ignore[type-abstract]
    assert task.label() == "FashionMNIST(size=32)"
    content = write_idx_set(tmp_path / "b")["train"]
    content[0, 0, 0] += 1
    changed = tmp_path / "b" / "FashionMNIST" / "raw" / "train-images-idx3-ubyte"
    changed.write_bytes(idx_bytes(content))
    task.load(tmp_path / "a")
    for use in (task.load, task.identified):
        with pytest.raises(InputError, match="the images of FashionMNIST are not those that the"):
            use(tmp_path / "b")


def test_the_package_of_the_operating_system_needs_no_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_idx_set(tmp_path)
    raw = tmp_path / "FashionMNIST" / "raw"
    there = replace(PUBLISHED["FashionMNIST"], system_folder=raw)
    monkeypatch.setitem(PUBLISHED, "FashionMNIST", there)
    assert Torchvision().locate(None) == raw
    assert Torchvision().locate(tmp_path / "FashionMNIST") == raw
    with pytest.raises(InputError, match="none does not exist"):
        Torchvision().locate(tmp_path / "none")
    assert FASHION == Path("/usr/share/datasets/fashion-mnist")


@pytest.mark.parametrize(
    ("root", "message"),
    [
        (None, "task FashionMNIST needs --data-root, a folder that holds FashionMNIST/raw/train"),
        ("none", "does not exist; it must hold FashionMNIST/raw/train-images-idx3-ubyte"),
        ("", "has no FashionMNIST/raw/train-images-idx3-ubyte"),
    ],
)
def test_missing_data_names_both_ways_to_get_them(
    root: str | None, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Torchvision().load(None if root is None else tmp_path / root)
    assert "install Debian's package dataset-fashion-mnist" in str(caught.value)
    assert "\n" not in str(caught.value)


TRAIN_IMAGES = "train-images-idx3-ubyte.gz"
TRAIN_LABELS = "train-labels-idx1-ubyte.gz"


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (TRAIN_IMAGES, b"", "is not an IDX file of bytes in 3 dimensions"),
        (TRAIN_IMAGES, b"no gzip at all", "is damaged or cut short"),
        (TRAIN_IMAGES, gzip.compress(idx_bytes(np.zeros((60, 28, 28))))[:60], "is damaged or cut"),
        (TRAIN_IMAGES, gzip.compress(bytes(400)), "is not an IDX file of bytes in 3"),
        (TRAIN_IMAGES, gzip.compress(idx_bytes(np.zeros((60, 28, 28)))[:-1]), "and has 47,039"),
        (TRAIN_IMAGES, gzip.compress(idx_bytes(np.zeros((60, 28, 28))) + b"0"), "and has more"),
        (TRAIN_IMAGES, gzip.compress(idx_bytes(np.zeros((60, 20, 28)))), "holds 60 of 28x20"),
        (TRAIN_LABELS, gzip.compress(idx_bytes(np.zeros(59))), "must hold 59 images of 28x28"),
        (TRAIN_LABELS, gzip.compress(idx_bytes(np.full(60, 10))), "must be from 0 to 9, got 10"),
        (TRAIN_LABELS, gzip.compress(idx_bytes(np.zeros((60, 1)))), "not an IDX file of bytes in"),
    ],
    # A gzip file holds the time: by their content, workers would collect different tests.
    ids=range(10),
)
def test_damaged_files_are_named(file: str, content: bytes, message: str, tmp_path: Path) -> None:
    write_idx_set(tmp_path)
    (tmp_path / "FashionMNIST" / "raw" / file).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        Torchvision().load(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "FashionMnist"}, "name must be one of FashionMNIST, MNIST"),
        ({"name": "CIFAR10"}, "CIFAR10 has a task of its own; name it cifar10"),
        ({"name": "Food101"}, "size must be given for Food101, whose images have several"),
        ({"size": 0}, "size must be a whole number of at least 1"),
        ({"fit": "cut"}, "fit must be one of resize, pad"),
        ({"train_size": 55_001}, "train_size must be at most 55000"),
        ({"train_size": 0}, "train_size must be a whole number of at least 1"),
        ({"validation": 0}, "validation must be a whole number of at least 1"),
    ],
)
def test_bad_settings(settings: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Torchvision(**settings)  # type: ignore[arg-type]


def test_a_part_larger_than_a_reduced_set_is_refused(tmp_path: Path) -> None:
    write_idx_set(tmp_path)
    with pytest.raises(InputError, match="train_size must be at most 48, .* got 49"):
        Torchvision(train_size=49).load(tmp_path)


def test_every_set_is_one_of_torchvision_or_has_a_task_of_its_own() -> None:
    from torchvision import datasets

    from trainers import TASKS

    for name, known in PUBLISHED.items():
        assert hasattr(datasets, known.loader or name)
        task = Torchvision(name, size=64)
        assert 0 < task.train_images < known.train_images
    for name, kind in OWN_TASKS.items():
        assert hasattr(datasets, name)
        assert kind in TASKS


def write_flowers(root: Path) -> None:
    """A small Flowers102 in the published layout: images by number, labels and splits by MATLAB."""
    from scipy.io import savemat

    folder = root / "flowers-102"
    (folder / "jpg").mkdir(parents=True)
    for i in range(1, 25):
        size = (20, 30) if i % 2 else (40, 16)
        Image.new("RGB", size, (10 * i, 0, 0)).save(folder / "jpg" / f"image_{i:05}.jpg")
    savemat(folder / "imagelabels.mat", {"labels": np.arange(24) % 2 + 1})
    ids = {"trnid": np.arange(1, 9), "valid": np.arange(9, 17), "tstid": np.arange(17, 25)}
    savemat(folder / "setid.mat", ids)


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Published files have known checksums; generated ones cannot."""
    for module in ("flowers102", "svhn", "utils"):
        monkeypatch.setattr(f"torchvision.datasets.{module}.check_integrity", lambda *a: True)


@pytest.mark.usefixtures("unchecked")
def test_sets_of_image_files_have_their_official_validation_images_in_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_flowers(tmp_path)
    task = Torchvision("Flowers102", size=16)
    splits = task.load(tmp_path)
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [13, 3, 8]
    assert images(splits.test).shape == (8, 3, 16, 16)
    assert splits.test.labels.tolist() == [0, 1] * 4  # type: ignore[attr-defined]
    identified = task.identified(tmp_path)
    assert identified.load(tmp_path).mean.tolist() == splits.mean.tolist()
    # Larger sets are read while they are needed.
    _load.cache_clear()
    monkeypatch.setattr(stream, "STORED_BYTES", 100)
    streamed = task.load(tmp_path)
    assert isinstance(streamed.test, StreamedSplit)
    (batch, _), *_ = streamed.test.batches(8)
    assert torch.equal(batch, images(splits.test))
    (tmp_path / "flowers-102" / "jpg" / "image_00003.jpg").write_bytes(b"other")
    with pytest.raises(InputError, match="the images of Flowers102 are not those"):
        identified.load(tmp_path)


@pytest.mark.usefixtures("unchecked")
def test_pad_shows_all_of_an_image_and_enlarges_none(tmp_path: Path) -> None:
    write_flowers(tmp_path)
    picture = images(Torchvision("Flowers102", size=32, fit="pad").load(tmp_path).test)[:2, 0]
    # 20x30 pixels as they are, and 40x16 scaled by 0.8 to 32x13.
    assert ((picture[0] > 100).sum(0) > 0).sum() == 20
    assert ((picture[0] > 100).sum(1) > 0).sum() == 30
    assert ((picture[1] > 100).sum(0) > 0).sum() == 32
    assert ((picture[1] > 100).sum(1) > 0).sum() == 13


@pytest.mark.usefixtures("unchecked")
def test_svhn_is_read_from_its_arrays(tmp_path: Path) -> None:
    from scipy.io import savemat

    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 20), dtype=np.uint8)
    for part in ("train", "test"):
        # The published labels are 1 to 10, where 10 means 0.
        labels = (np.arange(20) % 10 + 1)[:, None]
        savemat(tmp_path / f"{part}_32x32.mat", {"X": pixels, "y": labels})
    splits = Torchvision("SVHN").load(tmp_path)
    assert np.array_equal(images(splits.test).numpy(), pixels.transpose(3, 2, 0, 1))
    assert splits.test.labels.tolist() == [*range(1, 10), 0] * 2  # type: ignore[attr-defined]


def test_a_damaged_archive_is_one_sentence(tmp_path: Path) -> None:
    for name in ("train_32x32.mat", "test_32x32.mat"):
        (tmp_path / name).write_bytes(b"damaged")
    with pytest.raises(InputError, match="SVHN in .* cannot be read: Dataset not found or corr"):
        Torchvision("SVHN").load(tmp_path)


def test_a_network_learns_from_fashion_mnist(tmp_path: Path) -> None:
    """On the package's images where it is installed, otherwise on files of the same form."""
    if FASHION is not None and FASHION.is_dir():
        root = tmp_path / "FashionMNIST" / "raw"
        root.parent.mkdir()
        root.symlink_to(FASHION)
    else:
        write_idx_set(tmp_path, train=800, test=200)
    task = Torchvision(train_size=512, validation=100, size=16).identified(tmp_path)
    recipe = replace(RECIPES["quick"], epochs=2, batch_size=32)
    job = Job(Architecture(ResNetCifar(8, width=8)), task, recipe, 0)
    result = train(job, data_root=tmp_path)
    assert result.status == "finished"
    assert result.points[0].test_accuracy > 0.3
    assert result.points[0].test_images in (200, 10_000)
