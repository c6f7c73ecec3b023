"""What an export found out about its files: the content of `export.json`."""

from dataclasses import dataclass

from searchspace import Cost, Latency
from trainers.export.checking import Parity
from trainers.job import Job, Point


@dataclass(frozen=True)
class ExportedFile:
    """One file; `latency` is for one image on one CPU thread."""

    name: str
    format: str
    bytes: int
    parity: Parity
    latency: Latency


@dataclass(frozen=True)
class SizeExport:
    """The files for one input size, what was measured at it, and its costs for one image."""

    size: int
    point: Point
    deployed: Cost
    training: Cost
    training_latency: Latency
    files: tuple[ExportedFile, ...]


@dataclass(frozen=True)
class ExportManifest:
    """What `export.json` holds.

    `labels` are the names of the classes, in the order of the logits. Pixels are float32, `mean`
    and `std` those of training pixels; `from_files` says whether they are those of RGB image files.
    `chosen_accuracy` is the mean validation accuracy in per cent that the network was chosen by.
    """

    job: Job
    note: str
    labels: tuple[str, ...]
    from_files: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]
    sizes: tuple[SizeExport, ...]
    machine: str
    versions: dict[str, str]
    chosen_accuracy: float | None = None
