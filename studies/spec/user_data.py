"""Files of the user's own whose functions make datasets: a run keeps those that it uses.

Reading a run runs none of them; they run where their data are loaded.
"""

from pathlib import Path
from typing import Any

from searchspace.schema import objects
from searchspace.serialization import user_code
from searchspace.serialization.files import read_text
from searchspace.serialization.user_code import UserFile
from trainers.tasks.python_data import PythonData

FOLDER = "data"


def keep_data_files(folder: Path, asked: Any) -> None:
    """Copy the files that `asked`, a JSON form, names into a run directory."""
    for code in sorted(_codes(asked) & set(user_code.FILES)):
        path = folder / FOLDER / f"{code}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(user_code.FILES[code].text, encoding="utf-8")


def register_kept(folder: Path, asked: Any) -> None:
    """Make the kept files known, so that the tasks of a run can be loaded wherever it is."""
    for code in _codes(asked):
        path = folder / FOLDER / f"{code}.py"
        # The code is that of what is in the file now: another text has another.
        if code == Path(code).name and path.is_file():
            user_code.keep(UserFile(path, read_text(path)))


def _codes(asked: Any) -> set[str]:
    """The `code` of every such task in a JSON form."""
    tasks = (task for task in objects(asked) if task.get("kind") == PythonData.kind)
    return {task["code"] for task in tasks if isinstance(task.get("code"), str)}
