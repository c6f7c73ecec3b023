"""How the latency of networks is measured: on this machine, or by a program of the user's."""

import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from searchspace import InputError
from searchspace.checks import MAX_SIZE, MAX_THREADS, check_at_least, check_integer, check_one_of
from searchspace.latency import Precision
from searchspace.schema import from_json

MAX_SECONDS = 86_400


@dataclass(frozen=True)
class LatencyMethod:
    """How latency is measured: of `batch` images in `precision`, deployed, untrained weights.

    It is measured on the device that trials train on: by CUDA events on a GPU, by the clock on
    `threads` threads of a CPU. With `command`, that program measures: it gets the path of an ONNX
    file as its last argument and prints milliseconds, one number or several, within `time_limit`
    seconds.
    """

    batch: int = 1
    precision: Precision = "float32"
    threads: int = 1
    command: str | None = None
    time_limit: float = 60.0

    def __post_init__(self) -> None:
        check_integer(1, MAX_SIZE, batch=self.batch)
        check_integer(1, MAX_THREADS, threads=self.threads)
        check_one_of(get_args(Precision), precision=self.precision)
        check_at_least(0.001, MAX_SECONDS, time_limit=self.time_limit)
        if self.command is None:
            return
        if (self.batch, self.precision, self.threads) != (1, "float32", 1):
            raise InputError("a command decides on batch, precision and threads itself; leave out")
        _ = self.words

    @property
    def words(self) -> list[str]:
        """The command as the program and its arguments."""
        try:
            words = shlex.split(self.command or "")
        except ValueError as error:
            raise InputError(f"command {self.command!r} cannot be read: {error}") from None
        if not words:
            raise InputError("command must name a program, got ''")
        return words

    def label(self, device: str) -> str:
        """How it is measured on a device (cpu or cuda), in words."""
        if self.command is not None:
            return f"milliseconds printed by {self.command}"
        images = "1 image" if self.batch == 1 else f"{self.batch} images"
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        where = f"the CPU, {threads}" if device == "cpu" else "the GPU, CUDA events"
        return f"{images}, {self.precision}, on {where}"

    def check_program(self) -> None:
        """Raise an InputError if there is a command whose program cannot be run here."""
        if self.command is not None and shutil.which(self.words[0]) is None:
            raise InputError(
                f"latency: there is no program {self.words[0]!r} here that may be executed"
            )


def parse_latency(data: Any, folder: Path, where: str) -> LatencyMethod:
    """The method of the field `latency` of a file; a program's path is relative to `folder`."""
    if not isinstance(data, Mapping):
        raise InputError(
            f"{where}: expected true or an object like {{command: ./measure.sh}}, got {data!r}"
        )
    method = from_json(LatencyMethod, data, where)
    if method.command is None or "/" not in method.words[0]:
        return method
    program, *arguments = method.words
    command = shlex.join([str((folder / program).resolve()), *arguments])
    return from_json(LatencyMethod, {**data, "command": command}, where)
