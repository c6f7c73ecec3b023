"""The log of a search, `trials.jsonl`: what was proposed, repeated, watched and resumed, in order.

With the results of the jobs it tells everything, so that nothing else need be kept: a trial ended
as its jobs did, and a scheduler is brought to where it was by telling it the same again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from searchspace import Architecture
from searchspace.schema import Value
from trainers import Result

Origin = Literal["sampler", "warm start"]
State = Literal["open", "finished", "truncated", "failed"]
"""Open: a job of the trial has no result yet."""


@dataclass(frozen=True)
class Event(Value):
    """One line of the log, about the trial with this number."""

    number: int


@dataclass(frozen=True)
class Proposed(Event):
    """A new trial; `job` is the key of its first job, which an earlier trial may have had too.

    `attributes` are what the sampler noted with the trial, for itself.
    """

    architecture: Architecture
    origin: Origin
    job: str
    seed: int
    attributes: Mapping[str, Any] = field(default_factory=dict)

    kind: ClassVar[str] = "proposed"


@dataclass(frozen=True)
class Replicated(Event):
    """A further job of a trial, with another seed."""

    job: str
    seed: int
    because: Literal["replicates", "contested"]

    kind: ClassVar[str] = "replicated"


@dataclass(frozen=True)
class Reported(Event):
    """The validation accuracy after an epoch of the first job, told to the scheduler."""

    epoch: int
    accuracy: float

    kind: ClassVar[str] = "reported"


@dataclass(frozen=True)
class Resumed(Event):
    """The scheduler was asked for a waiting trial, and gave this one."""

    kind: ClassVar[str] = "resumed"


Event.family = {made.kind: made for made in (Proposed, Replicated, Reported, Resumed)}


@dataclass(frozen=True)
class Trial:
    """A proposal and the keys and seeds of its jobs, the first job first.

    A trial is truncated if its first job is, failed if no job of it finished; jobs that were added
    because its place on the front is contested come later and do not open it again.
    """

    number: int
    architecture: Architecture
    origin: Origin
    jobs: Mapping[str, int]
    state: State

    @property
    def key(self) -> str:
        """The key of its first job."""
        return next(iter(self.jobs))


class TrialLog:
    """The events so far, by trial."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.proposed: list[Proposed] = []
        self.jobs: list[dict[str, int]] = []
        self.counted: list[list[str]] = []
        self.owners: dict[str, list[int]] = {}
        self.networks: dict[str, list[int]] = {}
        self.contested = 0
        for event in events:
            self.add(event)

    def __len__(self) -> int:
        return len(self.proposed)

    def add(self, event: Event) -> None:
        """Take note of an event."""
        if isinstance(event, Proposed):
            self.proposed.append(event)
            self.jobs.append({event.job: event.seed})
            self.counted.append([event.job])
            self.networks.setdefault(event.architecture.key, []).append(event.number)
            self.owners.setdefault(event.job, []).append(event.number)
        elif isinstance(event, Replicated):
            self.jobs[event.number][event.job] = event.seed
            self.owners.setdefault(event.job, []).append(event.number)
            if event.because == "replicates":
                self.counted[event.number].append(event.job)
            else:
                self.contested += 1

    def trial(self, number: int, results: Mapping[str, Result]) -> Trial:
        """A trial as the results of jobs, by key, leave it."""
        one = self.proposed[number]
        ends = [results.get(key) for key in self.counted[number]]
        return Trial(number, one.architecture, one.origin, self.jobs[number], _state(ends))


def _state(results: list[Result | None]) -> State:
    """How a trial ended whose jobs, the first one first, have these results."""
    statuses = [result and result.status for result in results]
    if statuses[0] == "truncated":
        return "truncated"
    if None in statuses:
        return "open"
    return "finished" if "finished" in statuses else "failed"
