"""Data flows one way: a package imports only those above it, and little is needed to build."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

ORDER = ["searchspace", "trainers", "studies", "analysis"]


def imported(path: Path) -> set[str]:
    """Top-level names of all modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("package", ORDER)
def test_packages_import_only_what_is_above_them(package: str) -> None:
    below = set(ORDER[ORDER.index(package) + 1 :])
    files = list((ROOT / package).rglob("*.py"))
    assert files
    for path in files:
        assert not imported(path) & below, path


def test_ray_is_imported_in_two_modules_only() -> None:
    users = [
        path.relative_to(ROOT).as_posix()
        for package in ORDER
        for path in (ROOT / package).rglob("*.py")
        if "ray" in imported(path)
    ]
    assert users == ["studies/execution/ray_backend.py", "studies/execution/tune_backend.py"]


def test_searchspace_and_trainers_import_without_the_heavy_packages() -> None:
    code = (
        "import sys\n"
        "for name in ('ray', 'optuna', 'pandas', 'plotly', 'fvcore', 'typer', 'rich', 'moocore',\n"
        "             'yaml'):\n"
        "    sys.modules[name] = None\n"
        "import searchspace, trainers\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
