"""Files with operators of the user's own: loaded by path, and kept with the runs that use them.

A run directory holds a copy of the file of each operator that is not part of the package, so that
its results can be read wherever it is. Reading such a run executes that file, if `study.json` names
the operator.
"""

import hashlib
import importlib.util
import inspect
import logging
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from searchspace import Choice, InputError
from searchspace.choice import OPERATORS, user_operators
from searchspace.errors import with_kind
from searchspace.schema import objects
from searchspace.serialization.files import read_text

FOLDER = "operators"
LOG = logging.getLogger(__name__)


def load_operators(path: Path) -> None:
    """Run a Python file that registers operators; a file with the same text only once."""
    text = read_text(path)
    if any(_source(choice) == text for choice in user_operators().values()):
        return
    name = f"convfrontier_operators_{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} is not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except Exception as error:
        # Whatever the user's code raises, the sentence that says so names the file.
        raise InputError(f"{path} cannot be run: {with_kind(error)}") from None
    if not any(choice.__module__ == name for choice in user_operators().values()):
        raise InputError(
            f"{path} registers no operator; put @searchspace.register above a Choice in it"
        )


def keep_operators(folder: Path, asked: Any) -> None:
    """Copy the files of the registered operators that `asked`, a JSON form, names."""
    for kind in sorted(_kinds(asked) & set(user_operators())):
        text, path = _source(user_operators()[kind]), folder / FOLDER / f"{kind}.py"
        if text is None:
            raise InputError(
                f"the operator {kind!r} must be in a file of its own, so that reports can read it"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def load_kept(folder: Path, asked: Any) -> None:
    """Make the operators known that `asked`, the JSON form of a run, names; runs no other file.

    Refuses others of the same kind, but one that is part of the package by now is read as it is
    there.
    """
    own = user_operators()
    for kind in sorted(_kinds(asked)):
        path = folder / FOLDER / f"{kind}.py"
        if kind != Path(kind).name or not path.exists():
            continue
        if kind in OPERATORS and kind not in own:
            if _changed(kind, path):
                LOG.warning("%s is not run: the operator %r is now the package's own", path, kind)
        elif kind not in own:
            if path.stat().st_uid != os.getuid():
                LOG.warning("%s is run as a program, and another user owns it", path)
            load_operators(path)
        elif _source(own[kind]) != read_text(path):
            raise InputError(
                f"the operator {kind!r} is another than the one that {folder} was made with "
                f"({path}); give another --out or use --fresh, and read such runs one at a time"
            )


def check_unchanged(folder: Path) -> None:
    """Raise an InputError if an operator of the run is now the package's, and another there.

    Such a run can be read, but further jobs of it would be of other networks.
    """
    for path in sorted((folder / FOLDER).glob("*.py")):
        kind = path.stem
        if kind in OPERATORS and kind not in user_operators() and _changed(kind, path):
            raise InputError(
                f"the operator {kind!r} is now the package's own and differs from the one that "
                f"{folder} was made with ({path}); give another --out or use --fresh"
            )


def _changed(kind: str, path: Path) -> bool:
    """Whether an operator of the package is not as in the file of a run."""
    return inspect.getsource(OPERATORS[kind]) not in read_text(path)


def modules() -> Iterator[ModuleType]:
    """The modules of all registered operators, which workers may not have."""
    for name in sorted({choice.__module__ for choice in user_operators().values()}):
        yield sys.modules[name]


@cache
def _source(choice: type[Choice]) -> str | None:
    """The text of the file that defines an operator; None if it is in no file of its own."""
    name = choice.__module__
    file = inspect.getsourcefile(sys.modules[name]) if name != "__main__" else None
    return None if file is None else read_text(Path(file))


def _kinds(asked: Any) -> set[str]:
    """Every `kind` in a JSON form."""
    kinds = (part.get("kind") for part in objects(asked))
    return {kind for kind in kinds if isinstance(kind, str)}
