"""Tasks whose images are read one by one into memory, from a source of the user's own."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor

from searchspace.checks import MAX_CLASSES, MAX_SIZE, check_integer, check_one_of
from searchspace.errors import InputError
from trainers.tasks.base import (
    Splits,
    StoredSplit,
    Task,
    statistics,
    stratified_split,
)
from trainers.tasks.collecting import LEAST, collected, count_classes
from trainers.tasks.fingerprint import check_fingerprint, of_folder, of_tensors
from trainers.tasks.fitting import Fit
from trainers.tasks.folder import check_folder_name

SPLIT_SEED = 20269


@dataclass(frozen=True, kw_only=True)
class CollectedTask(Task):
    """Images in memory; the fields say which set was meant, as `counted` finds it.

    `images` are those of the training part, from which a fifth is set aside for validation, and
    another for testing, where there are no parts for them.
    """

    size: int = 32
    fit: Fit = "resize"
    classes: int = 2  # type: ignore[misc]
    images: int = LEAST
    in_chs: int = 3  # type: ignore[misc]
    fingerprint: str = ""

    def __post_init__(self) -> None:
        check_integer(2, MAX_CLASSES, classes=self.classes)
        check_integer(1, images=self.images)
        check_integer(1, 64, in_chs=self.in_chs)
        check_integer(1, MAX_SIZE, size=self.size)
        check_one_of(("resize", "pad"), fit=self.fit)

    @property
    def input_size(self) -> int:  # type: ignore[override]
        """Pixels."""
        return self.size

    @property
    def train_images(self) -> int:
        """The number of images of the training part, from which others may be taken."""
        return self.images

    @abstractmethod
    def parts(self, data_root: Path | None) -> Mapping[str, Iterable[Any]]:
        """Images with labels: train, and validation and test where there are parts for them."""

    @abstractmethod
    def source_name(self) -> str:
        """What messages call the source."""

    def source_classes(self, data_root: Path | None) -> Any:
        """What the source calls its classes, None if it does not say."""
        return None

    def class_names(self, data_root: Path | None) -> tuple[str, ...]:
        """As the source names them; numbers unless each class has a text for a name."""
        with _explained(self.source_name()):
            names = self.source_classes(data_root)
        is_list = isinstance(names, list | tuple) and len(names) >= self.classes
        if not is_list or not all(isinstance(name, str) for name in names):
            return super().class_names(data_root)
        return tuple(names[: self.classes])

    def fingerprint_of(self, data_root: Path | None, parts: Mapping[str, StoredSplit]) -> str:
        """What identifies the data: their content, unless there is something faster."""
        return of_tensors(
            tensor for part in parts.values() for tensor in (part.images, part.labels)
        )

    def load(self, data_root: Path | None) -> Splits:
        """All images, which must be those that were counted."""
        self.locate(data_root)
        return _load(self, data_root)


T = TypeVar("T", bound=CollectedTask)


def counted(kind: type[T], data_root: Path | None, fields: Mapping[str, Any]) -> T:
    """The task of a source: classes, images, channels, size and fingerprint are read from it.

    `size` and `classes` may be given in `fields`.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    # Settings are checked before anything is read.
    task = kind(**given)
    task.locate(data_root)
    where = task.source_name()
    parts = _read(task, data_root, given.get("size"))
    classes = count_classes(parts, given.get("classes"), where)
    count, in_chs, side, _ = parts["train"].images.shape
    whole = replace(task, classes=classes, images=count, in_chs=in_chs, size=side)
    whole = replace(whole, fingerprint=whole.fingerprint_of(data_root, parts))
    _divided(parts, where)
    return whole


@lru_cache(maxsize=2)
def _load(task: CollectedTask, data_root: Path | None) -> Splits:
    where = task.source_name()
    parts = _read(task, data_root, task.size)
    found = task.fingerprint_of(data_root, parts)
    check_fingerprint(task.fingerprint, found, f"{where} (they must be the same each time)")
    count_classes(parts, task.classes, where)
    channels = parts["train"].images.shape[1]
    if channels != task.in_chs:
        raise InputError(f"{where}: images have {channels} channels, and in_chs is {task.in_chs}")
    train, validation, test = _divided(parts, where)
    return Splits(train, validation, test, *statistics(train.images))


@dataclass(frozen=True, kw_only=True)
class CollectedFolder(CollectedTask):
    """A `CollectedTask` in files: `name` is a folder under the data root."""

    name: str = "dataset"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_folder_name(self.name)

    def source_name(self) -> str:
        """The folder."""
        return self.name

    @abstractmethod
    def locate(self, data_root: Path | None) -> Path:
        """The folder under `data_root`; an InputError says what it lacks."""

    def fingerprint_of(self, data_root: Path | None, parts: Mapping[str, StoredSplit]) -> str:
        """That of the files' names and sizes."""
        return of_folder(self.locate(data_root))


def _read(task: CollectedTask, data_root: Path | None, size: int | None) -> dict[str, StoredSplit]:
    where = task.source_name()
    with _explained(where):
        return collected(task.parts(data_root), size, task.fit, where)


@contextmanager
def _explained(where: str) -> Iterator[None]:
    """An InputError says what was raised where code or a library of others failed."""
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        text = " ".join(str(error).split())
        raise InputError(f"{where} raised {type(error).__name__}: {text}") from None


def _divided(
    parts: Mapping[str, StoredSplit], where: str
) -> tuple[StoredSplit, StoredSplit, StoredSplit]:
    """Train, validation and test; a fifth of all is set aside for each that there is no part of."""
    train, whole = parts["train"], dict(parts)
    fifth = len(train) // 5
    for seed, name in enumerate(("test", "validation"), start=SPLIT_SEED):
        if name in whole:
            continue
        if len(parts["train"]) < LEAST:
            raise InputError(
                f"{where} has {len(train)} training images; {LEAST} are needed to set some aside "
                f"for {name}, or a part of its own"
            )
        rest, held = stratified_split(train.labels, fifth, seed)
        train, whole[name] = _part(train, rest), _part(train, held)
    return train, whole["validation"], whole["test"]


def _part(split: StoredSplit, indices: Tensor) -> StoredSplit:
    return StoredSplit(split.images[indices], split.labels[indices])
