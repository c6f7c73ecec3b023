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

TRAINED = "trained"
"""The folder of new trainings, each in a folder named by its seed."""

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
    retrain: Annotated[bool, typer.Option("--retrain", help="Train it, with new seeds.")] = False,
    retrain_seeds: Annotated[
        int,
        typer.Option(
            parser=whole_number,
            metavar="K",
            help="Trainings of --retrain, of which the best on validation is exported.",
        ),
    ] = 3,
    epochs: Annotated[
        int | None,
        typer.Option(parser=whole_number, metavar="N", help="In place of the recipe's."),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write the network as files: as the run measured it, or newly trained.",
        ),
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
    jobs = _next_jobs(run_dir, choice.chosen, retrain_seeds)
    folder = out or run_dir / "pick" / jobs[0].architecture.key
    architecture = folder / "architecture.json"
    options = [
        *([] if epochs is None else ["--set", f"epochs={epochs}"]),
        *([] if data_root is None else ["--data-root", str(data_root)]),
        *([] if device is None else ["--device", device]),
    ]
    commands = []
    code: Mapping[str, str] = {}
    files = {architecture.name: jobs[0].architecture, "pick.json": _record(choice)}
    for job in jobs:
        command = training_command(job.task, job.recipe, job.seed, folder)
        files |= command.files
        code = command.code
        place = folder / TRAINED / f"seed-{job.seed}"
        commands.append([*command.words(str(architecture), str(place)), *options])
    _write(folder, files, code)
    console = plain_console(soft_wrap=True, highlight=False)
    for sentence in sentences(choice):
        print_text(console, sentence)
    console.print(f"\nArchitecture: {architecture}\nTrain it: {shlex.join(commands[0])}")
    for words in commands if retrain else ():
        # The output of the programs comes after.
        sys.stdout.flush()
        status = subprocess.call([sys.executable, *words[1:]])
        if status:
            return status
    if not retrain and export is None:
        return 0
    trained, outcome = _shipped(run_dir, choice, jobs[0], folder, retrain=retrain)
    for sentence in outcome:
        print_text(console, sentence)
    if export is None:
        return 0
    sys.stdout.flush()
    note = " ".join([*sentences(choice), *outcome])
    program = [sys.executable, "-m", "trainers.export", str(trained), "--out", str(export)]
    program += ["--note", note, "--chosen-accuracy", f"{choice.chosen.mean:.4f}"]
    program += [] if all_sizes else ["--size", str(choice.chosen.size)]
    program += [option for name in formats or () for option in ("--format", name)]
    program += [] if data_root is None else ["--data-root", str(data_root)]
    return subprocess.call(program)


def _shipped(
    run_dir: Path, choice: "Pick", job: "Job", folder: Path, *, retrain: bool
) -> tuple[Path, list[str]]:
    """The training to export, and how it came about in sentences.

    The measured one if its weights are kept and no new one was asked for; else the best new one,
    from now or from before. An InputError if there is neither.
    """
    from analysis.selection.shipping import (
        measured_sentences,
        measured_training,
        retrained,
        retrained_sentences,
    )
    from studies.rundir.store import RunStore

    chosen = choice.chosen
    if not retrain:
        measured = measured_training(RunStore(run_dir), chosen, folder / "measured")
        if measured is not None:
            return measured.folder, measured_sentences(measured, chosen)
    trainings = retrained(folder / TRAINED, chosen.size)
    if not trainings:
        raise InputError(
            "--export needs a trained network: the run has kept no weights of this one "
            "(--keep-weights of the run), and none was trained since; add --retrain"
        )
    for one in trainings:
        if (one.job.architecture, one.job.task) != (job.architecture, job.task):
            raise InputError(f"{one.folder} holds the training of another job; give another --out")
    best = trainings[0]
    as_in_run = all(one.job.recipe == job.recipe for one in trainings)
    return best.folder, retrained_sentences(trainings, choice.expected, as_in_run=as_in_run)


def _next_jobs(run_dir: Path, chosen: "PickCandidate", count: int) -> "list[Job]":
    """The jobs of the chosen candidate with the first seeds that were not trained."""
    from studies.rundir.store import RunStore
    from trainers import Job

    jobs = [record.job for record in RunStore(run_dir).records() if record.key in chosen.keys]
    first, seed = jobs[0], 1 + max(job.seed for job in jobs)
    return [Job(first.architecture, first.task, first.recipe, seed + i) for i in range(count)]


def _write(folder: Path, files: Mapping[str, Any], code: Mapping[str, str]) -> None:
    """Write JSON files and Python files by name."""
    from analysis.render.outputs import make_folder, write_output
    from searchspace.schema import to_json
    from searchspace.serialization.files import read_text

    for name, text in code.items():
        if (folder / name).exists() and read_text(folder / name) != text:
            raise InputError(
                f"{folder / name} is another text than made the data of the run; give another --out"
            )
    make_folder(folder)
    for name, value in files.items():
        text = json.dumps(_finite(to_json(value)), indent=1, allow_nan=False)
        write_output(folder / name, text + "\n")
    for name, text in code.items():
        write_output(folder / name, text)


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
