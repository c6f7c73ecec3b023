"""Every set is fetched from a server on loopback, in small archives of the published form."""

import bz2
import errno
import gc
import gzip
import io
import json
import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from searchspace import InputError
from tests.support.idx_files import idx_bytes
from tests.support.mirror import Mirror, mirror, tar_gz, zipped
from trainers import Cifar10, Digits, Task, Torchvision
from trainers.tasks.published import PUBLISHED
from trainers.tasks.torchvision_set import _load

# Torchvision leaves answers that say no open: they are closed when they are collected.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

Patch = Callable[[str, Any], None]


@pytest.fixture
def served() -> Iterator[Mirror]:
    with mirror() as server:
        yield server
    gc.collect()


@pytest.fixture
def patch(monkeypatch: pytest.MonkeyPatch) -> Patch:
    """Sets an attribute of a class of torchvision.datasets, given as CLASS.ATTRIBUTE."""
    hidden = replace(PUBLISHED["FashionMNIST"], system_folder=Path("/nowhere/fashion-mnist"))
    monkeypatch.setitem(PUBLISHED, "FashionMNIST", hidden)
    _load.cache_clear()

    def set_attribute(name: str, value: Any) -> None:
        monkeypatch.setattr(f"torchvision.datasets.{name}", value)

    return set_attribute


def picture(value: int) -> bytes:
    """A small JPEG file."""
    file = io.BytesIO()
    Image.new("RGB", (12 + value % 3, 10), (value, 0, 0)).save(file, "JPEG")
    return file.getvalue()


def matlab(**values: Any) -> bytes:
    file = io.BytesIO()
    savemat(file, values)
    return file.getvalue()


def idx_pair(count: int, first: int = 0) -> tuple[bytes, bytes]:
    pixels = np.random.default_rng(count).integers(0, 256, (count, 28, 28), dtype=np.uint8)
    return idx_bytes(pixels), idx_bytes(np.arange(count) % 10 + first)


def serve_fashion(server: Mirror, patch: Patch) -> None:
    resources = []
    for part, count in (("train", 30), ("t10k", 20)):
        for form, content in zip(("images-idx3", "labels-idx1"), idx_pair(count), strict=True):
            name = f"{part}-{form}-ubyte.gz"
            resources.append((name, server.add(name, gzip.compress(content))[1]))
    patch("FashionMNIST.resources", resources)
    patch("FashionMNIST.mirrors", [server.url])


def serve_emnist(server: Mirror, patch: Patch) -> None:
    files = {}
    for split in ("balanced", "letters"):
        for part, count in (("train", 30), ("test", 20)):
            pair = idx_pair(count, int(split == "letters"))
            for form, content in zip(("images-idx3", "labels-idx1"), pair, strict=True):
                files[f"gzip/emnist-{split}-{part}-{form}-ubyte.gz"] = content
    url, md5 = server.add("gzip.zip", zipped(files))
    patch("EMNIST.url", url)
    patch("EMNIST.md5", md5)


def serve_svhn(server: Mirror, patch: Patch) -> None:
    entries = {}
    for part, count in (("train", 30), ("test", 20)):
        content = matlab(
            X=np.zeros((32, 32, 3, count), np.uint8), y=(np.arange(count) % 10 + 1)[:, None]
        )
        url, md5 = server.add(f"{part}_32x32.mat", content)
        entries[part] = [url, f"{part}_32x32.mat", md5]
    patch("SVHN.split_list", entries)


def serve_usps(server: Mirror, patch: Patch) -> None:
    entries = {}
    for part, name, count in (("train", "usps.bz2", 30), ("test", "usps.t.bz2", 20)):
        row = " ".join(f"{i + 1}:{(i % 3) - 1}" for i in range(256))
        lines = "".join(f"{i % 10 + 1} {row} \n" for i in range(count))
        url, md5 = server.add(name, bz2.compress(lines.encode()))
        entries[part] = [url, name, md5]
    patch("USPS.split_list", entries)


def serve_food(server: Mirror, patch: Patch) -> None:
    files, lists = {}, {}
    for part, count in (("train", 15), ("test", 10)):
        names = {c: [f"{c}/{part}{i}" for i in range(count)] for c in ("apple_pie", "waffles")}
        lists[f"food-101/meta/{part}.json"] = json.dumps(names).encode()
        files |= {f"food-101/images/{n}.jpg": picture(9) for c in names.values() for n in c}
    url, md5 = server.add("food-101.tar.gz", tar_gz({**lists, **files}))
    patch("Food101._URL", url)
    patch("Food101._MD5", md5)


def serve_flowers(server: Mirror, patch: Patch) -> None:
    images = {f"jpg/image_{i:05}.jpg": picture(i) for i in range(1, 51)}
    ids = {"trnid": np.arange(1, 16), "valid": np.arange(16, 31), "tstid": np.arange(31, 51)}
    contents = {
        "image": ("102flowers.tgz", tar_gz(images)),
        "label": ("imagelabels.mat", matlab(labels=np.arange(50) % 2 + 1)),
        "setid": ("setid.mat", matlab(**ids)),
    }
    entries = {k: (name, server.add(name, content)[1]) for k, (name, content) in contents.items()}
    patch("Flowers102._file_dict", entries)
    patch("Flowers102._download_url_prefix", server.url)


def serve_pets(server: Mirror, patch: Patch) -> None:
    images, lists = {}, {}
    for part, count in (("trainval", 15), ("test", 10)):
        lines = []
        for label, breed in enumerate(("Abyssinian", "beagle"), start=1):
            for i in range(count):
                images[f"images/{breed}_{part}{i}.jpg"] = picture(i)
                lines.append(f"{breed}_{part}{i} {label} 1 1")
        lists[f"annotations/{part}.txt"] = "\n".join(lines).encode() + b"\n"
    packed = (("images.tar.gz", tar_gz(images)), ("annotations.tar.gz", tar_gz(lists)))
    patch("OxfordIIITPet._RESOURCES", tuple(server.add(*one) for one in packed))


def serve_textures(server: Mirror, patch: Patch) -> None:
    files = {}
    for part, count in (("train1", 7), ("val1", 8), ("test1", 10)):
        names = [f"{c}/{c}_{part}{i}.jpg" for c in ("banded", "dotted") for i in range(count)]
        files[f"dtd/labels/{part}.txt"] = "\n".join(names).encode() + b"\n"
        files |= {f"dtd/images/{name}": picture(1) for name in names}
    url, md5 = server.add("dtd-r1.0.1.tar.gz", tar_gz(files))
    patch("DTD._URL", url)
    patch("DTD._MD5", md5)


def serve_countries(server: Mirror, patch: Patch) -> None:
    files = {
        f"country211/{part}/{country}/{i}.jpg": picture(i)
        for part, count in (("train", 7), ("valid", 8), ("test", 10))
        for country in ("AD", "ZW")
        for i in range(count)
    }
    url, md5 = server.add("country211.tgz", tar_gz(files))
    patch("Country211._URL", url)
    patch("Country211._MD5", md5)


def serve_imagenette(server: Mirror, patch: Patch) -> None:
    files = {
        f"imagenette2-320/{part}/{wnid}/{i}.JPEG": picture(i)
        for part, count in (("train", 15), ("val", 10))
        for wnid in ("n01440764", "n03888257")
        for i in range(count)
    }
    archive = server.add("imagenette2-320.tgz", tar_gz(files))
    patch("Imagenette._ARCHIVES", {"320px": archive, "full": archive, "160px": archive})


def serve_cifar(server: Mirror, patch: Patch) -> None:
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    parts = {}
    for name in names:
        count = 20 if name == "test_batch" else 6
        rows = {"data": np.zeros((count, 3072), np.uint8), "labels": [i % 10 for i in range(count)]}
        parts[name] = pickle.dumps(rows)
    parts["batches.meta"] = pickle.dumps({"label_names": [str(i) for i in range(10)]})
    files = {f"cifar-10-batches-py/{name}": content for name, content in parts.items()}
    url, md5 = server.add("cifar-10-python.tar.gz", tar_gz(files))
    sums = {name: Mirror().add(name, content)[1] for name, content in parts.items()}
    patch("CIFAR10.url", url)
    patch("CIFAR10.tgz_md5", md5)
    patch("CIFAR10.train_list", [[name, sums[name]] for name in names[:5]])
    patch("CIFAR10.test_list", [["test_batch", sums["test_batch"]]])
    meta = {"filename": "batches.meta", "key": "label_names", "md5": sums["batches.meta"]}
    patch("CIFAR10.meta", meta)


SETS: dict[str, tuple[Callable[[Mirror, Patch], None], Task]] = {
    "FashionMNIST": (serve_fashion, Torchvision("FashionMNIST")),
    "EMNIST": (serve_emnist, Torchvision("EMNIST")),
    "EMNIST-letters": (serve_emnist, Torchvision("EMNIST-letters")),
    "SVHN": (serve_svhn, Torchvision("SVHN")),
    "USPS": (serve_usps, Torchvision("USPS")),
    "Food101": (serve_food, Torchvision("Food101", size=8)),
    "Flowers102": (serve_flowers, Torchvision("Flowers102", size=8)),
    "OxfordIIITPet": (serve_pets, Torchvision("OxfordIIITPet", size=8)),
    "DTD": (serve_textures, Torchvision("DTD", size=8)),
    "Country211": (serve_countries, Torchvision("Country211", size=8)),
    "Imagenette": (serve_imagenette, Torchvision("Imagenette", size=8)),
    "cifar10": (serve_cifar, Cifar10()),
}


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_fetched_once_and_read(
    name: str, served: Mirror, patch: Patch, tmp_path: Path
) -> None:
    serve, task = SETS[name]
    serve(served, patch)
    root = tmp_path / "new" / "root"
    task.download(root)
    splits = task.load(root)
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [24, 6, 20]
    assert task.identified(root).load(root).train is not None
    assert [path.name for path in root.iterdir() if path.name.startswith(".")] == []
    assert len(task.class_names(root)) == task.classes
    asked = len(served.asked)
    task.download(root)
    assert len(served.asked) == asked > 0


def test_data_that_need_no_files_are_not_fetched(tmp_path: Path) -> None:
    Digits().download(None)


def test_a_set_without_checksums_is_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="FGVCAircraft is not downloaded, as torchvision knows no"):
        Torchvision("FGVCAircraft", size=8).download(tmp_path)


@pytest.mark.parametrize("name", ["FashionMNIST", "Food101", "SVHN", "cifar10"])
@pytest.mark.parametrize("trouble", ["truncated", "checksum", "missing", "no network", "disk full"])
def test_trouble_is_one_sentence_and_leaves_nothing(
    trouble: str, name: str, served: Mirror, patch: Patch, tmp_path: Path
) -> None:
    serve, task = SETS[name]
    serve(served, patch)
    if trouble == "truncated":
        served.truncated = True
    if trouble == "checksum":
        served.files = {name: content + b"0" for name, content in served.files.items()}
    if trouble == "missing":
        served.files = {}
    if trouble == "no network":
        patch("utils._get_redirect_url", refuse(OSError(errno.ENETUNREACH, "Network unreachable")))
    if trouble == "disk full":
        patch("utils._urlretrieve", refuse(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(InputError, match="cannot be downloaded: .") as caught:
        task.download(tmp_path)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def refuse(error: Exception) -> Callable[..., None]:
    def raise_error(*args: Any, **options: Any) -> None:
        raise error

    return raise_error


def test_what_was_fetched_before_the_trouble_is_not_taken_for_the_set(
    served: Mirror, patch: Patch, tmp_path: Path
) -> None:
    serve_fashion(served, patch)
    del served.files["t10k-labels-idx1-ubyte.gz"]
    with pytest.raises(InputError, match="FashionMNIST cannot be downloaded: .*404"):
        Torchvision().download(tmp_path)
    with pytest.raises(InputError, match="has no FashionMNIST/raw/train-images-idx3-ubyte"):
        Torchvision().load(tmp_path)
    serve_fashion(served, patch)
    Torchvision().download(tmp_path)
    assert len(Torchvision().load(tmp_path).test) == 20


def test_a_place_that_cannot_be_written_to_is_named(
    served: Mirror, patch: Patch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_fashion(served, patch)
    with pytest.raises(InputError, match="--download needs --data-root, the folder that Fashion"):
        Torchvision().download(None)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write to .*: Not a directory"):
        Torchvision().download(tmp_path / "file" / "root")
    denied = refuse(PermissionError(errno.EACCES, "Permission denied"))
    monkeypatch.setattr("trainers.tasks.downloading.tempfile.mkdtemp", denied)
    with pytest.raises(InputError, match="cannot write to .*: Permission denied"):
        Torchvision().download(tmp_path)
    assert served.asked == []
