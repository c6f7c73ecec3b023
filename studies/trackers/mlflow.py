"""Runs of MLflow: one for each job, below one for the study."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from searchspace import InputError
from studies.trackers.tracker import TrackedJob, Tracker, epoch_metrics, final_metrics
from trainers import Epoch, Result

LONGEST = 500
"""Characters of a parameter that MLflow's servers store."""
PARENT = "mlflow.parentRunId"
STATUS = {"finished": "FINISHED", "truncated": "KILLED"}


class MLflow(Tracker):
    """Writes to a tracking server, or to a database of one's own such as sqlite:///mlflow.db."""

    name = "mlflow"

    def __init__(self, address: str, experiment: str) -> None:
        try:
            from mlflow.tracking import MlflowClient
        except ImportError:
            raise InputError(
                "--track mlflow needs mlflow; install it with "
                "`pip install 'convfrontier[trackers]'`"
            ) from None
        self.address, self.experiment = address, experiment
        self._connect: Any = MlflowClient
        self.client: Any = None
        self.experiment_id = self.parent = ""
        self.runs: dict[str, str] = {}
        self.open: set[str] = set()

    def started(self, job: TrackedJob) -> None:
        """Open a run with the job's architecture, task and recipe; a paused job goes on in its."""
        from mlflow.entities import Param

        self.open.add(job.key)
        if job.key in self.runs:
            return
        self._begin()
        tags = {PARENT: self.parent, "arm": job.arm, "seed": str(job.job.seed)}
        run = self.client.create_run(self.experiment_id, tags=tags, run_name=job.name)
        self.runs[job.key] = run.info.run_id
        params = [Param(name, str(value)[:LONGEST]) for name, value in job.params().items()]
        self.client.log_batch(run.info.run_id, params=params)

    def epochs(self, job: TrackedJob, epochs: Sequence[Epoch]) -> None:
        """Write the numbers of each epoch."""
        values = [(name, x, e.epoch) for e in epochs for name, x in epoch_metrics(e).items()]
        self._metrics(job, values)

    def ended(self, job: TrackedJob, result: Result) -> None:
        """Write the last numbers, and how the job ended."""
        last = job.job.recipe.epochs
        self._metrics(job, [(name, x, last) for name, x in final_metrics(result).items()])
        run = self.runs[job.key]
        self.client.set_tag(run, "status", result.status)
        self.client.set_terminated(run, STATUS.get(result.status, "FAILED"))
        self.open.discard(job.key)

    def close(self) -> None:
        """End the runs of jobs that were interrupted, and the study's."""
        if self.client is None:
            return
        for key in self.open:
            self.client.set_terminated(self.runs[key], "KILLED")
        self.open.clear()
        self.client.set_terminated(self.parent)

    def report(self, page: Path) -> None:
        """Attach the page to the study's run."""
        if self.client is not None:
            self.client.log_artifact(self.parent, str(page))

    def _begin(self) -> None:
        """Connect and make the experiment and the study's run, once."""
        if self.client is not None:
            return
        client = self._connect(tracking_uri=self.address)
        found = client.get_experiment_by_name(self.experiment)
        self.experiment_id = (
            found.experiment_id if found else client.create_experiment(self.experiment)
        )
        run = client.create_run(self.experiment_id, run_name=self.experiment)
        self.client, self.parent = client, run.info.run_id

    def _metrics(self, job: TrackedJob, values: Sequence[tuple[str, float, int]]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, step) for name, value, step in values]
        self.client.log_batch(self.runs[job.key], metrics=metrics)
