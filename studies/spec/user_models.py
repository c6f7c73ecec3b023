"""Files with models of the user's own, which a run directory keeps a copy of.

So its results can be read, and the run continued, wherever the directory is. Reading a run executes
the kept file of a model that `study.json` names.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from searchspace import Graft, InputError
from searchspace.backbones.graft import sources
from searchspace.serialization.files import read_text

FOLDER = "models"


def keep_models(folder: Path, asked: Any) -> None:
    """Copy the files of the user's models that `asked`, a JSON form, names."""
    for source in sorted(set(_sources(asked)) & set(sources.FILES)):
        path = _place(folder, source)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(sources.FILES[source], encoding="utf-8")


def find_kept_models(folder: Path, asked: Any) -> None:
    """Make the files known that `asked`, the JSON form of a run, names; runs none of them."""
    for source in sorted(set(_sources(asked))):
        path = _place(folder, source)
        if path.exists() and sources.keep(read_text(path)) != source:
            raise InputError(f"{path} has changed since the run was made; restore it")


def _place(folder: Path, source: str) -> Path:
    return folder / FOLDER / f"{source.split()[-1]}.py"


def _sources(data: Any) -> Iterator[str]:
    """The source of every graft of a user's model in a JSON form."""
    if isinstance(data, dict):
        source = data.get("source")
        if data.get("kind") == Graft.kind and sources.of_file(source):
            yield str(source)
        data = list(data.values())
    if isinstance(data, list):
        for item in data:
            yield from _sources(item)
