"""Datasets that a Python function of the user's makes."""

import hashlib
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from torch.utils.data import Subset

from searchspace.errors import InputError
from searchspace.serialization.files import read_text
from trainers.tasks.collected_task import CollectedTask

PARTS = (("train",), ("train", "test"), ("train", "validation", "test"))
"""The names of one, two or three datasets."""
SYNTAX = "source must be FILE.py:FUNCTION"
_files: dict[str, tuple[Path, str]] = {}
"""The path and text of each file that was registered, by the hash of its text."""


def register_file(path: Path, text: str | None = None) -> str:
    """Make a file known, read from `path` if its text is not given; the hash that names it."""
    text = read_text(path) if text is None else text
    code = hashlib.sha256(text.encode()).hexdigest()[:16]
    _files.setdefault(code, (path, text))
    return code


def registered_text(code: str) -> str | None:
    """The text of the file with this hash, None if it is not known in this process."""
    return _files[code][1] if code in _files else None


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
        return _restored, (values, _files.get(self.code))

    def source_name(self) -> str:
        """File and function."""
        return self.source

    def locate(self, data_root: Path | None) -> Path | None:
        """The data root, the folder of the file; the file must be known."""
        if self.code not in _files:
            raise InputError(
                f"the file of {self.source} is not there as it was; it must lie beside the file of "
                "the study or task that names it"
            )
        return data_root

    def parts(self, data_root: Path | None) -> Mapping[str, Iterable[Any]]:
        """Call the function."""
        make = self._function()
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

    def _function(self) -> Callable[..., Any]:
        path, text = _files[self.code]
        name = f"convfrontier_data_{self.code}"
        if name not in sys.modules:
            module = ModuleType(name)
            module.__file__ = str(path)
            # Known before it runs: data classes and pickles look themselves up there.
            sys.modules[name] = module
            try:
                exec(compile(text, str(path), "exec"), module.__dict__)
            except Exception as error:
                del sys.modules[name]
                sentence = " ".join(str(error).split())
                raise InputError(
                    f"{path} cannot be run: {type(error).__name__}: {sentence}"
                ) from None
        function = self.source.rpartition(":")[2]
        made = getattr(sys.modules[name], function, None)
        if not callable(made):
            raise InputError(f"{path} has no function {function!r}")
        return made


def _restored(values: dict[str, Any], file: tuple[Path, str] | None) -> PythonData:
    if file is not None:
        register_file(*file)
    return PythonData(**values)
