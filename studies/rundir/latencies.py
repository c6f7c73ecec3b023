"""Measured latencies of a run, in its `latency.json`: each network is measured once.

They are measured by the driver's process, while no job runs on this machine or, by a program of the
user's, at any time.
"""

import math
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO

import torch

from searchspace import Architecture, InputError, Latency, LatencyTable
from searchspace.errors import first_line, with_kind
from searchspace.latency import (
    COMMAND,
    Conditions,
    machine_name,
    measure_latency,
    summarised,
)
from studies.spec.latency import LatencyMethod
from trainers import Task
from trainers.export.formats import FORMATS
from trainers.export.untrained import write_untrained_onnx

MAX_OUTPUT = 10_000
"""Characters of a program's output that are read."""
Place = tuple[str, int, int]
"""An architecture's key, an image size and a number of classes."""


def measured(path: Path, method: LatencyMethod) -> dict[Place, tuple[float, str]]:
    """Milliseconds that were measured like that, and where; the last measured of each."""
    return {
        (key, conditions.size, conditions.num_classes or 0): (
            latency.median_ms,
            conditions.label(),
        )
        for (key, conditions), latency in LatencyTable.load(path).entries.items()
        if _is_by(conditions, method)
    }


def _is_by(conditions: Conditions, method: LatencyMethod) -> bool:
    if method.command is not None:
        return (conditions.device, conditions.machine) == (COMMAND, method.command)
    found = conditions.batch, conditions.precision, conditions.threads
    asked = method.batch, method.precision, method.threads
    return conditions.device != COMMAND and found == asked


class LatencyError(InputError):
    """The latency of a network could not be measured."""


class Bench:
    """Measures networks in the deployed form at every size that they are trained at.

    `device` is the type of the device that trials train on, cpu or cuda.
    """

    def __init__(self, path: Path, task: Task, method: LatencyMethod, device: str = "cpu") -> None:
        self.table = LatencyTable.load(path)
        self.task, self.method = task, method
        method.check_program()
        if method.command is not None:
            FORMATS["onnx"].check_packages()
            self.device, self.machine = COMMAND, method.command
        else:
            if device == "cuda" and not torch.cuda.is_available():
                raise InputError(
                    "the latency of trials on GPUs is measured by this process, which has no GPU; "
                    "start it on a machine with one, or give a command that measures"
                )
            self.device, self.machine = device, machine_name(device)

    @property
    def alone(self) -> bool:
        """Whether no job may run while it measures."""
        return self.method.command is None

    def measured(self, architecture: Architecture) -> dict[tuple[str, int], float]:
        """Milliseconds by key and size, measured first where they are missing.

        A LatencyError says why one cannot be measured.
        """
        milliseconds = {}
        for size in architecture.training_sizes(self.task.input_size):
            measure = partial(self._measure, architecture, size)
            latency = self.table.kept(architecture, self._conditions(size), measure)
            milliseconds[architecture.key, size] = latency.median_ms
        return milliseconds

    def knows(self, architecture: Architecture) -> bool:
        """Whether nothing of a network is left to measure."""
        sizes = architecture.training_sizes(self.task.input_size)
        key = architecture.key
        return all((key, self._conditions(size)) in self.table.entries for size in sizes)

    def knows_any(self) -> bool:
        """Whether a network was measured by this method on this machine already."""
        places = (conditions for _, conditions in self.table.entries)
        return any((c.device, c.machine) == (self.device, self.machine) for c in places)

    def _conditions(self, size: int) -> Conditions:
        method, task = self.method, self.task
        how = (self.device, self.machine, method.batch, method.threads)
        return Conditions(*how, size, "deployed", task.classes, method.precision, task.in_chs)

    def _measure(self, architecture: Architecture, size: int) -> Latency:
        try:
            return self._measured_by()(architecture, size)
        except Exception as error:
            # Whatever a network or an exporter raises is about this network alone.
            reason = first_line(error) if isinstance(error, InputError) else with_kind(error)
            raise LatencyError(f"its latency could not be measured: {reason}") from error

    def _measured_by(self) -> Callable[[Architecture, int], Latency]:
        return self._here if self.method.command is None else self._by_command

    def _here(self, architecture: Architecture, size: int) -> Latency:
        method, task = self.method, self.task
        return measure_latency(
            architecture,
            self.device,
            method.batch,
            method.threads,
            size=size,
            num_classes=task.classes,
            in_chs=task.in_chs,
            precision=method.precision,
        )

    def _by_command(self, architecture: Architecture, size: int) -> Latency:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{architecture.key}-{size}.onnx"
            write_untrained_onnx(architecture, self.task, size, path)
            return summarised(run_program([*self.method.words, str(path)], self.method.time_limit))


def run_program(words: list[str], time_limit: float) -> list[float]:
    """The milliseconds that a program prints; an InputError says what it did instead."""
    name = words[0]
    with _captured() as out, _captured() as errors:
        try:
            # A group of its own, so that what the program has started ends with it.
            program = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=out, stderr=errors, start_new_session=True
            )
        except OSError as error:
            raise InputError(f"{name} cannot be run: {error.strerror}") from None
        try:
            status = program.wait(time_limit)
        except subprocess.TimeoutExpired:
            raise InputError(f"{name} took longer than its {time_limit:g} s") from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
            program.wait()
        printed, said = _text(out), _text(errors)
    if status:
        last = (said.strip() or printed.strip()).splitlines()[-1:]
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        raise InputError(": ".join([f"{name} {how}", *last]))
    try:
        times = [float(word) for word in printed.split()]
    except ValueError:
        times = []
    if not times or not all(math.isfinite(time) and time > 0 for time in times):
        raise InputError(f"{name} must print milliseconds above 0, got {printed.strip()[:80]!r}")
    return times


def _captured() -> IO[str]:
    return tempfile.TemporaryFile("w+", errors="replace")


def _text(file: IO[str]) -> str:
    file.seek(0)
    return file.read(MAX_OUTPUT)
