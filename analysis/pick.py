"""`python -m analysis.pick RUN`: the architecture to take, how sure that is, and how to train it.

This program chooses from what a run holds and trains nothing itself: `--retrain` and `--export`
start the trainers' programs.
"""

import json
import shlex
import subprocess
import sys
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from analysis.render.html import write_text
from analysis.selection.choosing import Bounds, Candidate, Goal, Pick
from analysis.selection.choosing import pick as choose
from analysis.selection.sentences import sentences
from searchspace import InputError
from searchspace.cli import amount, fraction, run_command, whole_number
from searchspace.schema import to_json
from studies import load
from studies.rundir.store import RunStore
from trainers import RECIPES, TASKS, Job
from trainers.export import read_trained


def pick(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")],
    max_macs: Annotated[
        float | None,
        typer.Option(parser=amount, metavar="N", help="Deployed, for one image; k, M, G allowed."),
    ] = None,
    max_params: Annotated[
        float | None, typer.Option(parser=amount, metavar="N", help="Deployed; k, M, G allowed.")
    ] = None,
    max_latency: Annotated[
        float | None,
        typer.Option(parser=fraction, metavar="MS", help="As measured in the run."),
    ] = None,
    min_accuracy: Annotated[
        float | None,
        typer.Option(
            parser=fraction,
            metavar="PERCENT",
            help="Mean validation accuracy; then the choice is the one with the fewest MACs.",
        ),
    ] = None,
    knee: Annotated[
        bool, typer.Option("--knee", help="The knee of the front of accuracy and MACs.")
    ] = False,
    task: Annotated[str | None, typer.Option(help="Which of the run's tasks.")] = None,
    size: Annotated[
        int | None, typer.Option(parser=whole_number, metavar="PIXELS", help="Input size.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write into [default: RUN/pick/KEY]")
    ] = None,
    retrain: Annotated[bool, typer.Option("--retrain", help="Train it, with a new seed.")] = False,
    epochs: Annotated[
        int | None,
        typer.Option(parser=whole_number, metavar="N", help="In place of the recipe's."),
    ] = None,
    export: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the trained network as files.")
    ] = None,
    all_sizes: Annotated[
        bool, typer.Option("--all-sizes", help="Export every size of a switchable network.")
    ] = False,
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", help="Of --export, may be repeated [default: all]"),
    ] = None,
    data_root: Annotated[Path | None, typer.Option(help="Folder that holds the datasets.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda or cuda:N, for --retrain.")] = None,
) -> int:
    """Name the architecture that fits best by validation accuracy, and how to train it."""
    bounds = Bounds(max_macs, max_params, max_latency, min_accuracy)
    goal: Goal = "knee" if knee else "accuracy" if min_accuracy is None else "cost"
    found = choose(load(run_dir), bounds, goal, task=task, size=size)
    job = _next_job(run_dir, found.chosen)
    folder = out or run_dir / "pick" / job.architecture.key
    files = _write(folder, found, job)
    training = _training_command(files, job, folder / "trained", epochs, data_root, device)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    for line in sentences(found):
        console.print(line)
    console.print(f"\nArchitecture: {files['architecture']}\nTrain it: {shlex.join(training)}")
    # What the programs print comes after.
    sys.stdout.flush()
    status = subprocess.call([sys.executable, *training[1:]]) if retrain else 0
    if status or export is None:
        return status
    options = [] if all_sizes else ["--size", str(found.chosen.size)]
    options += [option for name in formats or () for option in ("--format", name)]
    options += [] if data_root is None else ["--data-root", str(data_root)]
    return _export(
        folder / "trained", job, export, ["--note", " ".join(sentences(found)), *options]
    )


def _export(trained: Path, job: Job, out: Path, options: list[str]) -> int:
    """Start the export of a training, once it is known to be one of this architecture and task."""
    if not trained.exists():
        raise InputError(f"--export needs a trained network, and there is no {trained}; --retrain")
    known = read_trained(trained).job
    if (known.architecture, known.task) != (job.architecture, job.task):
        raise InputError(f"{trained} holds the training of another job; give another --out")
    program = [sys.executable, "-m", "trainers.export", str(trained), "--out", str(out)]
    return subprocess.call([*program, *options])


def _next_job(run_dir: Path, chosen: Candidate) -> Job:
    """The chosen one's job with the first seed that no run of it had."""
    jobs = [record.job for record in RunStore(run_dir).records() if record.key in chosen.keys]
    first = jobs[0]
    return Job(first.architecture, first.task, first.recipe, 1 + max(job.seed for job in jobs))


def _write(folder: Path, found: Pick, job: Job) -> dict[str, str]:
    """Write the choice; give task and recipe by name, or by file where they have none."""
    files = {"architecture": str(folder / "architecture.json")}
    values: dict[str, Any] = {"architecture": job.architecture, "pick": _record(found)}
    names = {
        "task": [n for n, make in TASKS.items() if make() == job.task],
        "recipe": [n for n, known in RECIPES.items() if known == job.recipe],
    }
    for part, value in (("task", job.task), ("recipe", job.recipe)):
        files[part] = names[part][0] if names[part] else str(folder / f"{part}.json")
        if not names[part]:
            values[part] = value
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror}") from None
    for name, value in values.items():
        text = json.dumps(_finite(to_json(value)), indent=1, allow_nan=False)
        write_text(folder / f"{name}.json", text + "\n")
    return files


def _record(found: Pick) -> dict[str, Any]:
    """The choice with what its accuracies say, as JSON."""
    data: dict[str, Any] = to_json(found)
    for name, one in (("chosen", found.chosen), ("runner_up", found.runner_up)):
        if one is not None:
            data[name]["validation"] = to_json(one.validation)
            data[name]["test"] = to_json(one.test)
    return {**data, "decided": found.decided, "sentences": sentences(found)}


def _finite(data: Any) -> Any:
    """JSON has no word for what is not a number but null."""
    if isinstance(data, dict):
        return {name: _finite(value) for name, value in data.items()}
    if isinstance(data, list):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not isfinite(data) else data


def _training_command(
    files: dict[str, str],
    job: Job,
    out: Path,
    epochs: int | None,
    data_root: Path | None,
    device: str | None,
) -> list[str]:
    return [
        *("python", "-m", "trainers.train", files["architecture"]),
        *("--task", files["task"], "--recipe", files["recipe"], "--seed", str(job.seed)),
        *([] if epochs is None else ["--set", f"epochs={epochs}"]),
        *([] if data_root is None else ["--data-root", str(data_root)]),
        *([] if device is None else ["--device", device]),
        *("--out", str(out)),
    ]


if __name__ == "__main__":
    run_command(pick, "python -m analysis.pick")
