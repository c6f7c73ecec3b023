"""Runs experiments: trains the jobs without a result, keeps the others, and has runs reported."""

import gc
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

import pandas as pd
from rich.console import Console

from searchspace import InputError
from searchspace.console import plain_console
from studies.cli.ablation_training import TrainingOptions, train_missing
from studies.cli.outcome import FAILED, no_result, remaining, trial_counts
from studies.cli.progress import Progress
from studies.execution.environment import environment
from studies.execution.ray_backend import RayBackend
from studies.execution.resources import Resources
from studies.execution.stop_signals import STATUS_BASE
from studies.rundir.frames import load
from studies.rundir.store import RESULTS, STUDY, RunStore, set_aside
from studies.search.scheduler import SearchScheduler
from studies.search.warm_start import take_over
from studies.spec.ablation import Ablation, Study
from studies.spec.search import Search
from studies.spec.user_operators import check_unchanged
from studies.spec.words import count
from studies.trackers.tracking import Tracking

E = TypeVar("E", Ablation, Search)

REPORT = "report.html"


def run_study(
    study: Study,
    out: str | Path,
    *,
    preset: str | None = None,
    seeds: int | None = None,
    data_root: str | Path | None = None,
    workers: int | None = None,
    gpus_per_trial: float = 0.0,
) -> pd.DataFrame:
    """Train what is missing of a study and give all results, as `studies.load` does.

    Without `preset`, the study's only one. An InputError says if jobs failed or were stopped.
    """
    resources = Resources(workers, gpus_per_trial, None, Path(data_root) if data_root else None)
    ablation = study.ablation(preset or next(iter(study.presets)), seeds=seeds)
    store = RunStore(Path(out))
    with RayBackend(resources) as backend:
        status = run_ablation(ablation, store, backend, plain_console())
    if status:
        raise InputError(f"not all jobs of {study.name} ended; run it again to go on")
    return load(store)


def run_ablation(
    ablation: Ablation,
    store: RunStore,
    backend: RayBackend,
    console: Console,
    *,
    fresh: bool = False,
    options: TrainingOptions | None = None,
) -> int:
    """Train the jobs without a result; the status to exit with."""
    ablation = ablation.identified(backend.resources.data_root)
    ablation = prepare(ablation, store, fresh=fresh, console=console)
    return train_missing(ablation, store, backend, console, options)


def run_all(
    ablations: Sequence[Ablation],
    out: Path,
    backend: RayBackend,
    console: Console,
    *,
    fresh: bool,
    options: TrainingOptions | None = None,
) -> int:
    """Run each ablation in a directory of its own and show all verdicts; the status to exit with.

    An ablation that cannot be run, or has jobs that fail, does not stop the others.
    """
    status = 0
    for number, ablation in enumerate(ablations, start=1):
        console.print(f"{ablation.name}, {number} of {len(ablations)}")
        try:
            store = RunStore(out / ablation.name)
            ended = run_ablation(ablation, store, backend, console, fresh=fresh, options=options)
        except InputError as error:
            console.print(f"{ablation.name} was not run: {error}", markup=False, soft_wrap=True)
            ended = FAILED
        if ended > STATUS_BASE:
            return ended
        status = status or ended
    folders = [out / ablation.name for ablation in ablations]
    with_results = [str(folder) for folder in folders if (folder / RESULTS).exists()]
    if not with_results:
        return status
    return analyse("summary", *with_results, "--out", str(out)) or status


def run_search(
    search: Search,
    store: RunStore,
    backend: RayBackend,
    console: Console,
    warm_start: Sequence[Path] = (),
    *,
    retry_failed: bool = False,
    tracking: Tracking | None = None,
) -> int:
    """Train what is left of a search and print how its trials ended; the status to exit with."""
    with store.locked():
        store.ask(search, environment())
        if warm_start:
            taken = take_over(search, store, warm_start)
            console.print(f"Taken over from earlier runs: {count(taken, 'trial')}.")
        progress = Progress(console, tracking)
        progress.begin(store.folder, search.name)
        queue = SearchScheduler(
            search, store, backend.resources, progress.callbacks(), retry_failed=retry_failed
        )
        # What was restored stays to the end: garbage collection need not visit it with each trial.
        gc.freeze()
        try:
            if queue.open:
                with progress.showing(queue.jobs_left):
                    backend.run(queue)
            else:
                console.print(
                    f"The search in {store.folder} is finished; nothing is trained again."
                )
                return no_result(store, console)
        finally:
            queue.close()
        console.print(trial_counts(store))
        for key, reason in queue.failures.items():
            console.print(f"job {key} failed: {reason}", markup=False)
        return remaining(queue, console) or no_result(store, console)


def prepare(experiment: E, store: RunStore, *, fresh: bool, console: Console) -> E:
    """Check the run directory; the experiment extended by what an earlier run there asked for."""
    if fresh and (store.folder / STUDY).exists():
        with store.locked():
            aside = set_aside(store.folder)
        console.print(f"The earlier run is kept in {aside}.")
    earlier = store.experiment()
    if earlier is None:
        return experiment
    if not isinstance(earlier, type(experiment)):
        what = "a search" if earlier.kind == Search.kind else "a study"
        raise InputError(f"{store.folder} holds {what}; give another --out")
    check_unchanged(store.folder)
    try:
        return experiment.extending(earlier)
    except InputError as error:
        raise InputError(f"{store.folder} cannot be continued: {error}") from None


def report_run(store: RunStore, status: int, tracking: Tracking) -> int:
    """Report a run, unless it was interrupted, and track the page; the status to exit with."""
    if status > STATUS_BASE:
        return status
    reported = analyse("report", str(store.folder))
    tracking.report(store.folder / REPORT)
    return status or reported


@contextmanager
def watched(folders: Sequence[Path], wanted: bool) -> Iterator[None]:
    """Serve a live page of runs while they go on, from a program of its own, if it is wanted."""
    if not wanted:
        yield
        return
    words = [sys.executable, "-m", "analysis.watch", *map(str, folders)]
    with subprocess.Popen(words) as server:
        try:
            yield
        finally:
            server.terminate()


def analyse(tool: Literal["report", "summary"], *arguments: str) -> int:
    """Run a command of `analysis` on what was written; the status to exit with.

    Here and in `watched` `studies` reaches the package below it: as another program, which reads
    the run directories, so that nothing of `analysis` is imported.
    """
    return subprocess.call([sys.executable, "-m", f"analysis.{tool}", *arguments])
