"""The training step of experts with norms on a CPU, in few passes over memory.

sum_i s_i * BN_i(W_i conv x) equals sum_i a_i * y_i + b with y_i = W_i conv x, a_i = s_i * gamma_i /
std_i and b = sum_i s_i * (beta_i - mean_i * gamma_i / std_i). So neither normalised nor weighted
maps need be stored, and all that the gradients need of them are sums over pixels. Some samples are
handled at a time (`pieces`).
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from searchspace.layers.batch_pieces import samples_at_a_time
from searchspace.slot import Slot


def can_fuse(x: Tensor, slot: Slot) -> bool:
    """Whether `conv_norm_mix` takes this input; a compiler does better with the plain layers."""
    return (
        slot.groups == 1
        # Of one sample, batch norm itself knows whether it has statistics.
        and x.shape[0] > 1
        and x.device.type == "cpu"
        and x.dtype in (torch.float32, torch.float64)
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
    )


def conv_norm_mix(
    x: Tensor, weight: Tensor, gate: Tensor, norm: nn.BatchNorm2d, slot: Slot
) -> Tensor:
    """The experts' normed outputs, weighted and summed, with the statistics of this batch.

    `x` is (N, in_chs, H, W), `weight` and `norm` have the experts' channels one after the other,
    `gate` is (N, experts, out_chs). Updates the norm's running statistics.
    """
    mixed, mean, var = _ConvNormMix.apply(x, weight, gate, norm.weight, norm.bias, slot, norm.eps)
    if norm.running_mean is not None and norm.running_var is not None:
        assert norm.num_batches_tracked is not None
        norm.num_batches_tracked.add_(1)
        new = 1 / float(norm.num_batches_tracked) if norm.momentum is None else norm.momentum
        count = mixed.numel() // slot.out_chs
        norm.running_mean.lerp_(mean, new)
        norm.running_var.lerp_(var * (count / (count - 1)), new)
    result: Tensor = mixed
    return result


class _ConvNormMix(torch.autograd.Function):
    """Saves the convolution's outputs and nothing else of their size, some samples to a piece."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, gate: Tensor, gamma: Tensor, beta: Tensor, slot: Slot,
        eps: float,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        # The convolution need not reorder maps whose channels come last.
        x, weight = (t.contiguous(memory_format=torch.channels_last) for t in (x, weight))
        piece = samples_at_a_time(x, weight.shape[0] * x[0, 0].numel() // slot.stride**2 + 1)
        parts = x.split(piece)
        maps = [torch.conv2d(part, weight, None, slot.stride, slot.padding) for part in parts]
        mean, var = _statistics(maps)
        inverse = torch.rsqrt(var + eps)
        shape, factor = gate.shape[1:], gamma * inverse
        scale = gate * factor.view(shape)
        shift = (gate * torch.addcmul(beta, mean, factor, value=-1).view(shape)).sum(1)
        pieces = zip(maps, scale.split(piece), shift.split(piece), strict=True)
        mixed = _joined([_mix(y, a, b) for y, a, b in pieces])
        ctx.save_for_backward(x, weight, gate, gamma, beta, mean, inverse, scale, *maps)
        ctx.slot, ctx.piece = slot, piece
        ctx.mark_non_differentiable(mean, var)
        return mixed, mean, var

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, gate, gamma, beta, mean, inverse, scale, *maps = ctx.saved_tensors
        shape, piece = gate.shape[1:], ctx.piece
        mean, inverse, gamma, beta = (t.view(shape) for t in (mean, inverse, gamma, beta))
        grads = grad.contiguous(memory_format=torch.channels_last).split(piece)
        # Sums over pixels: of the gradient alone, and times the normalised outputs.
        alone = grad.sum((2, 3))[:, None]
        times = _joined([_pixel_sums(y, g, shape[0]) for y, g in zip(maps, grads, strict=True)])
        times = times.addcmul_(mean, alone, value=-1).mul_(inverse)
        grad_gamma, grad_beta = (gate * times).sum(0), (gate * alone).sum(0)
        # dL/dy_i = a_i * grad + slope_i * y_i + offset_i: batch norm's gradient, ordered by y_i.
        factor = gamma * inverse / -(grad.numel() // shape[1])
        slope = factor * inverse * grad_gamma
        offset = torch.addcmul(factor * grad_beta, slope, mean, value=-1)
        needed = (ctx.needs_input_grad[0], ctx.needs_input_grad[1], False)
        to_x, to_weight = [], []
        for y, g, a, part in zip(maps, grads, scale.split(piece), x.split(piece), strict=True):
            results = torch.ops.aten.convolution_backward.default(
                _unmix(y, g, a, slope, offset), part, weight, None, (ctx.slot.stride,) * 2,
                (ctx.slot.padding,) * 2, (1, 1), False, (0, 0), 1, needed,
            )  # fmt: skip
            to_x.append(results[0])
            to_weight.append(results[1])
        return (
            _joined(to_x) if needed[0] else None,
            sum(to_weight[1:], to_weight[0]) if needed[1] else None,
            torch.addcmul(gamma * times, beta, alone),
            grad_gamma.flatten(),
            grad_beta.flatten(),
            None,
            None,
        )


def _joined(parts: list[Tensor]) -> Tensor:
    """The pieces of a batch as one, without a copy of an only piece."""
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _mix(y: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """sum_i scale_i * y_i + shift; scale (N, experts, C), shift (N, C)."""
    first, *rest = y.chunk(scale.shape[1], 1)
    scales = scale[..., None, None].unbind(1)
    mixed = torch.addcmul(shift[..., None, None], first, scales[0])
    for expert_map, factor in zip(rest, scales[1:], strict=True):
        mixed.addcmul_(expert_map, factor)
    return mixed


def _unmix(y: Tensor, grad: Tensor, scale: Tensor, slope: Tensor, offset: Tensor) -> Tensor:
    """scale_i * grad + slope_i * y_i + offset_i for each expert; slope and offset (experts, C)."""
    result = torch.addcmul(offset.view(-1, 1, 1), y, slope.view(-1, 1, 1))
    for expert_map, factor in zip(
        result.chunk(scale.shape[1], 1), scale[..., None, None].unbind(1), strict=True
    ):
        expert_map.addcmul_(grad, factor)
    return result


def _statistics(maps: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and variance of each channel, (C,), over pieces of a batch."""
    statistics = [torch.batch_norm_update_stats(y, None, None, 0.0) for y in maps]
    if len(statistics) == 1:
        return statistics[0]
    means, variances = (torch.stack(values) for values in zip(*statistics, strict=True))
    share = means.new_tensor([len(y) for y in maps])[:, None]
    share = share / share.sum()
    mean = (means * share).sum(0)
    # The variance within the pieces and between them.
    return mean, ((variances + (means - mean).square()) * share).sum(0)


def _pixel_sums(y: Tensor, grad: Tensor, experts: int) -> Tensor:
    """Sums over pixels of each expert's output times the gradient, (N, experts, C)."""
    return torch.stack([(expert_map * grad).sum((2, 3)) for expert_map in y.chunk(experts, 1)], 1)
