"""How each paper counted: used only to check our networks against the printed figures.

The papers say "FLOPs", "MAdds" or "parameters" and mean different things, found by rebuilding their
networks. Nothing here is a cost that the project reports as its own; that is `searchspace.cost`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from searchspace.architecture import Architecture, build, deploy
from searchspace.backbones import DenseNet, MobileNetV2, ResNetCifar, ShakeShake
from searchspace.layers.dynamic import DeployedDynamicConv2d
from searchspace.operators.coconv import CoConvRouter
from searchspace.operators.squeeze_excite import SqueezeExcite2d
from searchspace.paper_networks import NamedNetwork

RS_NET_FULL_SIZE = 224


@dataclass
class Tally:
    """What one image passes through, by kind of layer; elements unless said otherwise."""

    conv_macs: int = 0
    linear_macs: int = 0
    linear_outputs: int = 0
    norm_elements: int = 0
    relu_outputs: int = 0
    max_pool_inputs: int = 0
    pool_module_inputs: int = 0
    pool_module_outputs: int = 0

    @property
    def macs(self) -> int:
        """Multiply-accumulates of convolutions and linear layers."""
        return self.conv_macs + self.linear_macs


class _Tallying(TorchFunctionMode):
    """Adds every layer function that is called to a tally."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self.tally = tally

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        tally = self.tally
        # Only shapes matter, so what keeps the shape is not computed.
        if func is F.batch_norm:
            tally.norm_elements += args[0].numel()
            return args[0]
        if func in (F.relu, F.relu6, F.hardtanh):
            tally.relu_outputs += args[0].numel()
            return args[0]
        out = func(*args, **(kwargs or {}))
        if func in (torch.conv1d, torch.conv2d):
            tally.conv_macs += out.numel() * prod(args[1].shape[1:])
        elif func is F.linear:
            tally.linear_macs += out.numel() * args[1].shape[1]
            tally.linear_outputs += out.numel()
        elif func in (F.max_pool2d, torch.max_pool2d):
            tally.max_pool_inputs += args[0].numel()
        return out


POOL_MODULES = (nn.AvgPool2d, nn.AdaptiveAvgPool2d, SqueezeExcite2d)
"""Modules that average-pool their first input. CoConv's SE rival pools with a layer where ours
takes a mean; its dynamic rivals and CoConv itself use functions, which its counter does not see."""


def tally(network: nn.Module, input_shape: tuple[int, ...]) -> Tally:
    """What an input of this shape passes through in a network on the meta device."""
    counts = Tally()
    before_router = Tally()

    def count_pool(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        counts.pool_module_inputs += inputs[0].numel()
        counts.pool_module_outputs += output.numel()

    def enter_router(*_: Any) -> None:
        before_router.__dict__.update(vars(counts))

    def leave_router(router: nn.Module, inputs: tuple[Tensor, ...], _: Tensor) -> None:
        assert isinstance(router, CoConvRouter)
        # It is defined by convolutions, however it is computed.
        counts.linear_macs = before_router.linear_macs
        counts.linear_outputs = before_router.linear_outputs
        counts.conv_macs = before_router.conv_macs + router.macs(tuple(inputs[0].shape))

    hooks = []
    for module in network.modules():
        if isinstance(module, POOL_MODULES):
            hooks.append(module.register_forward_hook(count_pool))
        elif isinstance(module, CoConvRouter):
            hooks.append(module.register_forward_pre_hook(enter_router))
            hooks.append(module.register_forward_hook(leave_router))
    with torch.no_grad(), _Tallying(counts):
        network(torch.empty(input_shape, device="meta"))
    for hook in hooks:
        hook.remove()
    return counts


def coconv_macs(named: NamedNetwork) -> int:
    """MACs of convolutions and linear layers, 2 per batch norm element, ReLUs and pools.

    ReLUs count by their outputs, max pools and average pool layers by their inputs (SE's pool is a
    layer, those of the dynamic routers are not); biases, sigmoids, sums, products and interpolation
    count 0.
    """
    counts = _passed(named)
    pooled = counts.max_pool_inputs + counts.pool_module_inputs
    return counts.macs + 2 * counts.norm_elements + counts.relu_outputs + pooled


def coconv_params(named: NamedNetwork) -> int:
    """All parameters with one fused kernel, where we count every expert that is stored."""
    network = _on_meta(named.architecture, named.num_classes)
    fused = 0  # what fusing adds to the experts' count: a negative number
    for module in network.modules():
        if isinstance(module, DeployedDynamicConv2d):
            fused += module.kernels[0].numel() - module.kernels.numel()
    return _params(network) + fused


def multiception_params(named: NamedNetwork) -> int:
    """All parameters, with 1x1 shortcuts in ResNets.

    Shake-Shake counts as if every block had a projection shortcut; only the first of a stage needs
    one, and we build no other. Savings are computed from counts with four digits.
    """
    backbone = named.backbone
    params = _params(_on_meta(named.architecture, named.num_classes))
    if isinstance(backbone, ShakeShake):
        identities = (backbone.depth - 2) // 6 - 1
        for chs in (backbone.width, 2 * backbone.width, 4 * backbone.width):
            params += identities * (chs * chs + 2 * chs)
    return params


def ms_sar_macs(named: NamedNetwork) -> int:
    """MACs of convolutions and linear layers; 1x1 shortcuts, no transitions of DenseNets."""
    backbone = named.backbone
    macs = _passed(named).macs
    if isinstance(backbone, DenseNet):
        for slot in backbone.slots():
            if slot.position == "transition":
                side = named.input_size // 2 ** (slot.stage - 1)
                macs -= slot.in_chs * slot.out_chs * side**2
    return macs


def ms_sar_params(named: NamedNetwork) -> int:
    """All parameters, with parameter-free shortcuts in CIFAR ResNets, 100 classes in DenseNets."""
    backbone, classes = named.backbone, named.num_classes
    if isinstance(backbone, ResNetCifar):
        twin = Architecture(replace(backbone, shortcut="A"), named.choices)
        return _params(_on_meta(twin, classes))
    if isinstance(backbone, DenseNet):
        classes = 100
    return _params(_on_meta(named.architecture, classes))


def rs_net_macs(named: NamedNetwork) -> float:
    """MobileNetV2: MACs of convolutions and linear layers.

    ResNets: MACs of convolutions, 4 per batch norm element, inputs and outputs of the global pool,
    multiplications and additions of the linear layer, all at 224 and scaled by the image's area.
    """
    if isinstance(named.backbone, MobileNetV2):
        return _passed(named).macs
    network = _on_meta(named.architecture, named.num_classes)
    counts = tally(network, _image(RS_NET_FULL_SIZE))
    pooled = counts.pool_module_inputs + counts.pool_module_outputs
    linear = 2 * counts.linear_macs - counts.linear_outputs
    total = counts.conv_macs + 4 * counts.norm_elements + pooled + linear
    return total * (named.input_size / RS_NET_FULL_SIZE) ** 2


def rs_net_params(named: NamedNetwork) -> int:
    """All parameters, with the private norms and the importance score of each size; M is 2^20."""
    return _params(_on_meta(named.architecture, named.num_classes))


def hs_macs(named: NamedNetwork) -> int:
    """Twice the MACs of convolutions."""
    return 2 * _passed(named).conv_macs


def hs_params(named: NamedNetwork) -> int:
    """All parameters, as Paddle's counter has them.

    It divides the channels of a group by the groups a second time, in whole numbers, and counts 1
    for the bias of a linear layer.
    """
    network = _on_meta(named.architecture, named.num_classes)
    params = _params(network)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            chs = module.weight.shape[1]
            params -= module.weight.numel() // chs * (chs - chs // module.groups)
        elif isinstance(module, nn.Linear) and module.bias is not None:
            params -= len(module.bias) - 1
    return params


CONVENTIONS: dict[tuple[str, str], Callable[[NamedNetwork], float]] = {
    ("CoConv", "macs"): coconv_macs,
    ("CoConv", "params"): coconv_params,
    ("Multiception", "params"): multiception_params,
    ("MS-SAR", "macs"): ms_sar_macs,
    ("MS-SAR", "params"): ms_sar_params,
    ("RS-Net", "macs"): rs_net_macs,
    ("RS-Net", "params"): rs_net_params,
    ("HS", "macs"): hs_macs,
    ("HS", "params"): hs_params,
}
"""By paper and quantity; docs/costs.md has the docstrings."""


@lru_cache(maxsize=8)
def _on_meta(architecture: Architecture, num_classes: int) -> nn.Module:
    """The network for inference; nothing is allocated."""
    with torch.device("meta"):
        return deploy(build(architecture, num_classes))


def _passed(named: NamedNetwork) -> Tally:
    network = _on_meta(named.architecture, named.num_classes)
    return tally(network, _image(named.input_size))


def _image(size: int) -> tuple[int, ...]:
    return (1, 3, size, size)


def _params(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
