"""What HS-ResNet prints on ImageNet: accuracy and parameters of Table 1, FLOPs of Table 4."""

from studies.papers.printed import PrintedCost, PrintedRow, parse_table

_OWN_PARAMS = (
    "No reading of the text gives 27.00M. Ours, HS in the blocks of stages 1 and 2 that keep the "
    "shape of their input, is the nearest; in all 16 blocks w*s channels, doubling from stage to "
    "stage, are 53.8M."
)
_OWN_FLOPS = (
    "No reading of the text gives the printed figure. Ours has HS in the blocks of stages 1 and 2 "
    "that keep the shape of their input; in all 16 blocks w*s channels, doubling from stage to "
    "stage, are {}G in the same count."
)

_REASONS = {
    "Res2Net50-14w-8s": (
        "This network has 25.06M; 25.72M is that of Res2Net50-26w-4s on ResNet50-D's stem and "
        "shortcuts."
    ),
    "ResNeSt50*": (
        "Not built: torchvision, the library of networks the project depends on, does not have it."
    ),
    "HS-ResNet50(Ours)": _OWN_PARAMS,
    "HS-ResNet50*(Ours)": _OWN_PARAMS,
}
"""Why our parameters differ, by row of Table 1."""

TABLE_1 = tuple(
    PrintedRow(
        "HS",
        "Table 1",
        row,
        "imagenet",
        network=network,
        arm=arm,
        accuracy=accuracy,
        costs=(
            PrintedCost(
                "params",
                f"{params}M",
                "#Params(M)",
                (network,) if network else (),
                _REASONS.get(row, ""),
            ),
        ),
        note=f"{milliseconds} ms an image on a T4",
    )
    for arm, row, network, accuracy, params, milliseconds in parse_table(
        # Arm, row, network, accuracy, millions of parameters, milliseconds. No design trains
        # ResNeSt50; the arms of the last row are those of `hs_tricks`.
        """
resnet50       | ResNet50             | resnet50-imagenet               | 76.50 | 25.56 | 3.47
resnet50-d     | ResNet50-D           | resnet50d-imagenet              | 79.12 | 25.58 | 3.53
se-resnet50-d  | SE-ResNet50-D        | resnet50d-se-imagenet           | 79.52 | 28.09 | 4.28
res2net50      | Res2Net50-14w-8s     | resnet50-res2net-14w8s-imagenet | 79.46 | 25.72 | 5.40
resnest50      | ResNeSt50*           |                                 | 81.02 | 27.50 | 6.69
resnext50-d    | ResNeXt50-D-32x4d    | resnext50d-imagenet             | 79.56 | 23.66 | 11.03
se-resnext50-d | SE-ResNeXt50-D-32x4d | resnext50d-se-imagenet          | 80.24 | 26.28 | 14.76
hs-resnet50    | HS-ResNet50(Ours)    | resnet50d-hs-28w6s-imagenet     | 80.30 | 27.00 | 5.34
               | HS-ResNet50*(Ours)   | resnet50d-hs-28w6s-imagenet     | 81.28 | 27.00 | 5.34
"""
    )
)
"""Table 1 does not say which setting its own rows have; their time is that of 28w-6s in Table 4."""

TABLE_4 = tuple(
    PrintedRow(
        "HS",
        "Table 4",
        row,
        "imagenet",
        network=network,
        arm=arm,
        accuracy=accuracy,
        costs=(
            PrintedCost(
                "macs",
                f"{flops}G",
                "FLOPs(G)",
                (network,),
                _OWN_FLOPS.format(in_all_blocks),
            ),
        ),
        note=f"FLOPs, about twice the MACs; {milliseconds} ms an image on a T4",
    )
    for arm, row, network, accuracy, flops, milliseconds, in_all_blocks in parse_table(
        # Arm, row, network, accuracy, FLOPs in 1e9, milliseconds, and our FLOPs with HS in all
        # blocks.
        """
8 splits | 18w-8s | resnet50d-hs-18w8s-imagenet | 81.43 | 11.6 | 6.19 | 14.8
7 splits | 22w-7s | resnet50d-hs-22w7s-imagenet | 81.40 | 12.3 | 5.90 | 16.6
6 splits | 28w-6s | resnet50d-hs-28w6s-imagenet | 81.28 | 13.1 | 5.34 | 19.1
5 splits | 40w-5s | resnet50d-hs-40w5s-imagenet | 81.11 | 15.1 | 5.28 | 25.1
"""
    )
)

ROWS = TABLE_1 + TABLE_4
