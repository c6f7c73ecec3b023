"""The study that a sampler sees is kept up to date, never made again."""

import json
from pathlib import Path
from typing import Any

import pytest
from optuna.storages import InMemoryStorage
from optuna.storages.journal import _storage
from optuna.trial import TrialState, create_trial

from searchspace.space import Limits
from studies.rundir.trial_log import Proposed
from studies.rundir.trial_table import TrialTable
from studies.search.journal import JOURNAL
from studies.search.objectives import TrialPoint
from studies.search.optuna_mirror import OptunaMirror
from studies.search.optuna_trials import running_trial
from tests.support.helpers import SPACE, made_up, search

TRIALS = 24


@pytest.mark.parametrize("sampler", ["random", "tpe", "nsga2"])
def test_each_trial_is_added_to_the_study_once(
    sampler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where limits change what the sampler asked for, and where a paused trial goes on."""
    added = []
    create = InMemoryStorage.create_new_trial

    def counted(self: InMemoryStorage, *args: Any, **kwargs: Any) -> int:
        added.append(None)
        return create(self, *args, **kwargs)

    monkeypatch.setattr(InMemoryStorage, "create_new_trial", counted)
    costs = sorted(SPACE.price(list(SPACE))[0].tolist())
    asked = search(TRIALS, sampler=sampler, limits=Limits(max_macs=costs[len(costs) // 2]))
    mirror, table = OptunaMirror(asked, "x"), TrialTable()
    for number in range(TRIALS):
        architecture, attributes = mirror.ask()
        job = asked.job(architecture, number)
        table.add(Proposed(number, architecture, "sampler", job.key, number, attributes))
        trial = table[number]
        mirror.add(trial)
        if number % 3 == 0:
            table.results[job.key] = made_up(job, 0.5, "truncated")
            mirror.tell(trial, [], paused=True)
        table.results[job.key] = made_up(job, 0.5 + number / 100)
        mirror.tell(trial, [TrialPoint(8, (0.5 + number / 100, 1e6))])
    assert len(added) == TRIALS

    def content(trials: Any) -> list[Any]:
        return [(t.number, t.state, t.values, t.params, t.user_attrs) for t in trials]

    assert content(mirror.study.trials) == content(mirror.trials)


def test_a_new_trial_is_the_one_that_optuna_makes() -> None:
    for number, network in enumerate(SPACE):
        asked = search(64)
        job = asked.job(network, 0)
        table = TrialTable()
        for earlier in range(number + 1):
            table.add(Proposed(earlier, network, "sampler", job.key, 0, {"a": 1}))
        made = running_trial(asked, table[number])
        optunas = create_trial(
            state=TrialState.RUNNING,
            params=made.params,
            distributions=made.distributions,
            user_attrs=made.user_attrs,
            system_attrs={"a": 1},
        )
        optunas.number, optunas.datetime_start = number, made.datetime_start
        assert made == optunas


def test_a_journal_is_checked_without_parsing_what_all_trials_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, table = search(3), TrialTable()

    def opened() -> OptunaMirror:
        mirror = OptunaMirror(asked, "x")
        for trial in table:
            mirror.add(trial)
            mirror.tell(trial, [TrialPoint(8, (0.5, 1e6 + trial.number))])
        mirror.open_journal(tmp_path)
        return mirror

    for number, network in zip(range(3), SPACE, strict=False):
        job = asked.job(network, 0)
        table.add(Proposed(number, network, "sampler", job.key, 0))
        table.results[job.key] = made_up(job, 0.5)
    opened().close()
    before = (tmp_path / JOURNAL).read_bytes()

    def refused(text: str) -> None:
        raise AssertionError("a distribution is parsed for each trial")

    monkeypatch.setattr(_storage, "json_to_distribution", refused)
    opened()
    assert (tmp_path / JOURNAL).read_bytes().startswith(before), "it is not written again"
    changed = before.replace(b'":1,', b'":0,', 1)
    assert changed != before
    (tmp_path / JOURNAL).write_bytes(changed)
    opened()
    written = [json.loads(line) for line in (tmp_path / JOURNAL).read_bytes().splitlines()]
    expected = [json.loads(line) for line in before.splitlines()]
    assert [log.get("params") for log in written if "params" in log] == [
        log.get("params") for log in expected if "params" in log
    ]
