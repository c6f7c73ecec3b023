"""Runs of Weights & Biases: one for each job, grouped by arm."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from searchspace import InputError
from studies.trackers.tracker import TrackedJob, Tracker, epoch_metrics, final_metrics
from trainers import Epoch, Result


class WandB(Tracker):
    """Writes to a project in W&B's own way: WANDB_MODE=offline keeps all on this machine.

    A run is written when its job has ended, as W&B has one open run at a time.
    """

    name = "wandb"

    def __init__(self, project: str, folder: Path) -> None:
        try:
            import wandb
        except ImportError:
            raise InputError(
                "--track wandb needs wandb; install it with `pip install 'convfrontier[trackers]'`"
            ) from None
        self.wandb: Any = wandb
        self.project, self.folder = project, folder
        self.curves: dict[str, list[Epoch]] = {}

    def started(self, job: TrackedJob) -> None:
        """Note a job."""
        self.curves[job.key] = []

    def epochs(self, job: TrackedJob, epochs: Sequence[Epoch]) -> None:
        """Note the epochs."""
        self.curves[job.key] += epochs

    def ended(self, job: TrackedJob, result: Result) -> None:
        """Write the whole run of a job."""
        run = self._begin(job.name, group=job.arm, config=job.params())
        for epoch in self.curves.pop(job.key, []):
            run.log(epoch_metrics(epoch), step=epoch.epoch)
        run.summary.update({"status": result.status, **final_metrics(result)})
        run.finish(exit_code=0 if result.status in ("finished", "truncated") else 1)

    def report(self, page: Path) -> None:
        """Attach the page to a run of its own."""
        run = self._begin("report", group="report", config={})
        artifact = self.wandb.Artifact("report", type="report")
        artifact.add_file(str(page))
        run.log_artifact(artifact)
        run.finish()

    def _begin(self, name: str, *, group: str, config: dict[str, Any]) -> Any:
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self.wandb.Settings(silent=True, console="off")
        return self.wandb.init(
            project=self.project, name=name, group=group, config=config, dir=str(self.folder),
            settings=settings, reinit="finish_previous",
        )  # fmt: skip
