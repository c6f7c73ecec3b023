"""HS-ResNet, Tables 1 and 4: parameters (M) and FLOPs (G) on ImageNet."""

from analysis.audit.printed.cell import Cell

OWN = "resnet50d-hs-28w6s-imagenet"

TABLE_1 = (
    ("ResNet50", "25.56", ("resnet50-imagenet",)),
    ("ResNet50-D", "25.58", ("resnet50d-imagenet",)),
    ("SE-ResNet50-D", "28.09", ("resnet50d-se-imagenet",)),
    ("Res2Net50-14w-8s", "25.72", ("resnet50-res2net-14w8s-imagenet",)),
    ("ResNeSt50*", "27.50", ()),
    ("ResNeXt50-D-32x4d", "23.66", ("resnext50d-imagenet",)),
    ("SE-ResNeXt50-D-32x4d", "26.28", ("resnext50d-se-imagenet",)),
    ("HS-ResNet50(Ours)", "27.00", (OWN,)),
    ("HS-ResNet50*(Ours)", "27.00", (OWN,)),
)
TABLE_4 = (
    ("18w-8s", "11.6"),
    ("22w-7s", "12.3"),
    ("28w-6s", "13.1"),
    ("40w-5s", "15.1"),
)

OWN_PARAMS = (
    "No reading of the text gives 27.00M: w*s channels in all 16 blocks, doubling from stage to "
    "stage, are 53.8M; the nearest, HS in the blocks of stages 1 and 2 that keep the shape, is "
    "27.15M."
)
OWN_FLOPS = (
    "No reading of the text gives the printed figure: w*s channels in all 16 blocks, doubling from "
    "stage to stage, are {}G in the same count; with HS only in the blocks of stages 1 and 2 that "
    "keep the shape, {}G."
)
REASONS = {
    ("1", "Res2Net50-14w-8s"): (
        "This network has 25.06M; 25.72M is that of Res2Net50-26w-4s on ResNet50-D's stem and "
        "shortcuts."
    ),
    ("1", "ResNeSt50*"): (
        "Not built: torchvision, the library of networks the project depends on, does not have it."
    ),
    ("1", "ResNeXt50-D-32x4d"): (
        "23.66M is ResNeXt50 without the -D form, its grouped weights divided by the groups a "
        "second time; the -D form counted so is 23.68M, and truly 25.05M."
    ),
    ("1", "SE-ResNeXt50-D-32x4d"): (
        "Grouped weights divided by the groups a second time give 26.19M; the network truly has "
        "27.56M."
    ),
    ("1", "HS-ResNet50(Ours)"): OWN_PARAMS,
    ("1", "HS-ResNet50*(Ours)"): OWN_PARAMS,
    ("4", "18w-8s"): OWN_FLOPS.format("14.8", "10.7"),
    ("4", "22w-7s"): OWN_FLOPS.format("16.6", "11.3"),
    ("4", "28w-6s"): OWN_FLOPS.format("19.1", "12.2"),
    ("4", "40w-5s"): OWN_FLOPS.format("25.1", "14.1"),
}
"""By table and row."""

CELLS = tuple(
    Cell("HS", "1", row, "#Params(M)", text, 1e6, "params", names, REASONS.get(("1", row), ""))
    for row, text, names in TABLE_1
) + tuple(
    Cell(
        "HS",
        "4",
        row,
        "FLOPs(G)",
        text,
        1e9,
        "macs",
        (f"resnet50d-hs-{row.replace('-', '')}-imagenet",),
        REASONS.get(("4", row), ""),
    )
    for row, text in TABLE_4
)
