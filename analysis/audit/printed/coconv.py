"""CoConv, Table 3: FLOPs (G) and parameters (M) of ResNet-18 on ImageNet."""

from analysis.audit.printed.cell import Cell

TABLE_3 = (
    ("ResNet18", "1.822", "11.690", "resnet18-imagenet"),
    ("SE-ResNet18", "1.823", "11.779", "resnet18-se-imagenet"),
    ("GE-ResNet18", "1.825", "11.753", "resnet18-ge-imagenet"),
    ("AC-ResNet18", "1.822", "11.690", "resnet18-ac-imagenet"),
    ("CondConv-ResNet18", "1.822", "11.701", "resnet18-condconv3-imagenet"),
    ("DY-CNN-ResNet18", "1.822", "12.001", "resnet18-dycnn3-imagenet"),
    ("CoConv-ResNet18 (ours)", "1.824", "12.166", "resnet18-coconv3-imagenet"),
)

CELLS = tuple(
    cell
    for row, macs, params, name in TABLE_3
    for cell in (
        Cell("CoConv", "3", row, "FLOPs(G)", macs, 1e9, "macs", (name,)),
        Cell("CoConv", "3", row, "Parameters(M)", params, 1e6, "params", (name,)),
    )
)
