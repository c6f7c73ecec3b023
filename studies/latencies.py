"""Measured latencies of a run, in its `latency.json`: one machine, one image, one thread."""

from pathlib import Path

from searchspace import LatencyTable


def measured(path: Path) -> dict[tuple[str, int], float]:
    """Milliseconds for one image by architecture key and image size, the last measured of each."""
    table = LatencyTable.load(path)
    return {
        (key, conditions.size): latency.median_ms
        for (key, conditions), latency in table.entries.items()
        if conditions.batch == 1
    }
