"""What the options of a study choose: studies, presets, tasks and the planned maximum of seeds.

The papers' studies are imported where they are asked for; a study of a file needs none of them.
"""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from searchspace.errors import InputError
from studies.rundir.store import RunStore
from studies.spec.ablation import Ablation, Study
from studies.stats.looks import DEFAULT_MAX_SEEDS, until_decided
from trainers.arguments import parse_task

ALL = "all"


def with_max_seeds(
    ablation: Ablation,
    store: RunStore,
    max_seeds: int | None,
    fresh: bool,
    is_one_of_many: bool,
) -> Ablation:
    """The ablation with a planned maximum of seeds, by default that of an earlier run or 30."""
    if is_one_of_many and not ablation.design.claims:
        return ablation
    earlier = None if fresh else store.experiment()
    designs = [ablation.design, *([earlier.design] if isinstance(earlier, Ablation) else [])]
    default = max(DEFAULT_MAX_SEEDS, *(design.seeds for design in designs))
    kept = next((design.max_seeds for design in designs[1:] if design.max_seeds), default)
    return until_decided(ablation, max_seeds or kept)


def only_ablation(ablations: Sequence[Ablation], option: str) -> Ablation:
    """The only ablation; an InputError if there are several."""
    if len(ablations) > 1:
        raise InputError(f"{option} is for one study, got {len(ablations)}")
    return ablations[0]


def quick_preset(name: str, data_root: Path | None, console: Console) -> str:
    """The quick preset whose data is at hand: Fashion-MNIST, or the digits that are built in."""
    from studies.papers.quick import SETTINGS

    quick, digits = SETTINGS
    try:
        SETTINGS[quick].task.locate(data_root)
    except InputError as error:
        if all(digits in study.presets for study in named_studies(name, digits)):
            console.print(f"Preset {digits} is run in place of {quick}: {error}.", markup=False)
            return digits
    return quick


def named_studies(name: str, preset: str) -> list[Study]:
    """The study of that name, or all that have the preset."""
    from studies.papers.catalog import STUDIES, study

    if name != ALL:
        return [study(name)]
    return [study for study in STUDIES.values() if preset in study.presets]


def study_ablation(
    study: Study, preset: str, task_names: Sequence[str], seeds: int | None
) -> Ablation:
    """The study as the options want it; a named task has the preset's settings if it is there."""
    if preset not in study.presets:
        raise InputError(f"--preset must be one of {', '.join(study.presets)}, got {preset!r}")
    own_tasks = {task.short_name: task for task in reversed(study.presets[preset].tasks)}
    names = dict.fromkeys(task_names)
    tasks = tuple(own_tasks.get(name) or parse_task(name)[0] for name in names)
    return study.ablation(preset, tasks=tasks, seeds=seeds)


def with_untuned_arms(ablations: Sequence[Ablation]) -> list[Ablation]:
    """The ablations with untuned arms too; an InputError if none of them is tuned."""
    if not any(ablation.design.tune for ablation in ablations):
        raise InputError(f"--also-untuned: the design of {ablations[0].name} does not tune")
    return [ablation.also_untuned() for ablation in ablations]
