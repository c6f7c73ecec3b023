"""The run directory: what was asked (`study.json`) and what is done (`results.jsonl`).

The directory is the truth of a run. `results.jsonl` holds a record for each job that ended, on disk
before the job counts as finished; `trials.jsonl` is the log of a search.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from searchspace import InputError
from searchspace.schema import to_json
from studies.rundir.jsonl import JsonLines, writing
from studies.rundir.trial_log import Event, Reported, Trial, TrialLog
from studies.spec.ablation import Ablation
from studies.spec.search import Search
from studies.spec.user_operators import keep_operators, load_kept
from trainers import Job, Result

STUDY = "study.json"
RESULTS = "results.jsonl"
TRIALS = "trials.jsonl"
CHECKPOINTS = "checkpoints"
LATENCIES = "latency.json"
LOCK = ".lock"

PROVISIONAL = ("truncated", "failed")
"""Ends of a job that a later one may replace."""


@dataclass(frozen=True)
class Record:
    """One job that ended: its result, and where and when it ran.

    `environment` holds versions, device and host kind; `finished_at` is UTC in ISO 8601.
    """

    key: str
    job: Job
    result: Result
    finished_at: str
    environment: dict[str, str]


class RunStore:
    """Reads and appends to one run directory. Writing needs `locked()`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.results = folder / RESULTS
        self._records = JsonLines(self.results)
        self._trials = JsonLines(folder / TRIALS)

    @property
    def checkpoints(self) -> Path:
        """Where jobs in progress keep their states, each in a folder named by its key."""
        return self.folder / CHECKPOINTS

    @property
    def latencies(self) -> Path:
        """The file of measured latencies."""
        return self.folder / LATENCIES

    def plan(self) -> Ablation | Search | None:
        """What was asked, or None if the folder holds no run; refuses a foreign folder."""
        path = self.folder / STUDY
        if path.exists():
            return _read(path)[0]
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError(f"{self.folder} is a file; --out must name a directory")
        if self.folder.exists() and any(p.name != LOCK for p in self.folder.iterdir()):
            raise InputError(
                f"{self.folder} is not empty and holds no {STUDY}, so it is not a run directory; "
                "give another --out"
            )
        return None

    def name(self) -> str:
        """A name that no other run has, drawn when the run was begun."""
        return _read(self.folder / STUDY)[1]

    def ask(self, plan: Ablation | Search, environment: dict[str, str]) -> None:
        """Write what is asked, atomically."""
        path = self.folder / STUDY
        own = plan.name if isinstance(plan, Search) else plan.study
        name = _read(path)[1] if path.exists() else f"{own}-{secrets.token_hex(6)}"
        content = {"name": name, "environment": environment, "plan": plan.to_json()}
        part = path.with_suffix(".part")
        with writing(self.folder):
            keep_operators(self.folder, content["plan"])
            part.write_text(json.dumps(content, indent=1) + "\n")
            os.replace(part, path)

    def records(self) -> list[Record]:
        """A record of each job that ended; a torn last line is left out.

        The first one counts, but one that was truncated or failed gives way to a later one.
        """
        found: dict[str, Record] = {}
        for record in self._records.read(Record):
            earlier = found.get(record.key)
            if earlier is None or earlier.result.status in PROVISIONAL:
                found.pop(record.key, None)
                found[record.key] = record
        return list(found.values())

    def append(self, record: dict[str, Any]) -> None:
        """Add one record, in the JSON form of `Record`."""
        self._records.append(record)

    def events(self) -> list[Event]:
        """The log of a search."""
        return self._trials.read(Event)

    def log(self, event: Event) -> None:
        """Add to the log of a search. A process may be killed at once and the event is there."""
        self._trials.append(to_json(event), sync=not isinstance(event, Reported))

    def trials(self) -> list[Trial]:
        """All trials of a search, with their states."""
        log = TrialLog(self.events())
        results = {record.key: record.result for record in self.records()}
        return [log.trial(number, results) for number in range(len(log))]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder against other writers; made if missing, freed even by a kill."""
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            file = open(self.folder / LOCK, "a")  # noqa: SIM115
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(
                    f"another run is writing to {self.folder}; wait for it or give another --out"
                ) from None
            self._records.drop_torn()
            self._trials.drop_torn()
            yield


def _read(path: Path) -> tuple[Ablation | Search, str]:
    """What was asked, and the name of the run."""
    try:
        data = json.loads(path.read_text())
        plan = data["plan"]
        load_kept(path.parent)
        kind = Search if plan.get("kind") == Search.kind else Ablation
        return kind.from_json(plan, str(path)), data.get("name", "")
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
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
