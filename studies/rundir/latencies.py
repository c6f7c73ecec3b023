"""Measured latencies of a run, in its `latency.json`: one machine, one image, one thread.

They are measured in the driver's process while no job runs on it.
"""

from pathlib import Path

from searchspace import Architecture, LatencyTable
from trainers import Task


def measured(path: Path) -> dict[tuple[str, int], float]:
    """Milliseconds for one image by architecture key and image size, the last measured of each."""
    table = LatencyTable.load(path)
    return {
        (key, conditions.size): latency.median_ms
        for (key, conditions), latency in table.entries.items()
        if conditions.batch == 1
    }


class Bench:
    """Measures networks in the deployed form at every size that they are trained at."""

    def __init__(self, path: Path, task: Task) -> None:
        self.table = LatencyTable.load(path)
        self.task = task

    def measured(self, architecture: Architecture) -> dict[tuple[str, int], float]:
        """Milliseconds by key and size, measured first where they are missing."""
        milliseconds = {}
        for size in architecture.training_sizes(self.task.input_size):
            latency = self.table.measure(architecture, size=size, num_classes=self.task.classes)
            milliseconds[architecture.key, size] = latency.median_ms
        return milliseconds
