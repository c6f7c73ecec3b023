"""How one architecture is trained and measured: tasks, recipes, jobs, results."""

from trainers.job import Epoch, Job, Point, Result
from trainers.protocols import RECIPES
from trainers.recipe import Recipe
from trainers.tasks import (
    TASKS,
    Cifar10,
    Cifar100,
    Digits,
    ImageNet,
    ImageNet32,
    Stl10,
    Synthetic,
    Task,
    TinyImageNet,
)
from trainers.train import train
from trainers.training import Training

__all__ = [
    "RECIPES",
    "TASKS",
    "Cifar10",
    "Cifar100",
    "Digits",
    "Epoch",
    "ImageNet",
    "ImageNet32",
    "Job",
    "Point",
    "Recipe",
    "Result",
    "Stl10",
    "Synthetic",
    "Task",
    "TinyImageNet",
    "Training",
    "train",
]
