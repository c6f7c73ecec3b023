"""Latency: measured time per batch, kept apart from counted costs.

A latency holds for one machine, device, batch, number of threads, image size and form; a table of
them is a file of measurements, and nothing is filled in that was not measured.
"""

import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import torch

from searchspace.architecture import Architecture, build, deploy
from searchspace.checks import MAX_SIZE, MAX_THREADS, check_integer, check_one_of
from searchspace.cost import Form
from searchspace.errors import InputError
from searchspace.schema import OMIT_DEFAULT, from_json, to_json
from searchspace.serialization.files import read_json, replacing

MAX_REPEATS = 100_000
_PROCESSORS = Path("/proc/cpuinfo")
Precision = Literal["float32", "bfloat16", "float16"]
"""Of the weights and the images of a measured network."""
COMMAND = "command"
"""The device of latencies that a user's program measured."""


@dataclass(frozen=True)
class Conditions:
    """What a latency was measured under; `machine` is the processor's or graphics card's name.

    For a program of the user's, `device` is "command" and `machine` is the command.
    """

    device: str
    machine: str
    batch: int
    threads: int
    size: int
    form: Form
    num_classes: int | None = None
    precision: Precision = field(default="float32", metadata=OMIT_DEFAULT)
    in_chs: int = field(default=3, metadata=OMIT_DEFAULT)

    def label(self) -> str:
        """In words, without the size."""
        if self.device == COMMAND:
            return f"measured by {self.machine}"
        images = "1 image" if self.batch == 1 else f"{self.batch} images"
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        how = threads if torch.device(self.device).type == "cpu" else "CUDA events"
        return f"{images}, {self.precision}, {how}, {self.machine}"


@dataclass(frozen=True)
class Latency:
    """Milliseconds for one batch: the median of `repeats`, and the quartiles as its spread."""

    median_ms: float
    low_ms: float
    high_ms: float
    repeats: int


def measure_latency(
    architecture: Architecture,
    device: str = "cpu",
    batch: int = 1,
    threads: int = 1,
    *,
    size: int = 32,
    form: Form = "deployed",
    num_classes: int | None = None,
    in_chs: int = 3,
    precision: Precision = "float32",
    repeats: int = 30,
    warmup: int = 5,
) -> Latency:
    """Time the network in evaluation mode on random (batch, in_chs, size, size) images.

    `threads` is torch's number of threads during the measurement (processor only in effect),
    `precision` that of weights and images; `warmup` batches are run before `repeats` are timed one
    by one.
    """
    check_integer(1, MAX_SIZE, size=size, batch=batch)
    check_integer(1, MAX_THREADS, threads=threads)
    check_integer(1, MAX_REPEATS, repeats=repeats)
    check_integer(0, MAX_REPEATS, warmup=warmup)
    check_one_of(("deployed", "training"), form=form)
    check_one_of(get_args(Precision), precision=precision)
    where, kind = _device(device), getattr(torch, precision)
    with torch.random.fork_rng(devices=[]):
        network = build(architecture, num_classes, in_chs).eval()
        images = torch.randn(batch, in_chs, size, size).to(where, kind)
    network = (deploy(network) if form == "deployed" else network).to(where, kind)
    with using_threads(threads), torch.inference_mode():
        for _ in range(warmup):
            _timed(network, images)
        times = [_timed(network, images) for _ in range(repeats)]
    return summarised(times)


def summarised(times: Sequence[float]) -> Latency:
    """Median and quartiles of one or more measured milliseconds."""
    low, high = (times[0],) * 2
    if len(times) > 1:
        low, _, high = statistics.quantiles(times, n=4, method="inclusive")
    return Latency(statistics.median(times), low, high, len(times))


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(f"device must be like cpu or cuda:0, got {name!r}") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f"device {name!r} is not available; cpu is")
    return device


@contextmanager
def using_threads(count: int) -> Iterator[None]:
    """Sets torch's number of threads inside the context and restores it afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _timed(network: Callable[[torch.Tensor], Any], images: torch.Tensor) -> float:
    """Milliseconds of one call; on a GPU between two events, its queue being empty before."""
    if images.is_cuda:
        return _timed_by_events(network, images)
    start = time.perf_counter()
    network(images)
    return (time.perf_counter() - start) * 1e3


def _timed_by_events(network: Callable[[torch.Tensor], Any], images: torch.Tensor) -> float:
    torch.cuda.synchronize(images.device)
    with torch.cuda.device(images.device):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        network(images)
        end.record()
    end.synchronize()
    return start.elapsed_time(end)


def machine_name(device: str) -> str:
    """The name of the graphics card, or of the processor."""
    if _device(device).type == "cuda":
        return torch.cuda.get_device_name(device)
    models = _PROCESSORS.read_text() if _PROCESSORS.exists() else ""
    named = [line.split(":", 1)[1].strip() for line in models.splitlines() if "model name" in line]
    return named[0] if named else platform.processor() or platform.machine()


@dataclass
class LatencyTable:
    """Measured latencies by architecture key and conditions, in a JSON file.

    `load` reads one, `measure` adds to it and saves, `get` looks up what was measured.
    """

    path: Path
    entries: dict[tuple[str, Conditions], Latency] = field(default_factory=dict)

    @classmethod
    def load(cls, path: str | Path) -> "LatencyTable":
        """The table in a file; an empty table if there is no file yet."""
        file = Path(path)
        table = cls(file)
        if not file.exists():
            return table
        records = read_json(file)
        if not isinstance(records, list):
            raise InputError(f"{file}: expected a list of latencies")
        for i, data in enumerate(records):
            record = from_json(LatencyRecord, data, f"{file}: [{i}]")
            table.entries[record.key, record.conditions] = record.latency
        return table

    def get(self, architecture: Architecture, conditions: Conditions) -> Latency:
        """The measured latency; an InputError if there is none."""
        latency = self.entries.get((architecture.key, conditions))
        if latency is None:
            raise InputError(
                f"{self.path}: {architecture.label()} was not measured as {conditions}"
            )
        return latency

    def measure(
        self,
        architecture: Architecture,
        device: str = "cpu",
        batch: int = 1,
        threads: int = 1,
        *,
        size: int = 32,
        form: Form = "deployed",
        num_classes: int | None = None,
        in_chs: int = 3,
        precision: Precision = "float32",
    ) -> Latency:
        """The latency from the table, measured and saved first where it is missing."""
        machine = machine_name(device)
        conditions = Conditions(
            device, machine, batch, threads, size, form, num_classes, precision, in_chs
        )

        def measured() -> Latency:
            return measure_latency(
                architecture,
                device,
                batch,
                threads,
                size=size,
                form=form,
                num_classes=num_classes,
                in_chs=in_chs,
                precision=precision,
            )

        return self.kept(architecture, conditions, measured)

    def kept(
        self, architecture: Architecture, conditions: Conditions, measure: Callable[[], Latency]
    ) -> Latency:
        """The latency from the table; where it is missing, what `measure` gives is saved first."""
        place = architecture.key, conditions
        if place not in self.entries:
            self.entries[place] = measure()
            self.save()
        return self.entries[place]

    def save(self) -> None:
        """Write all entries; a reader sees the file before or after, never half of it."""
        records = [
            to_json(LatencyRecord(*place, latency)) for place, latency in self.entries.items()
        ]
        with replacing(self.path) as part:
            part.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class LatencyRecord:
    """One entry of the JSON file."""

    key: str
    conditions: Conditions
    latency: Latency
