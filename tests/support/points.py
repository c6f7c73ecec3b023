"""Points of networks without a run."""

import numpy as np
import pandas as pd

from analysis.stats.points import POINT_COLUMNS


def points(costs: list[float], means: list[float], arms: list[str] | None = None) -> pd.DataFrame:
    """What `points_info` gives for networks with these costs and accuracies."""
    names = arms or [f"arm {i}" for i in range(len(costs))]
    frame = pd.DataFrame({"arm": names, "name": names, "macs": costs, "mean": means})
    frame = frame.assign(n=2, sd=1.0, low=frame["mean"] - 1, high=frame["mean"] + 1, size=8)
    frame = frame.assign(network=range(len(frame)), latency_ms=np.nan)
    return frame.reindex(columns=list(POINT_COLUMNS))
