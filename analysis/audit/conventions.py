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
        if func is torch.conv2d:
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
    found = Tally()

    def pooled(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        found.pool_module_inputs += inputs[0].numel()
        found.pool_module_outputs += output.numel()

    before = Tally()

    def remember(*_: Any) -> None:
        before.__dict__.update(vars(found))

    def routed(router: nn.Module, inputs: tuple[Tensor, ...], _: Tensor) -> None:
        assert isinstance(router, CoConvRouter)
        # It is defined by convolutions, however it is computed.
        found.linear_macs, found.linear_outputs = before.linear_macs, before.linear_outputs
        found.conv_macs = before.conv_macs + router.macs(tuple(inputs[0].shape))

    hooks = []
    for module in network.modules():
        if isinstance(module, POOL_MODULES):
            hooks.append(module.register_forward_hook(pooled))
        elif isinstance(module, CoConvRouter):
            hooks.append(module.register_forward_pre_hook(remember))
            hooks.append(module.register_forward_hook(routed))
    with torch.no_grad(), _Tallying(found):
        network(torch.empty(input_shape, device="meta"))
    for hook in hooks:
        hook.remove()
    return found


def coconv_macs(named: NamedNetwork) -> int:
    """Convolutions and linear layers (no linear bias), 2 per norm element, and pooled elements.

    ReLUs count by their outputs, max pools and average pool modules by their inputs; functional
    pooling, sigmoid, sums, products and interpolation count 0.
    """
    seen = _passed(named)
    pooled = seen.max_pool_inputs + seen.pool_module_inputs
    return seen.macs + 2 * seen.norm_elements + seen.relu_outputs + pooled


def coconv_params(named: NamedNetwork) -> int:
    """The network for inference with one fused kernel instead of those of all experts."""
    network = _on_meta(named.architecture, named.num_classes)
    fused = 0  # what fusing adds to the experts' count: a negative number
    for module in network.modules():
        if isinstance(module, DeployedDynamicConv2d):
            fused += module.kernels[0].numel() - module.kernels.numel()
    return _params(network) + fused


def multiception_params(named: NamedNetwork) -> int:
    """All parameters; in Shake-Shake, as if every block had a projection shortcut."""
    backbone = named.backbone
    params = _params(_on_meta(named.architecture, named.num_classes))
    if isinstance(backbone, ShakeShake):
        identities = (backbone.depth - 2) // 6 - 1
        for chs in (backbone.width, 2 * backbone.width, 4 * backbone.width):
            params += identities * (chs * chs + 2 * chs)
    return params


def ms_sar_macs(named: NamedNetwork) -> int:
    """Convolutions and linear layers, without the transitions of DenseNets."""
    backbone = named.backbone
    macs = _passed(named).macs
    if isinstance(backbone, DenseNet):
        for slot in backbone.slots():
            if slot.position == "transition":
                side = named.input_size // 2 ** (slot.stage - 1)
                macs -= slot.in_chs * slot.out_chs * side**2
    return macs


def ms_sar_params(named: NamedNetwork) -> int:
    """All parameters; CIFAR ResNets without 1x1 shortcuts, DenseNets with 100 classes."""
    backbone, classes = named.backbone, named.num_classes
    if isinstance(backbone, ResNetCifar):
        twin = Architecture(replace(backbone, shortcut="A"), named.choices)
        return _params(_on_meta(twin, classes))
    if isinstance(backbone, DenseNet):
        classes = 100
    return _params(_on_meta(named.architecture, classes))


def rs_net_macs(named: NamedNetwork) -> float:
    """MobileNetV2: convolutions and linear layers. ResNets: at 224, scaled to the size's area.

    There convolutions, 4 per norm element, the global pool's inputs and outputs, and per output of
    the linear layer its multiplications and additions.
    """
    if isinstance(named.backbone, MobileNetV2):
        return _passed(named).macs
    seen = tally(
        _on_meta(named.architecture, named.num_classes), _image(RS_NET_FULL_SIZE)
    )  # fmt: skip
    pooled = seen.pool_module_inputs + seen.pool_module_outputs
    linear = 2 * seen.linear_macs - seen.linear_outputs
    total = seen.conv_macs + 4 * seen.norm_elements + pooled + linear
    return total * (named.input_size / RS_NET_FULL_SIZE) ** 2


def rs_net_params(named: NamedNetwork) -> int:
    """All parameters: private norms and the importance score of each size included."""
    return _params(_on_meta(named.architecture, named.num_classes))


def hs_macs(named: NamedNetwork) -> int:
    """Two operations for each multiply-accumulate of a convolution."""
    return 2 * _passed(named).conv_macs


def hs_params(named: NamedNetwork) -> int:
    """All parameters, the weights of grouped convolutions divided by the groups once more."""
    network = _on_meta(named.architecture, named.num_classes)
    params = _params(network)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            params -= module.weight.numel() - module.weight.numel() // module.groups
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
"""By paper and quantity."""


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
