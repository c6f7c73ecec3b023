"""RS-Net, Tables 2 and 4: multiply-adds at each size, and parameters in units of 2^20."""

from analysis.audit.printed.cell import Cell

SIZES = (224, 192, 160, 128, 96)
UNITS = {"M": 1e6, "G": 1e9}
MEBI = 2.0**20

TABLE_2 = (
    (
        "ResNet18",
        "resnet18",
        ("1.82G", "1.34G", "931M", "596M", "335M"),
        ("55.74", "11.15", "11.18", "11.18"),
    ),
    (
        "ResNet50",
        "resnet50",
        ("4.14G", "3.04G", "2.11G", "1.35G", "760M"),
        ("121.87", "24.37", "24.58", "24.58"),
    ),
    (
        "M-NetV2",
        "mobilenetv2",
        ("301M", "221M", "154M", "99M", "56M"),
        ("16.71", "3.34", "3.47", "3.47"),
    ),
)
"""Row, start of the names, MAdds at `SIZES`, parameters in the columns `MODELS`."""
MODELS = ("I-Nets (base)", "I-224", "Our Parallel", "Our RS-Net")

TABLE_4_WIDTHS = (
    ("1.0x", "301M", "mobilenetv2-imagenet"),
    ("0.8x", "222M", "mobilenetv2-080-imagenet"),
    ("0.65x", "161M", "mobilenetv2-065-imagenet"),
    ("0.5x", "97M", "mobilenetv2-050-imagenet"),
    ("0.35x", "59M", "mobilenetv2-035-imagenet"),
)
TABLE_4_SIZES = ("301M", "221M", "154M", "99M", "56M")

REASONS = {("4", "0.65x"): "161.9M: the digits are cut, not rounded."}
"""By table and row."""


def _name(network: str, size: int, switchable: bool = False) -> str:
    middle = "rsnet-" if switchable else ""
    return f"{network}-{middle}imagenet{'' if size == SIZES[0] else size}"


def _macs(table: str, row: str, text: str, name: str) -> Cell:
    reason = REASONS.get((table, row), "")
    unit = UNITS[text[-1]]
    return Cell("RS-Net", table, row, "MAdds", text[:-1], unit, "macs", (name,), reason)


def _cells() -> list[Cell]:
    cells = []
    for row, network, macs, params in TABLE_2:
        for size, text in zip(SIZES, macs, strict=True):
            name = _name(network, size, switchable=True)
            cells.append(_macs("2", f"{row}, {size}x{size}", text, name))
        switchable = (_name(network, SIZES[0], switchable=True),)
        counted = {
            "I-Nets (base)": tuple(_name(network, size) for size in SIZES),
            "I-224": (_name(network, SIZES[0]),),
        }
        for column, text in zip(MODELS, params, strict=True):
            names = counted.get(column, switchable)
            where = (f"{row}, Total Params", column)
            cells.append(Cell("RS-Net", "2", *where, text, MEBI, "params", names))
    cells += [_macs("4", width, text, name) for width, text, name in TABLE_4_WIDTHS]
    for size, text in zip(SIZES, TABLE_4_SIZES, strict=True):
        cells.append(_macs("4", f"{size}x{size}", text, _name("mobilenetv2", size, True)))
    return cells


CELLS = tuple(_cells())
