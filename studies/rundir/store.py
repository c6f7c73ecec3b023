"""The run directory: what was asked (`study.json`) and what is done (`results.jsonl`).

The directory is the truth of a run. `results.jsonl` holds a record for each job that ended, on disk
before the job counts as finished; `trials.jsonl` is the log of a search.
"""

import fcntl
import json
import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from searchspace import InputError
from searchspace.errors import StorageError
from searchspace.schema import to_json
from searchspace.serialization.files import read_json, replacing
from studies.rundir.jsonl import JsonLines, Stamp, file_stamp, first_free, writing
from studies.rundir.record import PROVISIONAL, Record, check_record
from studies.rundir.table_cache import TableCache
from studies.rundir.trial_log import Event, Reported
from studies.rundir.trial_table import Trial, TrialTable
from studies.spec.ablation import Ablation
from studies.spec.experiment import Experiment
from studies.spec.search import Search
from studies.spec.user_data import keep_data_files, register_kept
from studies.spec.user_models import (
    find_kept_models,
    find_kept_weights,
    keep_models,
    keep_weights,
)
from studies.spec.user_operators import FOLDER as OPERATORS
from studies.spec.user_operators import keep_operators, load_kept
from trainers.kept_files import MODELS

LOG = logging.getLogger(__name__)

STUDY = "study.json"
RESULTS = "results.jsonl"
TRIALS = "trials.jsonl"
CHECKPOINTS = "checkpoints"
WEIGHTS = "weights"
LATENCIES = "latency.json"
LOCK = ".lock"

KINDS: dict[str, type[Ablation] | type[Search]] = {
    Ablation.kind: Ablation,
    Search.kind: Search,
}


class RunStore:
    """Reads and appends to one run directory. Writing needs `locked()`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.results = folder / RESULTS
        self._study_file = folder / STUDY
        self._read_at: tuple[Stamp, _StudyFile] | None = None
        shared: dict[Any, Any] = {}
        self._records = JsonLines(self.results, Record, shared, check_record)
        self._trials = JsonLines(folder / TRIALS, Event, shared)
        logs = (self.results, folder / TRIALS)
        others = (self._study_file, self.latencies, folder / OPERATORS, folder / MODELS)
        self.tables = TableCache(folder, logs, others)

    @property
    def checkpoints(self) -> Path:
        """Where jobs in progress keep their states, each in a folder named by its key."""
        return self.folder / CHECKPOINTS

    @property
    def weights(self) -> Path:
        """Where trained weights are kept."""
        return self.folder / WEIGHTS

    def weights_of(self, key: str) -> Path:
        """The safetensors file of the job with a key, which need not be there."""
        return self.weights / f"{key}.safetensors"

    @property
    def latencies(self) -> Path:
        """The file of measured latencies."""
        return self.folder / LATENCIES

    def experiment(self) -> Ablation | Search | None:
        """What was asked, or None if the folder holds no run; refuses a foreign folder."""
        if self._study_file.exists():
            return self._read().experiment
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
        return self._read().name

    def environment(self) -> dict[str, str]:
        """Versions and machine of the process that asked for the run last."""
        return self._read().environment

    def ask(self, experiment: Experiment, environment: dict[str, str]) -> None:
        """Write what is asked, atomically."""
        begun = self._study_file.exists()
        name = self.name() if begun else f"{experiment.name}-{secrets.token_hex(6)}"
        form = experiment.to_json()
        content = {"name": name, "environment": environment, "experiment": form}
        with writing(self.folder), replacing(self._study_file, sync=True) as part:
            keep_operators(self.folder, form)
            keep_models(self.folder, form)
            keep_weights(self.folder, form)
            keep_data_files(self.folder, form)
            part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    def _read(self) -> "_StudyFile":
        """The contents of `study.json`, parsed again only if the file has changed."""
        stamp = file_stamp(self._study_file)
        if self._read_at is None or self._read_at[0] != stamp:
            self._read_at = (stamp, _read(self._study_file))
        return self._read_at[1]

    def records(self) -> list[Record]:
        """A record of each job that ended; a torn last line is left out.

        The first one counts, but one that was truncated or failed gives way to a later one.
        """
        latest: dict[str, Record] = {}
        for record in self._records.read():
            earlier = latest.get(record.key)
            if earlier is None or earlier.result.status in PROVISIONAL:
                latest.pop(record.key, None)
                latest[record.key] = record
        return list(latest.values())

    def append(self, record: Record) -> None:
        """Add one record."""
        self._records.append(to_json(record))

    def events(self) -> list[Event]:
        """The log of a search."""
        return self._trials.read()

    def log(self, event: Event) -> None:
        """Add to the log of a search. A process may be killed at once and the event is there."""
        self._trials.append(to_json(event), sync=not isinstance(event, Reported))

    def trials(self) -> list[Trial]:
        """All trials of a search, with their states."""
        results = {record.key: record.result for record in self.records()}
        table = TrialTable(self.events(), results)
        if isinstance(self._read().experiment, Search):
            table.check_logged()
        return table.trials

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder against other writers; made if missing, freed even by a kill.

        What a crash left behind the last complete line of a file is moved to a file beside, which
        a warning names.
        """
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            file = open(self.folder / LOCK, "a")  # noqa: SIM115
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                held = _same_file(file.fileno(), self.folder / LOCK)
            except BlockingIOError:
                held = False
            except OSError as error:
                raise StorageError(
                    f"cannot lock {self.folder}: {error.strerror}; give an --out on a file system "
                    "with locks"
                ) from None
            if not held:
                raise InputError(
                    f"another run is writing to {self.folder}; wait for it or give another --out"
                )
            for lines in (self._records, self._trials):
                torn = lines.drop_torn()
                if torn is not None:
                    LOG.warning(
                        "%s ended in a line that is not complete; it was moved to %s, and what "
                        "it told is done again",
                        lines.path,
                        torn,
                    )
            yield


def _same_file(descriptor: int, path: Path) -> bool:
    """Whether an open file is still the one at a path, which may have been replaced."""
    return path.exists() and os.path.samestat(os.fstat(descriptor), path.stat())


@dataclass(frozen=True)
class _StudyFile:
    name: str
    environment: dict[str, str]
    experiment: Ablation | Search


def _read(path: Path) -> _StudyFile:
    try:
        data = read_json(path)
    except InputError as error:
        raise InputError(f"{error}; restore it or use --fresh") from None
    try:
        if "plan" in data:
            raise InputError(
                f"{path} has the form of an earlier version, which is no longer read; "
                "make the run again with --fresh or give another --out"
            )
        form = data["experiment"]
        load_kept(path.parent, form)
        find_kept_models(path.parent, form)
        find_kept_weights(path.parent, form)
        register_kept(path.parent, form)
        experiment = KINDS[form["kind"]].from_json(form, str(path))
        return _StudyFile(data["name"], data["environment"], experiment)
    except InputError:
        raise
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} cannot be read ({error}); restore it or use --fresh") from None


def set_aside(folder: Path) -> Path:
    """Rename a run directory to the first free `NAME.1`, `NAME.2`, ...: nothing is deleted."""
    aside = first_free(folder)
    try:
        folder.rename(aside)
    except OSError as error:
        raise InputError(f"cannot rename {folder}: {error.strerror}") from None
    return aside
