"""The network of a job before training, from a file of weights if its recipe names one."""

from collections.abc import Mapping
from functools import lru_cache

from torch import Tensor, nn

from searchspace import Architecture, build
from searchspace.starting import check_weights, start_from
from trainers.job import Job
from trainers.recipe import Recipe
from trainers.start_weights import StartWeights
from trainers.tasks import Task


def initial_network(job: Job) -> tuple[nn.Module, frozenset[str]]:
    """The network, and the names of its parameters that given weights made."""
    classes, in_chs = job.task.classes, job.task.in_chs
    network = build(job.architecture, classes, in_chs)
    weights = job.recipe.weights
    if weights is None:
        return network, frozenset()
    start = start_from(
        network, job.architecture, weights.load(), num_classes=classes, in_chs=in_chs
    )
    return network, start.kept


def check_start(architecture: Architecture, recipe: Recipe, task: Task) -> None:
    """Raise an InputError for weights or a teacher that do not fit; nothing is trained."""
    if recipe.weights is not None:
        given = _loaded(recipe.weights)
        check_weights(architecture, given, num_classes=task.classes, in_chs=task.in_chs)
    if recipe.teacher is not None:
        recipe.teacher.check(task.classes, task.in_chs)


@lru_cache(maxsize=2)
def _loaded(weights: StartWeights) -> Mapping[str, Tensor]:
    return weights.load()
