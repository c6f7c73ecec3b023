"""Arms as `studies.load` and `arms_info` give them, without a run."""

from math import isnan, nan

import pandas as pd

from analysis.stats.arms import ArmSummary, Difference
from studies import COLUMNS
from tests.support.helpers import TASK


def arms_rows(
    accuracies: dict[str, list[float]], macs: dict[str, int] | None = None
) -> pd.DataFrame:
    """What `studies.load` would give for these test accuracies by arm and seed."""
    rows = []
    for arm, values in accuracies.items():
        for seed, value in enumerate(values):
            diverged = isnan(value)
            rows.append(
                {
                    "arm": arm,
                    "task": TASK.label(),
                    "seed": seed,
                    "size": 8,
                    "trained": True,
                    "status": "diverged" if diverged else "finished",
                    "test_accuracy": value,
                    "validation_accuracy": value,
                    "test_images": nan if diverged else 1000,
                    "params": 10,
                    "macs": (macs or {}).get(arm, 100),
                    "training_params": 20,
                    "training_macs": 200,
                    "seconds": 1.0,
                }
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def arm_summary(
    name: str, macs: int, mean: float, difference: Difference | None = None
) -> ArmSummary:
    return ArmSummary(
        "t", name, difference is None, 1, macs, macs, 3, mean, 1.0, mean, difference, 0, 1.0, {}
    )
