"""A network that is trained in a folder: progress on the console, metrics, weights, checkpoints."""

import json
import platform
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from searchspace import Architecture, InputError
from searchspace.checks import MAX_THREADS, check_integer
from searchspace.console import plain_console
from searchspace.schema import to_json
from searchspace.serialization.files import read_json, write_text
from trainers.arguments import parse_recipe, parse_task
from trainers.job import Epoch, Job, Result
from trainers.joining import joined
from trainers.kept_files import find_kept_files
from trainers.loop import CHECKPOINT_SECONDS, TrainCallbacks, run, start_training
from trainers.processes import Shared, train_along
from trainers.runtime.ranks import Ranks
from trainers.tasks.fingerprint import check_same_data
from trainers.training import Training
from trainers.weights import save_weights

CONFIG = "config.json"
METRICS = "metrics.json"
WEIGHTS = "weights.safetensors"
ENDED_EARLY = 1
MAX_PROCESSES = 4096


def job_from_files(
    architecture: Path, task: str, recipe: str, changes: list[str], seed: int
) -> tuple[Job, Path | None]:
    """The job that command-line options describe, and the folder of images that its task names."""
    find_kept_files(architecture)
    network = Architecture.from_json(read_json(architecture), str(architecture))
    parsed, data_root = parse_task(task)
    return Job(network, parsed, parse_recipe(recipe, changes), seed), data_root


def train_in_folder(
    job: Job,
    out: Path,
    *,
    data_root: Path | None,
    device: str | None,
    threads: int | None,
    recompute: bool,
    processes: int | None = None,
) -> int:
    """Train a job, or continue it, and write what it gave into `out`; the program's exit status.

    It is trained by `processes`, by default one; where torchrun has started this process and
    others, by those.
    """
    if threads is not None:
        check_integer(1, MAX_THREADS, threads=threads)
    if processes is not None:
        check_integer(1, MAX_PROCESSES, processes=processes)
    job = replace(job, task=job.task.identified(data_root))
    shared = Shared(job, None, data_root, _device(device), recompute, threads)
    with joined(shared, processes) as (ranks, own_device):
        if ranks.rank:
            train_along(shared, ranks, own_device)
            return 0
        return _train_first(shared, out, ranks, own_device)


def _train_first(shared: Shared, out: Path, ranks: Ranks, device: torch.device) -> int:
    """Train as the first process, which has the folder and the console."""
    console = plain_console(soft_wrap=True)
    _claim(out, shared.job, shared.device)
    training = start_training(
        shared.job,
        data_root=shared.data_root,
        device=str(device),
        recompute=shared.recompute,
        ranks=ranks,
    )
    if isinstance(training, Result):
        raise InputError(training.reason)
    _train(training, out, console)
    result = training.result()
    _write(out / METRICS, to_json(result))
    console.print(_table(result))
    if result.status != "finished":
        console.print(f"{result.status.replace('_', ' ')}: {result.reason}")
        return ENDED_EARLY
    try:
        save_weights(training.network, out / WEIGHTS)
    except OSError as error:
        raise InputError(f"cannot write {out / WEIGHTS}: {error.strerror}") from None
    console.print(f"metrics in {out / METRICS}, weights in {out / WEIGHTS}")
    return 0


def _train(training: Training, out: Path, console: Console) -> None:
    """Train to the end, showing a bar and a line for each epoch."""
    epochs, steps = training.job.recipe.epochs, training.steps
    columns = (
        TextColumn("epoch {task.fields[epoch]}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars, _stop_signals() as stopped:
        bar = bars.add_task("", total=epochs * steps, epoch=1)

        def step() -> None:
            number = len(training.curve)
            bars.update(bar, completed=number * steps + training.step, epoch=number + 1)

        def epoch(progress: Epoch) -> None:
            console.print(
                f"epoch {progress.epoch}/{epochs}: loss {progress.train_loss:.4f}, validation "
                f"{progress.validation_loss:.4f}, accuracy {progress.validation_accuracy:.2%}"
            )

        run(training, TrainCallbacks(epoch, step, lambda: bool(stopped)), out, CHECKPOINT_SECONDS)


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """Collects signals that ask to stop; the second one interrupts at once."""
    received: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        received.append(number)
        if len(received) > 1:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _claim(out: Path, job: Job, device: str) -> None:
    """Write the job into the folder, or check that the folder holds the same job."""
    path = out / CONFIG
    config = {
        "key": job.key,
        "job": job.to_json(),
        "device": device,
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }
    if path.exists():
        earlier = read_json(path)
        if not isinstance(earlier, dict) or earlier.get("key") != job.key:
            task = (earlier.get("job") or {}).get("task") if isinstance(earlier, dict) else None
            check_same_data(task, job.task, f"{out} cannot be continued: it")
            raise InputError(f"{out} holds the training of another job; give another --out")
        return
    if out.is_dir() and any(out.iterdir()):
        raise InputError(f"{out} is not empty and holds no {CONFIG}; give another --out")
    _write(path, config)


def _write(path: Path, data: Any) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None
    write_text(path, json.dumps(data, indent=1, allow_nan=False) + "\n")


def _device(name: str | None) -> str:
    if name is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(f"--device must be cpu, cuda or cuda:N, got {name!r}") from None
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"--device must be cpu, cuda or cuda:N, got {name!r}")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(f"--device {name}: there are {torch.cuda.device_count()} GPUs")
    return name


def _table(result: Result) -> Table:
    """One line for each input size, and one for the ensemble."""
    table = Table("size", "validation", "test")
    for point in result.points:
        size = f"{point.size}" if point.trained else f"{point.size} (between)"
        table.add_row(size, f"{point.validation_accuracy:.2%}", f"{point.test_accuracy:.2%}")
    if result.ensemble is not None:
        ensemble = result.ensemble
        table.add_row(
            "ensemble", f"{ensemble.validation_accuracy:.2%}", f"{ensemble.test_accuracy:.2%}"
        )
    return table
