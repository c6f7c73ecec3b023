"""The ablations of CoConv on small images: Tables 1, 2 and 4 to 6."""

from collections.abc import Iterator, Sequence

from searchspace import CoConv, CondConv, DyConv
from searchspace.paper_networks.coconv import DROPOUT, TEMPERATURE
from studies.papers.coconv.protocol import (
    ALEXNET,
    MOBILENET,
    RESNET,
    designs,
    paper_design,
    quick_designs,
)
from studies.papers.coconv.tables import NETWORKS, TABLE_1, TABLE_2, TABLE_4, TABLE_5, TABLE_6
from studies.papers.grid import Operators, arm_name, arm_names, in_all_slots
from studies.papers.printed import published
from studies.spec.ablation import Study
from studies.spec.claims import Claim, Comparison, Operand, exceeds
from trainers import TinyImageNet

STATIC: Operators = {"static": {}}
EXPERTS = STATIC | in_all_slots({f"coconv n={n}": CoConv(n) for n in (2, 4, 8)})
SIDES = STATIC | in_all_slots(
    {f"{side} n={n}": CoConv(n, side=side) for n in (2, 4) for side in ("in", "out")}
)
SCALES = STATIC | in_all_slots({scales: CoConv(4, scales=scales) for scales in ("single", "multi")})
RIVALS = STATIC | in_all_slots(
    {
        "condconv": CondConv(4, dropout=DROPOUT),
        "dycnn": DyConv(4, temperature=TEMPERATURE),
        "coconv": CoConv(4),
    }
)

UNCHANGED = tuple(row for row in TABLE_1 + TABLE_2 if row.arm.startswith("static"))
"""The static networks, which Tables 4 to 6 leave out."""


def _in(network: str) -> str:
    return f" in {network}" if network else ""


def _best_number(network: str) -> Claim:
    best, *others = arm_names(("coconv n=4", "coconv n=2", "coconv n=8"), network)
    text = f"Four experts are better than two and eight{_in(network)}"
    return Claim(text, "CoConv Section 5.3, Table 4", exceeds(best, *others))


def _any_number(network: str) -> Claim:
    static, *others = arm_names(("static", "coconv n=2", "coconv n=4", "coconv n=8"), network)
    text = f"Two, four and eight experts are better than static convolution{_in(network)}"
    comparisons = tuple(c for arm in others for c in exceeds(arm, static))
    return Claim(text, "CoConv Section 5.3, Table 4", comparisons)


def _best_operator(network: str) -> Claim:
    best, *others = arm_names(("coconv", "static", "condconv", "dycnn"), network)
    text = f"CoConv is better than static convolution, CondConv and DY-CNN{_in(network)}"
    return Claim(text, "CoConv Section 5.1, Tables 1 and 2", exceeds(best, *others))


def _output_side(network: str) -> Claim:
    comparisons = tuple(
        comparison
        for n in (2, 4)
        for comparison in exceeds(arm_name(f"out n={n}", network), arm_name(f"in n={n}", network))
    )
    text = f"Attention to output channels is better than to input channels{_in(network)}"
    return Claim(text, "CoConv Section 5.3, Table 5", comparisons)


def _several_scales(network: str) -> Claim:
    text = f"Routing from two scales is better than from one{_in(network)}"
    comparisons = exceeds(arm_name("multi", network), arm_name("single", network))
    return Claim(text, "CoConv Section 5.3, Table 6", comparisons)


def _gains_more_than_alexnet(pairs: Sequence[tuple[str, str]]) -> Iterator[Comparison]:
    """The better arm of each pair gains more over the other in ResNet18, MobileNetV2."""
    for better, worse in pairs:
        for network in (RESNET, MOBILENET):
            gained = Operand(arm_name(better, network)), Operand(arm_name(worse, ALEXNET))
            yield Comparison(
                gained, (Operand(arm_name(worse, network)), Operand(arm_name(better, ALEXNET)))
            )


ALEXNET_NEEDS_TWO = Claim(
    "Two experts are better than four and eight in AlexNet",
    "CoConv Section 5.3, Table 4",
    exceeds(*arm_names(("coconv n=2", "coconv n=4", "coconv n=8"), ALEXNET)),
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
        **quick_designs(EXPERTS, _best_number(RESNET), _any_number(RESNET)),
        "paper": paper_design(
            EXPERTS,
            TinyImageNet(),
            (
                _best_number(RESNET),
                _best_number(MOBILENET),
                ALEXNET_NEEDS_TWO,
                *map(_any_number, NETWORKS.values()),
            ),
        ),
    },
    published=published(row for row in UNCHANGED + TABLE_4 if row.dataset == "tiny_imagenet"),
)

coconv_attention_side = Study(
    name="coconv_attention_side",
    question="Should CoConv weigh the input or the output channels of its experts?",
    source="CoConv Table 5",
    baseline="static",
    presets=designs(
        SIDES,
        (*map(_output_side, NETWORKS.values()), SIDE_MATTERS_IN_DEEP),
        _output_side(RESNET),
    ),
    published=published(UNCHANGED + TABLE_5),
)

coconv_scales = Study(
    name="coconv_scales",
    question="Does CoConv's routing need two scales of its input?",
    source="CoConv Table 6",
    baseline="static",
    presets=designs(
        SCALES,
        (*map(_several_scales, NETWORKS.values()), SCALES_MATTER_IN_DEEP),
        _several_scales(RESNET),
    ),
    published=published(UNCHANGED + TABLE_6),
)

coconv_vs_dynamic = Study(
    name="coconv_vs_dynamic",
    question="Is CoConv better than static and other dynamic convolutions?",
    source="CoConv Tables 1 and 2",
    baseline="static",
    presets=designs(RIVALS, tuple(map(_best_operator, NETWORKS.values())), _best_operator(RESNET)),
    published=published(TABLE_1 + TABLE_2),
)

STUDIES = (coconv_experts, coconv_attention_side, coconv_scales, coconv_vs_dynamic)
