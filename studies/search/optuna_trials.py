"""Trials of a search as trials of an Optuna study.

A finished trial is COMPLETE. A truncated one is PRUNED and has no values. A failed one is FAIL. A
trial with an open job is RUNNING. Parameters are those of the architecture that is trained, which
differ from what the sampler asked for where that was outside the limits.
"""

from collections.abc import Sequence
from copy import copy
from datetime import datetime
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from studies.rundir.trial_table import Trial
from studies.samplers.architecture_sampler import POINTS, trial_parameters
from studies.search.objectives import TrialPoint, representative
from studies.spec.search import Search

STATES = {
    "open": TrialState.RUNNING,
    "finished": TrialState.COMPLETE,
    "truncated": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}
ARCHITECTURE, JOB, NETWORK, ORIGIN = "architecture", "job", "network", "origin"
REASON, EPOCHS, LAST_ACCURACY = "reason", "epochs", "accuracy so far"
"""User attributes of the study's trials."""


def directions(search: Search) -> list[StudyDirection]:
    """Accuracy is maximised, all other objectives are minimised."""
    return [
        StudyDirection.MAXIMIZE if name == "accuracy" else StudyDirection.MINIMIZE
        for name in search.objectives
    ]


def open_study(storage: BaseStorage, name: str, search: Search) -> optuna.Study:
    """The study of this name in a storage, made if it is not there."""
    return optuna.create_study(
        storage=storage, study_name=name, directions=directions(search), load_if_exists=True
    )


def running_trial(search: Search, trial: Trial) -> FrozenTrial:
    """A trial that has just been proposed."""
    params, distributions = trial_parameters(search.space, trial.architecture)
    # The constructor itself: `create_trial` checks every parameter, which these cannot fail.
    return FrozenTrial(
        number=trial.number,
        trial_id=-1,
        state=TrialState.RUNNING,
        value=None,
        datetime_start=datetime.now(),
        datetime_complete=None,
        intermediate_values={},
        params=dict(params),
        distributions=dict(distributions),
        system_attrs=dict(trial.attributes),
        user_attrs={
            ARCHITECTURE: trial.architecture.key,
            NETWORK: trial.architecture.label(),
            JOB: trial.key,
            ORIGIN: trial.origin,
        },
    )


def ended_trial(
    search: Search, running: FrozenTrial, trial: Trial, points: Sequence[TrialPoint]
) -> FrozenTrial:
    """The running trial as it ended; a finished one has at least one point."""
    values = representative(search, points).values if trial.state == "finished" else None
    about = {name: running.user_attrs[name] for name in (ARCHITECTURE, NETWORK, JOB, ORIGIN)}
    # A copy shares the parameters, which checking again would take long for.
    ended = copy(running)
    ended.state, ended.values = STATES[trial.state], values
    ended.user_attrs = about | _result_attributes(trial, points)
    ended.datetime_complete = ended.datetime_start if ended.state.is_finished() else None
    return ended


def _result_attributes(trial: Trial, points: Sequence[TrialPoint]) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    result = trial.result
    if result is not None:
        attributes[EPOCHS] = len(result.curve)
        if result.status == "truncated" and result.curve:
            attributes[LAST_ACCURACY] = result.curve[-1].validation_accuracy
        if result.reason:
            attributes[REASON] = result.reason
    if len(points) > 1:
        attributes[POINTS] = {str(point.size): list(point.values) for point in points}
    return attributes


def end_trial(storage: BaseStorage, study_name: str, ended: FrozenTrial) -> None:
    """End the running trial of a stored study as `ended`, which has its number."""
    study_id = storage.get_study_id_from_name(study_name)
    trial_id = storage.get_trial_id_from_study_id_trial_number(study_id, ended.number)
    stored = storage.get_trial(trial_id).user_attrs
    for name, value in ended.user_attrs.items():
        if stored.get(name) != value:
            storage.set_trial_user_attr(trial_id, name, value)
    for step, value in ended.intermediate_values.items():
        storage.set_trial_intermediate_value(trial_id, step, value)
    storage.set_trial_state_values(trial_id, ended.state, ended.values)
