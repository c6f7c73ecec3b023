"""The training of one job, an epoch at a time, so that a scheduler can watch, pause and resume."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from math import isfinite, nan
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from searchspace.errors import first_line
from searchspace.schema import from_json, to_json
from trainers.initial import initial_network
from trainers.job import Ensemble, Epoch, Job, Point, Result, Status, pack_flags
from trainers.learning.batches import Batches
from trainers.learning.learner import Learner
from trainers.learning.losses import Batch
from trainers.measurement import SplitMetrics, measure_split
from trainers.runtime.live_memory import LiveMemory
from trainers.runtime.out_of_memory import is_out_of_memory
from trainers.runtime.ranks import ALONE, LostProcess, Ranks
from trainers.runtime.rng_state import RngState
from trainers.tasks import Split, Splits
from trainers.tasks.resampling import splits_of_seed

CHECK_STEPS = 64
"""Steps between checks that the loss is finite; each check makes a GPU wait."""


class Training:
    """One job in progress on one device, or on one for each of the processes `ranks`.

    All randomness comes from the job's seeds: data order and augmentation from one generator, the
    initial weights and any random operator of the network from another state of torch's global
    generator, which is given back unchanged after each epoch. Jobs with equal seeds see the same
    images in the same order whatever their architecture, so that arms can be paired; so do any
    number of processes, but for what the network itself draws.

    `data` is what the task loads, where that was done already. `recompute` lets a switchable
    network with an ensemble use less memory, for the same result.
    """

    def __init__(
        self,
        job: Job,
        *,
        data_root: Path | None = None,
        data: Splits | None = None,
        device: str = "cpu",
        recompute: bool = False,
        ranks: Ranks = ALONE,
    ) -> None:
        self.job, self.ranks = job, ranks
        self.device = torch.device(device)
        data = data or job.task.load(data_root)
        self.data = splits_of_seed(job.task, data, job.seed).to(self.device)
        self.batches = Batches(job, self.data, self.device, ranks)
        seed = job.seed if job.weights_seed is None else job.weights_seed
        self.rng_state = RngState(seed, self.device)
        with self.rng_state.active():
            network, kept = initial_network(job)
            self.learner = Learner(
                network.to(self.device),
                job,
                self.rng_state,
                kept=kept,
                recompute=recompute,
                ranks=ranks,
            )
        self.step = 0
        self.losses = torch.zeros(self.steps, device=self.device)
        self.curve: list[Epoch] = []
        self.seconds = 0.0
        self.peak_memory: int | None = None
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        self.status: Status = "finished"
        self.reason = ""

    @property
    def network(self) -> torch.nn.Module:
        """The network that is measured, in training form."""
        return self.learner.measured

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return self.batches.steps

    @property
    def done(self) -> bool:
        """Whether all epochs are over, or the job ended early."""
        return bool(self.reason) or len(self.curve) >= self.job.recipe.epochs

    def epoch(self, after_step: Callable[[], None] | None = None) -> Epoch:
        """Train to the end of a pass and measure on validation.

        `after_step` is called at every step boundary; `state` may be taken there.
        """
        number = len(self.curve) + 1
        try:
            loss = self._pass(after_step)
            by_size = self._measure(self.data.validation, self.job.training_sizes)
        except (RuntimeError, MemoryError) as error:
            elsewhere = isinstance(error, LostProcess) and self.ranks.out_of_memory()
            if not is_out_of_memory(error) and not elsewhere:
                raise
            self._end("out_of_memory", f"memory ran out in epoch {number}: {first_line(error)}")
            return Epoch(number, nan, nan, nan)
        accuracy, validation_loss = (
            _mean(m.accuracy for m in by_size),
            _mean(m.loss for m in by_size),
        )
        progress = Epoch(number, loss, accuracy, validation_loss)
        if isfinite(loss) and isfinite(validation_loss):
            self.curve.append(progress)
        else:
            # Not appended: a curve, like every stored number, holds finite values only.
            self._end("diverged", f"the loss was not finite in epoch {number}, {self._where()}")
        self.step = 0
        return progress

    def result(self) -> Result:
        """The result of the job once it is done; reads the test split."""
        if self.reason:
            return self._result(())
        resolutions = self.job.architecture.resolutions
        sizes = self.job.training_sizes + (resolutions.untrained if resolutions else ())
        views = resolutions.sizes if resolutions and resolutions.ensemble else ()
        on_validation = self._measure(self.data.validation, sizes, views)
        on_test = self._measure(self.data.test, sizes, views, top5=self.job.task.classes > 5)
        points = tuple(
            self._point(size, *measures)
            for size, *measures in zip(sizes, on_validation, on_test, strict=False)
        )
        if not views:
            return self._result(points)
        weights = tuple(self.network.get_parameter("importance").softmax(0).tolist())
        ensemble_validation = on_validation[-1]
        ensemble = Ensemble(
            weights, ensemble_validation.accuracy, ensemble_validation.loss, on_test[-1].accuracy
        )
        return self._result(points, ensemble)

    def state(self) -> dict[str, Any]:
        """Everything that a resumed job needs, as tensors and plain values."""
        return {
            "job": self.job.key,
            "device": self.device.type,
            "learner": self.learner.state(),
            "batches": self.batches.state(),
            "random": self.rng_state.state,
            "step": self.step,
            "losses": self.losses,
            "curve": [to_json(epoch) for epoch in self.curve],
            "seconds": self.seconds,
            "peak_memory": self._memory(),
            "status": self.status,
            "reason": self.reason,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state of the same job on the same kind of device."""
        self.learner.restore(state["learner"])
        self.batches.restore(state["batches"])
        self.rng_state.state = [part.cpu() for part in state["random"]]
        self.step = state["step"]
        self.losses.copy_(state["losses"])
        self.curve = [from_json(Epoch, epoch) for epoch in state["curve"]]
        self.seconds = state["seconds"]
        self.peak_memory = state["peak_memory"]
        self.status, self.reason = state["status"], state["reason"]

    def _pass(self, after_step: Callable[[], None] | None) -> float:
        """Train on the rest of an epoch in whole batches; returns the mean loss."""
        passed = len(self.curve)
        self.learner.train_mode()
        left = self.batches.in_pass(passed, self.step)
        with self.rng_state.active(), closing(left) as batches:
            started = time.perf_counter()
            for batch in batches:
                if self.ranks.rank:
                    # What the network draws: not what the first process draws for its images.
                    place = f"{passed} {self.step} {self.ranks.rank}"
                    self.rng_state.seed(f"{self.job.seed} {self.job.weights_seed} {place}")
                rate = self.job.recipe.rate(passed + self.step / self.steps)
                self.losses[self.step] = self._learn(batch, rate)
                self.step += 1
                if self.step % CHECK_STEPS == 0 and not self._losses_finite():
                    break
                if after_step is not None:
                    self.seconds += time.perf_counter() - started
                    self.rng_state.state = self.rng_state.current()
                    after_step()
                    started = time.perf_counter()
            # One transfer: reading a loss at every step would make a GPU wait.
            loss = float(self.losses[: self.step].mean())
            self.seconds += time.perf_counter() - started
        return loss

    def _learn(self, batch: Batch, rate: float) -> Tensor:
        """One step; on a CPU the memory of the job's second step is recorded."""
        # By then the optimizer has its state. Compiled code cannot be watched.
        watched = not self.curve and self.step == min(1, self.steps - 1)
        if self.device.type != "cpu" or not watched or self.job.recipe.compile != "no":
            return self.learner.learn(batch, rate)
        with LiveMemory(self.learner.persistent_tensors()) as memory:
            loss = self.learner.learn(batch, rate)
        self.peak_memory = memory.peak
        return loss

    def _memory(self) -> int | None:
        if self.device.type != "cuda":
            return self.peak_memory
        # A job that went on elsewhere has the peak of the part before.
        return max(self.peak_memory or 0, torch.cuda.max_memory_allocated(self.device))

    def _measure(
        self,
        split: Split,
        sizes: Sequence[int],
        ensemble: Sequence[int] = (),
        *,
        top5: bool = False,
    ) -> list[SplitMetrics]:
        prepare = self.batches.normalise
        with self.learner.autocast():
            return measure_split(
                self.network, split, prepare, sizes, ensemble, self.ranks, top5=top5
            )

    def _losses_finite(self) -> bool:
        return bool(self.losses[: self.step].isfinite().all())

    def _where(self) -> str:
        """The first step of this pass whose loss is not finite."""
        bad = (~self.losses[: self.step].isfinite()).nonzero()
        return f"step {int(bad[0]) + 1}" if len(bad) else "on validation"

    def _end(self, status: Status, reason: str) -> None:
        self.status, self.reason = status, reason

    def _point(self, size: int, on_validation: SplitMetrics, on_test: SplitMetrics) -> Point:
        return Point(
            size=size,
            validation_accuracy=on_validation.accuracy,
            validation_loss=on_validation.loss,
            test_accuracy=on_test.accuracy,
            validation_images=len(self.data.validation),
            test_images=len(self.data.test),
            trained=size in self.job.training_sizes,
            test_right=pack_flags(on_test.right),
            test_top5_accuracy=on_test.top5_accuracy,
        )

    def _result(self, points: tuple[Point, ...], ensemble: Ensemble | None = None) -> Result:
        return Result(
            self.status,
            points,
            tuple(self.curve),
            self.seconds,
            self.reason,
            ensemble,
            self.learner.accumulation,
            self._memory(),
            self.ranks.count,
        )


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)
