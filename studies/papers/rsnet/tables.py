"""What RS-Net prints on ImageNet: top-1 accuracies, and the MAdds and parameters of Tables 2 and 4.

Where the text at hand has lost a cell, `note` says from which printed difference it follows.
MobileNetV2's MAdds are convolutions and classifier; ResNets' include norms (CoConv's way). M of
parameters is 2^20.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from searchspace.paper_networks.rsnet import SIZES
from studies.papers.printed import PrintedCost, PrintedRow, parse_table, renamed

NETWORKS = {"ResNet": "ResNet18", "deep ResNet": "ResNet50", "MobileNet": "MobileNetV2"}
"""Our names of the networks and the paper's."""


def at_sizes(
    table: str, arm: str, accuracies: str, note: str = "", sizes: Sequence[int] = SIZES
) -> tuple[PrintedRow, ...]:
    """One arm at each of the sizes; an arm "I-{}" is another network at each size."""
    return tuple(
        PrintedRow(
            "RS-Net",
            table,
            f"{size}x{size}",
            "imagenet",
            arm=arm.format(size),
            accuracy=accuracy,
            size=size,
            note=note,
        )
        for size, accuracy in zip(sizes, accuracies.split(), strict=True)
    )


def _network(name: str, size: int, *, switchable: bool) -> str:
    """The name in `searchspace.named` of a network, of one size or switchable, at a size."""
    start = NETWORKS[name].lower()
    images = "imagenet" if size == SIZES[0] else f"imagenet{size}"
    return f"{start}-rsnet-{images}" if switchable else f"{start}-{images}"


# A network's MAdds and the accuracies of the models at `SIZES`, and the models' total parameters.
_TABLE_2 = {
    "ResNet": """
ResNet18, MAdds         | 1.82G 1.34G 931M 596M 335M |
ResNet18, I-Nets (base) | 71.0 69.8 68.5 66.3 62.6   | 55.74Mi
ResNet18, I-224         | 71.0 68.7 64.7 56.8 42.5   | 11.15Mi
ResNet18, Our Parallel  | 73.0 71.7 70.4 67.5 61.5   | 11.18Mi
ResNet18, Our RS-Net    | 73.1 72.2 71.1 68.7 64.1   | 11.18Mi
""",
    "deep ResNet": """
ResNet50, MAdds         | 4.14G 3.04G 2.11G 1.35G 760M |
ResNet50, I-Nets (base) | 77.1 76.4 75.3 73.5 70.7     | 121.87Mi
ResNet50, I-224         | 77.1 75.5 72.4 66.8 54.9     | 24.37Mi
ResNet50, Our Parallel  | 78.9 78.1 76.9 74.9 70.2     | 24.58Mi
ResNet50, Our RS-Net    | 79.3 78.8 77.9 76.3 72.7     | 24.58Mi
""",
    "MobileNet": """
M-NetV2, MAdds         | 301M 221M 154M 99M 56M   |
M-NetV2, I-Nets (base) | 72.1 71.0 69.5 66.8 62.6 | 16.71Mi
M-NetV2, I-224         | 72.1 70.2 66.1 58.3 43.9 | 3.34Mi
M-NetV2, Our Parallel  | 72.8 71.7 70.1 67.3 61.4 | 3.47Mi
M-NetV2, Our RS-Net    | 73.0 72.2 71.1 68.8 63.9 | 3.47Mi
""",
}
_MODELS = {
    "I-Nets (base)": "I-{}",
    "I-224": "I-224",
    "Our Parallel": "parallel",
    "Our RS-Net": "RS-Net",
}
"""The models of Table 2 and their arms; the individual networks are one for each size."""


def _table_2(name: str) -> Iterator[PrintedRow]:
    (_, macs, _), *models = parse_table(_TABLE_2[name])
    costs = {
        size: PrintedCost("macs", figure, "MAdds", (_network(name, size, switchable=True),))
        for size, figure in zip(SIZES, macs.split(), strict=True)
    }
    for title, accuracies, _ in models:
        network, model = title.split(", ")
        for row in at_sizes("Table 2", _MODELS[model], accuracies):
            if model == "I-224" and row.size == SIZES[0]:
                # The first of the individual networks.
                continue
            yield replace(
                row,
                row=f"{network}, {row.row}",
                network=_network_of(name, row),
                arm=f"{name} {row.arm}",
                costs=(costs[row.size or 0],),
                note=NETWORKS[name],
            )
    yield _total_params(name, [(title.split(", "), params) for title, _, params in models])


def _network_of(name: str, row: PrintedRow) -> str:
    """The named network of an arm at its size; parallel training and I-224 elsewhere have none."""
    size = row.size or 0
    if row.arm == "RS-Net":
        return _network(name, size, switchable=True)
    return _network(name, size, switchable=False) if row.arm == f"I-{size}" else ""


def _total_params(name: str, models: list[tuple[list[str], str]]) -> PrintedRow:
    """The row of Table 2 with the parameters of each model, summed over its networks."""
    individual = tuple(_network(name, size, switchable=False) for size in SIZES)
    switchable = (_network(name, SIZES[0], switchable=True),)
    networks = {"I-Nets (base)": individual, "I-224": individual[:1]}
    return PrintedRow(
        "RS-Net",
        "Table 2",
        f"{models[0][0][0]}, Total Params",
        "imagenet",
        costs=tuple(
            PrintedCost("params", figure, model, networks.get(model, switchable))
            for (_, model), figure in models
        ),
    )


TABLE_2 = tuple(row for name in NETWORKS for row in _table_2(name))
RESNET, MOBILENET = renamed(TABLE_2, "ResNet "), renamed(TABLE_2, "MobileNet ")
"""The rows of one network, under names of arms without the network's."""


def _of(rows: tuple[PrintedRow, ...], arm: str) -> tuple[PrintedRow, ...]:
    return tuple(row for row in rows if row.arm == arm)


_ALONE = tuple(row for row in RESNET if row.arm == f"I-{row.size}")
"""The individual ResNet18 of each size."""

_SHARES = {
    # Table 1: per cent of the images that are wrong at one size, a row, and right at another.
    "individual": {
        192: "6.9 - 6.0 5.5 5.2",
        160: "8.1 7.2 - 5.9 5.4",
        128: "9.8 8.9 8.1 - 5.8",
        96: "13.2 12.5 11.4 9.7 -",
    },
    "parallel": {
        192: "4.1 - 3.3 3.7 3.8",
        160: "6.0 4.7 - 3.5 3.6",
        128: "9.3 8.2 6.6 - 3.5",
        96: "15.2 14.2 12.7 9.8 -",
    },
    "RS-Net": {
        # Of the row of 224 the text at hand has this cell only.
        224: "- 2.5 - - -",
        192: "3.4 - 2.8 3.3 3.4",
        160: "5.1 3.9 - 2.9 3.2",
        128: "7.3 6.4 5.0 - 3.1",
        96: "12.2 11.4 10.2 7.9 -",
    },
}
TABLE_1 = tuple(
    PrintedRow(
        "RS-Net",
        "Table 1",
        f"{arm}, {wrong}, {right}",
        "imagenet",
        arm=f"{arm}, right at {right} and wrong at {wrong}",
        accuracy=share,
        note="per cent of the images, not an accuracy",
    )
    for arm, rows in _SHARES.items()
    for wrong, shares in rows.items()
    for right, share in zip(SIZES, shares.split(), strict=True)
    if share != "-"
)

# RS-Net and its printed gains over the individual networks, of which some cells are lost.
_TABLE_3 = {
    "ResNet 2/32": ("68.8 67.6 66.0 63.1 56.6", "0.8 1.2 1.5 1.6 0.3"),
    "ResNet 2/2": ("65.8 64.8 62.9 59.3 52.5", "0.9 1.7 1.8 1.2 0.2"),
    "deep ResNet 2/32": ("76.0 75.1 73.8 71.7 67.3", "1.4 1.6 1.9 2.1 1.8"),
    "deep ResNet 2/2": ("74.0 73.1 71.4 68.9 63.4", "1.8 2.2 2.4 2.3 1.7"),
}
LOST = (224, 96)
"""The sizes whose individual networks have to be computed from the gains; the rest agree."""


def _table_3() -> Iterator[PrintedRow]:
    for name, (accuracies, gains) in _TABLE_3.items():
        rows = at_sizes("Table 3", f"{name} RS-Net", accuracies)
        for row, gain in zip(rows, gains.split(), strict=True):
            yield replace(
                row,
                arm=f"{name} I-{row.size}",
                accuracy=str(Decimal(row.accuracy) - Decimal(gain)),
                note="from the printed gain" if row.size in LOST else "",
            )
            yield row


TABLE_3 = tuple(_table_3())


def width_name(multiplier: float) -> str:
    """The arm of a network that is narrower and takes images of the largest size."""
    return f"width {multiplier:g}x"


# Row, network, MAdds, and accuracy of individual, slimmable and universally slimmable networks.
_TABLE_4_WIDTHS = """
1.0x  | mobilenetv2-imagenet     | 301M | 72.1 | 70.5 | 71.5
0.8x  | mobilenetv2-080-imagenet | 222M | 69.8 |      | 70.0
0.65x | mobilenetv2-065-imagenet | 161M | 68.0 |      | 68.3
0.5x  | mobilenetv2-050-imagenet | 97M  | 64.6 | 64.4 | 65.0
0.35x | mobilenetv2-035-imagenet | 59M  | 60.1 | 59.7 | 62.2
"""
_TABLE_4_SIZES = "301M 221M 154M 99M 56M"
_SLIMMABLE = "printed there from Yu et al., ICLR 2019"
_UNIVERSAL = "printed there from Yu and Huang, ICCV 2019"


def _table_4() -> Iterator[PrintedRow]:
    for row, network, macs, individual, slimmable, universal in parse_table(_TABLE_4_WIDTHS):
        reason = "161.9M: the digits are cut, not rounded." if row == "0.65x" else ""
        costs = (PrintedCost("macs", macs, "MAdds", (network,), reason),)
        width = float(row.rstrip("x"))
        printed = PrintedRow(
            "RS-Net", "Table 4", row, "imagenet", size=SIZES[0], accuracy=individual, costs=costs
        )
        # Of width 1 it is I-224, of Table 2.
        yield replace(printed, network=network, arm=width_name(width) if width < 1 else "")
        for name, accuracy, note in (
            ("S-MobileNetV2", slimmable, _SLIMMABLE),
            ("US-MobileNetV2", universal, _UNIVERSAL),
        ):
            if accuracy:
                yield replace(printed, arm=f"{name} {width:g}x", accuracy=accuracy, note=note)
    for size, macs in zip(SIZES, _TABLE_4_SIZES.split(), strict=True):
        network = _network("MobileNet", size, switchable=True)
        costs = (PrintedCost("macs", macs, "MAdds", (network,)),)
        yield PrintedRow(
            "RS-Net", "Table 4", f"{size}x{size}", "imagenet", network, size=size, costs=costs
        )


TABLE_4 = tuple(_table_4())
SIZES_AND_WIDTHS = (
    *(row for row in MOBILENET if row.arm in ("RS-Net", f"I-{row.size}")),
    *TABLE_4,
)
"""Table 4, whose accuracies at the sizes are those of Table 2."""


def _again(rows: tuple[PrintedRow, ...], table: str, arm: str = "") -> tuple[PrintedRow, ...]:
    """Rows of Table 2 that another table prints again, without their costs."""
    return tuple(
        replace(row, table=table, arm=arm or row.arm, network="", costs=(), note="") for row in rows
    )


TABLE_5 = (
    *_again(_of(RESNET, "RS-Net"), "Table 5", "full"),
    *at_sizes("Table 5", "vanilla", "73.0 72.1 70.8 68.3 63.7"),
    *at_sizes("Table 5", "only from larger sizes", "72.3 71.2 70.2 68.1 63.5"),
    *at_sizes("Table 5", "only from the largest size", "72.2 71.7 70.5 68.1 63.1"),
)
PARALLEL = _again(_of(RESNET, "parallel"), "Table 2")
INDIVIDUAL = _again(_ALONE, "Table 2")

CROPS = "crops of size {}"


def crops_name(size: int) -> str:
    """The arm that is trained on several crops of one size."""
    return CROPS.format(size)


TABLE_6 = (
    *_again(_of(RESNET, "RS-Net"), "Table 6"),
    *at_sizes("Table 6", "multi-crop", "73.1 72.0 70.7 68.0 62.8"),
    *at_sizes("Table 6", CROPS, "72.1 71.1 69.6 67.6 63.3"),
    *_again(_ALONE, "Table 6"),
)

SHARED_NORMS = at_sizes(
    "Section 4.3",
    "shared norms",
    "71.1 59.1",
    "from the printed gains of private norms, 1.7 and 2.3",
    sizes=(224, 96),
)
PAIR = at_sizes("Section 4.3", "parallel 224+96", "72.6 61.8", sizes=(224, 96))
ROWS = (*TABLE_1, *TABLE_2, *TABLE_3, *TABLE_4, *TABLE_5, *TABLE_6, *SHARED_NORMS, *PAIR)
