"""The top-1 accuracies that RS-Net prints, with the multiply-adds of Tables 2 and 4.

Where the text at hand has lost a cell, `note` says from which printed difference it follows.
MobileNetV2's multiply-adds are convolutions and classifier; ResNets' include norms (CoConv's way).
"""

from studies.spec.ablation import Published

SIZES = (224, 192, 160, 128, 96)
TASK = "imagenet"
NETWORKS = {"ResNet": "ResNet18", "deep ResNet": "ResNet50", "MobileNet": "MobileNetV2"}
"""Our names of the networks and the paper's."""

_MACS = {
    "ResNet": (1.82e9, 1.34e9, 931e6, 596e6, 335e6),
    "deep ResNet": (4.14e9, 3.04e9, 2.11e9, 1.35e9, 760e6),
    "MobileNet": (301e6, 221e6, 154e6, 99e6, 56e6),
}
_TABLE_2 = {
    # Individual networks, I-224 at each size, parallel training, RS-Net.
    "ResNet": (
        (71.0, 69.8, 68.5, 66.3, 62.6),
        (71.0, 68.7, 64.7, 56.8, 42.5),
        (73.0, 71.7, 70.4, 67.5, 61.5),
        (73.1, 72.2, 71.1, 68.7, 64.1),
    ),
    "deep ResNet": (
        (77.1, 76.4, 75.3, 73.5, 70.7),
        (77.1, 75.5, 72.4, 66.8, 54.9),
        (78.9, 78.1, 76.9, 74.9, 70.2),
        (79.3, 78.8, 77.9, 76.3, 72.7),
    ),
    "MobileNet": (
        (72.1, 71.0, 69.5, 66.8, 62.6),
        (72.1, 70.2, 66.1, 58.3, 43.9),
        (72.8, 71.7, 70.1, 67.3, 61.4),
        (73.0, 72.2, 71.1, 68.8, 63.9),
    ),
}


def at_sizes(
    arm: str, values: tuple[float, ...], source: str, note: str = "", sizes: tuple[int, ...] = SIZES
) -> tuple[Published, ...]:
    """One arm at each of the sizes."""
    return tuple(
        Published(TASK, arm, value, source, size=size, note=note)
        for size, value in zip(sizes, values, strict=True)
    )


def individual(prefix: str, values: tuple[float, ...], source: str) -> tuple[Published, ...]:
    """The individual networks, an arm for each size."""
    return tuple(
        Published(TASK, f"{prefix}I-{size}", value, source, size=size)
        for size, value in zip(SIZES, values, strict=True)
    )


def _table_2(name: str, prefix: str = "") -> tuple[Published, ...]:
    nets, elsewhere, parallel, full = _TABLE_2[name]
    source = "RS-Net Table 2"
    rows = (
        *individual(prefix, nets, source),
        *at_sizes(f"{prefix}I-224", elsewhere[1:], source, sizes=SIZES[1:]),
        *at_sizes(f"{prefix}parallel", parallel, source),
        *at_sizes(f"{prefix}RS-Net", full, source),
    )
    macs = dict(zip(SIZES, _MACS[name], strict=True))
    return tuple(
        Published(
            TASK,
            row.arm,
            row.accuracy,
            source,
            row.size,
            macs=macs[row.size or 0],
            note=NETWORKS[name],
        )
        for row in rows
    )


TABLE_2 = tuple(row for name in NETWORKS for row in _table_2(name, f"{name} "))
RESNET, MOBILENET = _table_2("ResNet"), _table_2("MobileNet")
"""The rows of one network, under the arms' names without the network's."""

_SHARES: dict[str, dict[int, tuple[float | None, ...]]] = {
    # Table 1: per cent of the images that are wrong at one size, a row, and right at another.
    "individual": {
        192: (6.9, None, 6.0, 5.5, 5.2),
        160: (8.1, 7.2, None, 5.9, 5.4),
        128: (9.8, 8.9, 8.1, None, 5.8),
        96: (13.2, 12.5, 11.4, 9.7, None),
    },
    "parallel": {
        192: (4.1, None, 3.3, 3.7, 3.8),
        160: (6.0, 4.7, None, 3.5, 3.6),
        128: (9.3, 8.2, 6.6, None, 3.5),
        96: (15.2, 14.2, 12.7, 9.8, None),
    },
    "RS-Net": {
        # Of the row of 224 the text at hand has this cell only.
        224: (None, 2.5, None, None, None),
        192: (3.4, None, 2.8, 3.3, 3.4),
        160: (5.1, 3.9, None, 2.9, 3.2),
        128: (7.3, 6.4, 5.0, None, 3.1),
        96: (12.2, 11.4, 10.2, 7.9, None),
    },
}
TABLE_1 = tuple(
    Published(
        TASK,
        f"{arm}, right at {right} and wrong at {wrong}",
        share,
        "RS-Net Table 1",
        note="per cent of the images, not an accuracy",
    )
    for arm, rows in _SHARES.items()
    for wrong, row in rows.items()
    for right, share in zip(SIZES, row, strict=True)
    if share is not None
)

# Table 3: RS-Net and its printed gains over the individual networks, of which some cells are lost.
_TABLE_3 = {
    "ResNet 2/32": ((68.8, 67.6, 66.0, 63.1, 56.6), (0.8, 1.2, 1.5, 1.6, 0.3)),
    "ResNet 2/2": ((65.8, 64.8, 62.9, 59.3, 52.5), (0.9, 1.7, 1.8, 1.2, 0.2)),
    "deep ResNet 2/32": ((76.0, 75.1, 73.8, 71.7, 67.3), (1.4, 1.6, 1.9, 2.1, 1.8)),
    "deep ResNet 2/2": ((74.0, 73.1, 71.4, 68.9, 63.4), (1.8, 2.2, 2.4, 2.3, 1.7)),
}
LOST = (224, 96)
"""The sizes whose individual networks have to be computed from the gains; the rest agree."""
TABLE_3 = tuple(
    figure
    for name, (full, gains) in _TABLE_3.items()
    for size, value, gain in zip(SIZES, full, gains, strict=True)
    for figure in (
        Published(
            TASK,
            f"{name} I-{size}",
            round(value - gain, 1),
            "RS-Net Table 3",
            size,
            note="from the printed gain" if size in LOST else "",
        ),
        Published(TASK, f"{name} RS-Net", value, "RS-Net Table 3", size),
    )
)

WIDTHS = (0.8, 0.65, 0.5, 0.35)
_TABLE_4 = (
    # Width, multiply-adds, individual networks, slimmable and universally slimmable networks.
    (1.0, 301e6, 72.1, 70.5, 71.5),
    (0.8, 222e6, 69.8, None, 70.0),
    (0.65, 161e6, 68.0, None, 68.3),
    (0.5, 97e6, 64.6, 64.4, 65.0),
    (0.35, 59e6, 60.1, 59.7, 62.2),
)


def width_name(multiplier: float) -> str:
    """The arm of a network that is narrower and takes images of the largest size."""
    return f"width {multiplier:g}x"


TABLE_4 = (
    *(
        figure
        for figure in MOBILENET
        if figure.arm == "RS-Net" or figure.arm[2:] == str(figure.size)
    ),
    *(
        Published(TASK, arm, value, "RS-Net Table 4", size=224, macs=macs, note=note)
        for width, macs, plain, slimmable, universal in _TABLE_4
        for arm, value, note in (
            # Of width 1 this is I-224.
            (width_name(width), plain if width < 1 else None, ""),
            (f"S-MobileNetV2 {width:g}x", slimmable, "printed there from Yu et al., ICLR 2019"),
            (f"US-MobileNetV2 {width:g}x", universal, "printed there from Yu and Huang, ICCV 2019"),
        )
        if value is not None
    ),
)

_FULL = _TABLE_2["ResNet"][3]
TABLE_5 = tuple(
    figure
    for arm, values in (
        ("full", _FULL),
        ("vanilla", (73.0, 72.1, 70.8, 68.3, 63.7)),
        ("only from larger sizes", (72.3, 71.2, 70.2, 68.1, 63.5)),
        ("only from the largest size", (72.2, 71.7, 70.5, 68.1, 63.1)),
        ("parallel", _TABLE_2["ResNet"][2]),
    )
    for figure in at_sizes(arm, values, "RS-Net Table " + ("2" if arm == "parallel" else "5"))
)


def crops_name(size: int) -> str:
    """The arm that is trained on several crops of one size."""
    return f"crops of size {size}"


TABLE_6 = (
    *at_sizes("RS-Net", _FULL, "RS-Net Table 6"),
    *at_sizes("multi-crop", (73.1, 72.0, 70.7, 68.0, 62.8), "RS-Net Table 6"),
    *(
        Published(TASK, crops_name(size), value, "RS-Net Table 6", size=size)
        for size, value in zip(SIZES, (72.1, 71.1, 69.6, 67.6, 63.3), strict=True)
    ),
    *individual("", (71.0, 69.8, 68.5, 66.3, 62.6), "RS-Net Table 6"),
)

FIGURE_4_LEFT = (
    *MOBILENET,
    *at_sizes(
        "shared norms",
        (71.1, 59.1),
        "RS-Net Section 4.3",
        "from the printed gains of private norms, 1.7 and 2.3",
        sizes=(224, 96),
    ),
)
FIGURE_5 = (
    *individual("", _TABLE_2["ResNet"][0], "RS-Net Table 2"),
    *at_sizes("parallel 224+96", (72.6, 61.8), "RS-Net Section 4.3", sizes=(224, 96)),
    *at_sizes("parallel", _TABLE_2["ResNet"][2], "RS-Net Table 2"),
)
