"""What Multiception prints: top-1 errors of Tables 1 to 5, and the parameters of Table 5.

Arms without a network in their name are ResNet-50, the one network on all four datasets.
"""

from collections.abc import Iterator

from studies.papers.grid import arm_name
from studies.papers.printed import PrintedCost, PrintedRow, Quantity, parse_table

DATASETS = {
    "cifar10": "Cifar-10",
    "cifar100": "Cifar-100",
    "stl10": "STL-10",
    "imagenet32": "ImageNet32x32",
}
"""Our names of the datasets and the paper's."""

ERROR_RATE = "printed as an error rate"
OPERATORS = ("dsconv", "mixconv", "multiception")
SIZES = ("3 & 5", "3 & 7", "5 & 7", "3 & 5 & 7")


NAMES = {
    "ResNet-20": "resnet20",
    "": "resnet50",
    "SeNet-56": "senet56",
    "ShakeNet-26-2x96d": "shakeshake26",
    "MobileNet-V2": "mobilenetv2",
}
"""The beginning of a network's name in `searchspace.named`."""


def _row(table: str, dataset: str, network: str, arm: str, error: str) -> PrintedRow:
    named = arm in OPERATORS and network in NAMES
    return PrintedRow(
        "Multiception",
        table,
        f"{DATASETS[dataset]}, {network or 'ResNet-50'}, {arm}",
        dataset,
        network=f"{NAMES[network]}-{arm}-{dataset}" if named else "",
        arm=arm_name(arm, network),
        error=error,
        note=ERROR_RATE,
    )


def _errors(
    table: str, dataset: str, arms: tuple[str, ...], figures: dict[str, str]
) -> Iterator[PrintedRow]:
    """A table of errors: for each network one for each arm, "-" where there is none."""
    for network, errors in figures.items():
        for arm, error in zip(arms, errors.split(), strict=True):
            if error != "-":
                yield _row(table, dataset, network, arm, error)


TABLES_1_TO_3 = (
    *_errors(
        "Table 1",
        "cifar10",
        OPERATORS,
        {
            "ResNet-20": "8.50 8.47 7.53",
            "": "6.41 7.16 5.94",
            "SeNet-56": "6.10 6.88 5.71",
            "ShakeNet-26-2x96d": "3.77 4.38 3.42",
        },
    ),
    *_errors(
        "Table 1",
        "cifar100",
        OPERATORS,
        {"": "29.77 30.36 28.54", "ShakeNet-26-2x96d": "20.03 20.76 18.92"},
    ),
    *_errors(
        "Table 2",
        "stl10",
        OPERATORS,
        {"": "17.76 21.89 16.81", "MobileNet-V2": "23.42 - 19.70"},
    ),
    *_errors("Table 3", "imagenet32", OPERATORS, {"": "63.63 65.32 62.37"}),
)

TABLE_4 = (
    *_errors("Table 4", "cifar10", SIZES, {"": "6.18 5.91 5.85 5.94"}),
    *_errors("Table 4", "cifar100", SIZES, {"": "28.94 28.54 29.35 28.54"}),
    *_errors("Table 4", "stl10", SIZES, {"": "17.57 18.76 19.59 16.81"}),
    *_errors("Table 4", "imagenet32", SIZES, {"": "61.97 62.29 62.05 62.37"}),
)

STANDARD, MULTICEPTION, SAVING = (
    "Standard Conv Params.",
    "Multiception Conv Params.",
    "Param Diff.",
)
_FOLLOWS = "Follows from the difference in the parameters of this row."
_REASONS = {
    ("Cifar-10, ResNet-20", STANDARD): "272,474 parameters: the digits are cut, not rounded.",
    ("Cifar-10, ResNet-20", MULTICEPTION): (
        "Ours is 189,434. The kernels of the stage before, [3,5], in layer3.0 would give 189,946, "
        "but the other ResNet rows agree only without that."
    ),
    ("Cifar-10, ResNet-20", SAVING): _FOLLOWS,
    ("Cifar-10, SeNet-56", MULTICEPTION): (
        "Ours is 585,530. Three blocks of the last stage with [3,5] instead of [3,3] would give "
        "588,602; the paper describes no such network."
    ),
    ("Cifar-10, SeNet-56", SAVING): _FOLLOWS,
    ("Cifar-100, ShakeNet-26x96d", MULTICEPTION): (
        "Ours is 17,600,004, four parameters above what would be cut to 17.59M."
    ),
    ("Cifar-100, ShakeNet-26x96d", SAVING): _FOLLOWS,
}
"""Why our count differs, by row and column of Table 5."""


# Dataset, model, network in `searchspace.named`, then error and parameters of the standard network,
# the same with Multiception, and the saving.
_TABLE_5 = """
cifar10    | ResNet-20         | resnet20-{}cifar10      | 7.17 0.2724M  | 7.53 0.1899M  | -30.30%
cifar10    | ResNet-50         | resnet50-{}cifar10      | 5.75 0.7586M  | 5.94 0.5094M  | -32.85%
cifar10    | SeNet-56          | senet56-{}cifar10       | 5.69 0.8679M  | 5.71 0.5886M  | -32.18%
cifar10    | ShakeNet-26-2x96d | shakeshake26-{}cifar10  | 3.35 26.78M   | 3.42 17.57M   | -34.39%
cifar100   | ResNet-50         | resnet50-{}cifar100     | 27.92 0.7644M | 28.54 0.5153M | -32.59%
cifar100   | ShakeNet-26x96d   | shakeshake26-{}cifar100 | 18.44 26.81M  | 18.92 17.59M  | -34.39%
stl10      | ResNet-50         | resnet50-{}stl10        | 17.83 0.7586M | 16.81 0.5094M | -32.85%
imagenet32 | ResNet-50         | resnet50-{}imagenet32   | 63.20 0.8229M | 62.37 0.5738M | -30.27%
"""
_ARM_NETWORKS = {"ResNet-50": "", "ShakeNet-26x96d": "ShakeNet-26-2x96d"}
"""Models that have another name in arms."""


def _table_5() -> Iterator[PrintedRow]:
    for dataset, model, name, standard, multiception, saving in parse_table(_TABLE_5):
        network = _ARM_NETWORKS.get(model, model)
        row = f"{DATASETS[dataset]}, {model}"
        for operator, network_name, printed, column in (
            ("standard", name.format(""), standard, STANDARD),
            ("multiception", name.format("multiception-"), multiception, MULTICEPTION),
        ):
            error, params = printed.split()
            costs = [_cost("params", row, params, column, network_name)]
            if operator == "multiception":
                costs.append(_cost("saving", row, saving, SAVING, network_name))
            yield PrintedRow(
                "Multiception",
                "Table 5",
                row,
                dataset,
                network=network_name,
                arm=arm_name(operator, network),
                error=error,
                costs=tuple(costs),
                note=ERROR_RATE,
            )


def _cost(quantity: Quantity, row: str, figure: str, column: str, network: str) -> PrintedCost:
    return PrintedCost(quantity, figure, column, (network,), _REASONS.get((row, column), ""))


TABLE_5 = tuple(_table_5())
AVERAGE = PrintedRow(
    "Multiception",
    "Table 5",
    "Average",
    "",
    costs=(
        PrintedCost(
            "saving",
            "-32.48%",
            SAVING,
            tuple(row.network for row in TABLE_5 if row.arm.startswith("multiception")),
            "Follows from the three rows that differ.",
        ),
    ),
)
"""The mean saving of the eight networks."""

ROWS = (*TABLES_1_TO_3, *TABLE_4, *TABLE_5, AVERAGE)
