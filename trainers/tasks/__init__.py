"""Every task by name; a new one is a file here and a line in `TASKS`."""

from trainers.tasks.base import Crop, Split, Splits, StoredSplit, Task
from trainers.tasks.cifar import Cifar10, Cifar100
from trainers.tasks.digits import Digits
from trainers.tasks.folder import Folder, folder_task
from trainers.tasks.huggingface import HuggingFace
from trainers.tasks.imagenet import ImageNet
from trainers.tasks.imagenet32 import ImageNet32
from trainers.tasks.python_data import PythonData
from trainers.tasks.shards import WebDataset
from trainers.tasks.stl10 import Stl10
from trainers.tasks.stream import StreamedSplit
from trainers.tasks.synthetic import Synthetic
from trainers.tasks.tiny_imagenet import TinyImageNet
from trainers.tasks.torchvision_set import Torchvision

TASKS: dict[str, type[Task]] = {
    task.kind: task
    for task in (
        Digits,
        Synthetic,
        Cifar10,
        Cifar100,
        Stl10,
        TinyImageNet,
        ImageNet32,
        ImageNet,
        Torchvision,
        Folder,
        PythonData,
        HuggingFace,
        WebDataset,
    )
}
# The JSON reader looks kinds up in `family`.
Task.family = dict(TASKS)

__all__ = [
    "TASKS",
    "Cifar10",
    "Cifar100",
    "Crop",
    "Digits",
    "Folder",
    "HuggingFace",
    "ImageNet",
    "ImageNet32",
    "PythonData",
    "Split",
    "Splits",
    "Stl10",
    "StoredSplit",
    "StreamedSplit",
    "Synthetic",
    "Task",
    "TinyImageNet",
    "Torchvision",
    "WebDataset",
    "folder_task",
]
