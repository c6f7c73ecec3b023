"""Files of the user's own whose functions make datasets: a run keeps those that it uses.

Reading a run runs none of them; they run where their data are loaded.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from searchspace.serialization.files import read_text
from trainers.tasks.python_data import PythonData, register_file, registered_text

FOLDER = "data"


def keep_data_files(folder: Path, asked: Any) -> None:
    """Copy the files that `asked`, a JSON form, names into a run directory."""
    for code in _codes(asked):
        text, path = registered_text(code), folder / FOLDER / f"{code}.py"
        if text is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def register_kept(folder: Path, asked: Any) -> None:
    """Make the kept files known, so that the tasks of a run can be loaded wherever it is."""
    for code in _codes(asked):
        path = folder / FOLDER / f"{code}.py"
        # The code is that of what is in the file now: another text has another.
        if code == Path(code).name and path.is_file():
            register_file(path, read_text(path))


def _codes(data: Any) -> Iterator[str]:
    """The `code` of every such task in a JSON form."""
    if isinstance(data, dict):
        if data.get("kind") == PythonData.kind and isinstance(data.get("code"), str):
            yield data["code"]
        data = list(data.values())
    if isinstance(data, list):
        for item in data:
            yield from _codes(item)
