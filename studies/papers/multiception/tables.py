"""The printed tables of Multiception, whose errors are given as accuracies."""

from dataclasses import replace

from studies.papers.grid import on, printed
from studies.spec.ablation import Published

ERRORS = "printed as an error rate"


def _errors(
    source: str, task: str, arms: str, rows: dict[str, tuple[float, ...]]
) -> list[Published]:
    """A table of errors, in per cent; `arms` is separated by commas."""
    return [
        replace(figure, accuracy=_accuracy(figure.accuracy), note=ERRORS)
        for figure in printed(source, task, arms.split(", "), rows)
    ]


def _accuracy(error: float) -> float:
    return round(100 - error, 2)


OPERATORS = "dsconv, mixconv, multiception"
TABLES_1_TO_3 = (
    *_errors(
        "Multiception Table 1",
        "cifar10",
        OPERATORS,
        {
            "ResNet-20": (8.50, 8.47, 7.53),
            "": (6.41, 7.16, 5.94),
            "SeNet-56": (6.10, 6.88, 5.71),
            "ShakeNet-26-2x96d": (3.77, 4.38, 3.42),
        },
    ),
    *_errors(
        "Multiception Table 1",
        "cifar100",
        OPERATORS,
        {"": (29.77, 30.36, 28.54), "ShakeNet-26-2x96d": (20.03, 20.76, 18.92)},
    ),
    *_errors("Multiception Table 2", "stl10", OPERATORS, {"": (17.76, 21.89, 16.81)}),
    # Cited only: no design trains it.
    *_errors(
        "Multiception Table 2", "stl10", "dsconv, multiception", {"MobileNet-V2": (23.42, 19.70)}
    ),
    *_errors("Multiception Table 3", "imagenet32", OPERATORS, {"": (63.63, 65.32, 62.37)}),
)

SIZES = "3 & 5, 3 & 7, 5 & 7, 3 & 5 & 7"
TABLE_4 = (
    *_errors("Multiception Table 4", "cifar10", SIZES, {"": (6.18, 5.91, 5.85, 5.94)}),
    *_errors("Multiception Table 4", "cifar100", SIZES, {"": (28.94, 28.54, 29.35, 28.54)}),
    *_errors("Multiception Table 4", "stl10", SIZES, {"": (17.57, 18.76, 19.59, 16.81)}),
    *_errors("Multiception Table 4", "imagenet32", SIZES, {"": (61.97, 62.29, 62.05, 62.37)}),
)

# Dataset, network, and error and millions of parameters of standard and of Multiception networks.
COMPARED: tuple[tuple[str, str, float, float, float, float], ...] = (
    ("cifar10", "ResNet-20", 7.17, 0.2724, 7.53, 0.1899),
    ("cifar10", "", 5.75, 0.7586, 5.94, 0.5094),
    ("cifar10", "SeNet-56", 5.69, 0.8679, 5.71, 0.5886),
    ("cifar10", "ShakeNet-26-2x96d", 3.35, 26.78, 3.42, 17.57),
    ("cifar100", "", 27.92, 0.7644, 28.54, 0.5153),
    ("cifar100", "ShakeNet-26-2x96d", 18.44, 26.81, 18.92, 17.59),
    ("stl10", "", 17.83, 0.7586, 16.81, 0.5094),
    ("imagenet32", "", 63.20, 0.8229, 62.37, 0.5738),
)
TABLE_5 = tuple(
    Published(
        task,
        on(arm, network),
        _accuracy(error),
        "Multiception Table 5",
        params=1e6 * params,
        note=ERRORS,
    )
    for task, network, standard, standard_params, ours, our_params in COMPARED
    for arm, error, params in (
        ("standard", standard, standard_params),
        ("multiception", ours, our_params),
    )
)
