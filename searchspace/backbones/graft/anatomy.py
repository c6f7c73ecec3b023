"""What a model is made of, found by running it once on the meta device.

Every convolution that the operators of this package can stand in for is a slot; of any other it is
known why it is not. Nothing is computed: on the meta device only shapes flow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from searchspace.errors import InputError, with_kind
from searchspace.slot import Slot

SIZES = 224, 299, 256, 192, 160, 128, 96, 64, 48, 32, 28, 16, 8
"""Sides in pixels of the image that is tried until a model takes one."""
TRANSPOSED = nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d
NORMS = nn.modules.batchnorm._BatchNorm | nn.GroupNorm | nn.LayerNorm
ACTIVATIONS = (
    nn.ReLU | nn.ReLU6 | nn.SiLU | nn.GELU | nn.Hardswish | nn.LeakyReLU | nn.ELU | nn.Mish
    | nn.Softplus | nn.Tanh | nn.Sigmoid | nn.Hardsigmoid | nn.PReLU
)  # fmt: skip

HOMOGENEOUS = nn.ReLU | nn.LeakyReLU | nn.PReLU


@dataclass(frozen=True)
class Call:
    """One call of a module without slots below it: its name, its input and its output."""

    name: str
    module: nn.Module
    x: Tensor
    y: Tensor


@dataclass(frozen=True)
class Anatomy:
    """The slots of a model and what else a graft must know of it.

    `slots` are in the order of their calls. `not_slots` says of every other convolution why it is
    no slot. `norms` and `activations` name the modules that follow a convolution directly, by its
    name. `maps` has the outputs (C, H, W) of modules that are called once and return a square map,
    up to the classifier.
    `size` is the image's side in pixels, `image_convs` are the convolutions that read the image,
    and `classifier` is the layer that makes the logits. `homogeneous` are the activations that a
    positive factor may pass from either side. `untraceable` is why torch.fx could not trace the
    model, which then has no recalibration slots; nothing if it could.
    """

    slots: tuple[Slot, ...]
    not_slots: Mapping[str, str]
    size: int
    in_chs: int
    classes: int
    image_convs: tuple[str, ...]
    classifier: str
    norms: Mapping[str, str] = field(default_factory=dict)
    activations: Mapping[str, str] = field(default_factory=dict)
    maps: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    homogeneous: frozenset[str] = frozenset()
    untraceable: str = ""


def examine(model: str, network: nn.Module) -> Anatomy:
    """The anatomy of a network, which is moved to the meta device."""
    network = network.to("meta").eval()
    calls, image, logits = run(model, network)
    by_name: dict[str, list[Call]] = {}
    for call in calls:
        by_name.setdefault(call.name, []).append(call)
    once = {name: made[0] for name, made in by_name.items() if len(made) == 1}
    shared = _shared_names(network)
    classifier = _classifier(calls, int(logits.shape[1]))
    convs, not_slots = [], {}
    for name, module in network.named_modules():
        if not isinstance(module, nn.Conv2d | TRANSPOSED):
            continue
        reason = _unfit(module, by_name.get(name, []), shared.get(name))
        if name == classifier:
            reason = "it makes the logits"
        if reason:
            not_slots[name] = reason
        else:
            convs.append(name)
    order = list(by_name)
    convs.sort(key=order.index)
    sizes = sorted({int(once[name].y.shape[2]) for name in convs}, reverse=True)
    norms = _followers(calls, [once[name] for name in convs], NORMS)
    activations = _followers(calls, [once[norms.get(n, n)] for n in convs], ACTIVATIONS)
    return Anatomy(
        slots=tuple(_slot(once[name], sizes) for name in convs),
        not_slots=not_slots,
        size=int(image.shape[2]),
        in_chs=int(image.shape[1]),
        classes=int(logits.shape[1]),
        image_convs=tuple(
            call.name for call in calls if call.x is image and isinstance(call.module, nn.Conv2d)
        ),
        classifier=classifier,
        norms={name: norms[name] for name in convs if norms.get(name) in once},
        activations={
            name: activations[norms.get(name, name)]
            for name in convs
            if activations.get(norms.get(name, name)) in once
        },
        maps=_maps(once, classifier),
        homogeneous=frozenset(
            n for n, call in once.items() if isinstance(call.module, HOMOGENEOUS)
        ),
    )


def run(
    model: str, network: nn.Module, channels: Sequence[int] = (3, 1), sizes: Sequence[int] = SIZES
) -> tuple[list[Call], Tensor, Tensor]:
    """The calls for one image, the image and the logits (1, classes), all on the meta device.

    The image is the first that the network takes.
    """
    reason = ""
    for in_chs in channels:
        for size in sizes:
            calls: list[Call] = []
            image = torch.zeros(1, in_chs, size, size, device="meta")
            hooks = [
                module.register_forward_hook(_recorder(calls, name))
                for name, module in network.named_modules()
                if not any(True for _ in module.children())
                or isinstance(module, nn.Conv2d | TRANSPOSED | NORMS)
            ]
            try:
                with torch.no_grad(), torch.device("meta"):
                    logits = network(image)
            except Exception as error:
                # Of many, the first tells most: it is for the usual size.
                reason = reason or with_kind(error)
                continue
            finally:
                for hook in hooks:
                    hook.remove()
            if not isinstance(logits, Tensor) or logits.ndim != 2 or logits.shape[0] != 1:
                got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
                raise InputError(
                    f"{model} must return logits of shape (images, classes), got {got}"
                )
            return calls, image, logits
    raise InputError(f"{model} takes no image of {' or '.join(map(str, sizes))} px: {reason}")


def _recorder(calls: list[Call], name: str) -> Any:
    def hook(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if inputs and isinstance(inputs[0], Tensor) and isinstance(output, Tensor):
            calls.append(Call(name, module, inputs[0], output))

    return hook


def _shared_names(network: nn.Module) -> dict[str, str]:
    """For each module with several names, another one than its first, by its first."""
    first: dict[nn.Module, str] = {}
    shared = {}
    for name, module in network.named_modules(remove_duplicate=False):
        if module in first:
            shared[first[module]] = name
        first.setdefault(module, name)
    return shared


def _unfit(conv: nn.Module, calls: list[Call], other_name: str | None) -> str:
    """Why no other operator can stand in for a convolution, a clause after "it"; else nothing."""
    if isinstance(conv, TRANSPOSED) or not isinstance(conv, nn.Conv2d):
        return "it is a transposed convolution"
    kind = type(conv)
    plain = kind.forward is nn.Conv2d.forward and kind._conv_forward is nn.Conv2d._conv_forward
    if not plain or hasattr(conv, "parametrizations"):
        return f"it is a {kind.__name__}, which computes its weights or padding by itself"
    if other_name is not None:
        return f"its weights are also those of {other_name}"
    if len(calls) != 1:
        times = f"{len(calls)} times" if calls else "not"
        return f"it is {times} called for an image, not once"
    for name in ("kernel_size", "stride", "dilation", "padding"):
        value = getattr(conv, name)
        if isinstance(value, str) or value[0] != value[1]:
            return f"its {name.split('_')[0]} is {value}, not the same number down and across"
    if conv.dilation[0] != 1:
        return f"its dilation is {conv.dilation[0]}, and operators have none"
    if conv.padding_mode != "zeros":
        return f"its padding is of mode {conv.padding_mode!r}, and operators pad with zeros"
    if calls[0].x.shape[2:] == (1, 1):
        return "its map has one pixel: it computes a gate or the classes"
    return ""


def _slot(call: Call, sizes: list[int]) -> Slot:
    conv = call.module
    assert isinstance(conv, nn.Conv2d) and not isinstance(conv.padding, str)
    depthwise = conv.groups == conv.in_channels > 1
    return Slot(
        call.name,
        stage=1 + sizes.index(int(call.y.shape[2])),
        role="conv",
        in_chs=conv.in_channels,
        out_chs=conv.out_channels,
        kernel=conv.kernel_size[0],
        stride=conv.stride[0],
        groups=conv.groups,
        padding=conv.padding[0],
        bias=conv.bias is not None,
        position="depthwise" if depthwise else "plain",
    )


def _followers(calls: list[Call], before: list[Call], kind: Any) -> dict[str, str]:
    """By the name of each call of `before`, the module of this kind that alone reads its output."""
    readers: dict[int, list[Call]] = {}
    for call in calls:
        readers.setdefault(id(call.x), []).append(call)
    found = {}
    for call in before:
        reading = [r for r in readers.get(id(call.y), []) if r is not call]
        # An activation in place reads and returns the same map, as do those that read it next.
        if reading and isinstance(reading[0].module, kind):
            found[call.name] = reading[0].name
    return found


def _classifier(calls: list[Call], classes: int) -> str:
    """The last layer with as many outputs as classes; an empty name if there is none."""
    for call in reversed(calls):
        outputs = getattr(call.module, "out_features", getattr(call.module, "out_channels", None))
        if isinstance(call.module, nn.Linear | nn.Conv2d):
            return call.name if outputs == classes else ""
    return ""


def _maps(once: Mapping[str, Call], classifier: str) -> dict[str, tuple[int, int, int]]:
    """The outputs of modules that return a map, up to the classifier."""
    maps = {}
    for name, call in once.items():
        if name == classifier:
            break
        if _is_map(call):
            chs, height, width = (int(side) for side in call.y.shape[1:])
            maps[name] = chs, height, width
    return maps


def _is_map(call: Call) -> bool:
    shape = call.y.shape
    channels_last = isinstance(call.module, nn.Linear) or type(call.module) is nn.LayerNorm
    return len(shape) == 4 and shape[2] == shape[3] > 1 and not channels_last
