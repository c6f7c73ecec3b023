"""The record of a job that ended: one line of `results.jsonl`."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from searchspace import InputError
from searchspace.checks import check_at_least
from searchspace.schema import OMIT_DEFAULT, json_key
from trainers import Job, Result

PROVISIONAL = ("truncated", "failed")
"""Statuses of a job whose record a later one may replace."""

Cause = Literal["job", "machine"]
"""What a failure is due to: the job itself, or data that cannot be read and lost workers."""


@dataclass(frozen=True)
class Record:
    """The result of a job, and where and when it ended.

    `environment` holds versions, device and host kind; `finished_at` is UTC in ISO 8601.
    `cause` is that of a failed job: after trouble of the machine the same command trains it again.
    """

    key: str
    job: Job
    result: Result
    finished_at: str
    environment: dict[str, str]
    cause: Cause = field(default="job", metadata=OMIT_DEFAULT)


def record_now(
    job: Job, result: Result, environment: dict[str, str], cause: Cause = "job"
) -> Record:
    """The record of a job that ends now."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Record(job.key, job, result, now, environment, cause)


def check_record(record: Record, data: Any, where: str) -> None:
    """Raise an InputError for a record, read from `data`, that no job can have left."""
    # The key of the JSON form too: it may lack fields added since.
    if record.key != record.job.key and record.key != json_key(data["job"]):
        raise InputError(f"{where}: key {record.key!r} is not that of its job, {record.job.key!r}")
    result = record.result
    check_at_least(0, **{f"{where}: seconds": result.seconds})
    for epoch in result.curve:
        _check_share(where, epoch.validation_accuracy)
    for point in result.points:
        _check_share(where, point.validation_accuracy)
        _check_share(where, point.test_accuracy)
        if point.test_top5_accuracy is not None:
            _check_share(where, point.test_top5_accuracy)
    if result.ensemble is not None:
        _check_share(where, result.ensemble.validation_accuracy)
        _check_share(where, result.ensemble.test_accuracy)


def _check_share(where: str, accuracy: float) -> None:
    if not 0 <= accuracy <= 1:
        raise InputError(f"{where}: an accuracy must be from 0 to 1, got {accuracy!r}")
