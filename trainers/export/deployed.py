"""The network that is exported: images as they are stored in, logits out."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from searchspace import InputError, deploy
from searchspace.serialization.files import check_regular
from searchspace.serialization.parsing import parse_json
from trainers.export.trained import TrainedModel, untrained
from trainers.job import Job

JOB, SIZE, LABELS = "job", "size", "labels"
"""What the header of a weights file says, so that it can be loaded by itself."""


class DeployedClassifier(nn.Module):
    """Normalises as training did, then the deployed network for one input size.

    Images are float32 (N, C, size, size) in the units in which the task stores its pixels, 0 to 255
    for image files; an image of another size is to be resized first, bilinear and antialiased.
    """

    # A plain "mean" would clash with the operator's name in an ONNX graph.
    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(self, network: nn.Module, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("pixel_mean", mean[:, None, None].clone())
        self.register_buffer("pixel_std", std[:, None, None].clone())

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, size, size) to logits (N, classes)."""
        return self.network((images - self.pixel_mean) / self.pixel_std)


def deployed(trained: TrainedModel, size: int, mean: Tensor, std: Tensor) -> DeployedClassifier:
    """The deployed form of a trained network at a size; mean and std (C,) as in training."""
    network = _deployed(trained.job, trained.network, size)
    classifier = DeployedClassifier(network, mean, std)
    classifier.eval()
    return classifier


def _deployed(job: Job, network: nn.Module, size: int) -> nn.Module:
    resolutions = job.architecture.resolutions
    if resolutions is not None:
        network = resolutions.at_size(network, size)
    return deploy(network)


@dataclass(frozen=True)
class ExportInput:
    """What the files of one size are made from; `labels` are the names of the classes, in order."""

    classifier: DeployedClassifier
    job: Job
    size: int
    labels: tuple[str, ...]

    @cached_property
    def program(self) -> torch.export.ExportedProgram:
        """The graph for any number of images."""
        # Sizes 0 and 1 would be taken for constants.
        example = torch.zeros(2, self.job.task.in_chs, self.size, self.size)
        batch = torch.export.Dim("batch", min=1)
        with torch.no_grad():
            program = torch.export.export(self.classifier, (example,), dynamic_shapes=({0: batch},))
        for node in program.graph.nodes:
            # Where in our code an operation was written, with this machine's paths.
            node.meta.pop("stack_trace", None)
        return program


def save_weights(source: ExportInput, path: Path) -> None:
    """Write the deployed weights; the header holds what `load` builds the network from."""
    state = {
        name: value.clone(memory_format=torch.contiguous_format)
        for name, value in source.classifier.state_dict().items()
    }
    header = {
        JOB: json.dumps(source.job.to_json()),
        SIZE: str(source.size),
        LABELS: json.dumps(source.labels),
    }
    path.write_bytes(save(state, header))


def load(path: str | Path) -> DeployedClassifier:
    """The deployed network of a `model.safetensors`, in evaluation mode."""
    check_regular(Path(path))
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise InputError(f"cannot read {path}: {error}") from None
    if JOB not in header or SIZE not in header:
        raise InputError(f"{path} was not written by an export: its header names no job")
    job = Job.from_json(parse_json(header[JOB], f"{path}: header"), f"{path}: header")
    with torch.random.fork_rng(devices=[]):
        network = _deployed(job, untrained(job), int(header[SIZE]))
    empty = torch.zeros(job.task.in_chs)
    classifier = DeployedClassifier(network, empty, empty)
    classifier.load_state_dict(state)
    classifier.eval()
    return classifier
