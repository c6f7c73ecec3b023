"""What a proposal costs as a search grows, and what it takes to continue a long search.

    python -m benchmarks.proposals [--sampler random ...] [--trials 200 --trials 10000]

CPU seconds of this process, so other work on the machine hardly changes them. Results are made up.
`ours` is what is around the sampler: the log, the results, the journal and the state of the search.
Both are means over the last trials before each count.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Annotated, Any

import typer
from optuna.samplers import BaseSampler
from rich.console import Console
from rich.table import Table

from searchspace import ResNetCifar, named_space
from searchspace.cli import run_command
from studies import Search
from studies.execution.job_queue import RunCallbacks
from studies.execution.resources import Resources
from studies.execution.worker import StepReport
from studies.rundir.store import RunStore
from studies.search.scheduler import SearchScheduler
from tests.support.helpers import RECIPE, TASK, made_up, record

SAMPLERS = ["random", "tpe", "nsga2"]
LAST = 50
"""Trials that a mean is taken over."""


@dataclass
class Stopwatch:
    """CPU seconds spent in calls that are watched."""

    seconds: float = 0.0

    def watched(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, with its time added up."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.process_time()
            try:
                return call(*args, **kwargs)
            finally:
                self.seconds += time.process_time() - began

        return timed

    def watch(self, sampler: BaseSampler) -> None:
        """Watch all that a sampler does for one trial; none of these calls another."""
        for name in (
            "before_trial",
            "infer_relative_search_space",
            "sample_relative",
            "sample_independent",
        ):
            setattr(sampler, name, self.watched(getattr(sampler, name)))


def asked_search(sampler: str, trials: int, depth: int = 20) -> Search:
    """A search of a space with millions of networks, half of them within a limit."""
    space = replace(
        named_space("coconv", ResNetCifar(depth, width=4)), num_classes=10, in_chs=TASK.in_chs
    )
    search = Search("proposals", space, TASK, RECIPE, trials, sampler=sampler)
    costs = sorted(space.price(space.sample_rows(101, Random(0)))[0].tolist())
    search = replace(search, limits=replace(search.limits, max_macs=costs[50]))
    # Costs of the space are counted once, when first needed.
    search.within.feasible.check()
    search.space.price(search.space.sample_rows(1, Random(0)), size=TASK.input_size)
    return search


def begun(search: Search, folder: Path) -> SearchScheduler:
    """The state of a search that is begun or continued; the folder must be locked."""
    store = RunStore(folder)
    store.ask(search, {})
    return SearchScheduler(search, store, Resources(), RunCallbacks())


def propose(scheduler: SearchScheduler, rng: Random) -> bool:
    """Propose a trial and end it with a made-up result; whether there was one."""
    item = scheduler.next_item()
    if item is None:
        return False
    result = made_up(item.job, rng.uniform(0.3, 0.9))
    scheduler.report(item.job.key, StepReport(result.curve, record(item.job, result)))
    return True


def grow(search: Search, folder: Path, counts: list[int]) -> list[tuple[float, float]]:
    """CPU seconds of ours and of the sampler for each proposal before each count."""
    found = []
    with RunStore(folder).locked():
        scheduler, rng, sampler = begun(search, folder), Random(0), Stopwatch()
        sampler.watch(scheduler.mirror.sampler)
        for count in sorted(counts):
            while scheduler.sampled < count - LAST and propose(scheduler, rng):
                pass
            began, before, first = time.process_time(), sampler.seconds, scheduler.sampled
            while scheduler.sampled < count and propose(scheduler, rng):
                pass
            spent, own = time.process_time() - began, sampler.seconds - before
            trials = scheduler.sampled - first
            found.append(((spent - own) / trials, own / trials))
        scheduler.close()
    return found


def continued(search: Search, folder: Path) -> float:
    """CPU seconds until a search is ready to go on."""
    began = time.process_time()
    with RunStore(folder).locked():
        begun(search, folder)
    return time.process_time() - began


def main(
    sampler: Annotated[list[str] | None, typer.Option()] = None,
    trials: Annotated[list[int] | None, typer.Option()] = None,
) -> int:
    """Print a row for each sampler and count of trials."""
    counts = sorted(trials or [200, 1000])
    table = Table("sampler", "trials", "ours, ms", "sampler, ms", "continue, s")
    for name in sampler or SAMPLERS:
        search = asked_search(name, counts[-1])
        with tempfile.TemporaryDirectory() as folder:
            rows = grow(search, Path(folder), counts)
            again = continued(search, Path(folder))
        for count, (ours, own) in zip(counts, rows, strict=True):
            last = f"{again:.1f}" if count == counts[-1] else ""
            table.add_row(name, f"{count}", f"{1e3 * ours:.1f}", f"{1e3 * own:.1f}", last)
    Console().print(table)
    return 0


if __name__ == "__main__":
    run_command(main, "python -m benchmarks.proposals")
