"""The arms of a study, the papers' printed accuracies, and a design: one way to run it."""

from dataclasses import dataclass, field

from searchspace import Architecture, InputError
from searchspace.checks import MAX_RUNS, check_at_least, check_integer
from searchspace.schema import OMIT_DEFAULT
from studies.spec.claims import Claim
from studies.spec.latency import LatencyMethod
from studies.spec.pilot import Pilot
from studies.spec.tuning import Tuning
from trainers import Job, Recipe, Task

EQUIVALENCE_MARGIN = 0.5
"""Percentage points; the margin of a design that names none."""
MIN_MARGIN = 0.01


@dataclass(frozen=True)
class Arm:
    """One of the networks that a study compares; `recipe` in place of the design's, if given.

    With `weights_offset`, initial weights are drawn with the seed plus this, all else with the
    seed: so an arm can be compared with itself.
    """

    name: str
    architecture: Architecture
    recipe: Recipe | None = field(default=None, metadata=OMIT_DEFAULT)
    weights_offset: int = field(default=0, metadata=OMIT_DEFAULT)

    def __post_init__(self) -> None:
        check_integer(0, weights_offset=self.weights_offset)

    def job(self, task: Task, recipe: Recipe, seed: int) -> Job:
        """The job of one seed; the arm's own recipe comes first."""
        weights_seed = seed + self.weights_offset if self.weights_offset else None
        return Job(self.architecture, task, self.recipe or recipe, seed, weights_seed)


@dataclass(frozen=True)
class Published:
    """A printed top-1 accuracy, in per cent; `task` is our name of the paper's dataset.

    `size` is the input size in pixels of a network that has several, `ensemble` means all of them.
    `macs` and `params` are the printed costs, as numbers, in the paper's own way of counting, which
    `note` names if it is not ours. An arm that no design trains is cited, never compared.
    """

    task: str
    arm: str
    accuracy: float
    source: str
    size: int | None = None
    ensemble: bool = False
    macs: float | None = None
    params: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Design:
    """One way to run a study: the arms on each of the tasks, with as many seeds as it says.

    `note` says in a sentence why it is so, and how it differs from the paper's protocol if it does.
    `claims` are put to the test on every task; accuracies less than `margin` points apart count as
    equivalent. `latency` asks for each arm's latency, measured by `latency_method`. `pilot` is what
    is known of the scatter between seeds.
    `tune` has recipes tried for each arm, on each task, before the jobs that compare the arms.
    With `max_seeds`, the planned maximum, seeds are added one by one until all claims are decided.
    """

    arms: tuple[Arm, ...]
    tasks: tuple[Task, ...]
    recipe: Recipe
    seeds: int
    note: str
    is_paper_protocol: bool = False
    claims: tuple[Claim, ...] = ()
    latency: bool = False
    tune: Tuning | None = field(default=None, metadata=OMIT_DEFAULT)
    margin: float = field(default=EQUIVALENCE_MARGIN, metadata=OMIT_DEFAULT)
    pilot: Pilot | None = field(default=None, metadata=OMIT_DEFAULT)
    max_seeds: int | None = field(default=None, metadata=OMIT_DEFAULT)
    latency_method: LatencyMethod = field(default=LatencyMethod(), metadata=OMIT_DEFAULT)

    def __post_init__(self) -> None:
        check_integer(1, MAX_RUNS, seeds=self.seeds)
        check_at_least(MIN_MARGIN, 100, margin=self.margin)
        if self.max_seeds is not None:
            check_integer(self.seeds, MAX_RUNS, max_seeds=self.max_seeds)
        self._check_claims()
        self._check_tuning()

    def _check_tuning(self) -> None:
        """Every arm must try equally many recipes, each of them legal."""
        if self.tune is None:
            return
        if any(task.splits == "resampled" for task in self.tasks):
            raise InputError(
                "tune chooses one recipe for all seeds on images that resampled splits test on "
                "with other seeds; use a task with fixed splits, got splits=resampled"
            )
        counts = {
            arm.name: len(self.tune.candidates(arm.recipe or self.recipe)) for arm in self.arms
        }
        fewest, most = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
        if counts[fewest] != counts[most]:
            raise InputError(
                f"tune must try equally many recipes for every arm, got {counts[fewest]} for "
                f"{fewest!r} and {counts[most]} for {most!r}"
            )

    def _check_claims(self) -> None:
        arms = {arm.name: arm.architecture.resolutions for arm in self.arms}
        for claim in self.claims:
            for comparison in claim.comparisons:
                for operand in comparison.named:
                    if operand.arm not in arms:
                        raise InputError(
                            f"claim {claim.text!r} names the arm {operand.arm!r}; "
                            f"arms are {', '.join(arms)}"
                        )
                    wrong = operand.illegal(arms[operand.arm])
                    if wrong:
                        raise InputError(f"claim {claim.text!r}: {wrong}")
