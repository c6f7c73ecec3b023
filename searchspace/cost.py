"""What a network costs, counted by fvcore on the built module.

Convention: a MAC is one multiply-accumulate of a convolution, a linear layer, a matrix product or
a weighted sum of experts. Norms, activations, pooling, interpolation and elementwise arithmetic are
not counted. Parameters are all that must be stored to run the form that is measured, running
statistics and other buffers excluded; a dynamic convolution stores every expert in both forms.
An operator that the counter does not know raises `UnknownOperatorError`: it is never a silent zero.
"""

import warnings
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import torch
from torch import nn

from searchspace.architecture import Architecture, build, deploy
from searchspace.checks import check_integer, check_one_of
from searchspace.errors import InputError
from searchspace.layers.counted_module import CountedModule, Shape

Form = Literal["deployed", "training"]

FREE_OPERATORS = (
    "_upsample_nearest_exact2d abs adaptive_avg_pool2d adaptive_max_pool2d add add_ alias "
    "amax amin avg_pool2d batch_norm chunk clamp clamp_min clone constant_pad_nd cumsum div "
    "div_ dropout exp expand_as feature_dropout fill_ flip gelu grid_sampler group_norm "
    "hardsigmoid hardswish hardtanh hardtanh_ index_select layer_norm leaky_relu lerp lift_fresh "
    "log_softmax max_pool2d max_pool2d_with_indices maximum mean meshgrid minimum movedim "
    "mul mul_ native_batch_norm neg numpy_T ones_like pad pixel_shuffle pow reciprocal relu "
    "relu6 relu6_ relu_ repeat repeat_interleave rsqrt rsub scalar_tensor sigmoid silu silu_ "
    "softmax sqrt square stack std sub sub_ sum tanh unbind unflatten upsample_bilinear2d "
    "upsample_nearest2d var zero_ "
).split()
"""Operators that do no multiply-accumulates under the convention above (beside those that only
move data, which fvcore knows)."""


class UnknownOperatorError(InputError):
    """The network uses an operator whose multiply-accumulates the counter does not know."""


@dataclass(frozen=True)
class Cost:
    """`macs`: multiply-accumulates for one image; `params`: stored numbers."""

    macs: int
    params: int


def measure(
    architecture: Architecture,
    input_size: int = 32,
    form: Form = "deployed",
    *,
    num_classes: int | None = None,
    in_chs: int = 3,
) -> Cost:
    """The cost of one (1, in_chs, input_size, input_size) image in the form that is asked for.

    "training" is the network as it is trained (all experts' outputs computed), "deployed" the one
    that `searchspace.deploy` gives (experts mixed into one kernel for each image).
    """
    check_one_of(("deployed", "training"), form=form)
    check_integer(1, input_size=input_size, in_chs=in_chs)
    return _measure(architecture, input_size, form, num_classes, in_chs)


@lru_cache(maxsize=4096)
def _measure(
    architecture: Architecture, input_size: int, form: Form, num_classes: int | None, in_chs: int
) -> Cost:
    with torch.random.fork_rng(devices=[]):
        network = build(architecture, num_classes, in_chs).eval()
    if form == "deployed":
        network = deploy(network)
    return measure_module(network, (1, in_chs, input_size, input_size))


def measure_module(module: nn.Module, *input_shapes: Shape) -> Cost:
    """The cost of one call of any module with inputs of these shapes; sets nothing but eval mode.

    Raises UnknownOperatorError naming the operators that cannot be counted.
    """
    params = sum(parameter.numel() for parameter in module.parameters())
    return Cost(_count_macs(module.eval(), input_shapes), params)


def _count_macs(module: nn.Module, input_shapes: tuple[Shape, ...]) -> int:
    """Everything that touches fvcore and the TorchScript tracer beneath it."""
    stated: dict[str, int] = {}
    hooks = [
        part.register_forward_pre_hook(_record(stated, name, part))
        for name, part in module.named_modules()
        if isinstance(part, CountedModule)
    ]
    try:
        with warnings.catch_warnings(), torch.no_grad():
            # Importing it scripts functions; tracing turns shapes into values: both deprecated.
            warnings.simplefilter("ignore")
            from fvcore.nn import FlopCountAnalysis

            analysis: Any = FlopCountAnalysis(
                module, tuple(torch.zeros(shape) for shape in input_shapes)
            )
            analysis.unsupported_ops_warnings(False)
            analysis.uncalled_modules_warnings(False)
            for operator in FREE_OPERATORS:
                analysis.set_op_handle(f"aten::{operator}", _nothing)
            counted = analysis.by_module()
            unknown = Counter(analysis.unsupported_ops())
            for name in stated:
                unknown -= Counter(analysis.unsupported_ops(name))
    finally:
        for hook in hooks:
            hook.remove()
    if unknown:
        raise UnknownOperatorError(
            f"the multiply-accumulates of {', '.join(sorted(unknown))} are not known; count it in "
            "a CountedModule or add it to searchspace.cost.FREE_OPERATORS"
        )
    return int(counted[""]) - sum(int(counted[name]) for name in stated) + sum(stated.values())


def _nothing(inputs: list[Any], outputs: list[Any]) -> int:
    """The count of a free operator; ignoring it would leave fvcore's own count in place."""
    return 0


def _record(stated: dict[str, int], name: str, part: CountedModule) -> Any:
    """A hook that adds what `part` says one call costs."""

    def hook(_: nn.Module, inputs: tuple[torch.Tensor | None, ...]) -> None:
        shapes = [tuple(int(side) for side in x.shape) for x in inputs if x is not None]
        # While tracing, sizes that `macs` asks a tensor for are tensors themselves.
        stated[name] = stated.get(name, 0) + int(part.macs(*shapes))

    return hook
