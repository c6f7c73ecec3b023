"""What CoConv prints: accuracies of Tables 1 to 6, and the FLOPs and parameters of Table 3.

Arms without a network in their name are ResNet18.
"""

from collections.abc import Iterator

from studies.papers.grid import arm_name
from studies.papers.printed import PrintedCost, PrintedRow, parse_table

CIFAR100, TINY = "cifar100", "tiny_imagenet"
NETWORKS = {"AlexNet": "AlexNet", "ResNet18": "", "MobileNetV2": "MobileNetV2"}
"""The paper's columns and what the networks are called in names of arms."""

OPERATORS = {
    "Original": ("static", ""),
    "CondConv": ("condconv", "condconv4-"),
    "DY-CNN": ("dycnn", "dycnn4-"),
    "CoConv": ("coconv", "coconv4-"),
}
"""Rows of Tables 1 and 2: the arm and the middle of the network's name."""


def _operators(table: str, dataset: str, figures: dict[str, str]) -> Iterator[PrintedRow]:
    """A table of operators in the three networks."""
    images = {CIFAR100: "cifar100", TINY: "tiny"}[dataset]
    for network, accuracies in figures.items():
        for row, accuracy in zip(OPERATORS, accuracies.split(), strict=True):
            arm, operator = OPERATORS[row]
            yield PrintedRow(
                "CoConv",
                table,
                f"{row}, {network}",
                dataset,
                network=f"{network.lower()}-{operator}{images}",
                arm=arm_name(arm, NETWORKS[network]),
                accuracy=accuracy,
            )


TABLE_1 = tuple(
    _operators(
        "Table 1",
        CIFAR100,
        {
            "AlexNet": "58.63 58.49 58.42 58.98",
            "ResNet18": "71.87 72.90 73.08 73.48",
            "MobileNetV2": "69.10 70.37 69.32 70.89",
        },
    )
)
TABLE_2 = tuple(
    _operators(
        "Table 2",
        TINY,
        {
            "AlexNet": "51.13 51.51 51.19 51.93",
            "ResNet18": "61.33 61.19 61.61 63.25",
            "MobileNetV2": "59.30 60.58 59.87 60.42",
        },
    )
)


def _costs(network: str, flops: str, params: str) -> tuple[PrintedCost, PrintedCost]:
    # ACNet is counted as if its branches had no norms.
    network = network.replace("-ac-", "-acfused-")
    return (
        PrintedCost("macs", f"{flops}G", "FLOPs(G)", (network,)),
        PrintedCost("params", f"{params}M", "Parameters(M)", (network,)),
    )


TABLE_3 = tuple(
    PrintedRow(
        "CoConv",
        "Table 3",
        row,
        "imagenet",
        network=network,
        arm=arm,
        accuracy=accuracy,
        costs=_costs(network, flops, params),
        note="FLOPs that count norms, activations and pooling too",
    )
    for arm, row, network, accuracy, flops, params in parse_table(
        # Arm, row, network, top-1 accuracy, FLOPs (G), parameters (M).
        """
static   | ResNet18               | resnet18-imagenet           | 69.635 | 1.822 | 11.690
se       | SE-ResNet18            | resnet18-se-imagenet        | 71.024 | 1.823 | 11.779
ge       | GE-ResNet18            | resnet18-ge-imagenet        | 70.405 | 1.825 | 11.753
acnet    | AC-ResNet18            | resnet18-ac-imagenet        | 70.779 | 1.822 | 11.690
condconv | CondConv-ResNet18      | resnet18-condconv3-imagenet | 71.935 | 1.822 | 11.701
dycnn    | DY-CNN-ResNet18        | resnet18-dycnn3-imagenet    | 70.613 | 1.822 | 12.001
coconv   | CoConv-ResNet18 (ours) | resnet18-coconv3-imagenet   | 72.696 | 1.824 | 12.166
"""
    )
)


def _ablation(
    table: str, dataset: str, arms: tuple[str, ...], figures: dict[str, str]
) -> Iterator[PrintedRow]:
    """A table of forms of CoConv in the three networks, which have no names of their own."""
    for network, accuracies in figures.items():
        for arm, accuracy in zip(arms, accuracies.split(), strict=True):
            yield PrintedRow(
                "CoConv",
                table,
                f"{network}, {arm}",
                dataset,
                arm=arm_name(arm, NETWORKS[network]),
                accuracy=accuracy,
            )


EXPERTS = tuple(f"coconv n={n}" for n in (2, 4, 8))
TABLE_4 = tuple(
    _ablation(
        "Table 4",
        TINY,
        EXPERTS,
        {
            "AlexNet": "52.14 51.93 52.00",
            "ResNet18": "63.08 63.25 62.57",
            "MobileNetV2": "60.11 60.42 59.75",
        },
    )
)

SIDES = tuple(f"{side} n={n}" for n in (2, 4) for side in ("in", "out"))
TABLE_5 = (
    *_ablation(
        "Table 5",
        CIFAR100,
        SIDES,
        {
            "AlexNet": "59.93 59.46 60.00 58.98",
            "ResNet18": "72.52 73.12 73.29 73.48",
            "MobileNetV2": "69.85 70.76 69.61 70.89",
        },
    ),
    *_ablation(
        "Table 5",
        TINY,
        SIDES,
        {
            "AlexNet": "52.36 52.14 51.78 51.93",
            "ResNet18": "61.67 63.08 62.15 63.25",
            "MobileNetV2": "60.22 60.11 60.00 60.42",
        },
    ),
)

SCALES = ("single", "multi")
TABLE_6 = (
    *_ablation(
        "Table 6",
        CIFAR100,
        SCALES,
        {"AlexNet": "59.38 58.98", "ResNet18": "72.27 73.48", "MobileNetV2": "70.06 70.89"},
    ),
    *_ablation(
        "Table 6",
        TINY,
        SCALES,
        {"AlexNet": "51.57 51.93", "ResNet18": "62.17 63.25", "MobileNetV2": "60.13 60.42"},
    ),
)

ROWS = TABLE_1 + TABLE_2 + TABLE_3 + TABLE_4 + TABLE_5 + TABLE_6
