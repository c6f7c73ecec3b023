"""How one architecture is trained and measured: tasks, recipes, jobs, results."""

from trainers.job import Ensemble, Epoch, Job, Point, Result, unpack_flags
from trainers.learning.quantisation import quantise
from trainers.loop import train
from trainers.named_recipes import RECIPES
from trainers.recipe import Recipe
from trainers.tasks import (
    TASKS,
    Cifar10,
    Cifar100,
    Digits,
    Folder,
    ImageNet,
    ImageNet32,
    Stl10,
    Synthetic,
    Task,
    TinyImageNet,
    folder_task,
)
from trainers.training import Training

__all__ = [
    "RECIPES",
    "TASKS",
    "Cifar10",
    "Cifar100",
    "Digits",
    "Ensemble",
    "Epoch",
    "Folder",
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
    "folder_task",
    "quantise",
    "train",
    "unpack_flags",
]
