"""A trained network that teaches another one (knowledge distillation).

Geoffrey Hinton, Oriol Vinyals and Jeff Dean, "Distilling the Knowledge in a Neural Network", 2015,
Section 2. https://arxiv.org/abs/1503.02531
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from searchspace import Architecture, Graft, InputError, build
from searchspace.backbones.graft.sources import beside
from searchspace.checks import check_at_least
from searchspace.schema import to_json
from searchspace.serialization.files import read_json
from trainers.start_weights import StartWeights, find_weights

LIBRARIES = "torchvision", "timm"


@dataclass(frozen=True)
class Teacher:
    """A network, its weights, and how it teaches.

    The loss is (1 - share) * the recipe's own + share * T^2 * KL(teacher || student), both softened
    by the temperature T.
    """

    architecture: Architecture
    weights: StartWeights
    share: float = 0.5
    temperature: float = 1.0

    def __post_init__(self) -> None:
        check_at_least(0, 1, share=self.share)
        check_at_least(0.01, 1000, temperature=self.temperature)

    def network(self, num_classes: int, in_chs: int) -> nn.Module:
        """The teacher in evaluation mode, for a task's classes and channels."""
        with torch.random.fork_rng(devices=[]):
            network = build(self.architecture, num_classes, in_chs)
        self._fill(network, f"{num_classes} classes and images of {in_chs} channels")
        return network.eval().requires_grad_(False)

    def check(self, num_classes: int, in_chs: int) -> None:
        """Raise an InputError unless the weights fit a task's classes and channels."""
        with torch.device("meta"):
            network = build(self.architecture, num_classes, in_chs)
        self._fill(network, f"{num_classes} classes and images of {in_chs} channels", assign=True)

    def _fill(self, network: nn.Module, task: str, *, assign: bool = False) -> None:
        try:
            network.load_state_dict(dict(self.weights.load()), assign=assign)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1].strip()
            raise InputError(
                f"the teacher {self.weights.name} does not fit {task}: {reason}"
            ) from None


def find_teacher(data: Any) -> dict[str, Any]:
    """The JSON form of the teacher that a text, or an object with `from`, names.

    That is a folder of a finished training, torchvision/NAME.WEIGHTS or timm/NAME.TAG.
    """
    fields = {"from": data} if isinstance(data, str) else dict(data)
    name = fields.pop("from", None)
    if not isinstance(name, str):
        return fields
    prefix, _, model = name.partition("/")
    if prefix in LIBRARIES and not beside(name).exists():
        grafted = name if prefix == "timm" else f"{prefix}/{model.partition('.')[0]}"
        architecture, weights = Architecture(Graft(grafted)).to_json(), find_weights(name)
    else:
        config = read_json(beside(name) / "config.json")
        job = config.get("job") if isinstance(config, Mapping) else None
        if not isinstance(job, Mapping) or "architecture" not in job:
            raise InputError(f"{beside(name)} is not the folder of a training")
        architecture = job["architecture"]
        weights = find_weights(f"{name}/weights.safetensors")
    return {"architecture": architecture, "weights": to_json(weights), **fields}
