"""A study across papers: which operator is best when all networks have equal MACs.

Every operator takes the same places of the same network: the 3x3 convolutions of all blocks, or the
ends of their residual branches. The network's width is the one whose deployed MACs on the task are
nearest to a common target. Parameters, the cost of training and time are not equal; reports show
them beside the accuracies.
"""

from collections.abc import Callable, Iterable

from searchspace import (
    CBAM,
    ACNet,
    Architecture,
    Backbone,
    Choice,
    CoConv,
    CondConv,
    CoordinateAttention,
    DepthwiseSeparable,
    DyConv,
    EfficientChannelAttention,
    GatherExcite,
    HierarchicalSplit,
    MixConv,
    Multiception,
    MultiScaleRecalibration,
    PartialConv,
    Res2Net,
    ResNet,
    ResNetCifar,
    SimAM,
    SqueezeExcite,
    StripPooling,
    measure,
)
from studies.papers import quick
from studies.spec.ablation import Arm, Design, Study
from studies.spec.claims import Claim, exceeds
from studies.spec.pilot import Pilot
from trainers import RECIPES, Cifar100, Task

STATIC = "static"
OPERATORS: dict[str, Choice] = {
    "CoConv": CoConv(4),
    "CondConv": CondConv(4),
    "DY-CNN": DyConv(4),
    "ACNet": ACNet(),
    "depthwise separable": DepthwiseSeparable(),
    "MixConv": MixConv((3, 5)),
    "Multiception": Multiception((3, 5)),
    "SE": SqueezeExcite(),
    "GE": GatherExcite(),
    "MS-SAR": MultiScaleRecalibration(),
    "PConv": PartialConv(),
    "depthwise separable 7x7": DepthwiseSeparable(7),
    "ECA": EfficientChannelAttention(),
    "CBAM": CBAM(),
    "SimAM": SimAM(),
    "coordinate attention": CoordinateAttention(),
    "strip pooling": StripPooling(),
}
"""The operators that fit into every block."""
SPLITS = 4
SPLIT: dict[str, Callable[[int], Choice]] = {
    "HS": lambda width: HierarchicalSplit(width, SPLITS),
    "Res2Net": lambda width: Res2Net(width, SPLITS),
}
"""Operators that fit into bottlenecks only, from the width of their groups."""

PAPER_TASK = Cifar100()

# Widths are those of `nearest_width`; a test computes them again. The quick targets are those near
# static widths of 9 to 14 with the smallest distances of all operators.
QUICK_TOLERANCE = 0.06
QUICK_MACS = {"quick": 1_655_333, "digits": 445_152}
QUICK_WIDTHS = {
    "quick": {
        STATIC: 13,
        "CoConv": 12,
        "CondConv": 12,
        "DY-CNN": 12,
        "ACNet": 13,
        "depthwise separable": 32,
        "MixConv": 30,
        "Multiception": 21,
        "SE": 13,
        "GE": 13,
        "MS-SAR": 13,
        "PConv": 29,
        "depthwise separable 7x7": 23,
        "ECA": 13,
        "CBAM": 13,
        "SimAM": 13,
        "coordinate attention": 13,
        "strip pooling": 12,
    },
    "digits": {
        STATIC: 12,
        "CoConv": 10,
        "CondConv": 10,
        "DY-CNN": 10,
        "ACNet": 12,
        "depthwise separable": 29,
        "MixConv": 27,
        "Multiception": 19,
        "SE": 12,
        "GE": 12,
        "MS-SAR": 12,
        "PConv": 26,
        "depthwise separable 7x7": 20,
        "ECA": 12,
        "CBAM": 12,
        "SimAM": 12,
        "coordinate attention": 12,
        "strip pooling": 11,
    },
}
"""By preset."""
PAPER_MACS, PAPER_TOLERANCE = 324_997_120, 0.05
PAPER_WIDTHS = {
    STATIC: 32,
    "CoConv": 31,
    "CondConv": 31,
    "DY-CNN": 31,
    "ACNet": 32,
    "depthwise separable": 42,
    "MixConv": 41,
    "Multiception": 39,
    "SE": 32,
    "GE": 32,
    "MS-SAR": 31,
    "PConv": 40,
    "depthwise separable 7x7": 41,
    "ECA": 32,
    "CBAM": 32,
    "SimAM": 32,
    "coordinate attention": 32,
    "strip pooling": 21,
    "HS": 38,
    "Res2Net": 41,
}


def quick_network(operator: str, width: int) -> Architecture:
    """A ResNet-8 with two 3x3 convolutions in each of three blocks."""
    return _filled(ResNetCifar(depth=8, width=width, shortcut="B"), operator, "*.conv?")


def paper_network(operator: str, width: int) -> Architecture:
    """A ResNet-50 for small images, one 3x3 convolution in each of 16 bottlenecks."""
    backbone = ResNet(depth=50, width=width, stem="small")
    if operator not in SPLIT:
        return _filled(backbone, operator, "*.conv2")
    groups = max(2, round(width / SPLITS))
    stages = (1, 2, 3, 4)
    choices = {f"layer{s}.*.conv2": SPLIT[operator](groups * 2 ** (s - 1)) for s in stages}
    return Architecture(backbone, choices)


def _filled(backbone: Backbone, operator: str, convolutions: str) -> Architecture:
    choice = OPERATORS.get(operator)
    if choice is None:
        return Architecture(backbone)
    place = "*.recalibration" if choice.role == "recalibration" else convolutions
    return Architecture(backbone, {place: choice})


def deployed_macs(network: Architecture, task: Task) -> int:
    """The deployed MACs for one image of the task."""
    return measure(network, task.input_size, num_classes=task.classes, in_chs=task.in_chs).macs


def nearest_width(
    network: Callable[[int], Architecture], task: Task, macs: int, start: int = 16
) -> int:
    """The width whose deployed MACs are nearest to `macs`; the search starts at `start`.

    MACs grow with the width, so the search ends where neither neighbour is nearer.
    """

    def gap(width: int) -> int:
        return abs(deployed_macs(network(width), task) - macs)

    width = start
    while True:
        nearest = min((w for w in (width, width - 1, width + 1) if w >= 1), key=gap)
        if nearest == width:
            return width
        width = nearest


EQUAL = "{}, asked here at equal MACs"
CLAIMS = (
    Claim(
        "CoConv is better than static convolution",
        EQUAL.format("CoConv"),
        exceeds("CoConv", STATIC),
    ),
    Claim(
        "CoConv is better than other dynamic convolutions",
        EQUAL.format("CoConv"),
        exceeds("CoConv", "CondConv", "DY-CNN"),
    ),
    Claim(
        "Multiception is better than other depthwise convolutions",
        EQUAL.format("Multiception"),
        exceeds("Multiception", "depthwise separable", "MixConv"),
    ),
    Claim(
        "Multiception is better than static convolution",
        EQUAL.format("Multiception"),
        exceeds("Multiception", STATIC),
    ),
    Claim(
        "MS-SAR is better than no recalibration", EQUAL.format("MS-SAR"), exceeds("MS-SAR", STATIC)
    ),
    Claim("MS-SAR is better than SE", EQUAL.format("MS-SAR"), exceeds("MS-SAR", "SE")),
    Claim(
        "PConv is better than depthwise separable convolution",
        EQUAL.format("PConv"),
        exceeds("PConv", "depthwise separable"),
    ),
    Claim(
        "A large depthwise kernel is better than a small one",
        EQUAL.format("depthwise separable 7x7"),
        exceeds("depthwise separable 7x7", "depthwise separable"),
    ),
)
SPLIT_CLAIMS = (
    Claim("HS is better than static convolution", EQUAL.format("HS"), exceeds("HS", STATIC)),
    Claim("HS is better than Res2Net", EQUAL.format("HS"), exceeds("HS", "Res2Net")),
)


PILOT = Pilot(sd=0.68, pairs=8, accuracy=85.7)
"""Of the static network of the quick preset."""


def equal_cost_study(
    name: str,
    question: str,
    operators: Iterable[str],
    claims: tuple[Claim, ...],
    *,
    paper_claims: tuple[Claim, ...] = (),
    left_out: str = "",
) -> Study:
    """The operators beside static convolution; `left_out` says which the quick presets lack."""
    names = tuple(operators)

    def quick_design(preset: str) -> Design:
        widths = {o: w for o, w in QUICK_WIDTHS[preset].items() if o in names}
        arms = (Arm(o, quick_network(o, w)) for o, w in widths.items())
        networks = (
            f"ResNet-8 networks of {QUICK_MACS[preset] / 1e6:.2f}M deployed multiply-accumulates, "
            f"each within 6 %, by their widths (parameters and the cost of training differ"
            f"{left_out})"
        )
        return quick.SETTINGS[preset].design(
            arms,
            claims,
            networks,
            latency=True,
            tune=quick.RATES,
            pilot=PILOT if preset == "quick" else None,
        )

    paper = Design(
        arms=tuple(Arm(o, paper_network(o, w)) for o, w in PAPER_WIDTHS.items() if o in names),
        tasks=(PAPER_TASK,),
        recipe=RECIPES["mssar_resnet"],
        seeds=5,
        note="No paper's protocol: ResNet-50 networks for small images of 325M deployed "
        "multiply-accumulates, each within 5 %, by their widths, trained as MS-SAR trains "
        "ResNets. Parameters and the cost of training differ.",
        claims=claims + paper_claims,
        latency=True,
    )
    return Study(
        name=name,
        question=question,
        source="no paper",
        baseline=STATIC,
        presets={**{preset: quick_design(preset) for preset in quick.SETTINGS}, "paper": paper},
    )


operators_at_equal_cost = equal_cost_study(
    "operators_at_equal_cost",
    "Which operator is best when all networks cost the same?",
    PAPER_WIDTHS,
    CLAIMS,
    paper_claims=SPLIT_CLAIMS,
    left_out="; HS and Res2Net need bottlenecks, which the paper preset has",
)

STUDIES = (operators_at_equal_cost,)
