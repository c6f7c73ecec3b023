"""The accuracies that MS-SAR prints, with the costs beside them; printed errors are converted.

Costs are as printed: FLOPs are multiply-accumulates of convolutions and classifier, without the
transitions of DenseNets; parameters are those of ResNets with parameter-free shortcuts.
"""

from studies.spec.ablation import Published

COUNT = "FLOPs count convolutions and the classifier"
SUBSETS = ((), (1,), (2,), (4,), (1, 2), (1, 4), (2, 4), (1, 2, 4))
"""The scale subsets of Table 3, in its order."""
PLAIN, SE, RECALIBRATED = "none", "SE", "MS-SAR"


def scales_name(scales: tuple[int, ...]) -> str:
    """The scales as in Table 3: {1,2,4}."""
    return "{" + ",".join(map(str, scales)) + "}" if scales else PLAIN


def accuracy(error: float) -> float:
    """Per cent right from per cent wrong, with the digits of the print."""
    return round(100 - error, 2)


NETWORKS = (
    ("ResNet shallow", "RN-20"),
    ("ResNet middle", "RN-32"),
    ("ResNet deep", "RN-56"),
    ("DenseNet small", "DN-100"),
    ("DenseNet large", "DN-190"),
)
"""Our names of the networks of Table 2 and the paper's."""

_TABLE_2 = {
    # CIFAR-10 and CIFAR-100 errors, FLOPs and parameters, without and with recalibration.
    "RN-20": ((8.61, 31.87, 40.8e6, 0.27e6), (7.61, 31.09, 40.9e6, 0.28e6)),
    "RN-32": ((7.51, 30.63, 69.1e6, 0.46e6), (6.68, 29.41, 69.3e6, 0.48e6)),
    "RN-56": ((6.97, 29.07, 125.7e6, 0.85e6), (6.04, 27.71, 126.0e6, 0.89e6)),
    "DN-100": ((4.67, 22.45, 252.5e6, 0.80e6), (4.16, 21.13, 253.3e6, 0.99e6)),
    "DN-190": ((3.46, 17.34, 7.95e9, 25.8e6), (3.32, 16.92, 7.98e9, 32.7e6)),
}

TABLE_2 = tuple(
    Published(
        task,
        f"{name} {arm}",
        accuracy(row[column]),
        "MS-SAR Table 2",
        macs=row[2],
        params=row[3],
        note=f"{short}; {COUNT}",
    )
    for name, short in NETWORKS
    for arm, row in zip((PLAIN, RECALIBRATED), _TABLE_2[short], strict=True)
    for column, task in enumerate(("cifar10", "cifar100"))
)

_RESNET_56 = (
    # CIFAR-10 and CIFAR-100 errors and FLOPs, in the order of `SUBSETS`.
    (6.97, 29.41, 125.7e6),
    (6.80, 28.99, 125.7e6),
    (6.55, 28.31, 125.8e6),
    (6.48, 28.74, 126.3e6),
    (6.38, 28.28, 125.8e6),
    (6.11, 28.05, 126.0e6),
    (6.35, 28.87, 126.1e6),
    (6.04, 27.71, 126.0e6),
)
_DENSENET_100 = (
    # The same and parameters.
    (4.67, 22.45, 252.5e6, 0.80e6),
    (4.45, 21.83, 252.6e6, 0.99e6),
    (4.35, 21.33, 253.0e6, 0.99e6),
    (4.39, 21.79, 254.3e6, 0.99e6),
    (4.29, 21.42, 252.8e6, 0.99e6),
    (4.32, 21.27, 253.5e6, 0.99e6),
    (4.33, 21.23, 253.7e6, 0.99e6),
    (4.06, 21.13, 253.3e6, 0.99e6),
)
_NOTES = {
    # Table 2 prints other errors for what should be the same runs.
    ("ResNet", "cifar100", ()): "Table 2 prints an error of 29.07 for this network",
    ("DenseNet", "cifar10", (1, 2, 4)): "Table 2 prints an error of 4.16 for this network",
}


def _table_3(name: str, short: str, rows: tuple[tuple[float, ...], ...]) -> tuple[Published, ...]:
    return tuple(
        Published(
            task,
            f"{name} {scales_name(scales)}",
            accuracy(row[column]),
            "MS-SAR Table 3",
            macs=row[2],
            params=row[3] if len(row) > 3 else None,
            note="; ".join(filter(None, (short, COUNT, _NOTES.get((name, task, scales))))),
        )
        for scales, row in zip(SUBSETS, rows, strict=True)
        for column, task in enumerate(("cifar10", "cifar100"))
    )


TABLE_3 = (
    *_table_3("ResNet", "RN-56", _RESNET_56),
    *_table_3("DenseNet", "DN-100", _DENSENET_100),
)

_TABLE_5 = (
    # Top-1 error, FLOPs and parameters of none, SE and MS-SAR.
    ("ResNet-18", ((30.50, 1.81e9, 10.9e6), (29.78, 1.81e9, 13.8e6), (29.43, 1.81e9, 13.8e6))),
    ("ResNet-34", ((27.02, 3.66e9, 21.7e6), (26.67, 3.66e9, 27.3e6), (26.15, 3.67e9, 27.4e6))),
    ("ResNeXt-50", ((22.20, 3.86e9, 25.0e6), (21.95, 3.87e9, 27.5e6), (21.64, 3.89e9, 27.6e6))),
)
LARGE = (
    ("ResNet shallow", "ResNet-18"),
    ("ResNet deep", "ResNet-34"),
    ("ResNeXt", "ResNeXt-50"),
)
"""Our names of the networks of Table 5 and the paper's."""
_DAMAGED = {
    "ResNet-18": "the printed parameters are not this network's (11.69M without recalibration)",
    "ResNeXt-50": "the printed FLOPs are ResNet-50's (true: 4.23G without recalibration)",
}

TABLE_5 = tuple(
    Published(
        "imagenet",
        f"{name} {arm}",
        accuracy(error),
        "MS-SAR Table 5",
        macs=macs,
        params=params,
        note="; ".join(filter(None, (short, COUNT, _DAMAGED.get(short)))),
    )
    for (name, short), (_, rows) in zip(LARGE, _TABLE_5, strict=True)
    for arm, (error, macs, params) in zip((PLAIN, SE, RECALIBRATED), rows, strict=True)
)

POOLING = tuple(
    Published("cifar100", f"{name} {pooling}", accuracy(round(error + worse, 2)), source, note=note)
    for name, error in (("ResNet", 27.71), ("DenseNet", 21.13))
    for pooling, worse, source, note in (
        ("regional", 0.0, "MS-SAR Table 3", ""),
        ("sliding", 0.2, "MS-SAR Section 4.2", "printed as about 0.2 points below regional"),
    )
)

SOURCE = tuple(
    Published(task, f"DenseNet {source}", accuracy(error), "MS-SAR Section 4.2", note=note)
    for source, errors, note in (
        ("multi-stage", (4.06, 21.13), ""),
        ("single-stage", (4.45, 21.83), "the same errors as of the multi-stage {1} in Table 3"),
    )
    for task, error in zip(("cifar10", "cifar100"), errors, strict=True)
)
