"""The Optuna study of a search on disk, for optuna-dashboard; all of it can be made from the store.

    optuna-dashboard RUN/optuna.journal

A trial that a scheduler ended early has its last validation accuracy as intermediate value. While
it may yet be resumed it stays RUNNING, until this is closed.
"""

from collections.abc import Sequence
from copy import copy
from pathlib import Path

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState

from studies.rundir.jsonl import drop_torn_line, writing
from studies.search.optuna_study import EPOCHS, SO_FAR, Kept, directions
from studies.spec.search import Search

JOURNAL = "optuna.journal"


class Alone(JournalFileOpenLock):
    """No lock: the run directory's own keeps other writers away, and is freed even by a kill."""

    def acquire(self) -> bool:
        """Always got."""
        return True

    def release(self) -> None:
        """Nothing to do."""


class Dashboard:
    """The file, in step with the trials of `Proposals`."""

    def __init__(
        self, folder: Path, name: str, search: Search, trials: Sequence[FrozenTrial]
    ) -> None:
        self.path = folder / JOURNAL
        self.name, self.search = name, search
        self.waiting: dict[int, FrozenTrial] = {}
        self.stale = False
        kept = self._present(trials)
        self.kept = self._made(trials) if kept is None else kept

    def _present(self, trials: Sequence[FrozenTrial]) -> Kept | None:
        """The study in the file, if it says just what the trials do."""
        if not self.path.exists():
            return None
        drop_torn_line(self.path)
        try:
            kept = self._open()
            same = [_content(t) for t in kept.trials()] == [_content(t) for t in trials]
        except (ValueError, LookupError, TypeError, AttributeError, OSError):
            # Whatever is wrong with it, nothing is lost: it is written again.
            return None
        return kept if same and kept.study.directions == directions(self.search) else None

    def _made(self, trials: Sequence[FrozenTrial]) -> Kept:
        with writing(self.path.parent):
            self.path.unlink(missing_ok=True)
            kept = self._open()
            kept.study.add_trials(_shown(trial) for trial in trials)
        return kept

    def _open(self) -> Kept:
        storage = JournalStorage(JournalFileBackend(str(self.path), lock_obj=Alone(str(self.path))))
        return Kept(storage, self.name, self.search)

    def add(self, trial: FrozenTrial) -> None:
        """A new trial."""
        with writing(self.path.parent):
            self.kept.study.add_trial(trial)

    def end(self, trial: FrozenTrial, *, may_go_on: bool) -> None:
        """A trial ended; if it may go on, this is shown when the file is closed."""
        self.waiting.pop(trial.number, None)
        if may_go_on:
            self.waiting[trial.number] = trial
        elif self.kept.trials()[trial.number].state.is_finished():
            # Optuna does not let a trial end twice.
            self.stale = True
        else:
            with writing(self.path.parent):
                self.kept.end(_shown(trial))

    def close(self, trials: Sequence[FrozenTrial]) -> None:
        """Show what is waiting as ended."""
        if self.stale:
            self.kept = self._made(trials)
            return
        for trial in list(self.waiting.values()):
            self.end(trial, may_go_on=False)


def _content(trial: FrozenTrial) -> tuple[TrialState, object, object, object]:
    return trial.state, trial.values, trial.params, trial.distributions


def _shown(trial: FrozenTrial) -> FrozenTrial:
    """With how far a truncated trial came: its last validation accuracy, at its last epoch."""
    so_far = trial.user_attrs.get(SO_FAR)
    if trial.state == TrialState.PRUNED and so_far is not None:
        trial = copy(trial)
        trial.intermediate_values = {trial.user_attrs[EPOCHS]: so_far}
    return trial
