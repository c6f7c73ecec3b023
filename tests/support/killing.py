"""A program that runs a search in one process, again and again, killed at random moments.

    python -m tests.support.killing FOLDER KILLS

`FOLDER/whole` is a run that nothing disturbs, `FOLDER/killed` the other. It prints how often that
one was killed, and how many jobs had ended by each time. Runs are forked, so that nothing is
imported twice; moments are in seconds of processor time, so that they do not depend on how busy the
machine is.
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
from studies.samplers.registry import make_sampler
from studies.search.scheduler import SearchAgenda
from studies.spec.search import Search
from tests.support.helpers import search

HUNTED = search(
    trials=12,
    scheduler="mo-asha",
    scheduler_settings={"factor": 2},
    sampler_settings={"n_startup_trials": 4},
    replicates=2,
    contested=2,
)
TICKS = os.sysconf("SC_CLK_TCK")


def run_here(asked: Search, folder: Path, events: RunCallbacks | None = None) -> SearchAgenda:
    """Do what is left of a search in this process, with a checkpoint after every step."""
    store = RunStore(folder)
    with store.locked():
        store.ask(asked, {})
        made = make_sampler(
            asked.sampler,
            asked.sampler_settings,
            within=asked.within,
            objectives=asked.objectives,
            seed=asked.seed,
        )
        resources = Resources(checkpoint_seconds=0.0)
        agenda = SearchAgenda(asked, store, resources, events or RunCallbacks(), made)
        LocalBackend(resources).run(agenda)
        agenda.close()
    return agenda


def worked(child: int) -> float:
    """Seconds of processor time that a child has used."""
    fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def attempt(folder: Path, patience: float) -> bool:
    """Fork a run and kill it after `patience` seconds of work; whether it was killed."""
    child = os.fork()
    if child == 0:
        run_here(HUNTED, folder)
        os._exit(0)
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if worked(child) >= patience:
            os.kill(child, signal.SIGKILL)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        time.sleep(0.001)
    return False


def main(folder: Path, wanted: int) -> None:
    """Kill runs until enough were, then let one end."""
    run_here(HUNTED, folder / "whole")
    began = time.process_time()
    # Once more, now that all is imported.
    run_here(HUNTED, folder / "again")
    took = time.process_time() - began
    moments = random.Random(0)
    ended, longest = [], took / 16
    while len(ended) < wanted and attempt(folder / "killed", moments.uniform(0, longest)):
        ended.append(len(RunStore(folder / "killed").records()))
        # Beside other work the same takes more time than it took before, so the moments follow.
        came_further = ended[-1] > (ended[-2] if len(ended) > 1 else 0)
        longest = longest / 1.4 if came_further else longest * 1.25
    print(len(ended), ended)
    run_here(HUNTED, folder / "killed")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
