"""The Optuna study that the sampler of a search sees; it can be made again from the run directory.

The study is in memory and in step with the trials of the search. What a sampler proposes depends
only on its seed, the number of the trial and the trials before, so a search that was interrupted
continues with the same proposals.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from searchspace import Architecture
from studies.rundir.trial_table import Trial
from studies.samplers.registry import make_sampler
from studies.search.journal import Journal
from studies.search.objectives import TrialPoint
from studies.search.optuna_trials import end_trial, ended_trial, open_study, running_trial
from studies.spec.search import Search


class OptunaMirror:
    """Asks the sampler for architectures and tells it how their trials ended.

    `trials` are the trials of the study. A paused trial is PRUNED for the sampler until it is
    promoted and ends again.
    """

    def __init__(self, search: Search, name: str) -> None:
        # Optuna logs every trial, and so do we.
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.search, self.name = search, name
        self.sampler = make_sampler(
            search.sampler,
            search.sampler_settings,
            within=search.within,
            objectives=search.objectives,
            seed=search.seed,
        )
        self.trials: list[FrozenTrial] = []
        self.journal: Journal | None = None
        self._asked = -1
        self._storage = InMemoryStorage()
        self.study = open_study(self._storage, name, search)
        self.study.sampler = self.sampler
        self._study_id = self._storage.get_study_id_from_name(name)

    def ask(self) -> tuple[Architecture, dict[str, Any]]:
        """An architecture within the limits, and the sampler's attributes; `add` must follow."""
        asked = self.study.ask()
        self._asked = asked.number
        architecture = self.search.within.suggest(asked)
        return architecture, dict(self._stored(asked.number).system_attrs)

    def add(self, trial: Trial) -> None:
        """Add a new trial, which was just asked for or comes from elsewhere."""
        running = running_trial(self.search, trial)
        self.trials.append(running)
        if self.journal is not None:
            self.journal.add(running)
        if self._asked != trial.number:
            self._storage.create_new_trial(self._study_id)
        # Changed in place: Optuna takes no other parameters for those that it has suggested, and to
        # add whole trials it would copy each.
        stored = self._stored(trial.number)
        stored.params, stored.distributions = running.params, running.distributions
        stored.user_attrs, stored.system_attrs = running.user_attrs, running.system_attrs

    def tell(self, trial: Trial, points: Sequence[TrialPoint], *, paused: bool = False) -> None:
        """Record how a trial ended; a finished one has `points`, a paused one may be promoted."""
        ended = ended_trial(self.search, self.trials[trial.number], trial, points)
        self.trials[trial.number] = ended
        if self.journal is not None:
            self.journal.end(ended, paused=paused)
        stored = self._stored(trial.number)
        if stored.state.is_finished():
            self._reopen(stored)
        end_trial(self._storage, self.name, ended)

    def _reopen(self, stored: FrozenTrial) -> None:
        """Let a trial end once more, which Optuna does not: it was paused, or has further runs."""
        stored.state, stored.values, stored.user_attrs = TrialState.RUNNING, None, {}
        # What samplers remember of earlier trials may now be wrong.
        self._storage.get_study_system_attrs(self._study_id).clear()

    def _stored(self, number: int) -> FrozenTrial:
        """The trial that the sampler sees, itself and not a copy."""
        trial_id = self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number)
        return self._storage.get_trial(trial_id)

    def open_journal(self, folder: Path) -> None:
        """Keep the study in a run directory, too, from now on."""
        self.journal = Journal(folder, self.name, self.search, self.trials)

    def close(self) -> None:
        """Leave the journal as a reader expects it."""
        if self.journal is not None:
            self.journal.close(self.trials)
