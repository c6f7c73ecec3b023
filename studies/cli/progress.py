"""How far a run is and when it will be over."""

import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import BarColumn, ProgressColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from studies.execution.job_queue import RunCallbacks
from studies.spec.ablation import costs
from studies.spec.words import count
from studies.trackers.tracking import Tracking
from trainers import Epoch, Job, Result

STEP_OVERHEAD_MACS = 2_000_000
"""Work per image that no MAC count shows, in MACs; it decides the time of tiny networks."""


MOST_SHOWN = 12
"""Running jobs that a terminal shows."""

MIN_SECONDS = 2.0
"""A time left is told after so many seconds of training; before, it would be a guess."""


def work(job: Job) -> float:
    """A measure of a job's training time: proportional to it within one run, nearly."""
    _, training = costs(job.architecture, job.task)
    return (training.macs + STEP_OVERHEAD_MACS) * job.recipe.epochs


def duration(seconds: float) -> str:
    """A time in words: 8 s, 3 min 20 s, 2 h 5 min, 12 days."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours = minutes // 60
    return f"{hours} h {minutes % 60} min" if hours < 48 else f"{hours / 24:,.0f} days"


def _kind(job: Job) -> Hashable:
    """What jobs that take the same time share."""
    return job.architecture.key, job.task, job.recipe


class _BarBelowJobs(Bar):
    """A bar below a table that is made anew for each picture."""

    def __init__(
        self, above: Callable[[], Table], *columns: ProgressColumn, **options: Any
    ) -> None:
        self.above = above
        super().__init__(*columns, **options)

    def get_renderables(self) -> Iterable[RenderableType]:
        """The table, then the bar."""
        yield self.above()
        yield from super().get_renderables()


class Progress:
    """A table of running jobs and a bar on a terminal, a line for each job that ended elsewhere.

    Both have the time left.
    """

    def __init__(self, console: Console, tracking: Tracking | None = None) -> None:
        self.console = console
        self.tracking = tracking or Tracking()
        self.jobs: dict[str, Job] = {}
        self.names: dict[str, str] = {}
        self.work: dict[str, float] = {}
        self.share: dict[str, float] = {}
        self.ended_keys: set[str] = set()
        self.jobs_left: Callable[[], int] = lambda: 0
        self.began: tuple[float, float] | None = None
        """When the first epoch was reported, and the share of the work that was done by then."""
        self.seconds: dict[Hashable, float] = {}
        """What a job of a network and recipe took, once one has ended."""
        self.ended_work = self.ended_seconds = 0.0
        self.running: dict[str, Epoch | None] = {}
        """The last epoch of each job that runs."""
        self.hosts: dict[str, str] = {}
        """The host that trains a job, as far as it is known."""
        self.bar = _BarBelowJobs(
            self.running_table,
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:.0f} %, {task.fields[left]}", markup=False),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.task = self.bar.add_task("", total=1.0, left="starting workers")

    def callbacks(self) -> RunCallbacks:
        """What to call as jobs advance."""
        return RunCallbacks(
            started=self._started,
            epoch=self.epoch,
            ended=self._ended,
            note=self.note,
            epochs=self._epochs,
            placed=self._placed,
        )

    def begin(self, folder: Path, experiment: str) -> None:
        """Begin an experiment in a run directory, of which the trackers are told from now on."""
        self.tracking.begin(folder, experiment, lambda: (self.total, self.done(), self.left()))

    def _started(self, job: Job, name: str) -> None:
        self.started(job, name)
        self.tracking.started(job, name)

    def _ended(self, key: str, result: Result) -> None:
        self.ended(key, result)
        self.tracking.ended(key, result)

    def _placed(self, key: str, host: str, pid: int) -> None:
        self.hosts[key] = host
        self.tracking.placed(key, host, pid)

    def _epochs(self, key: str, epochs: Sequence[Epoch]) -> None:
        self.running[key] = epochs[-1]
        self.tracking.epochs(key, epochs)

    def running_table(self) -> Table:
        """The jobs that run, with epochs and validation accuracies, as many as are shown.

        Their hosts are shown where there are several.
        """
        several = len(set(self.hosts.values())) > 1
        table = Table.grid(padding=(0, 2))
        for key, last in list(self.running.items())[:MOST_SHOWN]:
            planned = self.jobs[key].recipe.epochs
            epoch = f"epoch {last.epoch} of {planned}" if last else "starting"
            accuracy = f"{100 * last.validation_accuracy:.1f} %" if last else ""
            host = [Text(self.hosts.get(key, ""))] if several else []
            table.add_row(Text(self.names[key]), epoch, accuracy, *host)
        if len(self.running) > MOST_SHOWN:
            table.add_row(f"and {len(self.running) - MOST_SHOWN} more")
        return table

    @contextmanager
    def showing(self, jobs_left: Callable[[], int]) -> Iterator[None]:
        """Show what goes on; `jobs_left` says about how many jobs have not started."""
        self.jobs_left = jobs_left
        if not self.console.is_terminal:
            self.console.print(f"{count(self.total, 'job')} to train; starting workers")
        try:
            with self.bar:
                yield
        finally:
            self.tracking.close()

    @property
    def total(self) -> int:
        """About how many jobs there are in all."""
        return len(self.jobs) + self.jobs_left()

    def started(self, job: Job, name: str) -> None:
        """Note that a job starts, or goes on."""
        self.ended_keys.discard(job.key)
        self.jobs[job.key], self.names[job.key] = job, name
        self.work[job.key] = work(job)
        self.share[job.key] = min(self.share.get(job.key, 0.0), 0.99)
        self.running[job.key] = None

    def epoch(self, key: str, epoch: int) -> None:
        """Note that a job has trained `epoch` epochs."""
        self.share[key] = epoch / self.jobs[key].recipe.epochs
        self.began = self.began or (time.monotonic(), self.done())
        self._show()

    def ended(self, key: str, result: Result) -> None:
        """Tell of a job that ended."""
        self.share[key] = 1.0
        self.running.pop(key, None)
        self.hosts.pop(key, None)
        self.ended_keys.add(key)
        if result.status == "finished" and result.seconds:
            self.ended_work += self.work[key]
            self.seconds[_kind(self.jobs[key])] = result.seconds
            self.ended_seconds += result.seconds
        self._show()
        accuracy = f"{100 * result.points[0].validation_accuracy:.1f} %" if result.points else ""
        text = f"{accuracy} on validation" if accuracy else result.reason
        if result.status == "failed":
            text = f"failed, {result.reason}"
        elif result.seconds:
            text += f" in {duration(result.seconds)}"
        self._tell(f"{self.names[key]}: {text}")

    def note(self, text: str) -> None:
        """Tell of something else."""
        self._tell(text)
        self.tracking.note(text)

    def left(self) -> str:
        """The time left, from the work done since the first report."""
        if self.began is None:
            return "starting workers"
        then, done_then = self.began
        elapsed, done = time.monotonic() - then, self.done()
        if elapsed < MIN_SECONDS or done <= done_then:
            return "estimating the time"
        return f"{duration(elapsed * (1 - done) / (done - done_then))} left"

    def done(self) -> float:
        """The share of the work that is done; a job that is not known yet counts as the mean."""
        expected = {key: self._expected(key) for key in self.jobs}
        total = sum(expected.values()) * (1 + self.jobs_left() / max(1, len(expected)))
        return sum(expected[key] * self.share[key] for key in expected) / total if total else 0.0

    def _expected(self, key: str) -> float:
        """Seconds of a job like those that have ended, in proportion to the work of others.

        Before the first job has ended, the unit is that of `work`.
        """
        pace = self.ended_seconds / self.ended_work if self.ended_work else 1.0
        return self.seconds.get(_kind(self.jobs[key]), pace * self.work[key])

    def _show(self) -> None:
        self.bar.update(
            self.task,
            completed=self.done(),
            description=f"{len(self.ended_keys):,} of {count(self.total, 'job')}",
            left=self.left(),
        )

    def _tell(self, text: str) -> None:
        if not self.console.is_terminal:
            text += f"; {self.left()}" if len(self.ended_keys) < self.total else ""
        self.console.print(f"[{len(self.ended_keys)}/{self.total}] {text}", markup=False)
