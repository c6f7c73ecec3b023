"""What a search will be, before anything is trained."""

from random import Random
from statistics import median

from rich.console import Group
from rich.table import Table

from studies.cli.preview import image_seconds, slots
from studies.cli.progress import duration
from studies.execution.resources import Resources
from studies.rundir.store import RunStore
from studies.spec.search import Search

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
    for by in ("macs", "params"):
        ends = [space.cost(space.extreme(by, pick)) for pick in (min, max)]
        low, high = (cost.macs if by == "macs" else cost.params for cost in ends)
        table.add_row(by, f"{low:,} to {high:,}")
    settings = ", ".join(f"{k}={v}" for k, v in search.sampler_settings.items())
    table.add_row("sampler", " ".join([search.sampler, settings]).strip())
    settings = ", ".join(f"{k}={v}" for k, v in search.scheduler_settings.items())
    table.add_row("scheduler", " ".join([search.scheduler, settings]).strip())
    table.add_row("objectives", ", ".join(search.objectives))
    done = len(store.trials()) if store.experiment() is not None else 0
    jobs = search.trials * search.replicates + search.contested
    there = f", {done:,} of them proposed by earlier calls" if done else ""
    table.add_row("trials", f"{search.trials:,}{there}")
    seconds = jobs * _job_seconds(search, resources) / slots(resources) / resources.processes
    early = "" if search.scheduler == "none" else "at most "
    return Group(
        table,
        f"{jobs:,} jobs on {search.task.label()} of {search.recipe.epochs} epochs, {early}about "
        f"{duration(seconds)} on {slots(resources)} workers.",
    )


def _job_seconds(search: Search, resources: Resources) -> float:
    """The median time of a job, from a timed step of a few networks of the space."""
    rng = Random(search.seed)
    device = "cuda" if resources.gpus_per_trial else "cpu"
    jobs = [search.job(search.within.sample(rng), 0) for _ in range(PROBES)]
    # The space's table is there; measuring these networks would take longer than their steps.
    macs = [search.space.cost(job.architecture).macs for job in jobs]
    image = median(image_seconds(job, m, device) for job, m in zip(jobs, macs, strict=True))
    return image * search.task.train_images * search.recipe.epochs
