"""The driver of a large cluster: 200 workers that end their jobs at once."""

import gc
import sys
import time
from collections import deque
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from benchmarks.proposals import asked_search, begun
from studies.execution.worker import StepReport
from studies.rundir.store import RunStore
from tests.support.helpers import made_up, record
from trainers import Job

WORKERS, TRIALS = 200, 1000
SECONDS = 0.05


@pytest.mark.slow
def test_each_trial_costs_the_driver_little_and_as_much_as_the_first_ones(tmp_path: Path) -> None:
    """CPU seconds and memory; what Ray itself needs is not in them."""
    asked, rng = asked_search("random", TRIALS, depth=8), Random(0)
    running: deque[Job] = deque()
    with RunStore(tmp_path).locked():
        scheduler = begun(asked, tmp_path)
        scheduler.slots = WORKERS

        def end(trials: int) -> tuple[float, int]:
            """End so many jobs; the CPU seconds and the blocks of memory that each took."""
            gc.collect()
            began, blocks = time.process_time(), sys.getallocatedblocks()
            for _ in range(trials):
                free = WORKERS - len(running)
                running.extend(item.job for item in islice(iter(scheduler.next_item, None), free))
                job = running.popleft()
                result = made_up(job, rng.uniform(0.3, 0.9))
                scheduler.report(job.key, StepReport(result.curve, record(job, result)))
            spent = time.process_time() - began
            gc.collect()
            return spent / trials, (sys.getallocatedblocks() - blocks) // trials

        end(100)
        first, last = end(300), end(300)
        scheduler.close()
    assert max(first[0], last[0]) < SECONDS
    assert last[1] < 1.2 * first[1]
