"""Datasets that a Python function of the user's makes."""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

from torch.utils.data import Subset

from searchspace.errors import InputError
from searchspace.serialization import user_code
from searchspace.serialization.user_code import UserFile
from trainers.tasks.collected_task import CollectedTask

PARTS = (("train",), ("train", "test"), ("train", "validation", "test"))
"""The names of one, two or three datasets."""
SYNTAX = "source must be FILE.py:FUNCTION"


@dataclass(frozen=True, kw_only=True)
class PythonData(CollectedTask):
    """Datasets that a function makes: `source` is FILE.py:FUNCTION.

    The function takes the folder of the file, or nothing, and returns three datasets of torch
    (train, validation, test), two (train, test) or one, from which the others are taken: a fifth
    evenly over classes, by a fixed seed. An item is an image and a label. An image is a Pillow
    image, a tensor (C, H, W) or an array (H, W, C), of uint8 or float, and the same each time. An
    attribute `classes` of the first dataset, a list of texts, names the classes.

    `size` is needed where images have several sizes; `fit` is as in the task `torchvision`. All
    else is counted: `classes` (it may be given), `images` of the first dataset, channels, `code`,
    which identifies the file, and `fingerprint`, which identifies the images.
    """

    source: str = "data.py:make"
    code: str = ""

    kind: ClassVar[str] = "python"

    def __post_init__(self) -> None:
        super().__post_init__()
        file, _, function = self.source.rpartition(":")
        if Path(file).name != file or not file.endswith(".py") or not function.isidentifier():
            raise InputError(f"{SYNTAX}, without a folder, got {self.source!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        """The file goes with the task to the processes of other machines."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return _restored, (values, user_code.FILES.get(self.code))

    def source_name(self) -> str:
        """File and function."""
        return self.source

    def locate(self, data_root: Path | None) -> Path | None:
        """The data root, the folder of the file; the file must be known."""
        if self.code not in user_code.FILES:
            raise InputError(
                f"the file of {self.source} is not there as it was; it must lie beside the file of "
                "the study or task that names it"
            )
        return data_root

    def parts(self, data_root: Path | None) -> Mapping[str, Iterable[Any]]:
        """Call the function."""
        make = user_code.function_of(self.code, self.source)
        takes_root = len(inspect.signature(make).parameters) > 0
        made = make(data_root) if takes_root else make()
        parts = made if isinstance(made, tuple | list) else (made,)
        if not 1 <= len(parts) <= 3:
            raise InputError(f"{self.source} must return one to three datasets, got {len(parts)}")
        for part in parts:
            if not hasattr(part, "__getitem__") and not hasattr(part, "__iter__"):
                raise InputError(f"{self.source} must return datasets, got {part!r:.80}")
        return dict(zip(PARTS[len(parts) - 1], parts, strict=True))

    def source_classes(self, data_root: Path | None) -> Any:
        """The attribute `classes` of the first dataset, or of the one that it is a part of."""
        self.locate(data_root)
        dataset: Any = self.parts(data_root)["train"]
        while isinstance(dataset, Subset) and not hasattr(dataset, "classes"):
            dataset = dataset.dataset
        return getattr(dataset, "classes", None)


def _restored(values: dict[str, Any], file: UserFile | None) -> PythonData:
    if file is not None:
        user_code.keep(file)
    return PythonData(**values)
