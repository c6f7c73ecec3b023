"""The run directory: what was asked (`study.json`) and what is done (`results.jsonl`).

The directory is the truth of a run. `results.jsonl` is append-only with one JSON record to a line,
each written in one piece and flushed to disk before the job counts as finished. A crash can leave
at most a torn last line, which the next writer removes; any other damage is reported, not repaired.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from searchspace import InputError
from searchspace.schema import from_json
from studies.study import Plan
from trainers import Job, Result

STUDY = "study.json"
RESULTS = "results.jsonl"
LOCK = ".lock"


@dataclass(frozen=True)
class Record:
    """One finished job: its result, and where and when it ran.

    `environment` holds versions, device and host kind; `finished_at` is UTC in ISO 8601.
    """

    key: str
    job: Job
    result: Result
    finished_at: str
    environment: dict[str, str]


class Store:
    """Reads and appends to one run directory. Writing needs `locked()`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.results = folder / RESULTS

    def plan(self) -> Plan | None:
        """What was asked, or None if the folder holds no run; refuses a foreign folder."""
        path = self.folder / STUDY
        if path.exists():
            return _read_plan(path)
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError(f"{self.folder} is a file; --out must name a directory")
        if self.folder.exists() and any(p.name != LOCK for p in self.folder.iterdir()):
            raise InputError(
                f"{self.folder} is not empty and holds no {STUDY}, so it is not a run directory; "
                "give another --out"
            )
        return None

    def ask(self, plan: Plan, environment: dict[str, str]) -> None:
        """Write what is asked, atomically."""
        text = json.dumps({"environment": environment, "plan": plan.to_json()}, indent=1)
        part = self.folder / f"{STUDY}.part"
        with self._writing():
            part.write_text(text + "\n")
            os.replace(part, self.folder / STUDY)

    def records(self) -> list[Record]:
        """All finished jobs, the first record of each key; a torn last line is left out."""
        first: dict[str, Record] = {}
        for record in self._read():
            first.setdefault(record.key, record)
        return list(first.values())

    def append(self, record: dict[str, Any]) -> None:
        """Add one record, in the JSON form of `Record`, so that all of it or none is on disk."""
        line = (json.dumps(record, allow_nan=False, separators=(",", ":")) + "\n").encode()
        with self._writing(), open(self.results, "ab", buffering=0) as file:
            before = file.seek(0, os.SEEK_END)
            try:
                if file.write(line) != len(line):
                    raise OSError("no space left on device")
                os.fsync(file.fileno())
            except OSError:
                file.truncate(before)
                raise

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder against other writers; made if missing, freed even by a kill."""
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True)
            file = open(self.folder / LOCK, "a")  # noqa: SIM115
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(
                    f"another run is writing to {self.folder}; wait for it or give another --out"
                ) from None
            self._drop_torn_line()
            yield

    def _read(self) -> list[Record]:
        if not self.results.exists():
            return []
        *lines, torn = self.results.read_bytes().split(b"\n")
        records = []
        for number, line in enumerate(lines, start=1):
            where = f"{self.results} line {number}"
            try:
                records.append(from_json(Record, json.loads(line), where))
            except ValueError as error:
                detail = str(error) if isinstance(error, InputError) else f"{where}: not JSON"
                raise InputError(
                    f"{detail}; nothing was changed: remove or restore that line"
                ) from None
        return records

    def _drop_torn_line(self) -> None:
        """Remove what a crash left behind the last complete line."""
        if not self.results.exists():
            return
        content = self.results.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            with self._writing():
                os.truncate(self.results, whole)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn failures of the file system into one sentence."""
        try:
            yield
        except OSError as error:
            raise InputError(
                f"cannot write to {self.folder}: {error.strerror or error}; finished jobs are safe"
            ) from None


def _read_plan(path: Path) -> Plan:
    try:
        data = json.loads(path.read_text())
        return Plan.from_json(data["plan"], str(path))
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise InputError(f"{path} cannot be read ({error}); restore it or use --fresh") from None


def set_aside(folder: Path) -> Path:
    """Rename a run directory to the first free `NAME.1`, `NAME.2`, ...: nothing is deleted."""
    number = 1
    while (aside := folder.with_name(f"{folder.name}.{number}")).exists():
        number += 1
    try:
        folder.rename(aside)
    except OSError as error:
        raise InputError(f"cannot rename {folder}: {error.strerror}") from None
    return aside
