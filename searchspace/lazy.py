"""The names of a package, imported when they are first used.

A command's `--help` need not wait for torch. The package's `__init__.pyi` is the one list of names,
for type checkers and at run time. Kept to the standard library: `searchspace` and `trainers` run on
machines with little more than torch.
"""

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any


def attach_stub(
    package: str, file: str
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` and `__all__` of a package whose stub says `from .x import y`."""
    stub = ast.parse(Path(file).with_suffix(".pyi").read_text(encoding="utf-8"))
    modules = {
        alias.name: f"{package}.{node.module}"
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(modules[name]), name)
        # Found at once from now on, also where a module of the package has the same name.
        setattr(sys.modules[package], name, value)
        return value

    names = sorted(modules)
    return get, lambda: names, names
