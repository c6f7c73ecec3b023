"""A published dataset, read by torchvision's own class from where torchvision puts it."""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Self

from torch import Tensor

from searchspace.checks import MAX_SIZE, check_integer, check_one_of
from searchspace.errors import InputError
from searchspace.schema import OMIT_DEFAULT
from trainers.tasks.base import (
    Splits,
    StoredSplit,
    Task,
    statistics,
    stratified_split,
    stratified_validation,
)
from trainers.tasks.downloading import download
from trainers.tasks.fingerprint import check_fingerprint
from trainers.tasks.fitting import Fit, fitted
from trainers.tasks.published import OWN_TASKS, PUBLISHED, PublishedSet
from trainers.tasks.stream import StreamedSplit, splits_of_files
from trainers.tasks.torchvision_files import (
    Part,
    dataset_class,
    is_present,
    open_datasets,
    read_datasets,
    read_parts,
    split_fingerprint,
)

SPLIT_SEED = 20268


@dataclass(frozen=True)
class Torchvision(Task):
    """A dataset of torchvision, with its official test split.

    `name` is FashionMNIST, MNIST, KMNIST, EMNIST (its 47 balanced classes), EMNIST-letters, SVHN,
    USPS, Food101, Flowers102, OxfordIIITPet, DTD, FGVCAircraft, GTSRB, Country211 or Imagenette;
    a command line takes the name alone too. Grey images keep their one channel. Files lie where
    torchvision puts them under the data root; FashionMNIST needs none where Debian's package
    `dataset-fashion-mnist` is installed.

    `size` is in pixels; none leaves images as they are, where all have the same. `fit` says what is
    done to images of another size: `resize` cuts to a centred square and scales it, `pad` cuts
    nothing and enlarges nothing, but puts a black border around. Of the training images,
    `validation` are held out evenly over classes, by a fixed seed (at most a fifth), and
    `train_size` of the rest are used, all if it is none. `fingerprint` identifies the images; it is
    filled in when a run begins.
    """

    name: str = "FashionMNIST"
    size: int | None = None
    fit: Fit = "resize"
    train_size: int | None = None
    validation: int = 5000
    fingerprint: str = field(default="", metadata=OMIT_DEFAULT)

    kind: ClassVar[str] = "torchvision"

    def __post_init__(self) -> None:
        if self.name in OWN_TASKS:
            raise InputError(f"{self.name} has a task of its own; name it {OWN_TASKS[self.name]}")
        check_one_of(PUBLISHED, name=self.name)
        check_one_of(("resize", "pad"), fit=self.fit)
        if self.size is not None:
            check_integer(1, MAX_SIZE, size=self.size)
        elif self.published.side is None:
            raise InputError(
                f"size must be given for {self.name}, whose images have several: for example 64"
            )
        check_integer(1, validation=self.validation)
        if self.train_size is not None:
            check_integer(1, self._largest_train, train_size=self.train_size)

    @property
    def published(self) -> PublishedSet:
        """What is known of the set."""
        return PUBLISHED[self.name]

    @property
    def short_name(self) -> str:
        """The dataset's name."""
        return self.name

    @property
    def classes(self) -> int:  # type: ignore[override]
        """Of the whole set."""
        return self.published.classes

    @property
    def input_size(self) -> int:  # type: ignore[override]
        """Pixels."""
        return self.size or self.published.side or 0

    @property
    def in_chs(self) -> int:  # type: ignore[override]
        """1 for grey images, otherwise 3."""
        return self.published.in_chs

    @property
    def train_images(self) -> int:
        """The number of training images."""
        return self.train_size or self._largest_train

    @property
    def _largest_train(self) -> int:
        count = self.published.train_images
        return count - min(self.validation, count // 5)

    def _found(self, data_root: Path | None) -> Path | None:
        """Where the files are, if they are there."""
        published, files = self.published, self.published.files
        if data_root is not None and all(is_present(data_root / file) for file in files):
            return data_root if published.form != "idx" else (data_root / files[0]).parent
        system = published.system_folder
        if system is not None and all(is_present(system / Path(file).name) for file in files):
            return system
        return None

    def locate(self, data_root: Path | None) -> Path:
        """The folder of the IDX files, for sets that are kept so, otherwise the data root."""
        found = self._found(data_root)
        if found is not None and (data_root is None or data_root.is_dir()):
            return found
        published, files = self.published, self.published.files
        source = f"the files of torchvision.datasets.{published.loader or self.name}"
        if published.checked:
            source += ", which --download fetches"
        if published.system_folder is not None:
            package = f"dataset-{published.system_folder.name}"
            source += f"; or install Debian's package {package}, which needs no data root"
        if data_root is None:
            raise InputError(
                f"task {self.name} needs --data-root, a folder that holds {files[0]}: {source}"
            )
        if not data_root.is_dir():
            raise InputError(
                f"data root {data_root} does not exist; it must hold {files[0]}: {source}"
            )
        missing = next(file for file in files if not is_present(data_root / file))
        raise InputError(f"data root {data_root} has no {missing}: {source}")

    def download(self, data_root: Path | None) -> None:
        """Fetch the files where torchvision knows their checksums."""
        if self._found(data_root):
            return
        if not self.published.checked:
            raise InputError(
                f"{self.name} is not downloaded, as torchvision knows no checksum of it; unpack "
                f"it to {self.published.files[0]} under the data root yourself"
            )
        tops = dict.fromkeys(file.split("/")[0] for file in self.published.files)

        def fetch(root: str) -> None:
            open_datasets(self.name, root, download=True)

        download(self.name, fetch, data_root, *tops)

    def identified(self, data_root: Path | None) -> Self:
        """With the fingerprint of all images and labels."""
        folder = self.locate(data_root)
        train, test = read_parts(self.name, folder, self.input_size, self.fit)
        found = split_fingerprint(train, test, folder)
        check_fingerprint(self.fingerprint, found, self.name)
        return replace(self, fingerprint=found)

    def class_names(self, data_root: Path | None) -> tuple[str, ...]:
        """As torchvision's class has them; numbers where it has none."""
        names = getattr(dataset_class(self.name), "classes", None)
        if self.published.form == "files":
            names = getattr(read_datasets(self.name, self.locate(data_root))[0][0], "classes", None)
        if not isinstance(names, list | tuple) or len(names) != self.classes:
            return super().class_names(data_root)
        return tuple(name if isinstance(name, str) else name[0] for name in names)

    def load(self, data_root: Path | None) -> Splits:
        """The splits, read at once if the images at their size fit into 2 GiB."""
        return _load(self, self.locate(data_root))


@lru_cache(maxsize=2)
def _load(task: Torchvision, folder: Path) -> Splits:
    train, test = read_parts(task.name, folder, task.input_size, task.fit)
    if task.fingerprint:
        check_fingerprint(task.fingerprint, split_fingerprint(train, test, folder), task.name)
    rest, held = stratified_validation(train.labels, task.validation, SPLIT_SEED)
    if task.train_size is not None:
        if task.train_size > len(rest):
            raise InputError(
                f"train_size must be at most {len(rest)}, the training images of {task.name} in "
                f"{folder} that are not held out, got {task.train_size}"
            )
        rest = rest[stratified_split(train.labels[rest], task.train_size, SPLIT_SEED + 1)[1]]
    if isinstance(train, StreamedSplit) and isinstance(test, StreamedSplit):
        return splits_of_files(train.part(rest), train.part(held), test)
    parts = (_fitted(train, rest, task), _fitted(train, held, task), _fitted(test, None, task))
    return Splits(*parts, *statistics(parts[0].images))


def _fitted(split: Part, indices: Tensor | None, task: Torchvision) -> StoredSplit:
    """The images at `indices`, all if it is None, at the task's size."""
    if not isinstance(split, StoredSplit):
        raise TypeError("only images in memory are fitted at once")
    images, labels = split.images, split.labels
    if indices is not None:
        images, labels = images[indices], labels[indices]
    return StoredSplit(fitted(images, task.input_size, task.fit), labels)
