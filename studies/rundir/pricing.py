"""Costs of the networks of a run, from the space's tables where there are many."""

from collections.abc import Callable, Sequence

from searchspace import Architecture, Cost
from searchspace.cost import Form
from searchspace.space import Space
from searchspace.space.encoding import Rows
from studies.rundir.record import Record
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


def prices_of(experiment: Experiment, records: Sequence[Record]) -> Price:
    """As `prices`, for what the rows of these records need, which is priced at once."""
    space = experiment.task_space() if len(records) >= MANY else None
    if space is None:
        return prices(experiment, len(records))
    # By identity: equal networks of a log are one object, and to hash each would take long.
    networks = {id(record.job.architecture): record.job.architecture for record in records}
    sizes: dict[int, set[int]] = {}
    for record in records:
        for size in needed_sizes(record):
            sizes.setdefault(size, set()).add(id(record.job.architecture))
    found = _priced(space, networks, sizes)
    return lambda job, size: found[id(job.architecture), size]


def needed_sizes(record: Record) -> set[int]:
    """The input sizes that a record's rows have costs at."""
    result, resolutions = record.result, record.job.architecture.resolutions
    sizes = {point.size for point in result.points} or {record.job.training_sizes[0]}
    return sizes | set(resolutions.sizes) if result.ensemble and resolutions else sizes


def _priced(
    space: Space, networks: dict[int, Architecture], sizes: dict[int, set[int]]
) -> dict[tuple[int, int], tuple[Cost, Cost]]:
    """Deployed and training costs by identity of the network and size, one call for each size."""
    places = {identity: place for place, identity in enumerate(networks)}
    rows = space.rows(networks.values())
    found = {}
    for size, wanted in sizes.items():
        some = rows[[places[identity] for identity in wanted]]
        deployed, training = (
            _costs(space, some, "deployed", size),
            _costs(space, some, "training", size),
        )
        for identity, both in zip(wanted, zip(deployed, training, strict=True), strict=True):
            found[identity, size] = both
    return found


def _costs(space: Space, rows: Rows, form: Form, size: int) -> list[Cost]:
    macs, params = space.price(rows, form, size)
    return [Cost(*both) for both in zip(macs.tolist(), params.tolist(), strict=True)]
