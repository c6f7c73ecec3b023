"""Labels of architectures: short, and of one architecture only."""

from collections import defaultdict
from random import Random

import pytest

from searchspace import (
    Architecture,
    Backbone,
    CoConv,
    MobileNetV2,
    Multiception,
    ResNet,
    ResNetCifar,
    SqueezeExcite,
    Static,
    named_space,
)
from searchspace.backbones.base import refusal
from searchspace.space.named_spaces import NAMED_SPACES
from tests.support.registry import CHOICES, NETWORKS

CIFAR = ResNetCifar(depth=14, width=4)
CO, SE = CoConv(experts=2), SqueezeExcite()


@pytest.mark.parametrize(
    ("choices", "label"),
    [
        ({}, ""),
        ({"*": CO}, " + coconv(experts=2)"),
        ({"layer1.*": CO, "layer3.*": CO}, " + coconv(experts=2)@1,3"),
        ({"*.conv1": CO}, " + coconv(experts=2)@*.conv1"),
        ({"layer2.*.conv1": CO}, " + coconv(experts=2)@2.conv1"),
        ({"layer1.*": CO, "layer2.*.conv2": CO}, " + coconv(experts=2)@1,2.conv2"),
        ({"layer2.1.conv1": CO}, " + coconv(experts=2)@layer2.1.conv1"),
        ({"*.conv1": CO, "*.conv2": Multiception(), "*": SE},
         " + coconv(experts=2)@*.conv1 + multiception@*.conv2 + se"),
    ],
)  # fmt: skip
def test_notation(choices: dict[str, object], label: str) -> None:
    made = Architecture(CIFAR, choices).label()  # type: ignore[arg-type]
    assert made.startswith("resnet_cifar(depth=14, width=4)")
    assert made.removeprefix("resnet_cifar(depth=14, width=4)") == label


def test_positions_name_what_endings_do_not() -> None:
    network = MobileNetV2(0.1, stem="small")
    wide = {s.name: CO for s in network.slots() if s.stage == 3 and s.position == "expand"}
    if wide:
        assert Architecture(network, wide).label().endswith("coconv(experts=2)@3:expand")
    shortcut = {s.name: CO for s in ResNet(18).slots() if s.position == "shortcut"}
    label = Architecture(ResNet(18), shortcut).label()
    assert label == "resnet + coconv(experts=2)@2.downsample,3.downsample,4.downsample"


def drawn(backbone: Backbone, random: Random) -> Architecture:
    """Random choices, often tied by stage or by the ending of names as spaces tie them."""
    slots = backbone.slots()
    choices = random.sample(CHOICES, 3)
    tie = random.choice(("all", "stage", "ending", "slot"))
    groups = defaultdict(list)
    for slot in slots:
        ending = slot.name.split(".")[-1]
        keys = {"all": slot.role, "stage": (slot.stage, slot.role), "ending": ending}
        groups[keys.get(tie, slot.name)].append(slot)
    filled = {}
    for group in groups.values():
        choice = random.choice([*choices, None, None])
        for slot in group:
            if choice is not None and choice.inner_width() is None:
                if refusal(choice, slot) is None:
                    filled[slot.name] = choice
    return Architecture(backbone, filled)


@pytest.mark.parametrize("backbone", NETWORKS, ids=lambda backbone: backbone.label())
def test_labels_are_of_one_architecture_only(backbone: Backbone) -> None:
    random = Random(0)
    labels: dict[str, Architecture] = {}
    for _ in range(150):
        architecture = drawn(backbone, random)
        assert labels.setdefault(architecture.label(), architecture) == architecture


@pytest.mark.parametrize("name", NAMED_SPACES)
def test_networks_of_a_space_have_labels_of_their_own(name: str) -> None:
    space = named_space(name)
    drawn = [space.sample(Random(seed)) for seed in range(30)]
    labels = {architecture.label() for architecture in drawn}
    assert len(labels) == len({architecture.key for architecture in drawn})


def test_the_default_is_no_part_of_a_label() -> None:
    assert Architecture(CIFAR, {"*": Static()}).label() == "resnet_cifar(depth=14, width=4)"
