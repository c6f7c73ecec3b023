"""Packages import their names when they are first used, from one list."""

import subprocess
import sys
from importlib import import_module

import pytest

from tests.support.paths import ROOT

PACKAGES = ["searchspace", "trainers", "studies"]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_of_the_list_is_there(package: str) -> None:
    module = import_module(package)
    assert len(dir(module)) > 15
    for name in dir(module):
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nothing'"):
        module.nothing  # noqa: B018


@pytest.mark.parametrize("package", PACKAGES)
def test_no_name_is_also_that_of_a_module(package: str) -> None:
    """Importing the module would put it in the place of the name."""
    folder = ROOT / package
    modules = {path.stem for path in folder.glob("*.py")} | {
        path.name for path in folder.iterdir() if path.is_dir()
    }
    # `trainers.train` is a program for `python -m` and is never imported.
    assert set(dir(import_module(package))) & modules <= {"train"}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_imported_without_torch(package: str) -> None:
    code = f"import sys, {package}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
