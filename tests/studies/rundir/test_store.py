import fcntl
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from searchspace import InputError
from searchspace.schema import to_json
from studies.execution.job_queue import RunCallbacks
from studies.execution.resources import Resources
from studies.execution.worker import Worker, WorkItem
from studies.rundir.record import Record
from studies.rundir.store import LOCK, RESULTS, STUDY, TRIALS, RunStore, set_aside
from studies.search.scheduler import SearchScheduler
from tests.support.helpers import job, study, write_search
from tests.support.paths import ROOT

PLAN = study().ablation("quick")


@pytest.fixture(scope="module")
def records() -> list[Record]:
    """Finished records of three jobs."""
    found = []
    for seed in range(3):
        wanted = job(seed)
        worker = Worker(WorkItem(wanted, Path("none"), Resources()))
        worker.step()
        made = worker.step().record
        assert made is not None
        found.append(made)
    return found


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    made = RunStore(tmp_path / "run")
    with made.locked():
        made.ask(PLAN, {"python": "3"})
    return made


def keys(store: RunStore) -> list[str]:
    return [record.key for record in store.records()]


def test_plan_and_records_come_back_as_written(store: RunStore, records: list[Record]) -> None:
    assert store.experiment() == PLAN
    for record in records:
        store.append(record)
    assert store.records() == records


def test_no_folder_and_an_empty_folder_hold_no_run(tmp_path: Path) -> None:
    assert RunStore(tmp_path / "none").experiment() is None
    assert RunStore(tmp_path).experiment() is None
    assert RunStore(tmp_path).records() == []


def test_a_torn_last_line_is_recovered_from(store: RunStore, records: list[Record]) -> None:
    """Whatever prefix of the last line reached the disk, the other records stay."""
    store.append(records[0])
    whole = store.results.read_bytes()
    line = json.dumps(to_json(records[1])).encode()
    for cut in (1, len(line) // 2, len(line)):
        store.results.write_bytes(whole + line[:cut])
        assert keys(store) == [records[0].key]
        with store.locked():
            store.append(records[2])
        assert keys(store) == [records[0].key, records[2].key]


def test_the_first_record_of_a_key_counts(store: RunStore, records: list[Record]) -> None:
    for record in (records[0], records[1], replace(records[0], finished_at="later")):
        store.append(record)
    assert keys(store) == [records[0].key, records[1].key]
    assert store.records()[0].finished_at == records[0].finished_at


@pytest.mark.parametrize("damage", [b"not json\n", b'{"key": 3}\n', b"[]\n", b"\n", b"\xff\xfe\n"])
def test_a_damaged_line_is_named_and_nothing_changes(
    store: RunStore, records: list[Record], damage: bytes
) -> None:
    store.append(records[0])
    with open(store.results, "ab") as file:
        file.write(damage)
    store.append(records[1])
    before = store.results.read_bytes()
    with pytest.raises(InputError, match=f"{RESULTS} line 2"):
        store.records()
    assert store.results.read_bytes() == before


def test_foreign_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(InputError, match=f"holds no {STUDY}"):
        RunStore(tmp_path).experiment()
    with pytest.raises(InputError, match="is a file"):
        RunStore(tmp_path / "thesis.tex").experiment()


def test_a_damaged_study_file_is_named(store: RunStore) -> None:
    path = store.folder / STUDY
    for text in ("", "{", "[]", '{"experiment": {}}', '{"experiment": {"kind": "x"}}'):
        path.write_text(text)
        with pytest.raises(InputError, match=STUDY):
            store.experiment()


def test_the_form_of_an_earlier_version_is_refused_in_a_sentence(store: RunStore) -> None:
    (store.folder / STUDY).write_text('{"name": "x", "environment": {}, "plan": {}}')
    with pytest.raises(InputError, match="has the form of an earlier version"):
        store.experiment()


def test_what_another_process_appends_is_read(store: RunStore, records: list[Record]) -> None:
    assert store.records() == []
    RunStore(store.folder).append(records[0])
    assert store.records() == [records[0]]


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(InputError, match="cannot write to"),
        RunStore(tmp_path / "file" / "r").locked(),
    ):
        pass


@pytest.mark.slow
def test_two_writers_are_kept_apart_and_a_killed_one_frees_the_folder(store: RunStore) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom studies.rundir.store import RunStore\n"
        "with RunStore(Path(sys.argv[1])).locked():\n"
        "    print('held', flush=True)\n    time.sleep(60)\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(store.folder)], stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    with other, other.stdout:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(InputError, match="another run is writing to"), store.locked():
            pass
        other.kill()
    with store.locked():
        pass


@pytest.mark.slow
def test_a_full_disk_leaves_whole_records_and_one_sentence(
    store: RunStore, records: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that stops in the middle, as on a full disk, is taken back."""
    store.append(records[0])
    limited = store.folder / "limited.py"
    limited.write_text(
        "import json, resource, signal, sys\nfrom pathlib import Path\n"
        "from searchspace import InputError\nfrom searchspace.schema import from_json\n"
        "from studies.rundir.record import Record\nfrom studies.rundir.store import RunStore\n"
        "store = RunStore(Path(sys.argv[1]))\n"
        "size = store.results.stat().st_size\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, size + 100))\n"
        "try:\n    store.append(from_json(Record, json.loads(sys.stdin.read())))\n"
        "except InputError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, str(limited), str(store.folder)],
        input=json.dumps(to_json(records[1])),
        capture_output=True,
        text=True,
        # Modules imported below the limit must not be cached: half of a file would stay for all.
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.stdout.startswith("cannot write to"), done.stderr
    assert done.stdout.count("\n") == 1
    assert keys(store) == [records[0].key]
    assert store.results.read_bytes().endswith(b"\n")


def test_set_aside_renames_and_deletes_nothing(store: RunStore, records: list[Record]) -> None:
    store.append(records[0])
    first = set_aside(store.folder)
    assert first.name == "run.1"
    assert keys(RunStore(first)) == [records[0].key]
    store.folder.mkdir()
    assert set_aside(store.folder).name == "run.2"


def test_a_torn_last_line_is_kept_beside_and_said(
    store: RunStore, records: list[Record], caplog: pytest.LogCaptureFixture
) -> None:
    store.append(records[0])
    whole = store.results.read_bytes()
    for number, torn in enumerate((b'{"key": "x', b"\0" * 5000), start=1):
        store.results.write_bytes(whole + torn)
        with store.locked():
            pass
        assert store.results.read_bytes() == whole
        kept = store.results.with_name(f"{RESULTS}.torn.{number}")
        assert kept.read_bytes() == torn
        assert str(kept) in caplog.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"key": "0123456789abcdef"}, "not that of its job"),
        ({"seconds": -1.0}, "seconds must be a number of at least 0"),
        ({"validation_accuracy": 1.5}, "an accuracy must be from 0 to 1"),
        ({"test_accuracy": -0.1}, "an accuracy must be from 0 to 1"),
        ({"test_top5_accuracy": 2.0}, "an accuracy must be from 0 to 1"),
    ],
)
def test_impossible_records_are_named(
    store: RunStore, records: list[Record], change: dict[str, object], message: str
) -> None:
    store.append(records[0])
    data = to_json(records[1])
    data["result"]["points"][0]["test_top5_accuracy"] = 0.9
    for part in (data, data["result"], data["result"]["points"][0]):
        part |= {name: value for name, value in change.items() if name in part}
    with open(store.results, "a") as file:
        file.write(json.dumps(data) + "\n")
    with pytest.raises(InputError, match=f"{RESULTS} line 2.*{message}"):
        store.records()


def test_a_folder_moved_away_while_its_lock_was_waited_for_is_not_written_to(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock of a folder that was set aside is not that of the folder now there."""
    lock = fcntl.flock

    def replaced_first(file: object, operation: int) -> None:
        (store.folder / LOCK).unlink()
        (store.folder / LOCK).touch()
        lock(file, operation)  # type: ignore[arg-type]

    monkeypatch.setattr(fcntl, "flock", replaced_first)
    with pytest.raises(InputError, match="another run is writing to"), store.locked():
        pass


def test_a_lost_halved_or_doubled_log_of_trials_is_refused(tmp_path: Path) -> None:
    asked = write_search(tmp_path / "run")
    store = RunStore(tmp_path / "run")
    log = store.folder / TRIALS
    lines = log.read_bytes().splitlines(keepends=True)
    assert len(store.trials()) == 8
    for damaged in ([], lines[: len(lines) // 2], lines + lines):
        log.write_bytes(b"".join(damaged))
        with pytest.raises(InputError, match="the log of the trials is damaged"):
            RunStore(store.folder).trials()
        with pytest.raises(InputError, match="the log of the trials is damaged"):
            SearchScheduler(asked, RunStore(store.folder), Resources(), RunCallbacks())
    log.unlink()
    with pytest.raises(InputError, match="the log of the trials is damaged"):
        RunStore(store.folder).trials()


def test_equal_networks_of_many_lines_are_read_once(tmp_path: Path) -> None:
    write_search(tmp_path / "run")
    store = RunStore(tmp_path / "run")
    trials, results = store.trials(), {record.key: record for record in store.records()}
    assert trials[6].architecture is trials[0].architecture
    assert results[trials[0].key].job.architecture is trials[0].architecture
    assert results[trials[1].key].job.recipe is results[trials[0].key].job.recipe
