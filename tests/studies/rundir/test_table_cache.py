"""Tables of long runs are read from a file beside the logs, which nothing depends on."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from searchspace.serialization import files
from studies import load, load_curves, load_environments
from studies.rundir import table_cache
from studies.rundir.jsonl import JsonLines
from studies.rundir.store import RESULTS
from tests.support.helpers import write_ablation, write_search

Read = Callable[[Path], pd.DataFrame]
READERS: list[Read] = [load, load_curves, load_environments]


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run counts as a long one."""
    monkeypatch.setattr(table_cache, "MIN_BYTES", 0)


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The logs that are parsed, in order."""
    seen: list[Path] = []
    parse = JsonLines._read_on

    def noted(lines: JsonLines[object]) -> None:
        seen.append(lines.path)
        parse(lines)

    monkeypatch.setattr(JsonLines, "_read_on", noted)
    return seen


def tables(folder: Path) -> list[pd.DataFrame]:
    return [read(folder) for read in READERS]


def assert_same(found: list[pd.DataFrame], expected: list[pd.DataFrame]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert_frame_equal(one, other)
        assert one.attrs == other.attrs


@pytest.mark.parametrize("write", [write_search, write_ablation])
def test_a_kept_table_is_the_one_that_was_made(
    write: Callable[[Path], object], tmp_path: Path, parsed: list[Path], long: None
) -> None:
    write(tmp_path)
    made = tables(tmp_path)
    assert parsed
    parsed.clear()
    assert_same(tables(tmp_path), made)
    assert not parsed, "nothing is parsed again"


def test_short_runs_keep_none(tmp_path: Path) -> None:
    write_search(tmp_path)
    load(tmp_path)
    assert not (tmp_path / table_cache.CACHE).exists()


def test_a_change_of_the_logs_or_of_the_code_makes_it_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, long: None
) -> None:
    write_search(tmp_path)
    before = load(tmp_path)
    log = tmp_path / RESULTS
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:-1]))
    assert len(load(tmp_path)) == len(before) - 1
    kept = (tmp_path / table_cache.CACHE / "frame.table").read_bytes()
    monkeypatch.setattr(table_cache, "_code", lambda: "other code")
    load(tmp_path)
    assert (tmp_path / table_cache.CACHE / "frame.table").read_bytes() != kept


def test_damage_anywhere_is_noticed(tmp_path: Path, long: None) -> None:
    write_search(tmp_path)
    made = tables(tmp_path)
    for file in (tmp_path / table_cache.CACHE).iterdir():
        content = file.read_bytes()
        for place in range(0, len(content), max(1, len(content) // 40)):
            damaged = bytearray(content)
            damaged[place] ^= 1
            file.write_bytes(damaged)
            assert table_cache._read(file, key_of(tmp_path)) is None, place
        for short in (b"", b"\n", b"[]\n", b'{"key": 1}\n', content[:-1]):
            file.write_bytes(short)
            assert table_cache._read(file, key_of(tmp_path)) is None
        file.unlink()
        file.mkdir()
    assert_same(tables(tmp_path), made)


def key_of(folder: Path) -> str:
    from studies.rundir.store import RunStore

    return RunStore(folder).tables._key()


@pytest.mark.parametrize("trouble", ["a file in its place", "a full disk"])
def test_what_cannot_be_kept_is_left_out(
    trouble: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, long: None
) -> None:
    write_search(tmp_path)
    monkeypatch.setattr(table_cache, "MIN_BYTES", 10**9)
    made = tables(tmp_path)
    monkeypatch.setattr(table_cache, "MIN_BYTES", 0)
    if trouble == "a full disk":

        def full(self: Path, *arguments: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(files.os, "replace", full)
    else:
        (tmp_path / table_cache.CACHE).write_text("")
    assert_same(tables(tmp_path), made)
    if trouble == "a full disk":
        assert list((tmp_path / table_cache.CACHE).iterdir()) == [], "no part stays behind"
