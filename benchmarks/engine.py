"""What the engine adds to each trial and to the start, beside Ray's Tuner with OptunaSearch.

    python -m benchmarks.engine [--trials 20] [--seconds 0]

Jobs sleep instead of training, in two workers. Added time per trial is (wall time - start) / trials
minus the time that a trial sleeps, shared by two workers; the start lasts until a first trial runs.
All forms run in turn in processes of their own, as a user's would. Other work on the machine slows
all of them.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from searchspace.cli import run_command

WORKERS = 2
FORMS = "ours", "stock", "stock, reused"


def ours(trials: int, seconds: float, folder: Path) -> None:
    from studies import engine
    from studies.agenda import Events
    from studies.resources import Resources
    from studies.samplers import sampler
    from studies.searching import SearchAgenda
    from studies.store import Store
    from tests.helpers import search

    class SleepingTrainable(engine.JobTrainable):
        """Sleeps, then gives a made-up result."""

        def step(self) -> dict[str, Any]:
            from studies.worker import Report
            from tests.helpers import made_up, record

            started = time.time()
            time.sleep(seconds)
            job = self.seat.order.job
            done = record(job, made_up(job, 0.3 + int(job.key[:4], 16) / 2**17))
            return {engine.REPORT: Report((), done | {"finished_at": str(started)}), "done": True}

    engine.JobTrainable = SleepingTrainable  # type: ignore[misc]
    asked = search(trials=trials, sampler="brute_force")
    store = Store(folder)
    with store.locked():
        store.ask(asked, {})
        made = sampler(asked.sampler, {}, within=asked.within, objectives=asked.objectives, seed=0)
        agenda = SearchAgenda(asked, store, Resources(WORKERS), Events(), made)
        engine.run_agenda(agenda)
        agenda.close()
    print(json.dumps(min(float(record.finished_at) for record in store.records())))


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
    print(json.dumps(min(result.metrics["started"] for result in results)))


def measure(form: str, trials: int, seconds: float) -> tuple[float, float]:
    """Seconds until the first trial runs, and added for each trial."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.time()
        command = [sys.executable, "-m", "benchmarks.engine", "--form", form, "--folder", folder]
        options = ["--trials", str(trials), "--seconds", str(seconds)]
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
        wall = time.time() - began
    start = float(done.stdout.strip().splitlines()[-1]) - began
    return start, (wall - start) / trials - seconds / WORKERS


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
    if form:
        stock(counts[0], lengths[0], folder, reused=form != "stock")
        return 0
    table = Table("trials", "seconds each", "form", "start s", "added s per trial")
    for count in counts:
        for length in lengths:
            for one in FORMS:
                start, added = measure(one, count, length)
                table.add_row(f"{count}", f"{length:g}", one, f"{start:.1f}", f"{added:.3f}")
    Console().print(table)
    return 0


if __name__ == "__main__":
    run_command(engine_overhead, "python -m benchmarks.engine")
