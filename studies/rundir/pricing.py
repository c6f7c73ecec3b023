"""Costs of the networks of a run, from the space's tables where there are many."""

from collections.abc import Callable
from dataclasses import replace

from searchspace import Cost
from studies.spec.ablation import Ablation, costs
from studies.spec.search import Search
from trainers import Job

Price = Callable[[Job, int], tuple[Cost, Cost]]
"""The deployed and the training cost of a job's network at an input size."""

MANY = 50
"""From this number of jobs on, tables are made sooner than that many networks are measured."""


def prices(plan: Ablation | Search, jobs: int) -> Price:
    """How networks of a run are priced; tables and measurement give the same numbers."""
    if isinstance(plan, Ablation) or jobs < MANY:
        return lambda job, size: costs(job.architecture, job.task, size)
    task = plan.task
    space = replace(plan.space, num_classes=task.classes, in_chs=task.in_chs)

    def price(job: Job, size: int) -> tuple[Cost, Cost]:
        network = job.architecture
        return space.cost(network, "deployed", size), space.cost(network, "training", size)

    return price
