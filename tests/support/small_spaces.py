"""Spaces small enough to enumerate, of networks small enough to build."""

from fnmatch import fnmatchcase
from itertools import product

from searchspace import (
    Architecture,
    Backbone,
    Choice,
    CoConv,
    CondConv,
    DepthwiseSeparable,
    DyConv,
    HierarchicalSplit,
    InputError,
    MixConv,
    Multiception,
    MultiScaleRecalibration,
    Res2Net,
    ResNet,
    ResNetCifar,
    Resolutions,
    Rule,
    Slot,
    Space,
    SqueezeExcite,
    Static,
    Unchanged,
)

CIFAR = ResNetCifar(8, width=4)
BOTTLENECK = ResNet(50, width=4, stem="small")
CONVS = (
    Static(),
    CoConv(2),
    CoConv(3, norms=False),
    CondConv(2),
    DyConv(1),
    DepthwiseSeparable(3),
    Multiception((3,)),
    Multiception((3, 3)),
    MixConv((3, 5)),
)
RECALIBRATIONS = (
    Unchanged(),
    SqueezeExcite(),
    MultiScaleRecalibration((1, 2)),
    MultiScaleRecalibration((1, 2), reduction=4),
)
SPLITS = (Static(), HierarchicalSplit(3, 3), Res2Net(3, 3), Res2Net(2, 2), CoConv(2))


def resnet_space() -> Space:
    """Options that coincide, ties over a stage, recalibration, two widths, two resolutions."""
    return Space.of(
        [CIFAR, ResNetCifar(8, width=6)],
        Rule.of("*.conv1", Static(), DyConv(1), Multiception((3,)), DepthwiseSeparable()),
        Rule.of("layer3.*", CoConv(2), Static(), SqueezeExcite(), tie="stage"),
        Rule.of("layer1.*.recalibration", *RECALIBRATIONS),
        resolutions=(None, Resolutions((16, 8))),
        input_size=16,
    )


def bottleneck_space() -> Space:
    """Middles that set the width around them, decided alone and tied, and what depends on it."""
    return Space.of(
        BOTTLENECK,
        Rule.of(["layer1.0.conv2", "layer2.0.conv2"], *SPLITS),
        Rule.of("layer3.*.conv2", Static(), HierarchicalSplit(3, 3), Res2Net(3, 3), tie="all"),
        Rule.of(["layer1.0.conv3", "layer3.1.conv1"], Static(), CoConv(2)),
        input_size=16,
    )


def brute_force(space: Space) -> set[Architecture]:
    """All distinct networks that one gets by trying every combination of every rule's options."""
    architectures = set()
    for backbone, resolutions in product(space.backbones, space.resolutions):
        groups: dict[tuple[int, str], list[str]] = {}
        for slot in backbone.slots():
            rules = [i for i, rule in enumerate(space.rules) if _offers(rule, slot, backbone)]
            if rules:
                place = rules[-1], space.rules[rules[-1]].group(slot)
                groups.setdefault(place, []).append(slot.name)
        for combination in product(*(space.rules[i].options for i, _ in groups)):
            choices: dict[str, Choice] = {}
            for slots, choice in zip(groups.values(), combination, strict=True):
                for name in slots:
                    if _takes(backbone, name, choice):
                        choices[name] = choice
            architectures.add(Architecture(backbone, choices, resolutions))
    return architectures


def _offers(rule: Rule, slot: Slot, backbone: Backbone) -> bool:
    named = any(fnmatchcase(slot.name, pattern) for pattern in rule.slots)
    return named and any(_takes(backbone, slot.name, choice) for choice in rule.options)


def _takes(backbone: Backbone, name: str, choice: Choice) -> bool:
    try:
        Architecture(backbone, {name: choice})
    except InputError:
        return False
    return True
