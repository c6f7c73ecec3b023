"""How one architecture is trained and measured: tasks, recipes, jobs, results."""

from trainers.job import Ensemble, Epoch, Job, Point, Result
from trainers.loop import train
from trainers.protocols import RECIPES
from trainers.quantisation import quantise
from trainers.recipe import Recipe
from trainers.tasks import TASKS, Cifar100, Digits, Task, TinyImageNet
from trainers.training import Training

__all__ = [
    "RECIPES",
    "TASKS",
    "Cifar100",
    "Digits",
    "Ensemble",
    "Epoch",
    "Job",
    "Point",
    "Recipe",
    "Result",
    "Task",
    "TinyImageNet",
    "Training",
    "quantise",
    "train",
]
