"""The training of one job, an epoch at a time, so that a scheduler can watch, pause and resume."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from searchspace import build
from trainers.augment import augmented
from trainers.job import Epoch, Job, Point, Result
from trainers.tasks import Split

EVALUATION_BATCH = 512


class Training:
    """One job in progress on one device.

    All randomness comes from the job's seed: data order and augmentation from one generator, the
    initial weights and any random operator of the network from another state of torch's global
    generator, which is given back unchanged after each epoch. Jobs with equal seeds see the same
    images in the same order whatever their architecture, so that arms can be paired.
    """

    def __init__(self, job: Job, *, data_root: Path | None = None, device: str = "cpu") -> None:
        self.job = job
        self.device = torch.device(device)
        self.data = job.task.load(data_root).to(self.device)
        self.order = torch.Generator(self.device).manual_seed(job.seed)
        self.random_state: Any = None
        with self._own_randomness():
            network = build(job.architecture, job.task.classes, job.task.in_chs)
        self.network: nn.Module = network.to(self.device)
        recipe = job.recipe
        self.optimizer = torch.optim.SGD(
            self.network.parameters(),
            lr=recipe.lr,
            momentum=recipe.momentum,
            nesterov=recipe.nesterov,
            weight_decay=recipe.weight_decay,
            fused=True,
        )
        self.curve: list[Epoch] = []
        self.seconds = 0.0
        self.reason = ""

    @property
    def done(self) -> bool:
        """Whether all epochs are over, or the loss stopped being finite."""
        return bool(self.reason) or len(self.curve) >= self.job.recipe.epochs

    def epoch(self) -> Epoch:
        """Train for one pass and measure on validation."""
        started = time.perf_counter()
        with self._own_randomness():
            loss = self._pass()
        self.seconds += time.perf_counter() - started
        number = len(self.curve) + 1
        accuracy, validation_loss = self._measure(self.data.validation)
        progress = Epoch(number, loss, accuracy, validation_loss)
        if all(value < float("inf") for value in (loss, validation_loss)):
            self.curve.append(progress)
        else:
            # Not appended: a curve, like every stored number, holds finite values only.
            self.reason = f"the loss was not finite in epoch {number}"
        return progress

    def result(self) -> Result:
        """What the job gives, once it is done; reads the test split."""
        curve = tuple(self.curve)
        if self.reason:
            return Result("diverged", (), curve, self.seconds, self.reason)
        test_accuracy, _ = self._measure(self.data.test)
        point = Point(
            size=self.job.task.input_size,
            validation_accuracy=curve[-1].validation_accuracy,
            validation_loss=curve[-1].validation_loss,
            test_accuracy=test_accuracy,
            validation_images=len(self.data.validation),
            test_images=len(self.data.test),
        )
        return Result("finished", (point,), curve, self.seconds)

    def _pass(self) -> float:
        """All training images once, in whole batches; the mean loss."""
        recipe, train = self.job.recipe, self.data.train
        size = min(recipe.batch_size, len(train))
        # The remainder is left out: a norm over a few images would be a different network.
        steps = len(train) // size
        order = torch.randperm(len(train), generator=self.order, device=self.device)
        self.network.train()
        total = torch.zeros((), device=self.device)
        batches = augmented(
            train,
            order[: steps * size],
            recipe,
            self.order,
            classes=self.job.task.classes,
            fill=self.data.mean,
            seed=f"{self.job.seed} {len(self.curve)}",
        )
        for step, (images, targets) in enumerate(batches):
            rate = recipe.rate(len(self.curve) + step / steps)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            loss = F.cross_entropy(self.network(self._normalise(images)), targets)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            total += loss.detach()
        # One transfer an epoch: reading a loss at every step would make a GPU wait.
        return float(total / steps)

    def _normalise(self, images: Tensor) -> Tensor:
        mean, std = self.data.mean[:, None, None], self.data.std[:, None, None]
        return (images.float() - mean) / std

    @torch.no_grad()
    def _measure(self, split: Split) -> tuple[float, float]:
        """Accuracy and mean loss of the network in evaluation mode."""
        self.network.eval()
        right = torch.zeros((), device=self.device)
        loss = torch.zeros((), device=self.device)
        for images, labels in split.batches(EVALUATION_BATCH):
            logits = self.network(self._normalise(images))
            right += (logits.argmax(1) == labels).sum()
            loss += F.cross_entropy(logits, labels, reduction="sum")
        return float(right) / len(split), float(loss) / len(split)

    @contextmanager
    def _own_randomness(self) -> Iterator[None]:
        """Swap this job's state into torch's global generators and give the caller's back."""
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            if self.random_state is None:
                torch.manual_seed(self.job.seed)
            else:
                torch.set_rng_state(self.random_state[0])
                for device, state in zip(devices, self.random_state[1:], strict=True):
                    torch.cuda.set_rng_state(state, device)
            yield
            states = [torch.cuda.get_rng_state(device) for device in devices]
            self.random_state = [torch.get_rng_state(), *states]
