"""How one architecture is trained and measured: tasks, recipes, jobs, results."""

from trainers.job import Epoch, Job, Point, Result
from trainers.protocols import RECIPES
from trainers.recipe import Recipe
from trainers.tasks import TASKS, Cifar100, Digits, Task, TinyImageNet
from trainers.train import train
from trainers.training import Training

__all__ = [
    "RECIPES",
    "TASKS",
    "Cifar100",
    "Digits",
    "Epoch",
    "Job",
    "Point",
    "Recipe",
    "Result",
    "Task",
    "TinyImageNet",
    "Training",
    "train",
]
