"""Every task by name; a new one is a file here and a line in `TASKS`."""

from trainers.tasks.base import Split, Splits, Task
from trainers.tasks.cifar import Cifar100
from trainers.tasks.digits import Digits
from trainers.tasks.tiny_imagenet import TinyImageNet

TASKS: dict[str, type[Task]] = {task.kind: task for task in (Digits, Cifar100, TinyImageNet)}
# Task.family is what the JSON reader looks kinds up in.
Task.family = dict(TASKS)

__all__ = ["TASKS", "Cifar100", "Digits", "Split", "Splits", "Task", "TinyImageNet"]
