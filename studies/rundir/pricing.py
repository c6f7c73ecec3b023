"""Costs of the networks of a run, from the space's tables where there are many."""

from collections.abc import Callable

from searchspace import Cost
from studies.spec.ablation import costs
from studies.spec.experiment import Experiment
from trainers import Job

Price = Callable[[Job, int], tuple[Cost, Cost]]
"""The deployed and the training cost of a job's network at an input size."""

MANY = 50
"""From this number of jobs on, tables are made sooner than that many networks are measured."""


def prices(experiment: Experiment, jobs: int) -> Price:
    """How networks of a run are priced; cost tables and measurement give the same numbers."""
    space = experiment.task_space() if jobs >= MANY else None
    if space is None:
        return lambda job, size: costs(job.architecture, job.task, size)

    def price(job: Job, size: int) -> tuple[Cost, Cost]:
        network = job.architecture
        return space.cost(network, "deployed", size), space.cost(network, "training", size)

    return price
