"""Reading long logs without needless work, and with the collector left as it was."""

import gc
from pathlib import Path
from typing import Any

import pytest

from searchspace import InputError
from studies.rundir.jsonl import JsonLines
from studies.rundir.trial_log import Event


def test_garbage_is_not_collected_while_lines_are_parsed(tmp_path: Path) -> None:
    enabled: list[bool] = []

    def check(value: Event, data: Any, where: str) -> None:
        enabled.append(gc.isenabled())

    log = JsonLines(tmp_path / "log", Event, {}, check)
    log.append({"kind": "resumed", "number": 1})
    assert [event.number for event in log.read()] == [1]
    assert enabled == [False]
    assert gc.isenabled()
    log.append({"kind": "unknown", "number": 2})
    with pytest.raises(InputError, match="line 2"):
        log.read()
    assert gc.isenabled()
    gc.disable()
    try:
        with pytest.raises(InputError, match="line 2"):
            log.read()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_lines_are_parsed_once(tmp_path: Path) -> None:
    """Also where a torn line is completed; a change of a line that was read is noticed."""
    parsed: list[int] = []
    lines = JsonLines(
        tmp_path / "log", Event, {}, lambda value, data, where: parsed.append(data["number"])
    )
    lines.append({"kind": "resumed", "number": 1})
    first = lines.read()
    with lines.path.open("ab") as file:
        file.write(b'{"kind": "resumed", ')
    assert lines.read() == first
    with lines.path.open("ab") as file:
        file.write(b'"number": 2}\n')
    lines.append({"kind": "resumed", "number": 3})
    second = lines.read()
    assert second[:1] == first and parsed == [1, 2, 3]
    lines.path.write_bytes(lines.path.read_bytes().replace(b'"number":1', b'"number":4'))
    assert lines.read()[1:] == second[1:] and parsed == [1, 2, 3, 4, 2, 3]


def test_a_damaged_line_is_named_by_its_number(tmp_path: Path) -> None:
    lines = JsonLines(tmp_path / "log", Event, {})
    lines.append({"kind": "resumed", "number": 1})
    assert len(lines.read()) == 1
    with lines.path.open("ab") as file:
        file.write(b"{}\n")
    for _ in range(2):
        with pytest.raises(InputError, match="log line 2: "):
            lines.read()
