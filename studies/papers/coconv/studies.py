"""The ablations of CoConv (dynamic cooperative convolution) on small images.

Arms without a network in their name are the paper's ResNet18, and a small ResNet in quick designs.
"""

from collections.abc import Iterator, Sequence

from searchspace import (
    AlexNet,
    Backbone,
    CoConv,
    CondConv,
    DyConv,
    MobileNetV2,
    ResNet,
)
from studies.papers import quick
from studies.papers.grid import Settings, everywhere, grid, names, on, printed
from studies.spec.ablation import Design, Study
from studies.spec.claims import Claim, Comparison, Operand, exceeds
from trainers import RECIPES, Cifar100, TinyImageNet

RESNET, ALEXNET, MOBILENET = "", "AlexNet", "MobileNetV2"
NETWORKS = (ALEXNET, RESNET, MOBILENET)
"""In the order of the paper's columns."""

STATIC: Settings = {"static": {}}
EXPERTS = STATIC | everywhere({f"coconv n={n}": CoConv(n) for n in (2, 4, 8)})
SIDES = STATIC | everywhere(
    {f"{side} n={n}": CoConv(n, side=side) for n in (2, 4) for side in ("in", "out")}
)
SCALES = STATIC | everywhere({scales: CoConv(4, scales=scales) for scales in ("single", "multi")})
RIVALS = STATIC | everywhere({"condconv": CondConv(4), "dycnn": DyConv(4), "coconv": CoConv(4)})

PAPER_NOTE = (
    "The protocol of Section 5.1. The paper does not state AlexNet's layers, the stems, its number "
    "of runs or how it chose the epoch: ours are AlexNet's five convolutions with small pools, "
    "stems of stride 1 where there is one, five seeds and the last epoch."
)


def _backbones(alexnet: AlexNet) -> dict[str, Backbone]:
    return {
        RESNET: ResNet(depth=18, stem="small"),
        ALEXNET: alexnet,
        MOBILENET: MobileNetV2(stem="small"),
    }


CIFAR = _backbones(AlexNet("cifar"))
TINY = _backbones(AlexNet("tiny"))


def _paper(settings: Settings, task: Cifar100 | TinyImageNet, claims: tuple[Claim, ...]) -> Design:
    backbones = CIFAR if isinstance(task, Cifar100) else TINY
    return Design(
        arms=grid(backbones, settings),
        tasks=(task,),
        recipe=RECIPES["coconv_small_images"],
        seeds=5,
        note=PAPER_NOTE,
        is_paper_protocol=True,
        claims=claims,
    )


def _quick(settings: Settings, *claims: Claim) -> Design:
    return quick.design(grid({RESNET: quick.NETWORK}, settings), *claims)


def _both(settings: Settings, claims: tuple[Claim, ...], small: Claim) -> dict[str, Design]:
    """CIFAR-100 as `paper`, Tiny-ImageNet as `paper_tiny`, and `quick` with the claim `small`."""
    return {
        "quick": _quick(settings, small),
        "paper": _paper(settings, Cifar100(), claims),
        "paper_tiny": _paper(settings, TinyImageNet(), claims),
    }


def _rows(*accuracies: Sequence[float]) -> dict[str, Sequence[float]]:
    return dict(zip(NETWORKS, accuracies, strict=True))


TABLE_1 = printed(
    "CoConv Table 1",
    "cifar100",
    tuple(RIVALS),
    _rows((58.63, 58.49, 58.42, 58.98), (71.87, 72.90, 73.08, 73.48), (69.10, 70.37, 69.32, 70.89)),
)
TABLE_2 = printed(
    "CoConv Table 2",
    "tiny_imagenet",
    tuple(RIVALS),
    _rows((51.13, 51.51, 51.19, 51.93), (61.33, 61.19, 61.61, 63.25), (59.30, 60.58, 59.87, 60.42)),
)
TABLE_4 = printed(
    "CoConv Table 4",
    "tiny_imagenet",
    tuple(EXPERTS)[1:],
    _rows((52.14, 51.93, 52.00), (63.08, 63.25, 62.57), (60.11, 60.42, 59.75)),
)
# In the order of SIDES: in and out with two experts, then with four.
TABLE_5 = printed(
    "CoConv Table 5",
    "cifar100",
    tuple(SIDES)[1:],
    _rows((59.93, 59.46, 60.00, 58.98), (72.52, 73.12, 73.29, 73.48), (69.85, 70.76, 69.61, 70.89)),
) + printed(
    "CoConv Table 5",
    "tiny_imagenet",
    tuple(SIDES)[1:],
    _rows((52.36, 52.14, 51.78, 51.93), (61.67, 63.08, 62.15, 63.25), (60.22, 60.11, 60.00, 60.42)),
)
TABLE_6 = printed(
    "CoConv Table 6",
    "cifar100",
    tuple(SCALES)[1:],
    _rows((59.38, 58.98), (72.27, 73.48), (70.06, 70.89)),
) + printed(
    "CoConv Table 6",
    "tiny_imagenet",
    tuple(SCALES)[1:],
    _rows((51.57, 51.93), (62.17, 63.25), (60.13, 60.42)),
)
UNCHANGED = tuple(figure for figure in TABLE_1 + TABLE_2 if figure.arm.startswith("static"))
"""The static networks, which Tables 4 to 6 leave out."""


def _in(network: str) -> str:
    return f" in {network}" if network else ""


def _best_number(network: str) -> Claim:
    best, *others = names(("coconv n=4", "coconv n=2", "coconv n=8"), network)
    text = f"Four experts are better than two and eight{_in(network)}"
    return Claim(text, "CoConv Section 5.3, Table 4", exceeds(best, *others))


def _best_operator(network: str) -> Claim:
    best, *others = names(("coconv", "static", "condconv", "dycnn"), network)
    text = f"CoConv is better than static convolution, CondConv and DY-CNN{_in(network)}"
    return Claim(text, "CoConv Section 5.1, Tables 1 and 2", exceeds(best, *others))


def _output_side(network: str) -> Claim:
    comparisons = tuple(
        comparison
        for n in (2, 4)
        for comparison in exceeds(on(f"out n={n}", network), on(f"in n={n}", network))
    )
    text = f"Attention to output channels is better than to input channels{_in(network)}"
    return Claim(text, "CoConv Section 5.3, Table 5", comparisons)


def _several_scales(network: str) -> Claim:
    text = f"Routing from two scales is better than from one{_in(network)}"
    comparisons = exceeds(on("multi", network), on("single", network))
    return Claim(text, "CoConv Section 5.3, Table 6", comparisons)


def _gains_more_than_alexnet(pairs: Sequence[tuple[str, str]]) -> Iterator[Comparison]:
    """The better arm of each pair gains more over the other in ResNet18, MobileNetV2."""
    for better, worse in pairs:
        for network in (RESNET, MOBILENET):
            gained = Operand(on(better, network)), Operand(on(worse, ALEXNET))
            yield Comparison(gained, (Operand(on(worse, network)), Operand(on(better, ALEXNET))))


ALEXNET_NEEDS_TWO = Claim(
    "Two experts are better than four and eight in AlexNet",
    "CoConv Section 5.3, Table 4",
    exceeds(*names(("coconv n=2", "coconv n=4", "coconv n=8"), ALEXNET)),
)
SIDE_MATTERS_IN_DEEP = Claim(
    "The output side gains more in ResNet18 and MobileNetV2 than in AlexNet",
    "CoConv Section 5.3, Table 5",
    tuple(_gains_more_than_alexnet([(f"out n={n}", f"in n={n}") for n in (2, 4)])),
)
SCALES_MATTER_IN_DEEP = Claim(
    "Two scales gain more in ResNet18 and MobileNetV2 than in AlexNet",
    "CoConv Section 5.3, Table 6",
    tuple(_gains_more_than_alexnet([("multi", "single")])),
)

coconv_experts = Study(
    name="coconv_experts",
    question="How many experts should a CoConv layer have?",
    source="CoConv Table 4",
    baseline="static",
    presets={
        "quick": _quick(EXPERTS, _best_number(RESNET)),
        "paper": _paper(
            EXPERTS,
            TinyImageNet(),
            (_best_number(RESNET), _best_number(MOBILENET), ALEXNET_NEEDS_TWO),
        ),
    },
    published=tuple(f for f in UNCHANGED if f.task == "tiny_imagenet") + TABLE_4,
)

coconv_attention_side = Study(
    name="coconv_attention_side",
    question="Should CoConv weigh the input or the output channels of its experts?",
    source="CoConv Table 5",
    baseline="static",
    presets=_both(
        SIDES,
        (*map(_output_side, NETWORKS), SIDE_MATTERS_IN_DEEP),
        _output_side(RESNET),
    ),
    published=UNCHANGED + TABLE_5,
)

coconv_scales = Study(
    name="coconv_scales",
    question="Does CoConv's routing need two scales of its input?",
    source="CoConv Table 6",
    baseline="static",
    presets=_both(
        SCALES,
        (*map(_several_scales, NETWORKS), SCALES_MATTER_IN_DEEP),
        _several_scales(RESNET),
    ),
    published=UNCHANGED + TABLE_6,
)

coconv_vs_dynamic = Study(
    name="coconv_vs_dynamic",
    question="Is CoConv better than static and other dynamic convolutions?",
    source="CoConv Tables 1 and 2",
    baseline="static",
    presets=_both(RIVALS, tuple(map(_best_operator, NETWORKS)), _best_operator(RESNET)),
    published=TABLE_1 + TABLE_2,
)

STUDIES = (coconv_experts, coconv_attention_side, coconv_scales, coconv_vs_dynamic)
