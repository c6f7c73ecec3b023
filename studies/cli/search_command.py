"""`python -m studies.run search`: search a space, or go on with a search."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, cast, get_args

import torch
import typer
from rich.console import Console

from searchspace import InputError, Space, named_space, read_space, spaces
from searchspace.checks import check_one_of
from searchspace.cli import fraction, whole_number
from searchspace.space.limits import Limits
from studies.cli.drive import FAILED, prepare, report, stopped
from studies.cli.options import Address, DataRoot, Fresh, TimeLimit, Workers
from studies.cli.progress import Progress
from studies.cli.search_preview import endings, search_table
from studies.execution.environment import environment
from studies.execution.ray_backend import RayBackend
from studies.execution.resources import Resources
from studies.rundir.store import RunStore
from studies.samplers.registry import sampler_settings
from studies.search.early_stopping import early_stopping
from studies.search.scheduler import SearchScheduler
from studies.search.warm_start import take_over
from studies.spec.fitting import fitted
from studies.spec.search import Duplicates, Objective, Search, Setting
from trainers.arguments import parse_recipe, parse_task, parse_value

FILES = ".json", ".yaml", ".yml"


def search(
    space_name: Annotated[
        str, typer.Option("--space", metavar="NAME|FILE", help="A named space, or a file.")
    ],
    task: Annotated[str, typer.Option(help="A task's name, or a JSON file.")] = "digits",
    trials: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help="Networks to try; more extends.")
    ] = 60,
    max_macs: Annotated[str | None, typer.Option(metavar="M", help="For example 20M.")] = None,
    min_macs: Annotated[str | None, typer.Option(metavar="M")] = None,
    max_params: Annotated[str | None, typer.Option(metavar="P", help="For example 1.5M.")] = None,
    min_params: Annotated[str | None, typer.Option(metavar="P")] = None,
    objectives: Annotated[
        str, typer.Option(help="accuracy and any of macs, params, latency, with commas between.")
    ] = "accuracy,macs",
    sampler_name: Annotated[
        str, typer.Option("--sampler", help="What proposes networks: docs/search.md has them.")
    ] = "tpe",
    sampler_set: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="A setting of the sampler.")
    ] = None,
    scheduler_name: Annotated[
        str, typer.Option("--scheduler", help="What ends trials early: none, median, asha, mo-asha")
    ] = "none",
    scheduler_set: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="A setting of the scheduler.")
    ] = None,
    replicates: Annotated[
        int, typer.Option(parser=whole_number, metavar="K", help="Runs of every network.")
    ] = 1,
    contested: Annotated[
        int,
        typer.Option(min=0, metavar="K", help="Further runs where a place on the front is unsure."),
    ] = 0,
    duplicates: Annotated[
        str, typer.Option(help="A network proposed again: answer from the store, or a new seed.")
    ] = "answer",
    recipe: Annotated[str, typer.Option(help="A recipe's name, or a JSON file.")] = "quick",
    change: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Change a field of the recipe."),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(parser=whole_number, metavar="N", help="The recipe's epochs.")
    ] = None,
    warm_start: Annotated[
        list[Path] | None, typer.Option(metavar="RUN", help="Learn from an earlier run.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the sampler and of the first runs.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Run directory [default: runs/search-SPACE-TASK]")
    ] = None,
    show_plan: Annotated[
        bool, typer.Option("--plan", help="Show the space, its costs and the time; train nothing.")
    ] = False,
    fresh: Fresh = False,
    data_root: DataRoot = None,
    workers: Workers = None,
    gpus_per_trial: Annotated[
        float, typer.Option(parser=fraction, metavar="X", help="GPUs for each job, fractions too.")
    ] = 0.0,
    time_limit: TimeLimit = None,
    address: Address = None,
) -> int:
    """Search a space for networks that trade accuracy against cost.

    The same command again continues after an interruption; with more trials, replicates or other
    objectives it extends what is there. Selection sees validation accuracies only.
    """
    # Networks are priced one image at a time: more threads would only wait for each other.
    torch.set_num_threads(1)
    console = Console(soft_wrap=True)
    chosen = parse_task(task)
    changes = [*(change or []), *([f"epochs={epochs}"] if epochs is not None else [])]
    limits = Limits(amount(max_macs), amount(min_macs), amount(max_params), amount(min_params))
    room, notes = fitted(_space(space_name), chosen)
    names = tuple(objectives.replace(" ", "").split(","))
    for name in names:
        check_one_of(get_args(Objective), objectives=name)
    check_one_of(get_args(Duplicates), duplicates=duplicates)
    wanted = Search(
        name=f"search-{Path(space_name).stem}",
        space=room,
        task=chosen,
        recipe=parse_recipe(recipe, changes),
        trials=trials,
        limits=limits,
        objectives=cast(tuple[Objective, ...], names),
        sampler=sampler_name,
        sampler_settings=_settings(sampler_set or [], "--sampler-set"),
        scheduler=scheduler_name,
        scheduler_settings=_settings(scheduler_set or [], "--scheduler-set"),
        seed=seed,
        replicates=replicates,
        contested=contested,
        duplicates=cast(Duplicates, duplicates),
    )
    check(wanted)
    store = RunStore(out or Path("runs") / f"{wanted.name}-{Path(task).stem}")
    resources = Resources(workers, gpus_per_trial, address, data_root, time_limit or None)
    if show_plan:
        for note in notes:
            console.print(note, highlight=False)
        console.print(search_table(wanted, store, resources))
        return 0
    chosen.locate(data_root)
    wanted = prepare(wanted, store, fresh=fresh, console=console)
    for note in notes:
        console.print(note, highlight=False)
    with RayBackend(resources) as backend:
        status = train(wanted, store, backend, console, warm_start or [])
    return status or report(store.folder)


def check(search: Search) -> None:
    """Raise an InputError for what only the parts of a search can tell."""
    assert search.within
    sampler_settings(search.sampler, search.sampler_settings)
    early_stopping(search.scheduler, search.scheduler_settings).start(search.recipe.epochs)


def train(
    search: Search,
    store: RunStore,
    backend: RayBackend,
    console: Console,
    warm_start: Sequence[Path] = (),
) -> int:
    """Do what is left of a search, and say how its trials ended; the status to exit with."""
    with store.locked():
        store.ask(search, environment())
        if warm_start:
            count = take_over(search, store, warm_start)
            console.print(f"{count} trials were taken over from earlier runs.")
        progress = Progress(console)
        queue = SearchScheduler(search, store, backend.resources, progress.events())
        try:
            if queue.open:
                with progress.showing(queue.to_do):
                    backend.run(queue)
            else:
                console.print(
                    f"The search in {store.folder} is finished; nothing is trained again."
                )
        finally:
            queue.close()
        console.print(endings(store))
        for key, reason in queue.failures.items():
            console.print(f"job {key} failed: {reason}", markup=False)
        if queue.failures and not any(r.result.points for r in store.records()):
            return FAILED
        return stopped(queue, console)


def amount(text: str | None) -> int | None:
    """A number such as 20000000, 20M, 1.5M or 300k."""
    if text is None:
        return None
    units = {"k": 10**3, "m": 10**6, "g": 10**9}
    unit = units.get(text[-1:].lower(), 1)
    try:
        number = float(text[:-1] if unit > 1 else text) * unit
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise InputError(f"expected a number such as 20M, 300k or 1500000, got {text!r}")
    return round(number)


def _space(name: str) -> Space:
    if name.endswith(FILES) or Path(name).is_file():
        return read_space(name)
    if name not in spaces():
        raise InputError(
            f"there is no space {name!r}, and no such file; named spaces are {', '.join(spaces())}"
        )
    return named_space(name)


def _settings(given: list[str], option: str) -> dict[str, Setting]:
    found: dict[str, Setting] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise InputError(f"{option} takes NAME=VALUE, got {one!r}")
        parsed = parse_value(value)
        found[name] = parsed if isinstance(parsed, bool | int | float) else value
    return found
