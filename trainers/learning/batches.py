"""The augmented training batches of a job, in its seeded order."""

from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from searchspace.errors import InputError
from trainers.augment import augmented
from trainers.job import Job
from trainers.learning.divided_split import divided
from trainers.learning.losses import Batch
from trainers.runtime.ranks import ALONE, Ranks
from trainers.tasks import Splits


class Batches:
    """Passes over the training split in whole batches.

    One generator, seeded by the job, decides order and augmentation. The images that are left at
    the end of a pass are left out: a norm over a few images would be a different network. Each of
    several processes augments whole batches and yields its part, so that the images do not depend
    on the number of processes.
    """

    def __init__(self, job: Job, data: Splits, device: torch.device, ranks: Ranks = ALONE) -> None:
        self.job, self.data, self.device, self.ranks = job, data, device, ranks
        self.train = divided(data.train, ranks)
        self.size = min(job.recipe.batch_size, len(data.train))
        self.steps = len(data.train) // self.size
        if self.size < ranks.count:
            raise InputError(
                f"a batch of {self.size} images cannot be shared by {ranks.count} processes"
            )
        self.generator = torch.Generator(device).manual_seed(job.seed)
        self.pass_start = self.generator.get_state()
        resolutions = job.architecture.resolutions
        sizes = resolutions.sizes if resolutions else (job.task.input_size,)
        # For each crop, the sizes that it is made in; none is the task's own.
        self.crops: list[tuple[int, ...]] = [sizes]
        if job.recipe.crops == "multi":
            self.crops = [(size,) for size in sizes]
        if job.recipe.crop_to == "task":
            self.crops = [()] * len(self.crops)

    def in_pass(self, number: int, step: int) -> Generator[Batch]:
        """The batches of an epoch, counted from 0, that follow its first `step` steps."""
        if step == self.steps:
            return
        order = self._order(begun=step > 0)[step * self.size : self.steps * self.size]
        # Crops that are made before an image is on the device know only this seed.
        seed = f"{self.job.seed} {number}"
        seeds = [seed] + [f"{seed} {crop}" for crop in range(1, len(self.crops))]
        streams = [
            self._augmented(order, crop_seed, sizes)
            for crop_seed, sizes in zip(seeds, self.crops, strict=True)
        ]
        with ExitStack() as stack:
            for stream in streams:
                # A stream that is left early stops reading ahead.
                stack.callback(stream.close)
            for views in zip(*streams, strict=True):
                crops, targets = zip(*chain.from_iterable(views), strict=True)
                batch = Batch.of_whole(crops, targets, self.ranks)
                yield replace(batch, crops=tuple(self.normalise(crop) for crop in batch.crops))

    def normalise(self, images: Tensor) -> Tensor:
        """Stored images (N, C, H, W) as float32 with mean 0 and variance 1 over the task."""
        mean, std = self.data.mean[:, None, None], self.data.std[:, None, None]
        # In place the second time: memory for every image is not asked for twice.
        return (images.float() - mean).div_(std)

    def state(self) -> dict[str, Any]:
        """What a resumed job needs to draw the same batches."""
        return {"generator": self.generator.get_state(), "pass_start": self.pass_start}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self.generator.set_state(state["generator"].cpu())
        self.pass_start = state["pass_start"].cpu()

    def _order(self, *, begun: bool) -> Tensor:
        """The order of an epoch's images, (N,); drawn again if the epoch has begun before."""
        generator = self.generator
        if begun:
            generator = torch.Generator(self.device)
            generator.set_state(self.pass_start)
        else:
            self.pass_start = generator.get_state()
        return torch.randperm(len(self.data.train), generator=generator, device=self.device)

    def _augmented(
        self, order: Tensor, seed: str, sizes: tuple[int, ...]
    ) -> Generator[list[tuple[Tensor, Tensor]]]:
        job = self.job
        yield from augmented(
            self.train,
            order,
            job.recipe,
            self.generator,
            classes=job.task.classes,
            fill=self.data.mean,
            seed=seed,
            sizes=sizes,
        )
