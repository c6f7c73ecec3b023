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
