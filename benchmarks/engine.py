"""What the engine adds to the start and to each trial, beside Ray's Tuner with OptunaSearch.

    python -m benchmarks.engine [--trials 20 --trials 60] [--seconds 0 --seconds 1]

Jobs sleep instead of training, in two workers. The start lasts until a first trial runs, the end
from the last one. What is added for each trial is the time between the first and the last beyond
what they slept, for each trial that began after the first ones. `floor` is the least that anything
on Ray needs to start: to import ray and to start it with one worker that imports torch.
All forms run in turn in processes of their own, as a user's would. Other work on the machine slows
all of them.
"""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from searchspace.cli import run_command

WORKERS = 2
FORMS = "ours", "stock", "stock, reused"


def ours(trials: int, seconds: float, folder: Path) -> None:
    from studies.execution import tune_backend
    from studies.execution.job_queue import RunCallbacks
    from studies.execution.ray_backend import RayBackend
    from studies.execution.resources import Resources
    from studies.rundir.store import RunStore
    from studies.search.scheduler import SearchScheduler
    from tests.support.helpers import search

    class SleepingTrainable(tune_backend.JobTrainable):
        """Sleeps, then gives a made-up result."""

        def step(self) -> dict[str, Any]:
            from studies.execution.worker import StepReport
            from tests.support.helpers import made_up, record

            started = time.time()
            time.sleep(seconds)
            job = self.worker.item.job
            done = record(job, made_up(job, 0.3 + int(job.key[:4], 16) / 2**17))
            return {
                tune_backend.REPORT: StepReport((), replace(done, finished_at=str(started))),
                "done": True,
            }

    tune_backend.JobTrainable = SleepingTrainable  # type: ignore[misc]
    asked = search(trials=trials, sampler="brute_force")
    store = RunStore(folder)
    with store.locked():
        store.ask(asked, {})
        queue = SearchScheduler(asked, store, Resources(WORKERS), RunCallbacks())
        with RayBackend(Resources(WORKERS)) as engine:
            engine.run(queue)
        queue.close()
    moments = [float(record.finished_at) for record in store.records()]
    print(json.dumps([min(moments), max(moments)]))


def stock(trials: int, seconds: float, folder: Path, *, reused: bool) -> None:
    import warnings

    import ray
    from ray import tune
    from ray.tune.search.optuna import OptunaSearch

    warnings.simplefilter("ignore")

    def objective(config: dict[str, Any]) -> None:
        started = time.time()
        time.sleep(seconds)
        tune.report({"accuracy": config["a"], "macs": config["b"], "started": started})

    space = {name: tune.choice(list(range(8))) for name in "ab"}
    ray.init(num_cpus=WORKERS, log_to_driver=False, include_dashboard=False)
    tuner = tune.Tuner(
        objective,
        param_space=space,
        tune_config=tune.TuneConfig(
            search_alg=OptunaSearch(metric=["accuracy", "macs"], mode=["max", "min"]),
            num_samples=trials,
            max_concurrent_trials=WORKERS,
            reuse_actors=reused,
        ),
        run_config=tune.RunConfig(storage_path=str(folder), verbose=0),
    )
    results = tuner.fit()
    moments = [result.metrics["started"] for result in results]
    print(json.dumps([min(moments), max(moments)]))


def floor() -> None:
    """Start Ray and import torch in a worker, nothing else."""
    import ray

    ray.init(num_cpus=WORKERS, log_to_driver=False, include_dashboard=False)

    @ray.remote
    def ready() -> float:
        import torch

        torch.zeros(1)
        return time.time()

    print(json.dumps([ray.get(ready.remote())] * 2))


def measure(form: str, trials: int, seconds: float) -> tuple[float, float, float]:
    """Seconds until the first trial runs, added for each trial, and from the last to the end."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.time()
        command = [sys.executable, "-m", "benchmarks.engine", "--form", form, "--folder", folder]
        options = ["--trials", str(trials), "--seconds", str(seconds)]
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
        ended = time.time()
    first, last = json.loads(done.stdout.strip().splitlines()[-1])
    rounds = (trials - WORKERS) / WORKERS
    added = (last - first - rounds * seconds) / (trials - WORKERS) if rounds else 0.0
    return first - began, added, ended - last - seconds


def engine_overhead(
    trials: Annotated[list[int] | None, typer.Option()] = None,
    seconds: Annotated[list[float] | None, typer.Option()] = None,
    form: Annotated[str, typer.Option(hidden=True)] = "",
    folder: Annotated[Path, typer.Option(hidden=True)] = Path(),
) -> int:
    """Compare the engine with the stock one."""
    counts, lengths = trials or [20, 60], seconds or [0.0, 1.0]
    if form == "ours":
        ours(counts[0], lengths[0], folder)
        return 0
    if form == "floor":
        floor()
        return 0
    if form:
        stock(counts[0], lengths[0], folder, reused=form != "stock")
        return 0
    table = Table("trials", "seconds each", "form", "start s", "added s per trial", "end s")
    start, _, end = measure("floor", WORKERS, 0.0)
    table.add_row("", "", "floor", f"{start:.1f}", "", f"{end:.1f}")
    for count in counts:
        for length in lengths:
            for one in FORMS:
                start, added, end = measure(one, count, length)
                row = f"{count}", f"{length:g}", one, f"{start:.1f}", f"{added:.3f}", f"{end:.1f}"
                table.add_row(*row)
    Console().print(table)
    return 0


if __name__ == "__main__":
    run_command(engine_overhead, "python -m benchmarks.engine")
