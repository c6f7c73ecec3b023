"""`python -m studies.run STUDY`: run a named study, or go on with it, and report."""

import sys
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console

from searchspace import InputError
from searchspace.cli import fraction, run_command, whole_number
from studies.cli.all_studies import ALL, run_every
from studies.cli.drive import prepare, report, train_missing
from studies.cli.options import Address, DataRoot, Fresh, TimeLimit, Workers
from studies.cli.preview import plan_table
from studies.execution.ray_backend import RayBackend
from studies.execution.resources import Resources
from studies.papers.catalog import STUDIES, study
from studies.papers.index import studies_table
from studies.rundir.store import RunStore
from studies.spec.ablation import Ablation, Study
from studies.spec.study_file import PRESET, read_study
from trainers import TASKS, Task

FILES = (".yaml", ".yml", ".json")
"""How the names of files that hold a study end."""


def run(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="STUDY", help="A study of --list, all of them (all), or a file (*.yaml)."
        ),
    ] = None,
    list_studies: Annotated[bool, typer.Option("--list", help="Show all studies.")] = False,
    show_plan: Annotated[
        bool, typer.Option("--plan", help="Show arms, costs, jobs and estimated time; train none.")
    ] = False,
    preset: Annotated[
        str | None,
        typer.Option(
            help="quick or paper, or another that --list shows [default: paper with a GPU and "
            "--data-root, else quick]"
        ),
    ] = None,
    task: Annotated[
        list[str] | None, typer.Option(help="Task in place of the preset's; may be repeated.")
    ] = None,
    data_root: DataRoot = None,
    seeds: Annotated[
        int | None,
        typer.Option(parser=whole_number, metavar="N", help="Runs of each arm; more extends."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run directory [default: runs/STUDY-PRESET]")
    ] = None,
    fresh: Fresh = False,
    workers: Workers = None,
    gpus_per_trial: Annotated[
        float | None,
        typer.Option(
            parser=fraction,
            metavar="X",
            help="GPUs for each job, fractions too [default: 1 for paper if there is one, else 0]",
        ),
    ] = None,
    time_limit: TimeLimit = None,
    address: Address = None,
) -> int:
    """Run a named study; the same command again continues it, or replays it if it is finished.

    `python -m studies.run search --help` is about searches of a space.
    """
    console = Console(soft_wrap=True)
    if list_studies:
        console.print(studies_table())
        return 0
    if name is None:
        raise InputError("name a study to run; --list shows them all")
    own = read_study(name) if name.endswith(FILES) else None
    if own is not None:
        data_root = data_root or own.data_root
    preset = preset or (PRESET if own else _default_preset(data_root))
    chosen = [own.study] if own else _named(name, preset)
    plans = [_plan(one, preset, task or [], seeds) for one in chosen]
    if gpus_per_trial is None:
        gpus_per_trial = 1.0 if preset.startswith("paper") and torch.cuda.is_available() else 0.0
    resources = Resources(workers, gpus_per_trial, address, data_root, time_limit)
    label = own.study.name if own else name
    out = out or Path("runs") / "-".join([label, preset, *(task or [])])
    if show_plan:
        for plan in plans:
            folder = out / plan.name if name == ALL else out
            console.print(plan_table(plan, RunStore(folder), resources))
        return 0
    if name == ALL:
        with RayBackend(resources) as backend:
            return run_every(plans, out, backend, console, fresh=fresh)
    (plan,) = plans
    for wanted in plan.design.tasks:
        wanted.locate(data_root)
    store = RunStore(out)
    plan = prepare(plan, store, fresh=fresh, console=console)
    with RayBackend(resources) as backend:
        status = train_missing(plan, store, backend, console)
    return status or report(store.folder)


def _named(name: str, preset: str) -> list[Study]:
    """The study of that name, or all that have the preset."""
    if name != ALL:
        return [study(name)]
    return [one for one in STUDIES.values() if preset in one.presets]


def _default_preset(data_root: Path | None) -> str:
    return "paper" if data_root is not None and torch.cuda.is_available() else "quick"


def _plan(chosen: Study, preset: str, names: list[str], seeds: int | None) -> Ablation:
    if preset not in chosen.presets:
        raise InputError(f"--preset must be one of {', '.join(chosen.presets)}, got {preset!r}")
    tasks: list[Task] = []
    for name in dict.fromkeys(names):
        if name not in TASKS:
            raise InputError(f"there is no task {name!r}; known tasks are {', '.join(TASKS)}")
        known = [t for t in chosen.presets[preset].tasks if t.kind == name]
        tasks.append(known[0] if known else TASKS[name]())
    return chosen.ablation(preset, tasks=tuple(tasks), seeds=seeds)


def main() -> None:
    """The command; `search` as its first word is a search, anything else the name of a study."""
    if sys.argv[1:2] == ["search"]:
        from studies.cli.search_command import search

        del sys.argv[1]
        run_command(search, "python -m studies.run search")
    run_command(run, "python -m studies.run")


if __name__ == "__main__":
    main()
