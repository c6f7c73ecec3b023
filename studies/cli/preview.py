"""The plan of a study, shown before anything is trained."""

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from rich.console import Group
from rich.table import Table

from searchspace import InputError, build
from studies.cli.gpu_memory import sharing_text
from studies.cli.pilot import difference_text
from studies.cli.progress import duration
from studies.cli.start_preview import start_text
from studies.execution.resources import Resources
from studies.execution.standing import standing
from studies.rundir.store import RunStore
from studies.rundir.tuning import arm_tunings, is_tuning
from studies.spec.ablation import Ablation, costs
from studies.spec.words import count
from trainers import Job, Task

PROBE_MACS = 4e9
"""About how much work one timed step may be; the batch is cut to fit."""


def plan_table(ablation: Ablation, store: RunStore, resources: Resources) -> Group:
    """Arms with their costs, the jobs that remain, and about how long they will take."""
    design = ablation.design
    jobs = _remaining(ablation, store)
    tuning = ("tuning jobs",) if design.tune else ()
    tables = []
    for task in design.tasks:
        table = Table(
            "arm", "parameters", "MACs, deployed", "MACs, training", "jobs to do", *tuning
        )
        table.title = f"{ablation.name}, preset {ablation.preset}, on {task.label()}"
        for arm in design.arms:
            deployed, training = costs(arm.architecture, task)
            own = [job for name, job in jobs if name == arm.name and job.task == task]
            tunes = sum(map(is_tuning, own))
            numbers = [deployed.params, deployed.macs, training.macs, len(own) - tunes]
            numbers += [tunes] if design.tune else []
            table.add_row(arm.name, *(f"{number:,}" for number in numbers))
        tables.append(table)
    seconds = _total_seconds([job for _, job in jobs], resources)
    memory = ""
    if jobs:
        largest = max(jobs, key=lambda each: costs(each[1].architecture, each[1].task)[1].macs)
        memory = sharing_text(largest[1], resources)
    summary = (
        f"{count(len(jobs), 'job')} to train of {_total(ablation)} "
        f"({count(design.seeds, 'seed')}), about {duration(seconds)} on "
        f"{count(slots(resources), 'worker')}.\n{memory}{difference_text(design)}\n"
        f"{start_text(ablation)}{_tuning_text(ablation)}{_until_text(ablation)}{design.note}"
    )
    return Group(*tables, summary)


def _remaining(ablation: Ablation, store: RunStore) -> list[tuple[str, Job]]:
    """The jobs without a result, with their arms; own recipes stand for those not yet chosen."""
    now = standing(ablation, store)
    ablation = now.ablation
    tuning = [(t.arm, job) for t in now.tunings for c in t.candidates for job in c.jobs]
    known = [*tuning, *((arm, job) for arm, job in ablation.arm_jobs())]
    tune = ablation.design.tune
    own = [(arm.name, job) for arm, job in ablation.untuned_jobs()]
    known += own if tune and tune.untuned else []
    left = {(arm, job.key): (arm, job) for arm, job in known if job.key in now.missing}
    unknown = [each for each in own if tune and (each[0], each[1].task) not in ablation.tuned]
    return [*left.values(), *unknown]


def _total(ablation: Ablation) -> int:
    """The number of jobs of a complete run; untuned ones are counted as if every recipe changed."""
    tune = ablation.design.tune
    if tune is None:
        return ablation.min_jobs
    tried = [len(t.candidates) * tune.seeds for t in arm_tunings(ablation, ())]
    return ablation.min_jobs * (1 + tune.untuned) + sum(tried)


def _tuning_text(ablation: Ablation) -> str:
    tune = ablation.design.tune
    if tune is None:
        return ""
    recipes = len(tune.candidates(ablation.recipe))
    also = "; the arms are trained with their own recipes too" if tune.untuned else ""
    count = "once" if tune.seeds == 1 else f"{tune.seeds} times"
    return (
        f"For each arm {recipes} recipes are tried first, each trained {count}; the best "
        f"on validation is the arm's{also}.\n"
    )


def _until_text(ablation: Ablation) -> str:
    most = ablation.design.max_seeds
    if most is None:
        return ""
    return f"Seeds are added until every claim is decided, up to {most} of each arm.\n"


def check_data(tasks: Sequence[Task], data_root: Path | None, *, strict: bool) -> str:
    """A sentence for data that a run would need and a plan can do without; empty if all is there.

    An InputError if a data root was given and lacks them, or always if it is `strict`.
    """
    for task in tasks:
        try:
            task.locate(data_root)
        except InputError as error:
            if strict or data_root is not None:
                raise
            return f"To train: {error}."
    return ""


def slots(resources: Resources) -> int:
    """How many jobs run at once on this machine."""
    fit = resources.jobs_that_fit(len(os.sched_getaffinity(0)), torch.cuda.device_count()) or 1
    return min(fit, resources.workers or fit)


def _total_seconds(jobs: Iterable[Job], resources: Resources) -> float:
    """The estimated wall time of all jobs, each architecture's step timed once."""
    timed: dict[tuple[str, Task], float] = {}
    total = 0.0
    for job in jobs:
        key = (job.architecture.key, job.task)
        if key not in timed:
            _, cost = costs(job.architecture, job.task)
            timed[key] = image_seconds(job, cost.macs, resources.device)
        total += timed[key] * job.task.train_images * job.recipe.epochs
    return total / slots(resources) / resources.processes


def image_seconds(job: Job, macs: int, device: str) -> float:
    """Seconds of training for one image of about `macs`, from a timed step on random images."""
    task = job.task
    batch = min(job.recipe.batch_size, max(2, int(PROBE_MACS / (3 * macs))))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        network = build(job.architecture, task.classes, task.in_chs).to(device).train()
        side = job.training_sizes[0]
        images = torch.randn(batch, task.in_chs, side, side, device=device)
        labels = torch.zeros(batch, dtype=torch.long, device=device)
        times = []
        # The first step is slow for reasons that end with it.
        for _ in range(2):
            started = time.perf_counter()
            F.cross_entropy(network(images), labels).backward()
            if device == "cuda":
                torch.cuda.synchronize()
            times.append(time.perf_counter() - started)
    finally:
        torch.set_num_threads(threads)
    resolutions = job.architecture.resolutions
    sizes = resolutions.sizes if resolutions else (side,)
    # All sizes of a switchable network take a step each, with pixels in proportion.
    return min(times) / batch * sum((size / side) ** 2 for size in sizes)
