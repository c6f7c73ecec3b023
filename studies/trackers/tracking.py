"""The trackers of a command: which there are, and how the events of a run reach them."""

from collections.abc import Sequence
from pathlib import Path

from searchspace import InputError
from studies.trackers.csv_file import CsvFile
from studies.trackers.live_log import LiveLog, Standing
from studies.trackers.tracker import TrackedJob, Tracker, Trackers
from trainers import Epoch, Job, Result

KINDS = "tensorboard[:FOLDER], mlflow:URI, wandb[:PROJECT], csv[:FILE]"


def tracker(uri: str, folder: Path, experiment: str) -> Tracker:
    """The tracker that a URI of `--track` names, for a run directory and its experiment's name."""
    kind, _, place = uri.partition(":")
    if kind == "csv":
        return CsvFile(Path(place) if place else folder / "epochs.csv")
    if kind == "tensorboard":
        from studies.trackers.tensorboard import TensorBoard

        return TensorBoard(Path(place) if place else folder / "tensorboard")
    if kind == "mlflow" and place:
        from studies.trackers.mlflow import MLflow

        return MLflow(place, experiment)
    if kind == "wandb":
        from studies.trackers.wandb import WandB

        return WandB(place or experiment, folder / "wandb")
    raise InputError(f"--track takes {KINDS}, got {uri!r}")


def check_uris(uris: Sequence[str]) -> None:
    """Raise an InputError for what is no tracker, or needs a package that is not there."""
    for uri in uris:
        tracker(uri, Path(), "")


class Tracking:
    """The trackers of a command, which may train several experiments one after the other."""

    def __init__(self, uris: Sequence[str] = ()) -> None:
        check_uris(uris)
        self.uris = tuple(uris)
        self.trackers = Trackers()
        self.jobs: dict[str, TrackedJob] = {}

    def begin(self, folder: Path, experiment: str, standing: Standing) -> None:
        """Take trackers for an experiment in a run directory; those of an earlier one are closed.

        `standing` says how far the run is.
        """
        self.close()
        own = [tracker(uri, folder, experiment) for uri in self.uris]
        self.trackers = Trackers([LiveLog(folder, standing)], own)

    def started(self, job: Job, name: str) -> None:
        """Tell that a job starts."""
        arm = name.split(",")[0] if name.startswith("trial ") else name.rpartition(", seed ")[0]
        tracked = self.jobs[job.key] = TrackedJob(job, name, arm or name)
        self.trackers.tell(lambda one: one.started(tracked))

    def placed(self, key: str, host: str, pid: int) -> None:
        """Tell which process of which host trains a job."""
        tracked = self.jobs[key]
        self.trackers.tell(lambda one: one.placed(tracked, host, pid))

    def epochs(self, key: str, epochs: Sequence[Epoch]) -> None:
        """Tell of further epochs of a job."""
        tracked = self.jobs[key]
        self.trackers.tell(lambda one: one.epochs(tracked, epochs))

    def ended(self, key: str, result: Result) -> None:
        """Tell that a job ended."""
        tracked = self.jobs.pop(key, None)
        if tracked is not None:
            self.trackers.tell(lambda one: one.ended(tracked, result))

    def note(self, text: str) -> None:
        """Tell what the run says."""
        self.trackers.tell(lambda one: one.note(text))

    def close(self) -> None:
        """Tell that the run is over."""
        self.trackers.tell(lambda one: one.close())
        self.trackers.wait()

    def report(self, page: Path) -> None:
        """Tell where the page about the run is, if there is one."""
        if page.exists():
            self.trackers.tell(lambda one: one.report(page))
            self.trackers.wait()
