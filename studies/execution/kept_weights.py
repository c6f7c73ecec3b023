"""Which trained weights a run keeps: all, none, or those of the networks on its front."""

from functools import lru_cache
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from searchspace import InputError
from searchspace.schema import content_key
from studies.execution.resources import KeepWeights
from studies.rundir.pricing import Price, prices
from studies.rundir.record import Record
from studies.rundir.store import RunStore
from studies.rundir.tuning import is_tuning
from studies.spec.ablation import costs
from trainers import Job, Recipe, Task

Network = tuple[str, str, str]
"""The keys of an architecture, a task and a recipe."""


class KeptWeights:
    """Removes the weights of networks that leave the front, as jobs end.

    Fronts are of mean validation accuracy over seeds against MACs and against parameters, for each
    task, with a point for each input size that a network is trained at.
    """

    def __init__(self, store: RunStore, keep: KeepWeights) -> None:
        self.store, self.keep = store, keep
        self.finished: dict[Network, list[Record]] | None = None
        self.kept: dict[Network, list[tuple[int, int, float]]] = {}
        """MACs, parameters and accuracy at each size of the networks whose weights are there."""
        self.price: Price | None = None

    @property
    def folder(self) -> Path | None:
        """Where workers write weights; None if they write none."""
        return None if self.keep == "none" else self.store.weights.resolve()

    def job_finished(self, record: Record) -> None:
        """Take a finished job whose record is stored; remove what is on no front any more."""
        if self.keep != "front" or not self.store.weights_of(record.key).exists():
            return
        if self.finished is None:
            self.finished = {}
            self._read(self.finished)
        elif is_tuning(record.job):
            self._remove(record)
        else:
            self.finished.setdefault(_network(record.job), []).append(record)
        network = _network(record.job)
        if network in self.finished:
            self.kept[network] = self._points(self.finished[network])
        on_fronts = self._on_fronts(network[1])
        for left in [n for n in self.kept if n[1] == network[1] and n not in on_fronts]:
            del self.kept[left]
            for earlier in self.finished[left]:
                self._remove(earlier)

    def _remove(self, record: Record) -> None:
        self.store.weights_of(record.key).unlink(missing_ok=True)

    def _read(self, finished: dict[Network, list[Record]]) -> None:
        """Take all records; remove weights of jobs without one, or that only tried a recipe."""
        left = {path.stem for path in self.store.weights.glob("*.safetensors")}
        present = set()
        for record in self.store.records():
            if record.result.status == "finished" and not is_tuning(record.job):
                network = _network(record.job)
                finished.setdefault(network, []).append(record)
                if record.key in left:
                    left.remove(record.key)
                    present.add(network)
        for key in left:
            self.store.weights_of(key).unlink(missing_ok=True)
        self.kept = {network: self._points(finished[network]) for network in present}

    def _points(self, records: list[Record]) -> list[tuple[int, int, float]]:
        """MACs, parameters and mean validation accuracy at each trained size."""
        job = records[0].job
        accuracies: dict[int, list[float]] = {}
        for record in records:
            for point in record.result.points:
                if point.trained:
                    accuracies.setdefault(point.size, []).append(point.validation_accuracy)
        costs = {size: self._cost(job, size) for size in accuracies}
        return [(*costs[size], fmean(values)) for size, values in accuracies.items()]

    def _cost(self, job: Job, size: int) -> tuple[int, int]:
        if self.price is None:
            self.price = self._prices()
        deployed, _ = self.price(job, size)
        return deployed.macs, deployed.params

    def _prices(self) -> Price:
        try:
            experiment = self.store.experiment()
        except InputError:
            experiment = None
        if experiment is None:
            # Jobs that belong to no study or search.
            return lambda job, size: costs(job.architecture, job.task, size)
        return prices(experiment, experiment.min_jobs)

    def _on_fronts(self, task: str) -> set[Network]:
        """The networks of a task that are on one of its fronts."""
        from moocore import is_nondominated

        named = [(n, point) for n, points in self.kept.items() if n[1] == task for point in points]
        kept: set[Network] = set()
        for cost in (0, 1):
            objectives = np.array([(point[cost], -point[2]) for _, point in named], dtype=float)
            mask: Any = is_nondominated(objectives, keep_weakly=True) if named else []
            kept |= {n for (n, _), on_front in zip(named, mask, strict=True) if on_front}
        return kept


def _network(job: Job) -> Network:
    return job.architecture.key, _key(job.task), _key(job.recipe)


@lru_cache(maxsize=256)
def _key(value: Task | Recipe) -> str:
    return content_key(value)
