"""Datasets of Hugging Face on disk, read by the package `datasets`."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from searchspace.errors import InputError
from trainers.tasks.base import required
from trainers.tasks.collected_task import CollectedFolder

LAYOUT = "it must hold what save_to_disk writes, or train*.parquet"
PARTS = {
    "train": ("train",),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test",),
}
"""What Hugging Face's datasets call the parts."""


@dataclass(frozen=True, kw_only=True)
class HuggingFace(CollectedFolder):
    """A dataset of Hugging Face in a folder, as `save_to_disk` writes it or as parquet files.

    `name` is a folder under the data root; a file names it by `path`. Parts are train, validation
    and test, parquet files have these names at their beginning. `image_column` and
    `label_column` name the columns; without them, the only column of images and the only one of
    class labels, or the one that is called `label`. Class labels name the classes. The other fields
    are as in the task `python`. It needs the package `datasets`
    (`pip install 'convfrontier[huggingface]'`) and downloads nothing.
    """

    image_column: str = ""
    label_column: str = ""

    kind: ClassVar[str] = "huggingface"

    def locate(self, data_root: Path | None) -> Path:
        """The folder under `data_root`."""
        folder = required(data_root, self.kind, self.name, LAYOUT)
        if not _saved(folder) and not any(folder.rglob("train*.parquet")):
            raise InputError(f"{folder} has no dataset: {LAYOUT}")
        return folder

    def parts(self, data_root: Path | None) -> Mapping[str, Iterable[Any]]:
        """The rows of each part in their order."""
        folder = self.locate(data_root)
        _check_package()
        if _saved(folder):
            return {part: self._rows(table) for part, table in _saved_tables(folder).items()}
        return {part: self._parquet(paths) for part, paths in _parquet_files(folder).items()}

    def source_classes(self, data_root: Path | None) -> Any:
        """The names of the class labels, where the column of labels has them."""
        folder = self.locate(data_root)
        _check_package()
        if _saved(folder):
            features = _saved_tables(folder)["train"].features
        else:
            features = _parquet_features(_parquet_files(folder)["train"][0])
        return getattr(features[self._columns(features)[1]], "names", None)

    def _parquet(self, paths: list[str]) -> Iterator[tuple[Any, Any]]:
        import datasets

        with tempfile.TemporaryDirectory() as cache:
            yield from self._rows(datasets.Dataset.from_parquet(paths, cache_dir=cache))

    def _rows(self, table: Any) -> Iterator[tuple[Any, Any]]:
        image, label = self._columns(table.features)
        for row in table.select_columns([image, label]):
            yield row[image], row[label]

    def _columns(self, features: Mapping[str, Any]) -> tuple[str, str]:
        import datasets

        for name in (self.image_column, self.label_column):
            if name and name not in features:
                raise InputError(
                    f"{self.name} has no column {name!r}; columns are {', '.join(features)}"
                )
        images = [name for name, kind in features.items() if isinstance(kind, datasets.Image)]
        labels = [name for name, kind in features.items() if isinstance(kind, datasets.ClassLabel)]
        if len(labels) != 1:
            labels = [name for name in features if name == "label"]
        image = self.image_column or _only(images)
        label = self.label_column or _only(labels)
        if not image or not label:
            raise InputError(
                f"name the columns of {self.name} by image_column and label_column; columns are "
                f"{', '.join(features)}"
            )
        return image, label


def _only(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ""


def _check_package() -> None:
    try:
        import datasets  # noqa: F401
    except ImportError:
        raise InputError(
            "task huggingface needs the package datasets; pip install 'convfrontier[huggingface]'"
        ) from None


def _saved(folder: Path) -> bool:
    """Whether `save_to_disk` wrote it."""
    return any((folder / name).is_file() for name in ("dataset_dict.json", "state.json"))


def _saved_tables(folder: Path) -> dict[str, Any]:
    """The parts of what `save_to_disk` wrote; rows are read later."""
    import datasets

    loaded = datasets.load_from_disk(str(folder), keep_in_memory=False)
    tables = loaded if isinstance(loaded, dict) else {"train": loaded}
    named = {part: next((n for n in PARTS[part] if n in tables), None) for part in PARTS}
    if named["train"] is None:
        raise InputError(f"{folder} has no part train, but {', '.join(map(str, tables))}")
    return {part: tables[name] for part, name in named.items() if name is not None}


def _parquet_features(path: str) -> Mapping[str, Any]:
    """The columns of a parquet file and their kinds."""
    import datasets
    from pyarrow import parquet

    features: Mapping[str, Any] = datasets.Features.from_arrow_schema(parquet.read_schema(path))
    return features


def _parquet_files(folder: Path) -> dict[str, list[str]]:
    """The files of each part, in order of their names."""
    files = sorted(folder.rglob("*.parquet"))
    parts = {
        part: [str(path) for path in files if path.name.startswith(names)]
        for part, names in PARTS.items()
    }
    return {part: paths for part, paths in parts.items() if paths}
