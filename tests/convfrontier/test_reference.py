"""The page of everything that can be named is complete and up to date."""

import subprocess
import sys

import pytest

from convfrontier.reference import page
from searchspace import BACKBONES, OPERATORS, spaces
from studies.samplers.registry import SAMPLERS
from studies.search.early_stopping import SCHEDULERS
from tests.support.paths import ROOT
from trainers import RECIPES, TASKS


@pytest.fixture(scope="module")
def fresh() -> str:
    """As a process of its own prints it, where no test has registered anything."""
    command = [sys.executable, "-m", "convfrontier", "describe"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_of_the_documents_is_up_to_date(fresh: str) -> None:
    """`convfrontier reference > docs/reference.md` makes it so."""
    assert (ROOT / "docs" / "reference.md").read_text() == fresh


def test_everything_that_is_registered_is_there() -> None:
    lines = set(page().splitlines())
    for names in (OPERATORS, BACKBONES, TASKS, SAMPLERS, SCHEDULERS):
        assert {f"### {name}" for name in names} <= lines
    text = page()
    for name in (*RECIPES, *spaces()):
        assert f"`{name}`" in text
    assert "| `experts` | whole number | `4` |" in text
    assert "| `lr` | number | required |" in text
    assert "| conv | block first | 3x3 | 9 | `layer1.0.conv1` to `layer3.2.conv1` |" in text
