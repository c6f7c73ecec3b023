"""One training step: loss, optimiser, precision, weight averaging, memory."""

from collections.abc import Collection, Iterator
from functools import partial
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from searchspace import InputError
from trainers.job import Job
from trainers.learning.averaged_weights import AveragedWeights
from trainers.learning.freezing import freeze
from trainers.learning.losses import Batch, DistilledLoss, Loss, PlainLoss, criterion
from trainers.learning.optimizers import make_optimizer
from trainers.learning.quantisation import quantise
from trainers.learning.shared_step import share_step
from trainers.learning.stochastic_depth import set_drop_path
from trainers.learning.switchable_loss import SwitchableLoss
from trainers.learning.synced_norms import synchronise_norms
from trainers.recipe import Recipe
from trainers.runtime.out_of_memory import StepState, is_out_of_memory
from trainers.runtime.ranks import ALONE, Ranks
from trainers.runtime.rng_state import RngState

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Learner:
    """Trains a network on batches as the job's recipe says.

    `accumulation` is the number of pieces in which a batch is processed now; where memory runs out
    it is doubled and the step repeated, so the effective batch stays the same. `kept` are the names
    of parameters that start from given weights. The processes `ranks` learn from their parts of a
    batch and have the same state after each step.
    """

    def __init__(
        self,
        network: nn.Module,
        job: Job,
        rng_state: RngState,
        *,
        kept: Collection[str] = (),
        recompute: bool = False,
        ranks: Ranks = ALONE,
    ) -> None:
        recipe = job.recipe
        self.recipe, self.ranks = recipe, ranks
        self.norms_synced = recipe.sync_norms and ranks.count > 1
        self.network = quantise(network, recipe.weight_bits, recipe.activation_bits)
        if recipe.drop_path:
            set_drop_path(self.network, recipe.drop_path)
        if self.norms_synced:
            synchronise_norms(self.network)
        self.device = next(network.parameters()).device
        if recipe.channels_last:
            self.network.to(memory_format=torch.channels_last)
        self._compiled = self.network if recipe.compile == "no" else _compiled(self.network, recipe)
        self.frozen_norms = freeze(self.network, kept, recipe.freeze)
        self.optimizer = make_optimizer(self.network, recipe, kept)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=recipe.precision == "float16")
        # It makes its tensors at the first use: now, so that every step finds them.
        self.scaler.scale(torch.zeros((), device=self.device))
        self.averaged = AveragedWeights(network, recipe.ema_decay) if recipe.ema_decay else None
        self.loss = self._loss(job, recompute)
        self.step_state = StepState(self.network, rng_state)
        self.accumulation = recipe.accumulation

    @property
    def measured(self) -> nn.Module:
        """The network that is measured: with averaged weights, if they are averaged."""
        return self.network if self.averaged is None else self.averaged.network

    def train_mode(self) -> None:
        """Put the network into training mode, but for norms that are frozen."""
        self.network.train()
        for norm in self.frozen_norms:
            norm.eval()

    def learn(self, batch: Batch, rate: float) -> Tensor:
        """One step of the optimiser at a learning rate; the batch's mean loss, detached."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group.get("share", 1.0)
        self.step_state.remember()
        loss = self._gradients(batch)
        # All processes shrink if one must.
        while self.ranks.any(loss is None) or loss is None:
            if not self._save_memory(batch.images):
                raise torch.OutOfMemoryError(
                    f"a piece of {batch.images // self.accumulation} images does not fit"
                )
            self.step_state.restore()
            loss = self._gradients(batch)
        share_step(self.ranks, self.network, loss)
        if self.recipe.clip_norm:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        if self.averaged is not None:
            self.averaged.update(self.network)
        return loss

    def persistent_tensors(self) -> Iterator[Tensor]:
        """The tensors kept between steps: weights, statistics and the optimizer's state."""
        for network in {self.network, self.measured}:
            yield from chain(network.parameters(), network.buffers())
        for state in self.optimizer.state.values():
            yield from (value for value in state.values() if isinstance(value, Tensor))

    def autocast(self) -> torch.autocast:
        """The context of every forward pass."""
        dtype = DTYPES[self.recipe.precision]
        enabled = dtype is not torch.float32
        # The dtype of a disabled context must still be one that the device can cast to.
        return torch.autocast(self.device.type, dtype if enabled else torch.bfloat16, enabled)

    def state(self) -> dict[str, Any]:
        """Everything that training changes."""
        averaged = self.averaged
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "averaged": averaged and averaged.network.state_dict(),
            "averaged_steps": averaged and averaged.steps,
            "accumulation": self.accumulation,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        if self.averaged is not None:
            self.averaged.network.load_state_dict(state["averaged"])
            self.averaged.steps = state["averaged_steps"]
        self.accumulation = state["accumulation"]

    def _forward(self, images: Tensor) -> Tensor:
        return self._predict(self._compiled, images)

    def _predict(self, network: Any, images: Tensor) -> Tensor:
        if self.recipe.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        with self.autocast():
            return network(images)

    def _loss(self, job: Job, recompute: bool) -> Loss:
        resolutions, teacher = job.architecture.resolutions, self.recipe.teacher
        if teacher is not None:
            if resolutions is not None:
                raise InputError("a teacher is for networks of one input size")
            taught = teacher.network(job.task.classes, job.task.in_chs).to(self.device)
            return DistilledLoss(
                self._forward,
                criterion(self.recipe.loss),
                teacher,
                lambda images: self._predict(taught, images),
            )
        if resolutions is None:
            return PlainLoss(self._forward, criterion(self.recipe.loss))
        return SwitchableLoss(
            self.network,
            self._forward,
            resolutions,
            criterion(self.recipe.loss),
            recompute=recompute,
        )

    def _gradients(self, batch: Batch) -> Tensor | None:
        """Accumulate the gradients of all pieces; the mean loss, None if memory ran out."""
        total = torch.zeros((), device=self.device)
        try:
            for piece in batch.pieces(min(self.accumulation, batch.images // self.ranks.count)):
                share = len(piece) / batch.images
                total += share * self.loss.backward(piece, partial(self._scaled, share))
        except (RuntimeError, MemoryError) as error:
            # With norms of whole batches the others wait within the step, and cannot shrink.
            if not is_out_of_memory(error) or self.norms_synced:
                raise
            return None
        return total

    def _scaled(self, share: float, loss: Tensor) -> Tensor:
        scaled: Tensor = self.scaler.scale(loss if share == 1 else share * loss)
        return scaled

    def _save_memory(self, images: int) -> bool:
        """Use less memory for the same step; False if pieces are as small as batch norms allow."""
        if self.loss.save_memory():
            return True
        smallest = max(images // (2 * self.ranks.count), 1)
        if self.accumulation >= smallest:
            return False
        self.accumulation = min(2 * self.accumulation, smallest)
        return True


def _compiled(network: nn.Module, recipe: Recipe) -> Any:
    # One graph for each size: computing a pass again must find the graph of the first time.
    return torch.compile(network, mode=recipe.compile, dynamic=False)
