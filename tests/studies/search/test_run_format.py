"""The run directory of a search: what is written is read back, whatever happens between."""

from pathlib import Path

import pytest

from searchspace import InputError
from searchspace.schema import to_json
from studies import COLUMNS, Search, load, read_experiment
from studies.rundir.store import TRIALS, RunStore
from studies.rundir.trial_log import Event, Proposed, Replicated, Reported, Resumed
from studies.rundir.trial_table import TrialTable
from tests.support.helpers import RECIPE, SPACE, made_up, record, search, write_search


def test_a_search_comes_back_as_asked(tmp_path: Path) -> None:
    asked = write_search(tmp_path)
    assert read_experiment(tmp_path) == asked
    assert Search.from_json(asked.to_json()) == asked


def test_load_has_a_row_for_each_job_and_size(tmp_path: Path) -> None:
    write_search(tmp_path)
    frame = load(tmp_path)
    assert list(frame.columns) == list(COLUMNS)
    assert list(frame["trial"]) == [0, 1, 1, 2, 3, 4, 5, 7, 7, 7]
    assert list(frame["seed"]) == [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert list(frame["size"][frame["trial"] == 7]) == [8, 6, 7]
    assert list(frame["trained"][frame["trial"] == 7]) == [True, True, False]
    unfinished = frame[frame["status"] != "finished"]
    assert list(unfinished["status"]) == ["truncated", "failed", "diverged"]
    assert unfinished["validation_accuracy"].isna().all()
    assert (unfinished["epochs"] == RECIPE.epochs - 1).all()
    assert (frame["epochs_planned"] == RECIPE.epochs).all()
    assert unfinished["reason"].str.len().min() > 0
    assert (frame["reason"][frame["status"] == "finished"] == "").all()
    keys = {architecture.key for architecture in SPACE}
    assert set(frame["arm"]) <= keys
    assert frame["latency_ms"].isna().all()


def test_states_of_trials_follow_from_the_results_of_their_jobs(tmp_path: Path) -> None:
    write_search(tmp_path)
    states = [trial.state for trial in RunStore(tmp_path).trials()]
    assert states == [
        "finished", "finished", "truncated", "finished", "failed", "failed", "finished", "finished",
    ]  # fmt: skip


def test_a_trial_is_open_until_all_its_replicates_have_ended() -> None:
    network = SPACE.point(0)
    jobs = [search().job(network, seed) for seed in range(3)]
    events: list[Event] = [
        Proposed(0, network, "sampler", jobs[0].key, 0),
        Replicated(0, jobs[1].key, 1, "replicates"),
    ]
    results = {jobs[0].key: made_up(jobs[0], 0.5)}
    table = TrialTable(events, results)
    assert table[0].state == "open"
    table.results[jobs[1].key] = made_up(jobs[1], 0.5, "failed")
    assert table[0].state == "finished"
    table.add(Replicated(0, jobs[2].key, 2, "contested"))
    assert table[0].state == "finished"
    assert table.contested == 1


@pytest.mark.parametrize(
    "event", [Resumed(0), Reported(1, 1, 0.5), Proposed(1, SPACE.point(0), "sampler", "abc", 0)]
)
def test_an_event_that_does_not_follow_the_log_is_refused(event: Event) -> None:
    with pytest.raises(InputError, match=f"trial {event.number} is {event.kind} after 0 trials"):
        TrialTable([event])


def test_every_event_survives_the_log_and_a_torn_line(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    events: list[Event] = [
        Proposed(0, SPACE.point(3), "warm start", "abc", 2, {"a": [1, None]}),
        Replicated(0, "def", 3, "contested"),
        Reported(0, 1, 0.5),
        Resumed(0),
    ]
    with store.locked():
        for event in events:
            store.log(event)
    path = tmp_path / TRIALS
    path.write_bytes(path.read_bytes() + b'{"kind": "resum')
    assert store.events() == events
    with store.locked():
        assert path.read_bytes().endswith(b"}\n")
    path.write_bytes(b"{}\n" + path.read_bytes())
    with pytest.raises(InputError, match=f"{TRIALS} line 1: unknown kind"):
        store.events()


def test_a_truncated_or_failed_job_gives_way_to_a_later_end(tmp_path: Path) -> None:
    job = search().job(SPACE.point(0), 0)
    store = RunStore(tmp_path)
    ends = [made_up(job, 0.5, "failed"), made_up(job, 0.5, "truncated"), made_up(job, 0.7)]
    with store.locked():
        for end in [*ends, made_up(job, 0.9)]:
            store.append(record(job, end))
    assert [kept.result for kept in store.records()] == [ends[2]]


def test_a_search_is_extended_but_not_changed() -> None:
    earlier = search(trials=9, contested=2)
    extended = search(objectives=("accuracy", "params"), sampler="random").extending(earlier)
    assert (extended.trials, extended.contested) == (9, 2)
    assert extended.objectives == ("accuracy", "params")
    with pytest.raises(InputError, match="another space than the one asked for; give another"):
        search(space=search().space.from_json(to_json(SPACE) | {"name": "x"})).extending(earlier)
