"""Multiception, Table 5: parameters with standard and with Multiception convolutions."""

from analysis.audit.printed.cell import Cell, Quantity

TABLE_5 = (
    ("Cifar-10, ResNet-20", "0.2724", "0.1899", "-30.30", "resnet20-{}cifar10"),
    ("Cifar-10, ResNet-50", "0.7586", "0.5094", "-32.85", "resnet50-{}cifar10"),
    ("Cifar-10, SeNet-56", "0.8679", "0.5886", "-32.18", "senet56-{}cifar10"),
    ("Cifar-10, ShakeNet-26-2x96d", "26.78", "17.57", "-34.39", "shakeshake26-{}cifar10"),
    ("Cifar-100, ResNet-50", "0.7644", "0.5153", "-32.59", "resnet50-{}cifar100"),
    ("Cifar-100, ShakeNet-26x96d", "26.81", "17.59", "-34.39", "shakeshake26-{}cifar100"),
    ("STL-10, ResNet-50", "0.7586", "0.5094", "-32.85", "resnet50-{}stl10"),
    ("ImageNet32x32, ResNet-50", "0.8229", "0.5738", "-30.27", "resnet50-{}imagenet32"),
)
AVERAGE = "-32.48"

COLUMNS = ("Standard Conv Params.", "Multiception Conv Params.", "Param Diff.")

CUT = "272,474 parameters: the digits are cut, not rounded."
RESNET20 = (
    "Ours is 189,434. The kernels of the stage before, [3,5], in layer3.0 would give 189,946, but "
    "the other ResNet rows agree only without that."
)
SENET56 = (
    "Ours is 585,530. Three blocks of the last stage with [3,5] instead of [3,3] would give "
    "588,602; the paper describes no such network."
)
SHAKE = "Ours is 17,600,004, four parameters above what would be cut to 17.59M."
FOLLOWS = "Follows from the difference in the parameters of this row."

REASONS = {
    ("Cifar-10, ResNet-20", COLUMNS[0]): CUT,
    ("Cifar-10, ResNet-20", COLUMNS[1]): RESNET20,
    ("Cifar-10, ResNet-20", COLUMNS[2]): FOLLOWS,
    ("Cifar-10, SeNet-56", COLUMNS[1]): SENET56,
    ("Cifar-10, SeNet-56", COLUMNS[2]): FOLLOWS,
    ("Cifar-100, ShakeNet-26x96d", COLUMNS[1]): SHAKE,
    ("Cifar-100, ShakeNet-26x96d", COLUMNS[2]): FOLLOWS,
    ("Average", COLUMNS[2]): "Follows from the three rows that differ.",
}
"""By row and column."""


def _cells() -> list[Cell]:
    cells = []
    for row, standard, replaced, saving, pattern in TABLE_5:
        plain, multiception = pattern.format(""), pattern.format("multiception-")
        figures: tuple[tuple[str, float, Quantity, str], ...] = (
            (standard, 1e6, "params", plain),
            (replaced, 1e6, "params", multiception),
            (saving, 1.0, "saving", multiception),
        )
        for column, (text, unit, quantity, name) in zip(COLUMNS, figures, strict=True):
            reason = REASONS.get((row, column), "")
            cells.append(
                Cell("Multiception", "5", row, column, text, unit, quantity, (name,), reason)
            )
    everything = tuple(pattern.format("multiception-") for *_, pattern in TABLE_5)
    reason = REASONS.get(("Average", COLUMNS[2]), "")
    cells.append(
        Cell("Multiception", "5", "Average", COLUMNS[2], AVERAGE, 1.0, "saving", everything, reason)
    )
    return cells


CELLS = tuple(_cells())
