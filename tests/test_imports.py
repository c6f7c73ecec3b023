"""Imports go one way, between packages and between rooms, and few packages are needed to build."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

ORDER = ["searchspace", "trainers", "studies", "analysis", "convfrontier"]

# A room is a folder of a package; a package's own files have its name. Each may import the rooms
# that stand behind it, and itself.
ROOMS: dict[str, str] = {
    "searchspace.layers": "searchspace",
    "searchspace.operators": "searchspace searchspace.layers",
    "searchspace.backbones": (
        "searchspace searchspace.serialization searchspace.layers searchspace.operators"
    ),
    "searchspace.serialization": "searchspace",
    "searchspace.space": (
        "searchspace searchspace.serialization searchspace.layers searchspace.operators "
        "searchspace.backbones"
    ),
    "searchspace.paper_networks": "searchspace searchspace.operators searchspace.backbones",
    "trainers.runtime": "",
    "trainers.tasks": "",
    "trainers.dense": "",
    "trainers.augment": "trainers trainers.tasks",
    "trainers.learning": "trainers trainers.augment trainers.runtime trainers.tasks",
    "trainers.export": "trainers trainers.learning trainers.tasks",
    # studies
    "studies.spec": "",
    "studies.rundir": "studies.spec",
    "studies.stats": "studies.spec",
    "studies.execution": "studies.spec studies.rundir studies.stats",
    "studies.trackers": "",
    "studies.cli": (
        "studies.spec studies.rundir studies.stats studies.execution studies.samplers "
        "studies.search studies.papers studies.trackers"
    ),
    "studies.papers": "studies.spec",
    "studies.samplers": "",
    "studies.search": "studies.samplers studies.spec studies.rundir studies.execution",
    "studies.tabular": "studies studies.samplers studies.spec studies.rundir studies.search",
    # analysis
    "analysis.stats": "",
    "analysis.data": "analysis.stats",
    "analysis.render": "analysis.stats",
    "analysis.selection": "analysis.stats analysis.render",
    "analysis.sections": (
        "analysis.stats analysis.data analysis.render analysis.selection analysis.audit"
    ),
    "analysis.notebooks": "analysis.stats analysis.data analysis.render analysis.sections",
    "analysis.audit": "",
    "analysis.live": "analysis.stats analysis.data analysis.render analysis.sections",
}


def imported(path: Path) -> set[str]:
    """Modules and names that a file imports, anywhere in it, with dots."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def packages_imported(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path)}


def room_of(module: str) -> str:
    package, _, rest = module.partition(".")
    folder = rest.split(".")[0]
    return f"{package}.{folder}" if (ROOT / package / folder / "__init__.py").exists() else package


@pytest.mark.parametrize("package", ORDER)
def test_packages_import_only_what_is_above_them(package: str) -> None:
    below = set(ORDER[ORDER.index(package) + 1 :])
    files = list((ROOT / package).rglob("*.py"))
    assert files
    for path in files:
        assert not packages_imported(path) & below, path


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_only_their_neighbours(room: str) -> None:
    files = list((ROOT / room.replace(".", "/")).rglob("*.py"))
    assert files
    package = room.split(".")[0]
    for path in files:
        ours = {name for name in imported(path) if name.startswith(f"{package}.")}
        rooms = {room_of(name) for name in ours}
        assert rooms <= {room, *ROOMS[room].split()}, path


def test_ray_is_imported_in_two_modules_only() -> None:
    users = [
        path.relative_to(ROOT).as_posix()
        for package in ORDER
        for path in (ROOT / package).rglob("*.py")
        if "ray" in packages_imported(path)
    ]
    assert users == ["studies/execution/ray_backend.py", "studies/execution/tune_backend.py"]


def test_searchspace_and_trainers_import_without_the_heavy_packages() -> None:
    code = (
        "import sys\n"
        "for name in ('ray', 'optuna', 'pandas', 'plotly', 'fvcore', 'typer', 'rich', 'moocore',\n"
        "             'yaml'):\n"
        "    sys.modules[name] = None\n"
        "from searchspace import *\n"
        "from trainers import *\n"
        "Architecture, train\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", ORDER)
def test_a_package_by_itself_imports_nothing_heavy(package: str) -> None:
    code = f"import sys, {package}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not {"torch", "numpy", "ray", "optuna", "pandas", "typer"} & set(done.stdout.split())


@pytest.mark.parametrize("family", ["searchspace.Backbone", "searchspace.Choice", "trainers.Task"])
def test_json_of_every_kind_is_read_though_nothing_else_was_imported(family: str) -> None:
    package, name = family.split(".")
    code = f"import sys; from {package} import {name}; print(len({name}.family))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 5
