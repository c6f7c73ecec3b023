"""What code of a run directory is executed when the run is read."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from searchspace import InputError
from searchspace.choice import OPERATORS
from searchspace.operators import Static
from studies.spec.user_operators import FOLDER, check_unchanged, load_kept

OPERATOR = """
from typing import ClassVar
from searchspace import Static, register
{before}
@register
class Kept(Static):
    kind: ClassVar[str] = "kept"
"""
ASKED = {"arms": [{"choices": {"*": {"kind": "kept"}}}]}


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Path]:
    """The file of an operator that a run keeps."""
    file = tmp_path / FOLDER / "kept.py"
    file.parent.mkdir()
    file.write_text(OPERATOR.format(before=""))
    yield file
    OPERATORS.pop("kept", None)


def test_only_operators_that_the_run_names_are_executed(kept: Path, tmp_path: Path) -> None:
    (kept.parent / "other.py").write_text("raise SystemExit('executed')")
    (tmp_path / "outside.py").write_text("raise SystemExit('executed')")
    load_kept(tmp_path, {"kind": "../outside"})
    load_kept(tmp_path, {"kind": "study"})
    assert "kept" not in OPERATORS
    load_kept(tmp_path, ASKED)
    assert "kept" in OPERATORS


def test_a_file_of_another_user_is_warned_of(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: kept.stat().st_uid + 1)
    load_kept(tmp_path, ASKED)
    assert f"{kept} is run as a program, and another user owns it" in caplog.text


def test_an_operator_that_became_part_of_the_package_is_read_as_it_is_there(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kept.write_text(OPERATOR.format(before="raise SystemExit('executed')"))
    promoted = type("Kept", (Static,), {"kind": "kept", "__module__": Static.__module__})
    monkeypatch.setitem(OPERATORS, "kept", promoted)
    monkeypatch.setattr("inspect.getsource", lambda choice: "class Kept: ...")
    load_kept(tmp_path, ASKED)
    assert OPERATORS["kept"] is promoted
    assert "is now the package's own" in caplog.text
    with pytest.raises(InputError, match="'kept' is now the package's own and differs from"):
        check_unchanged(tmp_path)
    monkeypatch.setattr("inspect.getsource", lambda choice: kept.read_text())
    check_unchanged(tmp_path)
