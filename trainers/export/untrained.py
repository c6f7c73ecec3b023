"""Networks that were not trained as ONNX files, to be measured by other programs."""

from pathlib import Path

import torch

from searchspace import Architecture, build, deploy
from trainers.export.deployed import DeployedClassifier, ExportInput
from trainers.export.formats import FORMATS
from trainers.job import Job
from trainers.named_recipes import RECIPES
from trainers.tasks import Task


def write_untrained_onnx(architecture: Architecture, task: Task, size: int, path: Path) -> None:
    """Write the deployed form for (N, channels, size, size) images, with weights of no meaning."""
    with torch.random.fork_rng(devices=[]):
        network = build(architecture, task.classes, task.in_chs).eval()
    if architecture.resolutions is not None:
        network = architecture.resolutions.at_size(network, size)
    shift, scale = torch.zeros(task.in_chs), torch.ones(task.in_chs)
    classifier = DeployedClassifier(deploy(network), shift, scale).eval()
    job = Job(architecture, task, RECIPES["quick"], 0)
    FORMATS["onnx"].write(ExportInput(classifier, job, size, ()), path)
