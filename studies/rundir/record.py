"""The record of a job that ended: one line of `results.jsonl`."""

from dataclasses import dataclass
from datetime import UTC, datetime

from trainers import Job, Result

PROVISIONAL = ("truncated", "failed")
"""Statuses of a job whose record a later one may replace."""


@dataclass(frozen=True)
class Record:
    """The result of a job, and where and when it ended.

    `environment` holds versions, device and host kind; `finished_at` is UTC in ISO 8601.
    """

    key: str
    job: Job
    result: Result
    finished_at: str
    environment: dict[str, str]


def record_now(job: Job, result: Result, environment: dict[str, str]) -> Record:
    """The record of a job that ends now."""
    return Record(
        job.key, job, result, datetime.now(UTC).isoformat(timespec="seconds"), environment
    )
