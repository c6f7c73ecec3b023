"""The networks of CoConv: Tables 1 and 2 on small images, Table 3 on ImageNet.

Kien X. Nguyen et al., "CoConv: Learning Dynamic Cooperative Convolution for Image Recognition",
ICME 2021. Code: https://github.com/Nyquixt/CoConv
"""

from collections.abc import Iterator, Mapping

from searchspace.backbones import AlexNet, Backbone, MobileNetV2, ResNet
from searchspace.choice import Choice
from searchspace.operators import ACNet, CoConv, CondConv, DyConv, GatherExcite, SqueezeExcite
from searchspace.paper_networks.network import CIFAR100, IMAGENET, TINY, NamedNetwork

DROPOUT, TEMPERATURE = 0.2, 34.0
"""Of CondConv's and DY-CNN's routing in the authors' code; the text has neither."""

LARGE: dict[str, dict[str, Choice]] = {
    "": {},
    "se-": {"*": SqueezeExcite()},
    "ge-": {"*": GatherExcite()},
    "ac-": {"*": ACNet()},
    "acfused-": {"*": ACNet(norms=False)},
    "condconv3-": {"*": CondConv(3, dropout=DROPOUT)},
    "dycnn3-": {"*": DyConv(3, hidden="imagenet", temperature=TEMPERATURE)},
    "coconv3-": {"*": CoConv(3, norms=False)},
}
"""The operators of Table 3 by the middle of the name. ACNet is trained with norms in its branches
and counted without (`acfused`)."""

SMALL: dict[str, dict[str, Choice]] = {
    "": {},
    "condconv4-": {"*": CondConv(4, dropout=DROPOUT)},
    "dycnn4-": {"*": DyConv(4, temperature=TEMPERATURE)},
    "coconv4-": {"*": CoConv(4)},
}
"""The same of Tables 1 and 2, whose networks have no printed cost."""

SMALL_IMAGES: tuple[tuple[str, tuple[int, int], tuple[tuple[str, Backbone], ...]], ...] = tuple(
    (
        images,
        data,
        (
            ("alexnet", alexnet),
            ("resnet18", ResNet(18, stem="small")),
            ("mobilenetv2", MobileNetV2(stem="small", dropout=0.0, shortcuts=True)),
        ),
    )
    for images, data, alexnet in (
        ("cifar100", CIFAR100, AlexNet("cifar", norms=True)),
        ("tiny", TINY, AlexNet("tiny", norms=True)),
    )
)
PLACES = {"alexnet": "*", "resnet18": "layer*.conv*", "mobilenetv2": "*.conv.1.0"}
"""Where the authors replace convolutions: all five, all but stem and shortcuts, all depthwise."""


def placed(choices: Mapping[str, Choice], name: str) -> dict[str, Choice]:
    """The choices for all slots, in those places of a network on small images instead."""
    return {PLACES[name]: choices["*"]} if choices else {}


def networks() -> Iterator[tuple[str, NamedNetwork]]:
    """Name and network of every row."""
    for operator, choices in LARGE.items():
        yield f"resnet18-{operator}imagenet", NamedNetwork(ResNet(18), IMAGENET, choices)
    for images, data, backbones in SMALL_IMAGES:
        for name, backbone in backbones:
            for operator, choices in SMALL.items():
                yield (
                    f"{name}-{operator}{images}",
                    NamedNetwork(backbone, data, placed(choices, name)),
                )
