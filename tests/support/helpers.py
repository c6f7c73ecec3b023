"""Small jobs, plans, searches and run directories for tests."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from searchspace import (
    Architecture,
    CoConv,
    ResNetCifar,
    Resolutions,
    Rule,
    Space,
    SqueezeExcite,
    Static,
    Unchanged,
)
from studies import Ablation, Arm, Claim, Design, Published, Search, Study
from studies.rundir.record import Record
from studies.rundir.store import RunStore
from studies.rundir.trial_log import Proposed, Replicated
from studies.spec.claims import exceeds
from trainers import Digits, Epoch, Job, Point, Recipe, Result, Task
from trainers.job import Status

SMALL = ResNetCifar(depth=8, width=2)
STATIC = Architecture(SMALL)
EXPERTS = Architecture(SMALL, {"*": CoConv(experts=2)})
TASK = Digits(noise=0.5, train_size=60)
RECIPE = Recipe(epochs=2, batch_size=20, lr=0.05, crop_padding=1, flip=True)


def job(
    seed: int = 0,
    architecture: Architecture = STATIC,
    recipe: Recipe = RECIPE,
    task: Task = TASK,
) -> Job:
    return Job(architecture, task, recipe, seed)


def study(seeds: int = 2, recipe: Recipe = RECIPE) -> Study:
    design = Design(
        arms=(Arm("static", STATIC), Arm("coconv", EXPERTS)),
        tasks=(TASK,),
        recipe=recipe,
        seeds=seeds,
        note="Tiny networks.",
    )
    figures = (Published("cifar100", "static", 71.87, "CoConv Table 1"),)
    return Study("tiny", "Does it run?", "CoConv Table 4", "static", {"quick": design}, figures)


SPACE = Space.of(
    [ResNetCifar(depth=8, width=2), ResNetCifar(depth=8, width=3)],
    Rule.of("*.conv1", Static(), CoConv(experts=2), tie="all"),
    Rule.of("*.recalibration", Unchanged(), SqueezeExcite(), tie="stage"),
    resolutions=(None, Resolutions((8, 6), distillation="none")),
    input_size=8,
    num_classes=10,
    name="tiny",
)
"""64 networks; those with resolutions serve the sizes 8, 7 (between) and 6."""


def search(trials: int = 6, **settings: Any) -> Search:
    made = Search("tiny", SPACE, TASK, RECIPE, trials)
    return replace(made, **settings)


def made_up(job: Job, accuracy: float, status: Status = "finished") -> Result:
    """A valid result of a job that was not trained; smaller sizes are a little worse."""
    planned = job.recipe.epochs
    epochs = planned if status == "finished" else planned - 1
    curve = tuple(Epoch(i + 1, 1.0, accuracy * (i + 1) / planned, 1.0) for i in range(epochs))
    if status != "finished":
        return Result(status, (), curve, 1.0, f"{status} in epoch {epochs + 1}")
    resolutions = job.architecture.resolutions
    sizes = resolutions.distinct + resolutions.between if resolutions else (job.task.input_size,)
    points = tuple(
        Point(
            size=size,
            validation_accuracy=accuracy - 0.02 * (sizes[0] - size),
            validation_loss=1.0,
            test_accuracy=accuracy - 0.02 * (sizes[0] - size) - 0.01,
            validation_images=450,
            test_images=450,
            trained=resolutions is None or size in resolutions.sizes,
        )
        for size in sizes
    )
    return Result(status, points, curve, 1.0)


def record(job: Job, result: Result) -> Record:
    """The record of a result, always of the same time and environment."""
    return Record(job.key, job, result, "2026-01-01T00:00:00+00:00", {"device": "cpu"})


def with_design(ablation: Ablation, **changes: Any) -> Ablation:
    """The same ablation with fields of its design changed."""
    design = replace(ablation.design, **changes)
    return Ablation(replace(ablation.study, presets={ablation.preset: design}))


def with_study(ablation: Ablation, **changes: Any) -> Ablation:
    """The same ablation with fields of its study changed."""
    return Ablation(replace(ablation.study, **changes))


def write_search(folder: Path) -> Search:
    """A run directory of a search of eight trials, made without training anything.

    Accuracy grows with MACs but for noise. Trial 2 was truncated, 4 failed, 5 diverged, 6 repeats
    the network of 0 and was answered from the store; trial 1 has a replicate, trial 7 serves
    several sizes.
    """
    asked = search(trials=8)
    store = RunStore(folder)
    plain = [a for a in SPACE if a.resolutions is None]
    switchable = next(a for a in SPACE if a.resolutions is not None)
    networks = [plain[i] for i in (0, 31, 9, 14, 20, 27, 0)] + [switchable]
    statuses: dict[int, Status] = {2: "truncated", 4: "failed", 5: "diverged"}
    with store.locked():
        store.ask(asked, {"python": "3"})
        for number, network in enumerate(networks):
            job = asked.job(network, 0)
            store.log(Proposed(number, network, "sampler", job.key, 0))
            if number == 6:
                continue
            result = made_up(job, 0.6 + 0.03 * number, statuses.get(number, "finished"))
            store.append(record(job, result))
        again = asked.job(networks[1], 1)
        store.log(Replicated(1, again.key, 1, "contested"))
        store.append(record(again, made_up(again, 0.62)))
    return asked


def write_ablation(folder: Path, seeds: int = 3, jobs: int | None = None) -> Ablation:
    """A run directory of an ablation of three networks, made without training anything.

    A plain network, one with experts and one with two sizes; the second diverged with seed 1. Of
    all jobs the first `jobs` are there.
    """
    sizes = Architecture(SMALL, resolutions=Resolutions((8, 6), distillation="none"))
    tiny = study(seeds)
    design = tiny.presets["quick"]
    arms = (*design.arms, Arm("two sizes", sizes))
    claim = Claim("Experts help", "CoConv Table 4", exceeds("coconv", "static"))
    plan = replace(
        tiny,
        presets={"quick": replace(design, arms=arms, claims=(claim,))},
        published=(Published("cifar100", "static", 71.87, "CoConv Table 1", macs=5.6e8),),
    ).ablation("quick")
    store = RunStore(folder)
    with store.locked():
        store.ask(plan, {"python": "3"})
        for arm, asked in list(plan.jobs())[:jobs]:
            bad = arm.name == "coconv" and asked.seed == 1
            accuracy = 0.8 + 0.05 * (arm.name == "coconv") + 0.01 * asked.seed
            result = made_up(asked, accuracy, "diverged" if bad else "finished")
            store.append(record(asked, result))
    return plan
