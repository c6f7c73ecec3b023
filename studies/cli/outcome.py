"""How a run ended: its last sentence and its exit status."""

from signal import SIGINT

from rich.console import Console

from studies.execution.job_queue import JobQueue
from studies.execution.stop_signals import STATUS_BASE
from studies.rundir.store import RunStore
from studies.spec.words import count

FAILED = 1
ADVICE = {
    "diverged": "lower the recipe's lr and start anew with --fresh",
    "out_of_memory": "lower the recipe's batch_size, or raise accumulation, and start anew with "
    "--fresh",
    "failed": "--retry-failed tries them again when the cause is mended",
}


def remaining(queue: JobQueue, console: Console) -> int:
    """Say how many jobs are left, if any; the status to exit with."""
    left = queue.jobs_left() + len(queue.running) + len(queue.interrupted)
    if left:
        console.print(f"Stopped with {count(left, 'job')} to do; the same command continues.")
        return STATUS_BASE + (queue.stopped_by or SIGINT)
    return 0


def no_result(store: RunStore, console: Console) -> int:
    """Say why no job of a run has a result, and what to do, if that is so; the exit status."""
    results = [record.result for record in store.records()]
    if any(result.points for result in results):
        return 0
    reasons = "; ".join(dict.fromkeys(result.reason for result in results if result.reason))
    statuses = dict.fromkeys(result.status for result in results)
    advice = "; ".join(ADVICE[status] for status in statuses if status in ADVICE)
    console.print(
        f"No job has a result ({reasons or 'none was trained'})."
        + f" To do: {advice}." * bool(advice),
        markup=False,
    )
    return FAILED


def trial_counts(store: RunStore) -> str:
    """How many trials ended in which state."""
    states = [trial.state for trial in store.trials()]
    counts = [(states.count(s), s) for s in ("finished", "truncated", "failed", "open")]
    words = ", ".join(f"{n:,} {state}" for n, state in counts if n)
    return f"{count(len(states), 'trial')}: {words}"
