"""What a network costs, counted by fvcore on the built module.

Convention: a MAC is one multiply-accumulate of a convolution, a linear layer, a matrix product or
a weighted sum of experts. Norms, activations, pooling, interpolation and elementwise arithmetic are
not counted. Parameters are all that must be stored to run the form that is measured, running
statistics and other buffers excluded; a dynamic convolution stores every expert in both forms.
An operator that the counter does not know raises `UnknownOperatorError`: it is never a silent zero.
"""

import re
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any, Literal

import torch
from torch import nn

from searchspace.architecture import Architecture, build, deploy
from searchspace.checks import MAX_CHANNELS, MAX_CLASSES, MAX_SIZE, check_integer, check_one_of
from searchspace.errors import InputError
from searchspace.layers.counted_module import CountedModule, Shape

Form = Literal["deployed", "training"]

Macs = Callable[[list[Shape], list[Shape]], int]
"""Multiply-accumulates of one call of an operator, from the shapes of its inputs and outputs."""

ELEMENTWISE = (
    "abs add addcdiv addcmul ceil celu clamp clamp_max clamp_min clone cos div elu eq erf exp "
    "expm1 fill floor floor_divide ge gelu gt hardshrink hardsigmoid hardswish hardtanh "
    "leaky_relu le lerp log log1p log2 log_sigmoid logical_and logical_not logical_or lt "
    "masked_fill maximum minimum mish mul ne neg pow prelu _prelu_kernel reciprocal relu relu6 "
    "remainder round rrelu rsqrt rsub selu sigmoid sign silu sin softplus softshrink sqrt square "
    "sub tanh tanhshrink threshold trunc where zero"
)
"""Arithmetic on each element by itself, activations included."""
REDUCTIONS = (
    "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool1d adaptive_max_pool2d amax amin "
    "argmax argmin avg_pool1d avg_pool2d avg_pool3d cumsum linalg_vector_norm log_softmax "
    "max_pool1d max_pool2d max_pool2d_with_indices mean min norm norm_except_dim prod sort "
    "softmax std sum topk var _weight_norm"
)
"""Sums, maxima and pooling."""
NORMS = (
    "batch_norm group_norm instance_norm layer_norm native_batch_norm native_group_norm "
    "native_layer_norm rms_norm"
)
RESAMPLING = (
    "_upsample_nearest_exact2d grid_sampler upsample_bicubic2d upsample_bilinear2d "
    "upsample_nearest2d"
)
MOVES = (
    "alias channel_shuffle col2im constant_pad_nd expand_as flip im2col index_select lift_fresh "
    "meshgrid movedim numpy_T ones_like pad pixel_shuffle pixel_unshuffle reflection_pad2d repeat "
    "repeat_interleave replication_pad2d scalar_tensor stack tile unbind unflatten unfold chunk"
)
"""Operators that only move or make numbers, beside those that fvcore knows."""
DROPOUT = "alpha_dropout dropout feature_alpha_dropout feature_dropout"

FREE_OPERATORS = frozenset(
    " ".join([ELEMENTWISE, REDUCTIONS, NORMS, RESAMPLING, MOVES, DROPOUT]).split()
)
"""Operators that do no multiply-accumulates under the convention above, in place or not."""


def _attention(inputs: list[Shape], outputs: list[Shape]) -> int:
    """Query times key, and weights times value; (..., L, E), (..., S, E) and (..., S, V)."""
    query, key, value = inputs[:3]
    return prod(query) * key[-2] + prod(query[:-1]) * prod(value[-2:])


def _attention_layer(inputs: list[Shape], outputs: list[Shape]) -> int:
    """Attention with its four projections: (N, L, E) three times, and two weights first."""
    (batch, length, width), *_ = inputs
    return batch * length * width * (4 * width + 2 * length)


def _convolution(inputs: list[Shape], outputs: list[Shape]) -> int:
    """Of a convolution with padding by name: each output is a product with one kernel."""
    return prod(outputs[0]) * prod(inputs[1][1:])


_COUNTED: dict[str, Macs] = {
    "_convolution_mode": _convolution,
    "scaled_dot_product_attention": _attention,
    "_native_multi_head_attention": _attention_layer,
}


class UnknownOperatorError(InputError):
    """The network uses an operator whose multiply-accumulates the counter does not know."""


def count_as(operator: str, macs: Macs | Literal[0]) -> None:
    """Say what one call of an operator costs, for all counts that follow in this process.

    `operator` is the name in the message of an UnknownOperatorError, with or without "aten::";
    `macs` is 0 for an operator that does no multiply-accumulates, or a function of the shapes of
    the inputs and outputs that are tensors. Costs that were counted before are counted anew.
    """
    name = operator.removeprefix("aten::")
    if not re.fullmatch(r"\w+", name):
        raise InputError(f"operator must be a name such as 'aten::mish', got {operator!r}")
    if macs != 0 and not callable(macs):
        raise InputError(f"macs must be 0 or a function of shapes, got {macs!r}")
    _COUNTED[name] = (lambda inputs, outputs: 0) if macs == 0 else macs
    _measure.cache_clear()


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
    check_integer(1, MAX_SIZE, input_size=input_size)
    check_integer(1, MAX_CHANNELS, in_chs=in_chs)
    if num_classes is not None:
        check_integer(1, MAX_CLASSES, num_classes=num_classes)
    return _measure(architecture, input_size, form, num_classes, in_chs)


@lru_cache(maxsize=4096)
def _measure(
    architecture: Architecture, input_size: int, form: Form, num_classes: int | None, in_chs: int
) -> Cost:
    architecture.backbone.check_size(input_size)
    with torch.random.fork_rng(devices=[]):
        network = build(architecture, num_classes, in_chs).eval()
    if form == "deployed":
        network = deploy(network)
    return measure_module(network, (1, in_chs, input_size, input_size))


def measure_module(module: nn.Module, *input_shapes: Shape) -> Cost:
    """The cost of one call of any module with inputs of these shapes; sets nothing but eval mode.

    Raises UnknownOperatorError naming the operators that cannot be counted.
    """
    return measure_parts(module, [""], *input_shapes)[0]


def measure_parts(module: nn.Module, paths: Sequence[str], *input_shapes: Shape) -> list[Cost]:
    """The cost of each submodule in one call of a module; "" is the whole; see `measure_module`."""
    macs = _count_macs(module.eval(), input_shapes)
    parts = [module.get_submodule(path) for path in paths]
    params = [sum(parameter.numel() for parameter in part.parameters()) for part in parts]
    return [Cost(macs(path), stored) for path, stored in zip(paths, params, strict=True)]


def _count_macs(module: nn.Module, input_shapes: tuple[Shape, ...]) -> Callable[[str], int]:
    """Everything that touches fvcore and the TorchScript tracer beneath it.

    The function that is returned gives the multiply-accumulates of a submodule by its path.
    """
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
                for name in (operator, f"{operator}_"):
                    analysis.set_op_handle(f"aten::{name}", _nothing)
            for operator, macs in _COUNTED.items():
                analysis.set_op_handle(f"aten::{operator}", _counting(macs))
            counted = analysis.by_module()
            unknown = Counter(analysis.unsupported_ops())
            for name in stated:
                unknown -= Counter(analysis.unsupported_ops(name))
    finally:
        for hook in hooks:
            hook.remove()
    if unknown:
        raise UnknownOperatorError(
            f"the multiply-accumulates of {', '.join(sorted(unknown))} are not known; say what a "
            f"call costs, searchspace.count_as({min(unknown)!r}, 0) if nothing, or use a "
            "CountedModule"
        )

    def macs_of(path: str) -> int:
        inside = [n for n in stated if not path or n == path or n.startswith(f"{path}.")]
        return int(counted[path]) + sum(stated[name] - int(counted[name]) for name in inside)

    return macs_of


def _nothing(inputs: list[Any], outputs: list[Any]) -> int:
    """The count of a free operator; ignoring it would leave fvcore's own count in place."""
    return 0


def _counting(macs: Macs) -> Any:
    """Fvcore's handle for a count by shapes."""

    def handle(inputs: list[Any], outputs: list[Any]) -> int:
        return int(macs(_shapes(inputs), _shapes(outputs)))

    return handle


def _shapes(values: list[Any]) -> list[Shape]:
    """The shapes of those traced values that are tensors."""
    sizes = (v.type().sizes() for v in values if v.isCompleteTensor())
    return [tuple(map(int, size)) for size in sizes]


def _record(stated: dict[str, int], name: str, part: CountedModule) -> Any:
    """A hook that adds what `part` says one call costs."""

    def hook(_: nn.Module, inputs: tuple[torch.Tensor | None, ...]) -> None:
        shapes = [tuple(int(side) for side in x.shape) for x in inputs if x is not None]
        # While tracing, sizes that `macs` asks a tensor for are tensors themselves.
        stated[name] = stated.get(name, 0) + int(part.macs(*shapes))

    return hook
