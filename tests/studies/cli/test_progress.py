"""The time left is told when something is known about it."""

import time
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from studies.cli.progress import MOST_SHOWN, Progress
from tests.support.helpers import RECIPE, job, made_up


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_no_time_is_told_at_the_first_report(clock: list[float]) -> None:
    """It would be 0 s, as no time has passed since."""
    progress = Progress(Console(file=StringIO()))
    progress.jobs_left = lambda: 3
    one = job(recipe=replace(RECIPE, epochs=10))
    progress.started(one, "one")
    assert progress.left() == "starting workers"
    progress.epoch(one.key, 1)
    assert progress.left() == "estimating the time"
    clock[0] += 9
    progress.epoch(one.key, 2)
    # One epoch in 9 seconds, and 38 epochs to go.
    assert progress.left() == "5 min 42 s left"


def test_jobs_that_ended_say_how_long_others_of_their_network_take(clock: list[float]) -> None:
    progress = Progress(Console(file=StringIO()))
    recipe = replace(RECIPE, epochs=10)
    slow = [job(seed, recipe=recipe) for seed in (0, 1)]
    fast = [job(seed, recipe=replace(recipe, lr=0.01)) for seed in (0, 1)]
    for one in (*slow, *fast):
        progress.started(one, "one")
    assert progress.done() == 0
    progress.ended(slow[0].key, replace(made_up(slow[0], 0.5), seconds=90.0))
    progress.ended(fast[0].key, replace(made_up(fast[0], 0.5), seconds=10.0))
    assert progress.done() == pytest.approx(0.5)
    progress.epoch(slow[1].key, 10)
    assert progress.done() == pytest.approx(0.95)


def test_a_terminal_shows_the_jobs_that_run(clock: list[float]) -> None:
    """Name, epoch and validation accuracy of each, the time left below."""
    progress = Progress(Console(file=StringIO(), force_terminal=True, width=100))
    jobs = [job(seed=seed) for seed in range(MOST_SHOWN + 1)]
    callbacks = progress.callbacks()
    for number, one in enumerate(jobs):
        callbacks.started(one, f"static, seed {number}")
    callbacks.epochs(jobs[0].key, made_up(jobs[0], 0.8).curve[:1])
    with progress.console.capture() as shown:
        progress.console.print(*progress.bar.get_renderables())
    first = shown.get().splitlines()[0]
    assert [part.strip() for part in first.split("  ") if part.strip()] == [
        "static, seed 0", "epoch 1 of 2", "40.0 %",
    ]  # fmt: skip
    assert "static, seed 12" not in shown.get() and "and 1 more" in shown.get()
    # Hosts are told where there are several.
    for one, host in zip(jobs, ("node-a", "node-a", "node-b"), strict=False):
        assert "node-a" not in _first_line(progress)
        callbacks.placed(one.key, host, 7)
    assert _first_line(progress).endswith("node-a")
    callbacks.ended(jobs[0].key, made_up(jobs[0], 0.8))
    assert len(progress.running) == MOST_SHOWN


def _first_line(progress: Progress) -> str:
    with progress.console.capture() as shown:
        progress.console.print(progress.running_table())
    return shown.get().splitlines()[0].rstrip()
