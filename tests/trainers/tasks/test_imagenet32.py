import os
import pickle
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch

from searchspace import InputError
from trainers import ImageNet32
from trainers.tasks.array_pickle import read_pickle

NAMES = [*(f"train_data_batch_{i}" for i in range(1, 11)), "val_data"]


def write_imagenet32(root: Path, protocol: int, each: int = 6) -> dict[str, np.ndarray]:
    """Small batches in the published format: rows of planes, labels from 1, the mean image."""
    folder = root / "imagenet32"
    folder.mkdir()
    generator = np.random.default_rng(0)
    content = {}
    for name in NAMES:
        content[name] = generator.integers(0, 256, (each, 3072), dtype=np.uint8)
        entry = {
            "data": content[name],
            "labels": [1 + 333 * (i % 3) + i // 3 for i in range(each)],
            "mean": content[name].mean(0),
        }
        (folder / name).write_bytes(pickle.dumps(entry, protocol))
    return content


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_all_batches_are_read(tmp_path: Path, protocol: int) -> None:
    content = write_imagenet32(tmp_path, protocol)
    splits = ImageNet32().load(tmp_path)
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [48, 12, 6]
    assert splits.test.images.shape == (6, 3, 32, 32)
    assert np.array_equal(splits.test.images.flatten(1).numpy(), content.pop("val_data"))
    assert splits.test.labels.tolist() == [0, 333, 666, 1, 334, 667]
    seen = torch.cat([splits.train.images, splits.validation.images]).flatten(1).numpy()
    assert sorted(map(bytes, seen)) == sorted(map(bytes, np.concatenate(list(content.values()))))


def test_a_missing_batch_is_named(tmp_path: Path) -> None:
    write_imagenet32(tmp_path, 4)
    (tmp_path / "imagenet32" / "train_data_batch_7").unlink()
    with pytest.raises(InputError, match="train_data_batch_7 is missing; unpack Imagenet32_train"):
        ImageNet32().locate(tmp_path)


class Harmful:
    """Unpickled the usual way, it makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_a_pickle_cannot_run_code(tmp_path: Path) -> None:
    write_imagenet32(tmp_path, 4)
    marker = tmp_path / "made"
    (tmp_path / "imagenet32" / "val_data").write_bytes(pickle.dumps(Harmful(marker)))
    with pytest.raises(InputError, match=r"val_data is not a batch .*asks for posix.mkdir"):
        ImageNet32().load(tmp_path)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"data": np.zeros((2, 3072), np.uint8)}, "is not a batch of ImageNet32x32"),
        ({"data": np.zeros((2, 5), np.uint8), "labels": [1, 2]}, "is not a batch of ImageNet32x32"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [0, 2]}, "a label from 1 to 1000"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [1]}, "a label from 1 to 1000"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [1.5, 2]}, "are not whole numbers"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": ["1", "2"]}, "are not whole numbers"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [10**30, 2]}, "are not whole numbers"),
    ],
)
def test_a_damaged_batch_is_named(tmp_path: Path, entry: dict[str, object], message: str) -> None:
    write_imagenet32(tmp_path, 4)
    (tmp_path / "imagenet32" / "val_data").write_bytes(pickle.dumps(entry))
    with pytest.raises(InputError, match=message):
        ImageNet32().load(tmp_path)


class Reduced:
    """Pickled as a call of `make` with `args`, whose result is given `state`."""

    def __init__(self, make: object, args: tuple[object, ...], state: object) -> None:
        self.reduced = make, args, state

    def __reduce__(self) -> tuple[object, ...]:
        return self.reduced


def array_of(code: str, state: tuple[object, ...], content: object = b"\0" * 6144) -> Reduced:
    """Two images whose data type is rebuilt with this code and state."""
    kind = Reduced(np.dtype, (code, False, True), state)
    reconstruct = np.zeros(0).__reduce__()[0]
    return Reduced(reconstruct, (np.ndarray, (0,), b"b"), (1, (2, 3072), kind, False, content))


PLAIN_STATE = (3, "|", None, None, None, -1, -1, 0)


def test_an_array_as_numpy_pickles_it_is_read(tmp_path: Path) -> None:
    """Those below differ from this one in one respect each."""
    (tmp_path / "part").write_bytes(pickle.dumps({"data": array_of("u1", PLAIN_STATE)}))
    assert read_pickle(tmp_path / "part")["data"].shape == (2, 3072)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        # A type with an object in its fields: numpy's own reader crashes the interpreter.
        (
            array_of("V8", (3, "|", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 1, 27)),
            "an array of type 'V8'",
        ),
        (
            array_of("u1", (3, "|", None, ("a",), {"a": (np.dtype("u1"), 0)}, 8, 1, 27)),
            "an array of type 'O8'|of a structured type|asks for",
        ),
        (array_of("u1", (3, "|", (np.dtype("u1"), (2,)), None, None, 8, 1, 0)), "structured type"),
        (array_of("O8", PLAIN_STATE), "an array of type 'O8'"),
        (array_of("u1", PLAIN_STATE, content=[1, 2]), "not of plain numbers"),
        (array_of("u1", PLAIN_STATE, content=b"short"), "cannot reshape array of size 5"),
        ([1, 2], "it holds a list"),
    ],
)
def test_only_arrays_of_plain_numbers_are_read(
    tmp_path: Path, content: object, message: str
) -> None:
    entry = content if isinstance(content, list) else {"data": content, "labels": [1, 2]}
    write_imagenet32(tmp_path, 4)
    (tmp_path / "imagenet32" / "val_data").write_bytes(pickle.dumps(entry))
    with pytest.raises(InputError, match=message):
        ImageNet32().load(tmp_path)


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_pickle_is_one_sentence(tmp_path: Path, seed: int) -> None:
    """Bytes of the second half of a batch, or its end, are lost or changed."""
    write_imagenet32(tmp_path, 2, each=1)
    path = tmp_path / "imagenet32" / "val_data"
    content = bytearray(path.read_bytes())
    random = np.random.default_rng(seed)
    for place in random.integers(0, len(content), 30):
        content[place] = random.integers(256)
    path.write_bytes(content[: random.integers(len(content))] if seed % 2 else content)
    with suppress(InputError):
        ImageNet32().load(tmp_path)
