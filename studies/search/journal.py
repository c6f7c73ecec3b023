"""The Optuna study of a search on disk, for optuna-dashboard.

    optuna-dashboard RUN/optuna.journal

It can always be made again from the run directory. A truncated trial has its last validation
accuracy as intermediate value. A paused trial stays RUNNING until the journal is closed, because
it may be promoted.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, json_to_distribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState

from studies.rundir.jsonl import drop_torn_line, writing
from studies.search.optuna_trials import EPOCHS, LAST_ACCURACY, directions, end_trial, open_study
from studies.spec.search import Search

JOURNAL = "optuna.journal"


class NoLock(JournalFileOpenLock):
    """Does not lock: the lock of the run directory keeps other writers away."""

    def acquire(self) -> bool:
        """Succeed at once."""
        return True

    def release(self) -> None:
        """Do nothing."""


class UnparsedParameters(JournalFileBackend):
    """A journal whose reader is spared the parameters of trials, which take most of the time.

    Optuna parses each distribution of each trial, though all trials share them. `parameters` are
    those of the trials so far, in order: what each has, by name, and the number of its value.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), lock_obj=NoLock(str(path)))
        self.parameters: list[tuple[dict[str, str], dict[str, float]]] = []

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        """The logs from a number on, new trials without parameters."""
        for log in super().read_logs(log_number_from):
            if "distributions" in log:
                self.parameters.append((log.pop("distributions"), log.pop("params")))
            yield log

    def values(self, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """The parameters of a trial and their choices, both by name."""
        texts, numbers = self.parameters[number]
        kinds = {name: _distribution(text) for name, text in texts.items()}
        params = {name: kinds[name].to_external_repr(value) for name, value in numbers.items()}
        return params, _choices(kinds)


@cache
def _distribution(text: str) -> BaseDistribution:
    return json_to_distribution(text)


class Journal:
    """The journal file of a run directory, kept in step with the trials of a search."""

    def __init__(
        self, folder: Path, name: str, search: Search, trials: Sequence[FrozenTrial]
    ) -> None:
        self.path = folder / JOURNAL
        self.name, self.search = name, search
        self.paused: dict[int, FrozenTrial] = {}
        self.outdated = False
        if not self._load(trials):
            self._write(trials)

    def _load(self, trials: Sequence[FrozenTrial]) -> bool:
        """Open the file; whether it has just these trials and directions."""
        if not self.path.exists():
            return False
        drop_torn_line(self.path)
        try:
            self._open()
            stored = self.study.get_trials(deepcopy=False)
            same = len(stored) == len(trials) and all(map(self._same, stored, trials))
            return same and self.study.directions == directions(self.search)
        except (ValueError, LookupError, TypeError, AttributeError, OSError):
            # Nothing is lost by a damaged file: it is written again.
            return False

    def _same(self, stored: FrozenTrial, trial: FrozenTrial) -> bool:
        """Whether a trial of the file is the one that it should be."""
        if (stored.state, stored.values) != (trial.state, trial.values):
            return False
        return self.backend.values(stored.number) == (trial.params, _choices(trial.distributions))

    def _write(self, trials: Sequence[FrozenTrial]) -> None:
        with writing(self.path.parent):
            self.path.unlink(missing_ok=True)
            self._open()
            self.study.add_trials(_with_last_accuracy(trial) for trial in trials)

    def _open(self) -> None:
        self.backend = UnparsedParameters(self.path)
        self.storage = JournalStorage(self.backend)
        self.study = open_study(self.storage, self.name, self.search)

    def add(self, trial: FrozenTrial) -> None:
        """Add a running trial."""
        with writing(self.path.parent):
            self.study.add_trial(trial)

    def end(self, trial: FrozenTrial, *, paused: bool) -> None:
        """End a trial; one that is paused is ended when the journal is closed."""
        self.paused.pop(trial.number, None)
        if paused:
            self.paused[trial.number] = trial
        elif self.study.get_trials(deepcopy=False)[trial.number].state.is_finished():
            # Optuna does not let a trial end twice.
            self.outdated = True
        else:
            with writing(self.path.parent):
                end_trial(self.storage, self.name, _with_last_accuracy(trial))

    def close(self, trials: Sequence[FrozenTrial]) -> None:
        """End the paused trials, too."""
        if self.outdated:
            self._write(trials)
            return
        for trial in list(self.paused.values()):
            self.end(trial, paused=False)


def _choices(distributions: Mapping[str, BaseDistribution]) -> dict[str, Any]:
    """The choices of categorical parameters by name."""
    return {
        name: distribution.choices
        for name, distribution in distributions.items()
        if isinstance(distribution, CategoricalDistribution)
    }


def _with_last_accuracy(trial: FrozenTrial) -> FrozenTrial:
    """A truncated trial with its last validation accuracy at its last epoch."""
    last = trial.user_attrs.get(LAST_ACCURACY)
    if trial.state == TrialState.PRUNED and last is not None:
        trial = copy(trial)
        trial.intermediate_values = {trial.user_attrs[EPOCHS]: last}
    return trial
