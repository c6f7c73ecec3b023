"""Batch norms whose statistics are those of the whole batch, which several processes share.

torch's SyncBatchNorm needs GPUs and is no BatchNorm2d, which the operators ask for; here the same
class goes on with another forward pass, on any device. Means and variances of the parts are put
together as by Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing
sample variances", 1979.
"""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from searchspace import InputError
from trainers.runtime.ranks import exchange


class SyncedBatchNorm2d(nn.BatchNorm2d):
    """A batch norm of (N, C, H, W) over the processes' parts of a batch."""

    def forward(self, x: Tensor) -> Tensor:
        """The same shape, normalised; the running statistics are updated in training."""
        if not self.training:
            return super().forward(x)
        wide = x.float()
        mean, var, count = _over_ranks(wide)
        self._update(mean.detach(), var.detach() * (count / (count - 1)))
        scale = torch.rsqrt(var + self.eps)
        if self.affine:
            scale = scale * self.weight
        y = (wide - _wide(mean)) * _wide(scale)
        if self.affine:
            y = y + _wide(self.bias)
        return y.to(x.dtype)

    @torch.no_grad()
    def _update(self, mean: Tensor, unbiased: Tensor) -> None:
        if self.running_mean is None or self.running_var is None:
            return
        new: Any = self.momentum
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:
                new = 1 / self.num_batches_tracked.float()
        self.running_mean.lerp_(mean, new)
        self.running_var.lerp_(unbiased, new)


def synchronise_norms(network: nn.Module) -> None:
    """Let all batch norms of a network see whole batches; an InputError names one that cannot."""
    for name, module in network.named_modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SyncedBatchNorm2d
        elif isinstance(module, nn.modules.batchnorm._BatchNorm):
            raise InputError(
                f"sync_norms: {name} is a {type(module).__name__}, and only BatchNorm2d can have "
                "the statistics of all processes"
            )


def _wide(values: Tensor) -> Tensor:
    return values[:, None, None]


def _over_ranks(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and variance (C,) of each channel over all processes, and the numbers behind each."""
    var, mean = torch.var_mean(x, (0, 2, 3), correction=0)
    own = torch.full_like(mean[:1], x.numel() // x.shape[1])
    chs = len(mean)
    means, variances, counts = gather_parts(torch.cat([mean, var, own])).split([chs, chs, 1], 1)
    count = counts.detach().sum()
    share = counts.detach() / count
    whole = (means * share).sum(0)
    # The variance within the parts and between them.
    return whole, ((variances + (means - whole).square()) * share).sum(0), count


@torch.library.custom_op("convfrontier::gather_parts", mutates_args=())
def gather_parts(x: Tensor) -> Tensor:
    """(M,) of each process as (processes, M); compilers take it as one operator."""
    parts = [torch.empty_like(x) for _ in range(dist.get_world_size())]
    with exchange():
        dist.all_gather(parts, x.contiguous())
    return torch.stack(parts)


@torch.library.custom_op("convfrontier::own_part_of_sum", mutates_args=())
def own_part_of_sum(x: Tensor) -> Tensor:
    """Of (processes, M), summed over the processes, the row of this one: the gradient's way."""
    total = x.clone(memory_format=torch.contiguous_format)
    with exchange():
        dist.all_reduce(total)
    return total[dist.get_rank()].clone()


@gather_parts.register_fake
def _(x: Tensor) -> Tensor:
    return x.new_empty(dist.get_world_size(), *x.shape)


@own_part_of_sum.register_fake
def _(x: Tensor) -> Tensor:
    return x.new_empty(x.shape[1:])


def _backward(ctx: Any, grad: Tensor) -> Tensor:
    return own_part_of_sum(grad)


gather_parts.register_autograd(_backward)
