import os
from pathlib import Path

import numpy as np
import pytest
import torch

from searchspace import InputError
from trainers import Stl10


def write_stl10(root: Path, train: int = 20, test: int = 10) -> dict[str, np.ndarray]:
    """Small files in the published format: planes column by column, labels from 1."""
    folder = root / "stl10_binary"
    folder.mkdir()
    generator = np.random.default_rng(0)
    content = {}
    for name, count in (("train", train), ("test", test)):
        content[name] = generator.integers(0, 256, (count, 3, 96, 96), dtype=np.uint8)
        content[name].transpose(0, 1, 3, 2).tofile(folder / f"{name}_X.bin")
        (np.arange(count, dtype=np.uint8) % 10 + 1).tofile(folder / f"{name}_y.bin")
    return content


def test_images_stand_upright_and_labels_start_at_zero(tmp_path: Path) -> None:
    content = write_stl10(tmp_path)
    splits = Stl10().load(tmp_path)
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [16, 4, 10]
    assert splits.test.images.dtype == torch.uint8
    assert np.array_equal(splits.test.images.numpy(), content["test"])
    assert splits.test.labels.tolist() == list(range(10))
    seen = torch.cat([splits.train.images, splits.validation.images]).numpy()
    assert sorted(map(bytes, seen)) == sorted(map(bytes, content["train"]))


def test_torchvision_reads_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import STL10

    write_stl10(tmp_path)
    monkeypatch.setattr(STL10, "_check_integrity", lambda self: True)
    theirs = STL10(str(tmp_path), split="test")
    ours = Stl10().load(tmp_path).test
    assert np.array_equal(theirs.data, ours.images.numpy())
    assert theirs.labels.tolist() == ours.labels.tolist()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train_X.bin", b"12", "train_X.bin has 2 bytes, not 27648 for each of the 20 labels"),
        ("test_y.bin", bytes(10), "test_y.bin has labels outside 1 to 10"),
        ("test_y.bin", None, "test_y.bin is missing; unpack stl10_binary.tar.gz"),
    ],
)
def test_damaged_files_are_named(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    write_stl10(tmp_path)
    path = tmp_path / "stl10_binary" / name
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        Stl10().load(tmp_path)


def test_a_single_image_is_too_few(tmp_path: Path) -> None:
    write_stl10(tmp_path)
    folder = tmp_path / "stl10_binary"
    (folder / "train_X.bin").write_bytes(bytes(27648))
    (folder / "train_y.bin").write_bytes(bytes([1]))
    with pytest.raises(InputError, match="the dataset has 1 training images; five are needed"):
        Stl10().load(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "stl10_binary").mkdir()
    os.mkfifo(tmp_path / "stl10_binary" / "train_X.bin")
    with pytest.raises(InputError, match="train_X.bin is missing"):
        Stl10().load(tmp_path)
