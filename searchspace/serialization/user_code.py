"""Python files of the user's own, known by the hash of their text and run once in a process."""

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from searchspace.errors import InputError, with_kind


@dataclass(frozen=True)
class UserFile:
    """A file's text, and the path that it was read from, on this machine or another."""

    path: Path
    text: str


FILES: dict[str, UserFile] = {}
"""The files by the hash of their text; `keep` adds to it."""


def keep(file: UserFile) -> str:
    """Make a file known: the first 16 digits of its text's SHA-256, which name it."""
    code = hashlib.sha256(file.text.encode()).hexdigest()[:16]
    FILES.setdefault(code, file)
    return code


def function_of(code: str, reference: str) -> Callable[..., Any]:
    """The function of a reference FILE.py:FUNCTION, whose file is known by its hash.

    An InputError if the file cannot be run or has no such function.
    """
    file, _, name = reference.rpartition(":")
    function = getattr(_module(code), name, None)
    if not callable(function):
        raise InputError(f"{file} has no function {name!r}")
    return function


def _module(code: str) -> ModuleType:
    name = module_name(code)
    if name in sys.modules:
        return sys.modules[name]
    file, module = FILES[code], ModuleType(name)
    module.__file__ = str(file.path)
    # Known before it runs: data classes and pickles look themselves up there.
    sys.modules[name] = module
    try:
        exec(compile(file.text, str(file.path), "exec"), module.__dict__)
    except Exception as error:
        del sys.modules[name]
        # Whatever the user's code raises, the sentence that says so names the file.
        raise InputError(f"{file.path} cannot be run: {with_kind(error)}") from None
    return module


def module_name(code: str) -> str:
    """What the module of a file is called in `sys.modules`."""
    return f"convfrontier_file_{code}"
