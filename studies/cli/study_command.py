"""`python -m studies.run NAME|FILE|all`: run a study, or continue it, and report."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from searchspace.cli import fraction, time_span, whole_number
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
            help="quick, digits or paper, or another that --list shows [default: paper with a GPU "
            "and --data-root, else quick where Fashion-MNIST is found, else digits]"
        ),
    ] = None,
    task: Annotated[
        list[str] | None, typer.Option(help="Task in place of the preset's; may be repeated.")
    ] = None,
    data_root: DataRoot = None,
    download: Download = False,
    seeds: Annotated[
        int | None,
        typer.Option(parser=whole_number, metavar="N", help="Runs of each arm; more extends."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run directory [default: runs/STUDY-PRESET]")
    ] = None,
    until_decided: Annotated[
        bool,
        typer.Option(
            "--until-decided", help="Add seeds, one by one, until every claim is decided."
        ),
    ] = False,
    max_seeds: Annotated[
        int | None,
        typer.Option(
            parser=whole_number,
            metavar="N",
            help="Planned maximum of --until-decided, kept from then on [default: 30]",
        ),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            parser=time_span, metavar="TIME", help="Start no job after so long: 90s, 30m, 2h."
        ),
    ] = None,
    fresh: Fresh = False,
    also_untuned: Annotated[
        bool,
        typer.Option(
            "--also-untuned", help="Train tuned arms with the design's recipe too, to compare."
        ),
    ] = False,
    pilot: Annotated[
        bool,
        typer.Option(
            "--pilot",
            help="Train the baseline against itself (8 pairs, or --seeds) and say which "
            "differences the study can tell; validation only.",
        ),
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try recipes again whose tuning failed.")
    ] = False,
    workers: Workers = None,
    gpus_per_trial: Annotated[
        float | None,
        typer.Option(
            parser=fraction,
            metavar="X",
            help="GPUs of each job: a share of one, or whole ones, which share every batch "
            "[default: 1 for paper if there is one, else 0]",
        ),
    ] = None,
    cpus_per_trial: CpusPerTrial = None,
    time_limit: TimeLimit = None,
    keep_weights: KeepWeights = "front",
    address: Address = None,
    track: Track = None,
    watch: Watch = False,
) -> int:
    """Run a named study; the same command again continues it, or replays it if it is finished.

    A file may hold a study or a search. `python -m studies.run search --help` is about searches.
    """
    from searchspace.console import plain_console
    from studies.papers.index import studies_text

    console = plain_console(soft_wrap=True)
    if list_studies:
        # Elsewhere each line stays whole, for the program that reads it.
        width = console.width if console.is_terminal else sys.maxsize
        console.print(studies_text(width), highlight=False)
        return 0
    if name is None:
        raise InputError("name a study to run; --list shows them all")

    import torch

    from studies.cli.ablation_training import TrainingOptions
    from studies.cli.pilot import measured_pilot, pilot_ablation, pilot_text
    from studies.cli.preview import check_data, plan_table
    from studies.cli.running import prepare, report_run, run_ablation, run_all, watched
    from studies.cli.study_choice import (
        ALL,
        named_studies,
        only_ablation,
        quick_preset,
        study_ablation,
        with_max_seeds,
        with_untuned_arms,
    )
    from studies.execution.ray_backend import RayBackend
    from studies.execution.resources import Resources
    from studies.rundir.store import RunStore
    from studies.spec.study_file import PRESET, read_study
    from studies.trackers.tracking import Tracking
    from trainers.arguments import parse_task

    file = read_study(name) if Path(name).suffix in FILES else None
    roots = [parse_task(one)[1] for one in task or [] if Path(one).suffix in FILES]
    roots += [file.data_root] if file else []
    data_root = data_root or next(filter(None, roots), None)
    with_gpu = torch.cuda.is_available()
    if preset is None and file:
        preset = PRESET
    elif preset is None and data_root is not None and with_gpu:
        preset = "paper"
    elif preset is None:
        # Data that are named or fetched need not be at hand.
        preset = "quick" if task or download else quick_preset(name, data_root, console)
    if gpus_per_trial is None:
        gpus_per_trial = 1.0 if preset.startswith("paper") and with_gpu else 0.0
    resources = Resources(
        *(workers, gpus_per_trial, address, data_root, time_limit),
        keep_weights=keep_weights,
        cpus_per_trial=cpus_per_trial,
    )
    tracking = Tracking(track or [])
    options = TrainingOptions(retry_failed, budget, tracking=tracking)
    if max_seeds is not None and not until_decided:
        raise InputError("--max-seeds is the planned maximum of --until-decided; give both")
    studies = [file.study] if file else named_studies(name, preset)
    ablations = [
        study_ablation(study, preset, task or [], None if pilot else seeds) for study in studies
    ]
    for each in ablations:
        each.design.latency_method.check_program()
    design = ablations[0].design
    if pilot:
        ablations = [pilot_ablation(only_ablation(ablations, "--pilot"), seeds)]
    if also_untuned:
        ablations = with_untuned_arms(ablations)
    for one in dict.fromkeys(one for ablation in ablations for one in ablation.tasks):
        if download:
            one.download(data_root)
    label = file.study.name if file else name
    parts = [label, preset, *(Path(one).stem for one in task or []), *(["pilot"] if pilot else [])]
    out = out or Path("runs") / "-".join(parts)
    stores = [RunStore(out / ablation.name if name == ALL else out) for ablation in ablations]
    if until_decided:
        pairs = zip(ablations, stores, strict=True)
        ablations = [with_max_seeds(*pair, max_seeds, fresh, name == ALL) for pair in pairs]
    if show_plan:
        for ablation, store in zip(ablations, stores, strict=True):
            missing_data = check_data(ablation.tasks, data_root, strict=False)
            if not missing_data:
                ablation = ablation.identified(data_root)
            if not fresh:
                ablation = prepare(ablation, store, fresh=False, console=console)
            console.print(plan_table(ablation, store, resources))
            if missing_data:
                console.print(missing_data)
        return 0
    with RayBackend(resources) as backend, watched([s.folder for s in stores], watch):
        if name == ALL:
            return run_all(ablations, out, backend, console, fresh=fresh, options=options)
        status = run_ablation(
            ablations[0], stores[0], backend, console, fresh=fresh, options=options
        )
    if pilot and not status:
        console.print(pilot_text(design, measured_pilot(stores[0])), markup=False)
        return 0
    return report_run(stores[0], status, tracking)
