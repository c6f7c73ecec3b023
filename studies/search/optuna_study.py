"""Optuna's ask and tell, without anything around it; rebuilt at any time from the store.

The study is in memory and always equal to what the store says: a finished trial is COMPLETE, one
that a scheduler ended early PRUNED without values, one that failed in any way FAIL, and only one
whose job has yet to end is RUNNING. Parameters are those of the network that is built, which differ
from what the sampler asked for where that was outside the limits. What a sampler draws depends on
its seed, the number of the trial and the trials before, so that a search that was interrupted goes
on as it would have.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from searchspace import Architecture
from studies.rundir.trial_log import Trial
from studies.samplers.architecture_sampler import trial_parameters
from studies.search.objectives import Served, told
from studies.spec.search import Search
from trainers import Result

STATES = {
    "open": TrialState.RUNNING,
    "finished": TrialState.COMPLETE,
    "truncated": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}
ARCHITECTURE, JOB, NETWORK, ORIGIN = "architecture", "job", "network", "origin"
REASON, EPOCHS, SO_FAR, POINTS = "reason", "epochs", "accuracy so far", "points"
"""User attributes of the study's trials."""


def directions(search: Search) -> list[StudyDirection]:
    """Accuracy up, everything else down."""
    return [
        StudyDirection.MAXIMIZE if name == "accuracy" else StudyDirection.MINIMIZE
        for name in search.objectives
    ]


class Kept:
    """An Optuna study in a storage, in step with a list of trials."""

    def __init__(self, storage: BaseStorage, name: str, search: Search) -> None:
        self.storage = storage
        self.study = optuna.create_study(
            storage=storage, study_name=name, directions=directions(search), load_if_exists=True
        )
        self.id = storage.get_study_id_from_name(name)

    def trials(self) -> list[FrozenTrial]:
        """All trials, not to be changed."""
        return self.study.get_trials(deepcopy=False)

    def end(self, trial: FrozenTrial) -> None:
        """End a running trial as this one ended."""
        number = trial.number
        known = self.trials()[number].user_attrs
        place = self.storage.get_trial_id_from_study_id_trial_number(self.id, number)
        for name, value in trial.user_attrs.items():
            if known.get(name) != value:
                self.storage.set_trial_user_attr(place, name, value)
        for step, value in trial.intermediate_values.items():
            self.storage.set_trial_intermediate_value(place, step, value)
        self.storage.set_trial_state_values(place, trial.state, trial.values)


class Proposals:
    """Draws networks and learns what they came to."""

    def __init__(self, search: Search, name: str, sampler: BaseSampler) -> None:
        # Its notes about each trial are not for users, who have our own.
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.search, self.name, self.sampler = search, name, sampler
        self.trials: list[FrozenTrial] = []
        self.points: dict[int, Sequence[Served]] = {}
        self.kept = Kept(InMemoryStorage(), name, search)
        self.in_step = True

    @property
    def study(self) -> optuna.Study:
        """The study, in step with the trials."""
        if not self.in_step:
            self.kept = Kept(InMemoryStorage(), self.name, self.search)
            self.kept.study.add_trials(self.trials)
            self.in_step = True
        return self.kept.study

    def ask(self) -> tuple[Architecture, dict[str, Any]]:
        """A network within the limits, and what the sampler noted with it; `add` must follow."""
        number = len(self.trials)
        study = self.study
        study.sampler = self.sampler
        architecture = self.search.within.suggest(study.ask())
        return architecture, dict(self.kept.trials()[number].system_attrs)

    def add(self, trial: Trial, attributes: Mapping[str, Any]) -> None:
        """Take in a new trial, that was just asked for or comes from elsewhere."""
        assert trial.number == len(self.trials)
        params, distributions = trial_parameters(self.search.space, trial.architecture)
        running = create_trial(
            state=TrialState.RUNNING,
            params=dict(params),
            distributions=dict(distributions),
            system_attrs=dict(attributes),
            user_attrs=_about(trial),
        )
        running.number = trial.number
        self.trials.append(running)
        known = self.kept.trials() if self.in_step else []
        if self.in_step and len(known) == trial.number:
            self.kept.study.add_trial(running)
        elif not self.in_step or known[trial.number].params != params:
            # Optuna cannot take an answer back.
            self.in_step = False

    def tell(self, trial: Trial, points: Sequence[Served], result: Result | None) -> None:
        """Take in how a trial ended: `points` if it finished, and the `result` of its first job."""
        before = self.trials[trial.number]
        values: Sequence[float] | None = None
        if trial.state == "finished":
            values = told(self.search, points).values
            self.points[trial.number] = points
        ended = create_trial(
            state=STATES[trial.state],
            values=values,
            params=before.params,
            distributions=before.distributions,
            user_attrs=_about(trial) | _ending(points, result),
            system_attrs=before.system_attrs,
        )
        ended.number = before.number
        self.trials[trial.number] = ended
        if self.in_step and before.state == TrialState.RUNNING:
            self.kept.end(ended)
        else:
            # It was ended early, and then went on after all.
            self.in_step = False


def _about(trial: Trial) -> dict[str, Any]:
    return {
        ARCHITECTURE: trial.architecture.key,
        NETWORK: trial.architecture.label(),
        JOB: trial.key,
        ORIGIN: trial.origin,
    }


def _ending(points: Sequence[Served], result: Result | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if result is not None:
        found[EPOCHS] = len(result.curve)
        if result.status == "truncated" and result.curve:
            found[SO_FAR] = result.curve[-1].validation_accuracy
        if result.reason:
            found[REASON] = result.reason
    if len(points) > 1:
        found[POINTS] = {str(point.size): list(point.values) for point in points}
    return found
