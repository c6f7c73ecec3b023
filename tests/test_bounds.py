"""Every number has a bound where it enters: absurd values end in one sentence."""

from dataclasses import fields, replace
from typing import Any, get_args, get_type_hints

import pytest

from searchspace import BACKBONES, Architecture, InputError, ResNetCifar, Resolutions, measure
from searchspace.choice import OPERATORS
from searchspace.space.costs.limits import Limits
from studies.execution.resources import Resources
from studies.papers.catalog import STUDIES
from studies.samplers.registry import SAMPLERS
from studies.search.early_stopping import SCHEDULERS
from trainers import RECIPES, TASKS, Job

VALUES: dict[str, Any] = {
    **{f"operator {kind}": choice() for kind, choice in OPERATORS.items()},
    **{f"backbone {kind}": backbone() for kind, backbone in BACKBONES.items()},
    **{f"task {kind}": task() for kind, task in TASKS.items()},
    **{f"sampler {kind}": settings() for kind, settings in SAMPLERS.items()},
    **{f"scheduler {kind}": settings() for kind, settings in SCHEDULERS.items()},
    "recipe": RECIPES["quick"],
    "resolutions": Resolutions((16, 8)),
    "limits": Limits(),
    "resources": Resources(),
    "design": next(iter(STUDIES.values())).presets["quick"],
    "job": Job(Architecture(ResNetCifar()), TASKS["digits"](), RECIPES["quick"], 0),
}
ABSURD = {"2^63": 2**63, "10^21": 10**21, "300 digits": 10**300, "10^-": -(10**21)}
HUGE = 10**5000


def numbers(value: Any) -> list[tuple[str, Any]]:
    """The fields that hold numbers, or lists of numbers, and their annotations."""
    found = []
    for name, hint in get_type_hints(type(value)).items():
        if name in {field.name for field in fields(value)}:
            kinds = {hint, *get_args(hint)}
            if kinds & {int, float}:
                found.append((name, kinds))
    return found


@pytest.mark.parametrize("name", VALUES)
def test_absurd_numbers_are_one_sentence(name: str) -> None:
    value = VALUES[name]
    for field, kinds in numbers(value):
        # Single precision holds 10^21, as a rate at which training diverges.
        absurd = [*ABSURD.values()] if int in kinds else [10**300, -(10**21)]
        for number in (*absurd, HUGE):
            given: Any = number
            if isinstance(getattr(value, field), tuple):
                given = (number,) * max(1, len(getattr(value, field)))
            with pytest.raises(InputError) as raised:
                replace(value, **{field: given})
            assert len(str(raised.value)) < 600


def test_there_are_numbers_in_most_values() -> None:
    assert sum(bool(numbers(value)) for value in VALUES.values()) > 20


@pytest.mark.parametrize("number", [*ABSURD.values(), 0], ids=[*ABSURD, "0"])
def test_shapes_of_measured_networks_have_bounds(number: int) -> None:
    for shape in ({"in_chs": number}, {"num_classes": number}, {"input_size": number}):
        with pytest.raises(InputError):
            measure(Architecture(ResNetCifar(8)), **{"input_size": 8, **shape})


def test_lists_have_at_most_so_many_entries() -> None:
    with pytest.raises(InputError, match="at most 64 entries"):
        OPERATORS["mixconv"](kernels=(3,) * 65)  # type: ignore[call-arg]
    with pytest.raises(InputError, match="at most 64 entries"):
        Resolutions((8,) * 65)


@pytest.mark.parametrize("gpus", [1.5, 2.25, -1.0, float("nan"), float("inf"), 1e9])
def test_a_job_has_part_of_a_gpu_or_whole_ones(gpus: float) -> None:
    with pytest.raises(InputError, match="gpus_per_trial must be"):
        Resources(gpus_per_trial=gpus)
    for fine in (0, 0.25, 1, 2):
        Resources(gpus_per_trial=fine)


def test_a_rate_that_is_divided_without_end_is_zero() -> None:
    recipe = replace(RECIPES["quick"], schedule="step", step_epochs=1, step_divisor=1e6, epochs=999)
    assert recipe.rate(998.0) == 0.0
    with pytest.raises(InputError, match="step_divisor must be a number of at least 1"):
        replace(recipe, step_divisor=0.0)
