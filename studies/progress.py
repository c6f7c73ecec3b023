"""How far a run is and when it will be over."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from studies.study import Plan, costs
from trainers import Job

STEP_OVERHEAD_MACS = 2_000_000
"""Work per image that no MAC count shows, in MACs; it decides the time of tiny networks."""


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


class Progress:
    """A bar on a terminal, a line for each finished job elsewhere; both with the time left."""

    def __init__(self, plan: Plan, todo: Mapping[str, Job], console: Console) -> None:
        self.todo = todo
        self.names = {job.key: f"{arm.name}, seed {job.seed}" for arm, job in plan.jobs()}
        self.work = {key: work(job) for key, job in todo.items()}
        self.share = dict.fromkeys(todo, 0.0)
        self.over = 0
        self.console = console
        self.began: float | None = None
        self.bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:.0f} %, {task.fields[left]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.task = self.bar.add_task(f"0 of {len(todo)} jobs", total=1.0, left="starting workers")

    def __enter__(self) -> Self:
        if not self.console.is_terminal:
            self.console.print(f"{len(self.todo)} jobs to train; starting workers")
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bar.stop()

    def epoch(self, key: str, epoch: int) -> None:
        """Note that a job has trained `epoch` epochs."""
        self.began = self.began or time.monotonic()
        self.share[key] = epoch / self.todo[key].recipe.epochs
        self._show()

    def finished(self, record: dict[str, Any]) -> None:
        """Tell of a finished job."""
        self._close(record["key"])
        result = record["result"]
        points = result["points"]
        what = f"{100 * points[-1]['validation_accuracy']:.1f} % on validation" if points else ""
        text = f"{what or result['reason']} in {duration(result['seconds'])}"
        self._tell(f"{self.names[record['key']]}: {text}")

    def failed(self, key: str, reason: str) -> None:
        """Tell of a job that failed for good."""
        self._close(key)
        self._tell(f"{self.names[key]}: failed, {reason}")

    def left(self) -> str:
        """The time left, from the work done since the first epoch."""
        total = sum(self.work.values())
        done = sum(self.work[key] * share for key, share in self.share.items())
        if self.began is None or not done:
            return "starting workers"
        return f"{duration((time.monotonic() - self.began) * (total - done) / done)} left"

    def _close(self, key: str) -> None:
        self.share[key] = 1.0
        self.over += 1
        self._show()

    def _show(self) -> None:
        total = sum(self.work.values())
        done = sum(self.work[key] * share for key, share in self.share.items())
        self.bar.update(
            self.task,
            completed=done / total,
            description=f"{self.over} of {len(self.todo)} jobs",
            left=self.left(),
        )

    def _tell(self, text: str) -> None:
        if not self.console.is_terminal:
            text += f"; {self.left()}" if self.over < len(self.todo) else ""
        self.console.print(f"[{self.over}/{len(self.todo)}] {text}", markup=False)
