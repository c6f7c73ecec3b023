"""A space made for one kind of images, fitted to those of a task."""

from dataclasses import replace

from searchspace import InputError, Resolutions, Space
from searchspace.space.costs.skeleton import shaped_slots
from searchspace.space.rules import RuleError
from trainers import Task


def fitted(space: Space, task: Task) -> tuple[Space, list[str]]:
    """The space for the task's images and classes, and sentences that say what had to change.

    Sizes to switch between shrink or grow as the images do; a set is left out where two of its
    sizes would coincide or a network could not take the smallest. So is an option whose kernels are
    larger than a map.
    """
    notes: list[str] = []
    size = task.input_size
    if space.input_size != size:
        notes.append(f"The space is for {space.input_size} px and was fitted to {size} px.")
    if space.num_classes not in (None, task.classes):
        notes.append(
            f"The space is for {space.num_classes} classes and was fitted to the {task.classes} "
            f"of {task.short_name}."
        )
    kept = _resolutions(space, size, notes)
    rules = list(space.rules)
    dropped: list[str] = []
    while True:
        try:
            made = replace(
                space,
                rules=tuple(rules),
                resolutions=kept,
                input_size=size,
                num_classes=task.classes,
                in_chs=task.in_chs,
            )
            break
        except RuleError as error:
            if error.option < 0 or space.input_size == size:
                raise
            options = list(rules[error.rule].options)
            dropped.append(options.pop(error.option).label())
            if options:
                rules[error.rule] = replace(rules[error.rule], options=tuple(options))
            else:
                del rules[error.rule]
    if dropped:
        notes.append(f"Left out, for their kernels are larger than a map: {', '.join(dropped)}.")
    return made, notes


def _resolutions(space: Space, size: int, notes: list[str]) -> tuple[Resolutions | None, ...]:
    if space.input_size == size:
        return space.resolutions
    fitted_sets: dict[Resolutions | None, None] = {}
    sizes: list[str] = []
    for resolutions in space.resolutions:
        scaled = resolutions and _scaled(resolutions, size / space.input_size)
        if resolutions is not None and (scaled is None or not _fits(space, scaled)):
            notes.append(f"Left out, for it does not scale to {size} px: {resolutions.label()}.")
            continue
        fitted_sets[scaled] = None
        if resolutions is not None and scaled is not None:
            sizes.append(f"{_listed(resolutions)} became {_listed(scaled)}")
    if sizes:
        notes.append(f"Sizes to switch between: {', '.join(dict.fromkeys(sizes))} px.")
    return tuple(fitted_sets) or (None,)


def _listed(resolutions: Resolutions) -> str:
    return "/".join(map(str, resolutions.sizes))


def _scaled(resolutions: Resolutions, factor: float) -> Resolutions | None:
    sizes = [round(size * factor) for size in resolutions.distinct]
    if len(set(sizes)) < len(sizes) or min(sizes) < 1:
        return None
    by_old = dict(zip(resolutions.distinct, sizes, strict=True))
    return replace(resolutions, sizes=tuple(by_old[size] for size in resolutions.sizes))


def _fits(space: Space, resolutions: Resolutions) -> bool:
    """Whether every backbone can take the smallest size."""
    try:
        for backbone in space.backbones:
            shaped_slots(backbone, min(resolutions.sizes), space.in_chs)
    except InputError:
        return False
    return True
