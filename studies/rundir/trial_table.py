"""The trials of a search: one object for each, with its jobs, reports, results and state."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from searchspace import Architecture, InputError
from studies.rundir.trial_log import Event, Origin, Proposed, Replicated, Reported
from trainers import Result

State = Literal["open", "finished", "truncated", "failed"]
"""Open: a job that decides the state has no result yet."""


@dataclass(frozen=True)
class Trial:
    """A proposed architecture with its jobs.

    `jobs` are seeds by job key, the first job first. Those in `contested` were added because the
    place of the trial on the front is uncertain; they do not change its state. `reported` are the
    accuracies by epoch that the scheduler has seen. `results` are those of all jobs of the search.
    """

    number: int
    architecture: Architecture
    origin: Origin
    jobs: dict[str, int]
    attributes: Mapping[str, Any]
    results: Mapping[str, Result] = field(compare=False, repr=False)
    contested: set[str] = field(default_factory=set)
    reported: dict[int, float] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The key of its first job."""
        return next(iter(self.jobs))

    @property
    def seed(self) -> int:
        """The seed of its first job."""
        return self.jobs[self.key]

    @property
    def replicates(self) -> list[str]:
        """The keys of the jobs that decide its state, the first job first."""
        return [key for key in self.jobs if key not in self.contested]

    @property
    def result(self) -> Result | None:
        """The result of its first job."""
        return self.results.get(self.key)

    @property
    def state(self) -> State:
        """Truncated if the first job is; failed if no job finished."""
        results = [self.results.get(key) for key in self.replicates]
        statuses = [result and result.status for result in results]
        if statuses[0] == "truncated":
            return "truncated"
        if None in statuses:
            return "open"
        return "finished" if "finished" in statuses else "failed"


class TrialTable:
    """All trials by number, by job and by architecture, as events and results leave them.

    `sampled` counts the trials that the sampler has proposed, `contested` the jobs added because a
    place on the front is uncertain.
    """

    def __init__(
        self, events: Iterable[Event] = (), results: Mapping[str, Result] | None = None
    ) -> None:
        self.results = dict(results or {})
        self.trials: list[Trial] = []
        self.sampled = self.contested = 0
        self._by_job: dict[str, list[Trial]] = {}
        self._by_architecture: dict[str, list[Trial]] = {}
        for event in events:
            self.add(event)

    def __len__(self) -> int:
        return len(self.trials)

    def __iter__(self) -> Iterator[Trial]:
        return iter(self.trials)

    def __getitem__(self, number: int) -> Trial:
        return self.trials[number]

    def of_job(self, key: str) -> list[Trial]:
        """The trials that share a job, in order."""
        return self._by_job.get(key, [])

    def of_architecture(self, architecture: Architecture) -> list[Trial]:
        """The trials of an architecture, in order."""
        return self._by_architecture.get(architecture.key, [])

    def by_architecture(self) -> Mapping[str, list[Trial]]:
        """All trials, by the key of their architecture."""
        return self._by_architecture

    def check_logged(self) -> None:
        """Raise an InputError if a result is of no trial: each is logged before its job starts."""
        unknown = [key for key in self.results if key not in self._by_job]
        if unknown:
            raise InputError(
                f"the log of the trials is damaged: it lacks the trials of {len(unknown)} of "
                f"{len(self.results)} jobs that ended, the first of them {unknown[0]}; restore "
                "trials.jsonl, or begin again with --fresh, which keeps this run aside"
            )

    def add(self, event: Event) -> None:
        """Apply an event of the log; an InputError if it does not follow the events before."""
        follows = 0 <= event.number < len(self)
        if isinstance(event, Proposed):
            follows = event.number == len(self)
        if not follows:
            raise InputError(
                f"the log of the trials is damaged: trial {event.number} is {event.kind} after "
                f"{len(self)} trials were proposed"
            )
        if isinstance(event, Proposed):
            jobs, attributes = {event.job: event.seed}, event.attributes
            trial = Trial(
                event.number, event.architecture, event.origin, jobs, attributes, self.results
            )
            self.trials.append(trial)
            self.sampled += event.origin == "sampler"
            self._by_architecture.setdefault(event.architecture.key, []).append(trial)
            self._by_job.setdefault(event.job, []).append(trial)
        elif isinstance(event, Replicated):
            trial = self.trials[event.number]
            trial.jobs[event.job] = event.seed
            self._by_job.setdefault(event.job, []).append(trial)
            if event.because == "contested":
                trial.contested.add(event.job)
                self.contested += 1
        elif isinstance(event, Reported):
            self.trials[event.number].reported[event.epoch] = event.accuracy
