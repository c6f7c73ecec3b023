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
        self._make()

    def _make(self) -> None:
        self._storage = InMemoryStorage()
        self._study = open_study(self._storage, self.name, self.search)
        self._study.sampler = self.sampler
        self._study.add_trials(self.trials)
        self._in_step = True

    @property
    def study(self) -> optuna.Study:
        """The study, in step with the trials."""
        if not self._in_step:
            self._make()
        return self._study

    def ask(self) -> tuple[Architecture, dict[str, Any]]:
        """An architecture within the limits, and the sampler's attributes; `add` must follow."""
        asked = self.study.ask()
        architecture = self.search.within.suggest(asked)
        attributes = self._study.get_trials(deepcopy=False)[asked.number].system_attrs
        return architecture, dict(attributes)

    def add(self, trial: Trial) -> None:
        """Add a new trial, which was just asked for or comes from elsewhere."""
        running = running_trial(self.search, trial)
        self.trials.append(running)
        if self.journal is not None:
            self.journal.add(running)
        if not self._in_step:
            return
        stored = self._study.get_trials(deepcopy=False)
        if len(stored) == trial.number:
            self._study.add_trial(running)
        elif stored[trial.number].params != running.params:
            # Optuna cannot change a parameter that it has suggested.
            self._in_step = False

    def tell(self, trial: Trial, points: Sequence[TrialPoint], *, paused: bool = False) -> None:
        """Record how a trial ended; a finished one has `points`, a paused one may be promoted."""
        before = self.trials[trial.number]
        ended = ended_trial(self.search, before, trial, points)
        self.trials[trial.number] = ended
        if self.journal is not None:
            self.journal.end(ended, paused=paused)
        if self._in_step and before.state == TrialState.RUNNING:
            end_trial(self._storage, self.name, ended)
        else:
            # It was paused and then promoted: Optuna does not let a trial end twice.
            self._in_step = False

    def open_journal(self, folder: Path) -> None:
        """Keep the study in a run directory, too, from now on."""
        self.journal = Journal(folder, self.name, self.search, self.trials)

    def close(self) -> None:
        """Leave the journal as a reader expects it."""
        if self.journal is not None:
            self.journal.close(self.trials)
