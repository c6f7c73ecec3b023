"""Which preset is run where none is named."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from studies.cli.study_choice import ALL, quick_preset
from tests.support.idx_files import write_idx_set
from trainers.tasks.published import PUBLISHED


@pytest.fixture(autouse=True)
def no_system_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = replace(PUBLISHED["FashionMNIST"], system_folder=Path("/nowhere/fashion-mnist"))
    monkeypatch.setitem(PUBLISHED, "FashionMNIST", hidden)


@pytest.mark.parametrize("name", ["coconv_experts", ALL])
def test_digits_stand_in_for_fashion_mnist_that_is_not_found(name: str, tmp_path: Path) -> None:
    said = StringIO()
    assert quick_preset(name, tmp_path, Console(file=said, width=1000)) == "digits"
    assert said.getvalue().startswith("Preset digits is run in place of quick: data root ")


def test_fashion_mnist_is_used_where_it_is_found(tmp_path: Path) -> None:
    write_idx_set(tmp_path)
    said = StringIO()
    assert quick_preset("coconv_experts", tmp_path, Console(file=said)) == "quick"
    assert said.getvalue() == ""


def test_a_study_without_a_design_on_digits_keeps_its_own(tmp_path: Path) -> None:
    said = StringIO()
    assert quick_preset("hs_tricks", tmp_path, Console(file=said)) == "quick"
    assert said.getvalue() == ""
