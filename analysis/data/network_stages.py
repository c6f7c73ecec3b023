"""What a network consists of, stage by stage: operators, channels, and shares of its cost."""

from collections import Counter
from dataclasses import dataclass

import torch

from searchspace import Architecture, build, deploy
from searchspace.cost import measure_parts
from searchspace.slot import Slot
from trainers import Task

PLAIN = ("static", "none")
"""Choices that are the backbone's own."""


@dataclass(frozen=True)
class Stage:
    """A stage of a network.

    `operators` are the choices in its slots with their numbers, `macs` and `params` those of its
    slots in the deployed form.
    """

    name: str
    channels: str
    operators: tuple[str, ...]
    macs: int
    params: int


@dataclass(frozen=True)
class NetworkStages:
    """The stages of a network and what is outside of all slots, with the cost of the whole."""

    stages: tuple[Stage, ...]
    macs: int
    params: int
    note: str = ""


def network_stages(architecture: Architecture, task: Task) -> NetworkStages:
    """The stages of a network for the images of a task, costs of the deployed form."""
    size = architecture.training_sizes(task.input_size)[0]
    with torch.random.fork_rng(devices=[]):
        network = deploy(build(architecture, task.classes, task.in_chs).eval())
    slots = architecture.slots()
    modules = {name for name, _ in network.named_modules()}
    named = [slot.name for slot in slots if slot.name in modules]
    whole, *parts = measure_parts(network, ["", *named], (1, task.in_chs, size, size))
    costs = dict(zip(named, parts, strict=True))
    groups: dict[int, list[Slot]] = {}
    for slot in slots:
        groups.setdefault(slot.stage, []).append(slot)
    stages = []
    for number, group in sorted(groups.items()):
        own = [costs[slot.name] for slot in group if slot.name in costs]
        stages.append(
            Stage(
                f"stage {number}",
                _channels(group),
                _operators(architecture, group),
                sum(cost.macs for cost in own),
                sum(cost.params for cost in own),
            )
        )
    rest = Stage(
        "stem, head, other",
        "",
        (),
        max(0, whole.macs - sum(stage.macs for stage in stages)),
        max(0, whole.params - sum(stage.params for stage in stages)),
    )
    note = architecture.resolutions.label() if architecture.resolutions else ""
    return NetworkStages((*stages, rest), whole.macs, whole.params, note)


def _channels(slots: list[Slot]) -> str:
    widths = sorted({slot.out_chs for slot in slots})
    return f"{widths[0]}" if len(widths) == 1 else f"{widths[0]} to {widths[-1]}"


def _operators(architecture: Architecture, slots: list[Slot]) -> tuple[str, ...]:
    """Each choice with the number of slots that have it; recalibration by none is left out."""
    counts = Counter(
        architecture.choice(slot).label()
        for slot in slots
        if not (slot.role == "recalibration" and architecture.choice(slot).label() == "none")
    )
    return tuple(
        f"{label} \u00d7{count}" if count > 1 else label for label, count in counts.items()
    )
