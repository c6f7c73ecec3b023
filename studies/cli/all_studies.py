"""`python -m studies.run all`: every study, one after another, each in a directory of its own."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from searchspace import InputError
from studies.cli.drive import FAILED, INTERRUPTED, prepare, train_missing
from studies.execution.ray_backend import RayBackend
from studies.rundir.store import RESULTS, RunStore
from studies.spec.ablation import Ablation

ALL = "all"


def run_every(
    plans: Iterable[Ablation], out: Path, backend: RayBackend, console: Console, *, fresh: bool
) -> int:
    """Train what is missing of each plan and show all verdicts; the status to exit with.

    A study that cannot be run, or has jobs that fail, does not stop the others.
    """
    plans = list(plans)
    status = 0
    for number, plan in enumerate(plans, start=1):
        console.print(f"{plan.name}, {number} of {len(plans)}")
        found = _run(plan, RunStore(out / plan.name), backend, console, fresh)
        if found == INTERRUPTED:
            return INTERRUPTED
        status = status or found
    done = [str(out / p.name) for p in plans if (out / p.name / RESULTS).exists()]
    if not done:
        return status
    # The report is a tool of its own, which reads what was written here.
    command = [sys.executable, "-m", "analysis.summary", *done, "--out", str(out)]
    return subprocess.call(command) or status


def _run(
    plan: Ablation, store: RunStore, backend: RayBackend, console: Console, fresh: bool
) -> int:
    try:
        for task in plan.design.tasks:
            task.locate(backend.resources.data_root)
        plan = prepare(plan, store, fresh=fresh, console=console)
        return train_missing(plan, store, backend, console)
    except InputError as error:
        console.print(f"{plan.name} was not run: {error}", markup=False, soft_wrap=True)
        return FAILED
