"""What a search will be, before anything is trained, and its front at any time."""

from random import Random
from statistics import median

from rich.console import Group
from rich.table import Table

from studies.latencies import measured
from studies.outcomes import minimised, on_front, served
from studies.overview import image_seconds, slots
from studies.progress import duration
from studies.resources import Resources
from studies.search import Search
from studies.store import Store

PROBES = 3
"""Networks whose training step is timed for the estimate."""


def search_table(search: Search, store: Store, resources: Resources) -> Group:
    """The space within its limits, what is asked, and about how long it will take."""
    space, within = search.space, search.within
    table = Table("", "")
    table.add_row("space", f"{space.name or 'from a file'}, {space.size():,} networks")
    limits = search.limits.label()
    if limits:
        about = "" if within.exact else "about "
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
    known = store.plan()
    done = len(store.trials()) if known is not None else 0
    jobs = search.trials * search.replicates + search.contested
    table.add_row("trials", f"{search.trials:,}, of which {done:,} are there")
    seconds = jobs * _job_seconds(search, resources) / slots(resources)
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
    image = median(image_seconds(job, device) for job in jobs)
    return image * search.task.train_images * search.recipe.epochs


def front_table(search: Search, store: Store) -> Table:
    """The networks that no other one beats in every objective, by their means on validation."""
    results = {record.key: record.result for record in store.records()}
    latencies = measured(store.latencies)
    trials = {trial.number: trial for trial in store.trials()}
    points = [
        point
        for trial in trials.values()
        if trial.state == "finished"
        for point in served(search, trial, results, latencies)
    ]
    front = [p for p, best in zip(points, on_front(minimised(search, points)), strict=True) if best]
    states = [trial.state for trial in trials.values()]
    counts = [f"{states.count(s)} {s}" for s in ("finished", "truncated", "failed", "open")]
    shown = ", ".join(count for count in counts if not count.startswith("0 "))
    table = Table("trial", "network", "size", *search.objectives, "runs")
    table.title = f"The front on validation, of {len(trials)} trials ({shown})"
    seen: set[tuple[str, int]] = set()
    for point in sorted(front, key=lambda p: p.values[::-1]):
        architecture = trials[point.trial].architecture
        if (architecture.key, point.size) in seen:
            continue
        seen.add((architecture.key, point.size))
        cells = [
            f"{100 * value:.2f} %" if name == "accuracy" else f"{value:,.4g}"
            if name == "latency" else f"{value:,.0f}"
            for name, value in zip(search.objectives, point.values, strict=True)
        ]  # fmt: skip
        runs = str(len(point.accuracies))
        table.add_row(str(point.trial), architecture.label(), str(point.size), *cells, runs)
    return table
