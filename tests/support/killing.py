"""Runs a search in one process again and again, and kills it at random moments.

    python -m tests.support.killing FOLDER KILLS

`FOLDER/whole` is an uninterrupted run, `FOLDER/killed` the one that is killed. The program prints
how often it was killed, and how many jobs had ended at each kill. Runs are forked, so that imports
are done once. Moments are in seconds of processor time, which do not depend on how busy the machine
is.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

from studies.execution.job_queue import RunCallbacks
from studies.execution.local_backend import LocalBackend
from studies.execution.resources import Resources
from studies.rundir.store import RunStore
from studies.search.scheduler import SearchScheduler
from studies.spec.search import Search
from tests.support.helpers import search

KILLED_SEARCH = search(
    trials=12,
    scheduler="mo-asha",
    scheduler_settings={"factor": 2},
    sampler="tpe",
    sampler_settings={"n_startup_trials": 4},
    replicates=2,
    contested=2,
)
TICKS = os.sysconf("SC_CLK_TCK")


def run_search(
    asked: Search, folder: Path, callbacks: RunCallbacks | None = None
) -> SearchScheduler:
    """Continue a search to its end in this process, with a checkpoint after every step."""
    store = RunStore(folder)
    with store.locked():
        store.ask(asked, {})
        resources = Resources(checkpoint_seconds=0.0)
        scheduler = SearchScheduler(asked, store, resources, callbacks or RunCallbacks())
        LocalBackend(resources).run(scheduler)
        scheduler.close()
    return scheduler


def processor_seconds(child: int) -> float:
    """The processor time of a child process."""
    fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def run_and_kill(folder: Path, seconds: float) -> bool:
    """Fork a run and kill it after so many seconds of processor time; whether it was killed."""
    child = os.fork()
    if child == 0:
        run_search(KILLED_SEARCH, folder)
        os._exit(0)
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if processor_seconds(child) >= seconds:
            os.kill(child, signal.SIGKILL)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        time.sleep(0.001)
    return False


def main(folder: Path, kills: int) -> None:
    """Kill runs until there were enough kills, then let one end."""
    run_search(KILLED_SEARCH, folder / "whole")
    began = time.process_time()
    # The time of a whole run, now that everything is imported.
    run_search(KILLED_SEARCH, folder / "again")
    whole_seconds = time.process_time() - began
    moments = random.Random(0)
    ended, limit = [], whole_seconds / 16
    while len(ended) < kills and run_and_kill(folder / "killed", moments.uniform(0, limit)):
        ended.append(len(RunStore(folder / "killed").records()))
        # Beside other work the same steps take longer, so the limit adapts.
        advanced = ended[-1] > (ended[-2] if len(ended) > 1 else 0)
        limit = limit / 1.4 if advanced else limit * 1.25
    print(len(ended), ended)
    run_search(KILLED_SEARCH, folder / "killed")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
