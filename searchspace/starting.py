"""Networks that start from trained weights, with operators that start as what they replace.

The weights are those of the architecture's backbone with the default choice in every slot. What
stays is copied. An operator with a method `start_from(kernel, bias)` starts as the convolution that
stood in its slot; a recalibration with `start_unchanged()` has a constant gate at first, whose
factor is taken out of the layer before it. All other operators start anew.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from searchspace.architecture import Architecture, build
from searchspace.backbones.graft.graft import Graft, anatomy
from searchspace.errors import InputError
from searchspace.slot import Slot

State = dict[str, Tensor]
SHOWN = 3
"""Names that a message lists."""


@dataclass(frozen=True)
class Start:
    """What became of the weights: parameters that are kept, and why slots start anew."""

    kept: frozenset[str]
    anew: Mapping[str, str]


def starts_anew(architecture: Architecture) -> dict[str, str]:
    """The slots whose operators do not start as what they replace, each with the reason."""
    with torch.device("meta"):
        network = build(architecture)
    reasons = {}
    for slot in architecture.slots():
        if slot.name in architecture.choices:
            reason = _anew(architecture, slot, network.get_submodule(slot.name))
            if reason:
                reasons[slot.name] = reason
    return reasons


def start_from(
    network: nn.Module,
    architecture: Architecture,
    weights: Mapping[str, Tensor],
    *,
    num_classes: int | None = None,
    in_chs: int = 3,
) -> Start:
    """Give a network that `build` has made the weights of its backbone, in place.

    The last layer starts anew where the classes differ, and the first convolution gives the same
    response to grey images where the channels differ. Noise comes from torch's global generator.
    """
    state = check_weights(architecture, weights, num_classes=num_classes, in_chs=in_chs)
    anew = {}
    for slot in architecture.slots():
        if slot.name in architecture.choices:
            module: Any = network.get_submodule(slot.name)
            reason = _anew(architecture, slot, module)
            if reason:
                anew[slot.name] = reason
            elif slot.role == "recalibration":
                _take_out(state, _layer_before(architecture, slot), module.start_unchanged())
    for slot in architecture.slots():
        if slot.role == "conv" and slot.name in architecture.choices and slot.name not in anew:
            kernel, bias = (state.get(f"{slot.name}.{part}") for part in ("weight", "bias"))
            operator: Any = network.get_submodule(slot.name)
            operator.start_from(kernel, bias)
    replaced = tuple(f"{name}." for name in architecture.choices)
    kept = set()
    with torch.no_grad():
        for name, value in network.state_dict().items():
            source = state.get(_name_in_weights(name))
            if not name.startswith(replaced) and source is not None:
                value.copy_(source)
                kept.add(name)
    return Start(frozenset(kept & {name for name, _ in network.named_parameters()}), anew)


def _name_in_weights(name: str) -> str:
    """The name that a tensor has in the plain network."""
    return re.sub(r"\.inner(?=\.)|\.norms\.\d+(?=\.)", "", name)


def check_weights(
    architecture: Architecture,
    given: Mapping[str, Tensor],
    *,
    num_classes: int | None = None,
    in_chs: int = 3,
) -> State:
    """The weights by their names in the plain network, shapes made to fit; else an InputError."""
    with torch.device("meta"):
        network = build(replace(architecture, choices={}, resolutions=None), num_classes, in_chs)
    plain = network.state_dict()
    weights = dict(given)
    if weights and all(name.startswith("module.") for name in weights):
        weights = {name.removeprefix("module."): value for name, value in weights.items()}
    label = architecture.backbone.label()
    missing = [n for n in plain if n not in weights and not n.endswith("num_batches_tracked")]
    unknown = [n for n in weights if n not in plain]
    for names, what in ((missing, "lack"), (unknown, "hold other tensors:")):
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            listed = f"{', '.join(names[:SHOWN])}{more}"
            raise InputError(f"the weights are not those of {label}: they {what} {listed}")
    last = _last_layer(architecture, plain)
    state = {}
    for name, value in weights.items():
        wanted = plain[name].shape
        if value.shape != wanted and name.startswith(f"{last}."):
            continue
        if value.ndim == 4 and value.shape != wanted == (value.shape[0], in_chs, *value.shape[2:]):
            value = value.mean(1, keepdim=True).expand(wanted) * (value.shape[1] / in_chs)
        if value.shape != wanted:
            raise InputError(
                f"the weights do not fit {label}: {name} has the shape {tuple(value.shape)} "
                f"instead of {tuple(wanted)}"
            )
        state[name] = value
    return state


def _last_layer(architecture: Architecture, plain: State) -> str:
    backbone = architecture.backbone
    if isinstance(backbone, Graft):
        return anatomy(backbone).classifier
    return [name for name in plain if name.endswith(".weight")][-1].removesuffix(".weight")


def _anew(architecture: Architecture, slot: Slot, module: nn.Module) -> str:
    """Why the operator in a slot does not start as what it replaces; nothing if it does."""
    label = architecture.choices[slot.name].label()
    method = "start_from" if slot.role == "conv" else "start_unchanged"
    router = getattr(module, "router", None)
    evenly = router is None or hasattr(router, "weigh_evenly")
    if not hasattr(module, method) or not evenly:
        return f"{label} has no start that computes the same"
    if slot.role == "recalibration" and not _layer_before(architecture, slot):
        return f"{label} follows no layer that could make up for its constant gate"
    return ""


def _layer_before(architecture: Architecture, slot: Slot) -> str:
    """The norm or convolution whose output a recalibration rescales; nothing if it is unknown."""
    if not isinstance(architecture.backbone, Graft):
        return ""
    parts, name = anatomy(architecture.backbone), slot.name.rpartition(".")[0]
    if name in parts.norms.values() or name in {s.name for s in parts.slots if s.role == "conv"}:
        return name
    before = {after: conv for conv, after in parts.activations.items()}
    conv = before.get(name, "") if name in parts.homogeneous else ""
    return parts.norms.get(conv, conv)


def _take_out(state: State, layer: str, factor: float) -> None:
    for part in ("weight", "bias"):
        if f"{layer}.{part}" in state:
            state[f"{layer}.{part}"] = state[f"{layer}.{part}"] / factor
