"""MS-SAR, Tables 1 to 5: FLOPs and parameters with and without recalibration."""

from analysis.audit.printed.cell import Cell, Quantity

UNITS = {"M": 1e6, "G": 1e9}

TABLE_1 = (
    ("ResNet-20", "40.8M", "resnet20-cifar10"),
    ("ResNet-32", "69.1M", "resnet32-cifar10"),
    ("ResNet-56", "135.7M", "resnet56-cifar10"),
    ("DenseNet-100", "252.5M", "densenet100-cifar10"),
    ("DenseNet-190", "7.9G", "densenet190-cifar10"),
)
TABLE_2 = (
    ("RN-20", "40.8M", "0.27M", "resnet20-cifar10"),
    ("RN-20*", "40.9M", "0.28M", "resnet20-mssar124-cifar10"),
    ("RN-32", "69.1M", "0.46M", "resnet32-cifar10"),
    ("RN-32*", "69.3M", "0.48M", "resnet32-mssar124-cifar10"),
    ("RN-56", "125.7M", "0.85M", "resnet56-cifar10"),
    ("RN-56*", "126.0M", "0.89M", "resnet56-mssar124-cifar10"),
    ("DN-100", "252.5M", "0.80M", "densenet100-cifar10"),
    ("DN-100*", "253.3M", "0.99M", "densenet100-mssar124-cifar10"),
    ("DN-190", "7.95G", "25.8M", "densenet190-cifar10"),
    ("DN-190*", "7.98G", "32.7M", "densenet190-mssar124-cifar10"),
)
TABLE_3 = (
    ("{}", "125.7M", "252.5M", "0.80M", ""),
    ("{1}", "125.7M", "252.6M", "0.99M", "mssar1-"),
    ("{2}", "125.8M", "253.0M", "0.99M", "mssar2-"),
    ("{4}", "126.3M", "254.3M", "0.99M", "mssar4-"),
    ("{1,2}", "125.8M", "252.8M", "0.99M", "mssar12-"),
    ("{1,4}", "126.0M", "253.5M", "0.99M", "mssar14-"),
    ("{2,4}", "126.1M", "253.7M", "0.99M", "mssar24-"),
    ("{1,2,4}", "126.0M", "253.3M", "0.99M", "mssar124-"),
)
"""Scales, FLOPs of ResNet-56, FLOPs and parameters of DenseNet-100, and the middle of the names."""
TABLE_4 = (
    ("ResNet-18", "1.81G", "resnet18-imagenet"),
    ("ResNet-34", "3.66G", "resnet34-imagenet"),
    ("ResNeXt-50", "3.86G", "resnext50-imagenet"),
)
TABLE_5 = (
    ("ResNet-18", "1.81G", "10.9M", "resnet18-imagenet"),
    ("ResNet-18+SE", "1.81G", "13.8M", "resnet18-mssar1-imagenet"),
    ("ResNet-18+MS-SAR", "1.81G", "13.8M", "resnet18-mssar124-imagenet"),
    ("ResNet-34", "3.66G", "21.7M", "resnet34-imagenet"),
    ("ResNet-34+SE", "3.66G", "27.3M", "resnet34-mssar1-imagenet"),
    ("ResNet-34+MS-SAR", "3.67G", "27.4M", "resnet34-mssar124-imagenet"),
    ("ResNeXt-50", "3.86G", "25.0M", "resnext50-imagenet"),
    ("ResNeXt-50+SE", "3.87G", "27.5M", "resnext50-mssar1-imagenet"),
    ("ResNeXt-50+MS-SAR", "3.89G", "27.6M", "resnext50-mssar124-imagenet"),
)

CUT = "The digits are cut, not rounded."
DENSE = "The squeeze that gives the printed FLOPs gives fewer parameters; none gives both columns."
LARGE_PARAMS = (
    "This network has {} parameters, and the FLOPs printed beside the figure are this network's."
)
RESNEXT = (
    "ResNeXt-50 32x4d has 4.23G multiply-accumulates; 3.86G is ResNet-50's with the stride on the "
    "first 1x1 of a block{}."
)

REASONS: dict[tuple[str, str, str], str] = {
    ("1", "ResNet-56", "FLOPs"): "A misprint: Tables 2 and 3 have 125.7M for this network.",
    ("2", "DN-100*", "Params"): DENSE,
    ("2", "DN-190*", "Params"): DENSE,
    ("3", "{1}", "ResNet-56 FLOPs"): CUT,
    ("3", "{2}", "ResNet-56 FLOPs"): CUT,
    **{("3", row[0], "DenseNet-100 Params"): DENSE for row in TABLE_3[1:]},
    ("4", "ResNeXt-50", "FLOPs"): RESNEXT.format(""),
    ("5", "ResNet-18", "Params"): LARGE_PARAMS.format("11.69M"),
    ("5", "ResNet-18+SE", "Params"): LARGE_PARAMS.format("11.78M"),
    ("5", "ResNet-18+MS-SAR", "Params"): LARGE_PARAMS.format("11.78M"),
    ("5", "ResNet-34", "Params"): CUT,
    ("5", "ResNet-34+SE", "Params"): LARGE_PARAMS.format("21.96M"),
    ("5", "ResNet-34+MS-SAR", "Params"): LARGE_PARAMS.format("21.97M"),
    ("5", "ResNet-34+MS-SAR", "FLOPs"): (
        "Ours is 3.66494G, 0.06M below what rounds to 3.67G: the squeeze may round otherwise."
    ),
    ("5", "ResNeXt-50", "FLOPs"): RESNEXT.format(""),
    ("5", "ResNeXt-50+SE", "FLOPs"): RESNEXT.format(", to which the recalibration is added"),
    ("5", "ResNeXt-50+MS-SAR", "FLOPs"): RESNEXT.format(", to which the recalibration is added"),
}
"""By table, row and column."""


def _cell(table: str, row: str, column: str, text: str, name: str) -> Cell:
    quantity: Quantity = "params" if "Params" in column else "macs"
    unit = UNITS[text[-1]]
    reason = REASONS.get((table, row, column), "")
    return Cell("MS-SAR", table, row, column, text[:-1], unit, quantity, (name,), reason)


def _cells() -> list[Cell]:
    cells = [_cell("1", row, "FLOPs", macs, name) for row, macs, name in TABLE_1]
    for row, macs, params, name in TABLE_2:
        cells.append(_cell("2", row, "FLOPs", macs, name))
        cells.append(_cell("2", row, "Params", params, name))
    for scales, resnet, macs, params, middle in TABLE_3:
        dense = f"densenet100-{middle}cifar10"
        cells.append(_cell("3", scales, "ResNet-56 FLOPs", resnet, f"resnet56-{middle}cifar10"))
        cells.append(_cell("3", scales, "DenseNet-100 FLOPs", macs, dense))
        cells.append(_cell("3", scales, "DenseNet-100 Params", params, dense))
    cells += [_cell("4", row, "FLOPs", macs, name) for row, macs, name in TABLE_4]
    for row, macs, params, name in TABLE_5:
        cells.append(_cell("5", row, "FLOPs", macs, name))
        cells.append(_cell("5", row, "Params", params, name))
    return cells


CELLS = tuple(_cells())
