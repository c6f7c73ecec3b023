"""`python -m studies.run search`: search a space, or continue a search."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from searchspace.cli import amount, fraction, whole_number, whole_number_or_zero
from searchspace.errors import InputError
from studies.cli.options import (
    FILES,
    Address,
    CpusPerTrial,
    DataRoot,
    Download,
    Fresh,
    KeepWeights,
    TimeLimit,
    Track,
    Watch,
    Workers,
)

if TYPE_CHECKING:
    from studies.spec.search import Search
    from studies.spec.search_file import SearchFile

Amount = Annotated[
    float | None,
    typer.Option(parser=amount, metavar="N", help="Deployed, for one image; k, M, G allowed."),
]


def search(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="A search (*.yaml), which options change."),
    ] = None,
    space: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="A named space, or a file.")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="A task's name, or a JSON or YAML file [default: digits]")
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(
            parser=whole_number, metavar="N", help="Networks to try; more extends [default: 60]"
        ),
    ] = None,
    max_macs: Amount = None,
    min_macs: Amount = None,
    max_params: Amount = None,
    min_params: Amount = None,
    objectives: Annotated[
        str | None,
        typer.Option(
            help="accuracy and any of macs, params, latency, with commas between "
            "[default: accuracy,macs]"
        ),
    ] = None,
    sampler: Annotated[
        str | None,
        typer.Option(help="What proposes networks: docs/search.md has them [default: informed]"),
    ] = None,
    sampler_set: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="A setting of the sampler.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help="What stops trials early: none, median, asha, mo-asha [default: none]"),
    ] = None,
    scheduler_set: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="A setting of the scheduler.")
    ] = None,
    replicates: Annotated[
        int | None,
        typer.Option(parser=whole_number, metavar="K", help="Runs of every network [default: 1]"),
    ] = None,
    contested: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="K",
            help="Further runs where a place on the front is unsure [default: 0]",
        ),
    ] = None,
    duplicates: Annotated[
        str | None,
        typer.Option(
            help="A network proposed again: answer from the store, or train with a new seed "
            "[default: answer]"
        ),
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="A recipe's name, or a JSON or YAML file [default: quick]")
    ] = None,
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
    seed: Annotated[
        int | None,
        typer.Option(
            parser=whole_number_or_zero,
            metavar="N",
            help="Of the sampler and of the first runs [default: 0]",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run directory [default: runs/search-SPACE-TASK]")
    ] = None,
    show_plan: Annotated[
        bool, typer.Option("--plan", help="Show the space, its costs and the time; train nothing.")
    ] = False,
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed",
            help="Train failed jobs again. Those that failed through the machine (data, disk, "
            "lost workers) are trained again without it.",
        ),
    ] = False,
    fresh: Fresh = False,
    data_root: DataRoot = None,
    download: Download = False,
    workers: Workers = None,
    gpus_per_trial: Annotated[
        float,
        typer.Option(
            parser=fraction,
            metavar="X",
            help="GPUs of each job: a share of one, or whole ones, which share every batch.",
        ),
    ] = 0.0,
    cpus_per_trial: CpusPerTrial = None,
    time_limit: TimeLimit = None,
    keep_weights: KeepWeights = "front",
    address: Address = None,
    track: Track = None,
    watch: Watch = False,
) -> int:
    """Search a space for networks that trade accuracy against cost.

    The same command again continues after an interruption; with more trials, replicates or other
    objectives it extends the search. Selection sees validation accuracies only.
    """
    import torch

    from searchspace.console import plain_console
    from studies.cli.preview import check_data
    from studies.cli.running import prepare, report_run, run_search, watched
    from studies.cli.search_preview import search_table
    from studies.execution.ray_backend import RayBackend
    from studies.execution.resources import Resources
    from studies.rundir.store import RunStore
    from studies.trackers.tracking import Tracking

    # Networks are priced one image at a time: more threads would only wait for each other.
    torch.set_num_threads(1)
    console = plain_console(soft_wrap=True)
    asked = _read(
        file,
        {
            "space": space,
            "task": task,
            "recipe": recipe,
            "trials": trials,
            "max_macs": max_macs,
            "min_macs": min_macs,
            "max_params": max_params,
            "min_params": min_params,
            "objectives": objectives and objectives.replace(" ", "").split(","),
            "sampler": sampler,
            "sampler_settings": _settings(sampler_set or [], "--sampler-set"),
            "scheduler": scheduler,
            "scheduler_settings": _settings(scheduler_set or [], "--scheduler-set"),
            "replicates": replicates,
            "contested": contested,
            "duplicates": duplicates,
            "seed": seed,
        },
        [*(change or []), *([] if epochs is None else [f"epochs={epochs}"])],
    )
    tracking = Tracking(track or [])
    experiment = asked.search
    check_parts(experiment)
    data_root = data_root or asked.data_root
    resources = Resources(
        *(workers, gpus_per_trial, address, data_root, time_limit or None),
        keep_weights=keep_weights,
        cpus_per_trial=cpus_per_trial,
    )
    task_name = Path(task).stem if task else experiment.task.short_name
    store = RunStore(out or Path("runs") / f"{experiment.name}-{task_name}")
    if download:
        experiment.task.download(data_root)
    missing_data = check_data(experiment.tasks, data_root, strict=not show_plan)
    if not missing_data:
        experiment = experiment.identified(data_root)
    if not (show_plan and fresh):
        experiment = prepare(experiment, store, fresh=fresh, console=console)
    for note in asked.notes:
        console.print(note, highlight=False)
    if show_plan:
        console.print(search_table(experiment, store, resources))
        if missing_data:
            console.print(missing_data)
        return 0
    with RayBackend(resources) as backend, watched([store.folder], watch):
        status = run_search(
            experiment,
            store,
            backend,
            console,
            warm_start or [],
            retry_failed=retry_failed,
            tracking=tracking,
        )
    return report_run(store, status, tracking)


def check_parts(search: "Search") -> None:
    """Raise an InputError for limits, sampler and scheduler that do not go together."""
    from studies.samplers.registry import sampler_settings
    from studies.search.early_stopping import early_stopping

    # No network within the limits is an InputError.
    _ = search.within
    if "latency" in search.objectives:
        search.latency_method.check_program()
    sampler_settings(search.sampler, search.sampler_settings)
    early_stopping(search.scheduler, search.scheduler_settings).start(search.recipe.epochs)


def _read(file: Path | None, options: Mapping[str, Any], changes: list[str]) -> "SearchFile":
    """The search of the file, if there is one, with the options in place of its fields."""
    from searchspace.schema import to_json
    from studies.spec.file_fields import read_fields
    from studies.spec.search_file import build_search
    from trainers.arguments import parse_changes, parse_recipe, task_fields

    data: dict[str, Any] = dict(read_fields(file)) if file else {}
    given = {name: value for name, value in options.items() if value is not None}
    for name in ("sampler_settings", "scheduler_settings"):
        given[name] = {**data.get(name, {}), **given[name]}
    if "space" in given and file and Path(given["space"]).suffix in FILES:
        # Paths of options are relative to the working directory, those of a file to its folder.
        given["space"] = str(Path(given["space"]).resolve())
    if "task" in given:
        given["task"] = task_fields(given["task"])
    if "recipe" in given:
        given["recipe"] = to_json(parse_recipe(given["recipe"], []))
    data |= given
    if "space" not in data:
        raise InputError("name a space with --space, or give the file of a search")
    if changes:
        recipe = data.get("recipe", {})
        base = {"base": recipe} if isinstance(recipe, str) else recipe
        data["recipe"] = {**base, **parse_changes(changes)}
    return build_search(data, str(file or "search"), file.parent if file else Path())


def _settings(given: Sequence[str], option: str) -> dict[str, Any]:
    """The settings that NAME=VALUE options give."""
    from trainers.arguments import parse_value

    settings: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise InputError(f"{option} takes NAME=VALUE, got {text!r}")
        parsed = parse_value(value)
        settings[name] = parsed if isinstance(parsed, bool | int | float) else value
    return settings
