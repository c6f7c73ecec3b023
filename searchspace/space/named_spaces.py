"""Spaces by name: each paper's own, and all of them together.

A name alone means small images, `-imagenet` after it 224 x 224 and the ImageNet networks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from searchspace.backbones import Backbone, ResNet, ResNetCifar
from searchspace.choice import Choice
from searchspace.errors import InputError
from searchspace.operators import (
    ACNet,
    CoConv,
    CondConv,
    DepthwiseSeparable,
    DyConv,
    GatherExcite,
    HierarchicalSplit,
    MixConv,
    Multiception,
    MultiScaleRecalibration,
    Res2Net,
    SqueezeExcite,
    Static,
    Unchanged,
)
from searchspace.operators.mssar import REDUCTIONS
from searchspace.resolutions import Resolutions
from searchspace.space.rule_compiler import refusals
from searchspace.space.rules import Refusal, Rule, Tie, matches
from searchspace.space.space import Space

IMAGENET = "-imagenet"
SMALL_SIZE, IMAGENET_SIZE = 32, 224

SIDES: tuple[Literal["out", "in"], ...] = "out", "in"
POOLINGS: tuple[Literal["multi", "single"], ...] = "multi", "single"

Offer = dict[str, tuple[Choice, ...]]
"""Options by slot pattern."""


@dataclass(frozen=True)
class NamedSpace:
    """What a named space varies, on small images and on ImageNet's.

    `offer` and `resolutions` give the options for large (True) or small images.
    """

    about: str
    small: tuple[Backbone, ...]
    imagenet: tuple[Backbone, ...]
    offer: Callable[[bool], Offer]
    resolutions: Callable[[bool], tuple[Resolutions | None, ...]] = lambda large: (None,)


def _coconv(large: bool) -> Offer:
    """Tables 4, 5 and 6: experts, the weighted side, the router's scales; norms by protocol."""
    dynamic = (
        CoConv(experts, side, scales, norms=not large)
        for experts in (2, 4, 8)
        for side in SIDES
        for scales in POOLINGS
    )
    return {"*": (Static(), *dynamic)}


def _multiception(large: bool) -> Offer:
    """Tables 1, 3 and 4: kernel multisets and the rivals, in the first 3x3 of each block."""
    lists = (3, 3), (3, 5), (3, 5, 7)
    rivals = (DepthwiseSeparable(), *map(MixConv, lists[1:]))
    return {"*.conv1": (Static(), *rivals, *map(Multiception, lists))}


def _mssar(large: bool) -> Offer:
    """Table 3: every set of scales, and SE."""
    reduction = REDUCTIONS["imagenet" if large else "cifar"]
    scales = (1, 2, 4)
    subsets = [subset for count in (1, 2, 3) for subset in combinations(scales, count)]
    multi_scale = (MultiScaleRecalibration(subset, reduction=reduction) for subset in subsets)
    return {"*": (Unchanged(), SqueezeExcite(), *multi_scale)}


def _hs(large: bool) -> Offer:
    """Table 4's widths and splits (a quarter of the widths for small images), and Res2Net's."""
    pairs = ((18, 8), (22, 7), (28, 6), (40, 5)) if large else ((4, 8), (5, 7), (7, 6), (10, 5))
    rivals = ((26, 4), (14, 8)) if large else ((6, 4), (3, 8))
    options = [HierarchicalSplit(*pair) for pair in pairs], [Res2Net(*pair) for pair in rivals]
    return {"*": (Static(), *options[0], *options[1])}


def _joint(large: bool) -> Offer:
    """Every operator of the papers and their rivals, in every slot that can take it."""
    norms = not large
    convs = (
        Static(),
        *(CoConv(experts, norms=norms) for experts in (2, 4, 8)),
        CondConv(),
        DyConv(),
        ACNet(),
        *_multiception(large)["*.conv1"][1:],
        *_hs(large)["*"][1:],
    )
    return {"*": (*convs, *_mssar(large)["*"], GatherExcite())}


def _rsnet(large: bool) -> tuple[Resolutions | None, ...]:
    """Table 2 and Figures 4 and 5: from two sizes to all, norms private or shared."""
    sizes = (224, 192, 160, 128, 96) if large else (32, 28, 24, 20, 16)
    kinds: tuple[Literal["private", "shared"], ...] = "private", "shared"
    sets = [Resolutions(sizes[:count], norms) for norms in kinds for count in range(2, 6)]
    return (None, *sets)


def _all_sizes(large: bool) -> tuple[Resolutions | None, ...]:
    """One size, or all of RS-Net's with private norms."""
    return None, _rsnet(large)[4]


CIFAR = (ResNetCifar(),)
BOTTLENECKS = (ResNet(50, width=16, stem="small"),)
NAMED_SPACES = {
    "coconv": NamedSpace("experts, attention side and scales", CIFAR, (ResNet(18),), _coconv),
    "multiception": NamedSpace("kernel sets and rivals", CIFAR, (ResNet(18),), _multiception),
    "mssar": NamedSpace("scale sets and SE", CIFAR, (ResNet(18),), _mssar),
    "hs": NamedSpace(
        "widths and splits", BOTTLENECKS, (ResNet(50, stem="deep", shortcut="D"),), _hs
    ),
    "rsnet": NamedSpace(
        "widths against sets of resolutions",
        tuple(ResNetCifar(width=width) for width in (8, 12, 16)),
        tuple(ResNet(18, width=width) for width in (32, 40, 48, 56, 64)),
        lambda large: {},
        _rsnet,
    ),
    "joint": NamedSpace("all operators together", CIFAR, (ResNet(50),), _joint, _all_sizes),
}


def spaces() -> tuple[str, ...]:
    """The names of all named spaces."""
    return tuple(name + ending for name in NAMED_SPACES for ending in ("", IMAGENET))


def named_space(
    name: str,
    backbone: Backbone | None = None,
    *,
    input_size: int | None = None,
    num_classes: int | None = None,
    tie: Tie = "slot",
) -> Space:
    """A named space, on another backbone, image size or with other ties if they are given.

    Options whose kernels are larger than a map that would meet them are left out.
    """
    entry = NAMED_SPACES.get(name.removesuffix(IMAGENET))
    if entry is None:
        raise InputError(f"unknown space {name!r}; expected one of {', '.join(spaces())}")
    large = name.endswith(IMAGENET)
    backbones = (entry.imagenet if large else entry.small) if backbone is None else (backbone,)
    size = input_size or (IMAGENET_SIZE if large else SMALL_SIZE)
    rules = tuple(
        Rule((pattern,), _fitting(options, pattern, backbones, size), tie)
        for pattern, options in entry.offer(large).items()
    )
    sets = tuple(s for s in entry.resolutions(large) if s is None or max(s.sizes) == size)
    return Space(backbones, rules, sets, size, num_classes, name=name)


def _fitting(
    options: tuple[Choice, ...], pattern: str, backbones: tuple[Backbone, ...], size: int
) -> tuple[Choice, ...]:
    """The options that some slot can take and no slot refuses for the size of its map."""
    rule = Rule((pattern,), options)
    refused: dict[Choice, list[Refusal | None]] = {option: [] for option in options}
    for backbone in backbones:
        for (name, option), refusal in refusals(backbone, (rule,), size, 3).items():
            if matches(name, rule.slots):
                refused[option].append(refusal)
    return tuple(
        option
        for option, reasons in refused.items()
        if None in reasons and not any(reason and reason.mistake for reason in reasons)
    )
