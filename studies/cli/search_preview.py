"""What a search will be, before anything is trained."""

from collections.abc import Sequence
from random import Random
from statistics import median
from typing import Literal

from rich.console import Group
from rich.table import Table

from studies.cli.gpu_memory import sharing_text
from studies.cli.preview import image_seconds, slots
from studies.cli.progress import duration
from studies.execution.resources import Resources
from studies.rundir.store import RunStore
from studies.rundir.trial_table import Trial
from studies.spec.search import Search
from studies.spec.words import count
from trainers import Job

PROBES = 3
"""Networks whose training step is timed for the estimate."""


def search_table(search: Search, store: RunStore, resources: Resources) -> Group:
    """The space within its limits, what is asked, and about how long it will take."""
    space, within = search.space, search.within
    table = Table("search", search.name)
    table.add_row("space", f"{space.name or 'from a file'}, {space.size():,} networks")
    limits = search.limits.label()
    if limits:
        about = "" if within.feasible.exact else "about "
        table.add_row("within limits", f"{limits}: {about}{within.size():,} networks")
    sides: dict[Literal["macs", "params"], str] = {"macs": "MACs", "params": "parameters"}
    for by, words in sides.items():
        ends = [space.cost(space.extreme(by, pick)) for pick in (min, max)]
        low, high = (cost.macs if by == "macs" else cost.params for cost in ends)
        table.add_row(words, f"{low:,} to {high:,}")
    settings = ", ".join(f"{k}={v}" for k, v in search.sampler_settings.items())
    table.add_row("sampler", " ".join([search.sampler, settings]).strip())
    settings = ", ".join(f"{k}={v}" for k, v in search.scheduler_settings.items())
    table.add_row("scheduler", " ".join([search.scheduler, settings]).strip())
    table.add_row("objectives", ", ".join(search.objectives))
    if "latency" in search.objectives:
        table.add_row("latency", search.latency_method.label(resources.device))
    trials = store.trials() if store.experiment() is not None else []
    jobs = jobs_left(search, trials)
    there = f", {len(trials):,} of them proposed by earlier calls" if trials else ""
    table.add_row("trials", f"{search.trials:,}{there}")
    probes = _probes(search)
    memory = sharing_text(max(probes, key=lambda job: _macs(search, job)), resources)
    seconds = jobs * _job_seconds(search, probes, resources)
    seconds /= slots(resources) * resources.processes
    early = "" if search.scheduler == "none" else "at most "
    return Group(
        table,
        f"{count(jobs, 'job')}{' left' * bool(trials)} on {search.task.label()} of "
        f"{count(search.recipe.epochs, 'epoch')}, {early}about {duration(seconds)} on "
        f"{count(slots(resources), 'worker')}.",
        *([memory.strip()] if memory else []),
    )


def jobs_left(search: Search, trials: Sequence[Trial]) -> int:
    """How many jobs a search needs yet, at most: early stopping and clear places may spare some."""
    sampled = [trial for trial in trials if trial.origin == "sampler"]
    left = max(0, search.trials - len(sampled)) * search.replicates
    for trial in sampled:
        if trial.state in ("open", "finished"):
            ended = sum(key in trial.results for key in trial.replicates)
            left += max(0, search.replicates - ended)
    contested = sum(key in trial.results for trial in trials for key in trial.contested)
    return left + max(0, search.contested - contested)


def _probes(search: Search) -> list[Job]:
    """Jobs of a few networks of the space, drawn within its limits."""
    rng = Random(search.seed)
    return [search.job(search.within.sample(rng), 0) for _ in range(PROBES)]


def _macs(search: Search, job: Job) -> int:
    # The space's table is there; measuring these networks would take longer than their steps.
    return search.space.cost(job.architecture).macs


def _job_seconds(search: Search, jobs: list[Job], resources: Resources) -> float:
    """The median time of these jobs, from a timed step of each."""
    image = median(image_seconds(job, _macs(search, job), resources.device) for job in jobs)
    return image * search.task.train_images * search.recipe.epochs
