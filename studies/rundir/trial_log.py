"""The log of a search, `trials.jsonl`: what happened to its trials, in order.

Together with the results of the jobs it is the whole state of a search. `TrialTable` has the state
of each trial; an early stopping scheduler is restored by reporting the same again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from searchspace import Architecture
from searchspace.schema import Value

Origin = Literal["sampler", "warm start"]


@dataclass(frozen=True)
class Event(Value):
    """One line of the log, about the trial with this number."""

    number: int


@dataclass(frozen=True)
class Proposed(Event):
    """A new trial; `job` is the key of its first job, which an earlier trial may have too.

    `attributes` are what the sampler stored with the trial for its own use.
    """

    architecture: Architecture
    origin: Origin
    job: str
    seed: int
    attributes: Mapping[str, Any] = field(default_factory=dict)

    kind: ClassVar[str] = "proposed"


@dataclass(frozen=True)
class Replicated(Event):
    """A further job of a trial, with another seed.

    Every trial has the "replicates"; "contested" jobs go to trials whose place on the front is
    uncertain.
    """

    job: str
    seed: int
    because: Literal["replicates", "contested"]

    kind: ClassVar[str] = "replicated"


@dataclass(frozen=True)
class Reported(Event):
    """The validation accuracy in [0, 1] after an epoch of the first job, as scheduled."""

    epoch: int
    accuracy: float

    kind: ClassVar[str] = "reported"


@dataclass(frozen=True)
class Resumed(Event):
    """The scheduler promoted this paused trial."""

    kind: ClassVar[str] = "resumed"


Event.family = {event.kind: event for event in (Proposed, Replicated, Reported, Resumed)}
