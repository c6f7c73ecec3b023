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


def trials(events: Iterable[Event], results: Mapping[str, Result]) -> list[Trial]:
    """All trials of a log, with their states as the results of jobs, by key, say."""
    proposed: list[Proposed] = []
    jobs: dict[int, dict[str, int]] = {}
    counted: dict[int, list[str]] = {}
    for event in events:
        if isinstance(event, Proposed):
            proposed.append(event)
            jobs[event.number] = {event.job: event.seed}
            counted[event.number] = [event.job]
        elif isinstance(event, Replicated):
            jobs[event.number][event.job] = event.seed
            if event.because == "replicates":
                counted[event.number].append(event.job)
    return [
        Trial(
            one.number,
            one.architecture,
            one.origin,
            jobs[one.number],
            _state([results.get(key) for key in counted[one.number]]),
        )
        for one in proposed
    ]


def _state(results: list[Result | None]) -> State:
    """How a trial ended whose jobs, the first one first, have these results."""
    statuses = [result and result.status for result in results]
    if statuses[0] == "truncated":
        return "truncated"
    if None in statuses:
        return "open"
    return "finished" if "finished" in statuses else "failed"
