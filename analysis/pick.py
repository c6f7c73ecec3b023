"""`python -m analysis.pick RUN`: choose an architecture of a run, and show how to train it.

This program chooses from the results of a run and trains nothing itself: `--retrain` and `--export`
start the trainers' programs.
"""

import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from searchspace import InputError
from searchspace.cli import amount, fraction, run_command, whole_number
from searchspace.console import plain_console, print_text

if TYPE_CHECKING:
    from analysis.selection.candidates import PickCandidate
    from analysis.selection.choose import Goal, Pick
    from trainers import Job


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
    from analysis.data.training_command import training_command
    from analysis.selection.candidates import Bounds
    from analysis.selection.choose import choose
    from analysis.selection.sentences import sentences
    from studies import load

    bounds = Bounds(max_macs, max_params, max_latency, min_accuracy)
    goal: Goal = "knee" if knee else "accuracy" if min_accuracy is None else "cost"
    choice = choose(load(run_dir), bounds, goal, task=task, size=size)
    job = _next_job(run_dir, choice.chosen)
    folder = out or run_dir / "pick" / job.architecture.key
    trained = folder / "trained"
    command = training_command(job.task, job.recipe, job.seed, folder)
    architecture = folder / "architecture.json"
    files = {architecture.name: job.architecture, "pick.json": _record(choice), **command.files}
    _write(folder, files)
    training = [
        *command.words(str(architecture), str(trained)),
        *([] if epochs is None else ["--set", f"epochs={epochs}"]),
        *([] if data_root is None else ["--data-root", str(data_root)]),
        *([] if device is None else ["--device", device]),
    ]
    console = plain_console(soft_wrap=True, highlight=False)
    for sentence in sentences(choice):
        print_text(console, sentence)
    console.print(f"\nArchitecture: {architecture}\nTrain it: {shlex.join(training)}")
    # The output of the programs comes after.
    sys.stdout.flush()
    status = subprocess.call([sys.executable, *training[1:]]) if retrain else 0
    if status or export is None:
        return status
    options = [] if all_sizes else ["--size", str(choice.chosen.size)]
    options += [option for name in formats or () for option in ("--format", name)]
    options += [] if data_root is None else ["--data-root", str(data_root)]
    return _export(trained, job, export, ["--note", " ".join(sentences(choice)), *options])


def _export(trained: Path, job: "Job", out: Path, options: list[str]) -> int:
    """Start the export of a training, once it is known to be one of this architecture and task."""
    from trainers.export import read_trained

    if not trained.exists():
        raise InputError(f"--export needs a trained network, and there is no {trained}; --retrain")
    trained_job = read_trained(trained).job
    if (trained_job.architecture, trained_job.task) != (job.architecture, job.task):
        raise InputError(f"{trained} holds the training of another job; give another --out")
    program = [sys.executable, "-m", "trainers.export", str(trained), "--out", str(out)]
    return subprocess.call([*program, *options])


def _next_job(run_dir: Path, chosen: "PickCandidate") -> "Job":
    """The job of the chosen candidate with the first seed that was not trained."""
    from studies.rundir.store import RunStore
    from trainers import Job

    jobs = [record.job for record in RunStore(run_dir).records() if record.key in chosen.keys]
    first = jobs[0]
    return Job(first.architecture, first.task, first.recipe, 1 + max(job.seed for job in jobs))


def _write(folder: Path, files: Mapping[str, Any]) -> None:
    """Write JSON files by name."""
    from analysis.render.outputs import make_folder, write_output
    from searchspace.schema import to_json

    make_folder(folder)
    for name, value in files.items():
        text = json.dumps(_finite(to_json(value)), indent=1, allow_nan=False)
        write_output(folder / name, text + "\n")


def _record(choice: "Pick") -> dict[str, Any]:
    """The choice with the estimates of its accuracies, as JSON."""
    from analysis.selection.sentences import sentences
    from searchspace.schema import to_json

    data: dict[str, Any] = to_json(choice)
    for name, candidate in (("chosen", choice.chosen), ("runner_up", choice.runner_up)):
        if candidate is not None:
            data[name]["validation"] = to_json(candidate.validation)
            data[name]["test"] = to_json(candidate.test)
    return {**data, "decided": choice.decided, "sentences": sentences(choice)}


def _finite(data: Any) -> Any:
    """The same JSON value with null in place of numbers that are not finite."""
    if isinstance(data, dict):
        return {name: _finite(value) for name, value in data.items()}
    if isinstance(data, list):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not isfinite(data) else data


if __name__ == "__main__":
    run_command(pick, "python -m analysis.pick")
