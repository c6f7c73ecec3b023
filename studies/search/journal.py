"""The Optuna study of a search on disk, for optuna-dashboard.

    optuna-dashboard RUN/optuna.journal

It can always be made again from the run directory. A truncated trial has its last validation
accuracy as intermediate value. A paused trial stays RUNNING until the journal is closed, because
it may be promoted.
"""

from collections.abc import Sequence
from copy import copy
from pathlib import Path

from optuna.distributions import CategoricalDistribution
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
            same = list(map(_content, stored)) == list(map(_content, trials))
            return same and self.study.directions == directions(self.search)
        except (ValueError, LookupError, TypeError, AttributeError, OSError):
            # Nothing is lost by a damaged file: it is written again.
            return False

    def _write(self, trials: Sequence[FrozenTrial]) -> None:
        with writing(self.path.parent):
            self.path.unlink(missing_ok=True)
            self._open()
            self.study.add_trials(_with_last_accuracy(trial) for trial in trials)

    def _open(self) -> None:
        backend = JournalFileBackend(str(self.path), lock_obj=NoLock(str(self.path)))
        self.storage = JournalStorage(backend)
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


def _content(trial: FrozenTrial) -> tuple[TrialState, object, object, object]:
    choices = {
        name: distribution.choices
        for name, distribution in trial.distributions.items()
        if isinstance(distribution, CategoricalDistribution)
    }
    return trial.state, trial.values, trial.params, choices


def _with_last_accuracy(trial: FrozenTrial) -> FrozenTrial:
    """A truncated trial with its last validation accuracy at its last epoch."""
    last = trial.user_attrs.get(LAST_ACCURACY)
    if trial.state == TrialState.PRUNED and last is not None:
        trial = copy(trial)
        trial.intermediate_values = {trial.user_attrs[EPOCHS]: last}
    return trial
