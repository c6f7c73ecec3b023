"""What a worker process takes of its machine."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from studies.execution import worker
from studies.execution.resources import Resources
from studies.execution.worker import WorkItem
from tests.support.helpers import STATIC, search
from trainers.tasks import Splits
from trainers.tasks.stream import StreamedSplit


@pytest.mark.parametrize(
    ("reserved", "threads"),
    [
        (Resources(), 1),
        (Resources(gpus_per_trial=0.5), 1),
        (Resources(gpus_per_trial=1, cpus_per_trial=8), 8),
        (Resources(gpus_per_trial=4, cpus_per_trial=24), 6),
        (Resources(cpus_per_trial=2), 1),
    ],
)
def test_images_are_decoded_by_the_threads_that_a_job_has_reserved(
    reserved: Resources, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = StreamedSplit(("a.png",), torch.tensor([0]), 8)
    streams = Splits(split, split, split, torch.zeros(3), torch.ones(3))
    monkeypatch.setattr(worker, "loaded", lambda *arguments: streams)
    asked: list[int] = []

    class Pool(ThreadPoolExecutor):
        def __init__(self, count: int) -> None:
            asked.append(count)
            super().__init__(count)

    monkeypatch.setattr("trainers.tasks.stream.ThreadPoolExecutor", Pool)
    item = WorkItem(search().job(STATIC, 0), Path(), reserved)
    assert list(worker._load(item).train.batches(1, torch.tensor([], dtype=torch.long))) == []
    assert asked == [threads]
