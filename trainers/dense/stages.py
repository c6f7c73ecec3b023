"""The stages of a classifier, and their maps as features for what is built on them."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from searchspace import Architecture, Backbone, Graft, InputError, build
from searchspace.backbones.densenet import DenseNetNet
from searchspace.backbones.graft.graft import anatomy
from searchspace.backbones.mobilenet_v2 import InvertedResidual, MobileNetV2Net
from searchspace.backbones.resnet import ResNetNet
from searchspace.backbones.resnet_cifar import ResNetCifarNet
from searchspace.backbones.shake_shake import ShakeShakeNet
from searchspace.checks import check_integer
from trainers.dense.atrous import Dilated
from trainers.dense.traced import traced_stages

PROBE = 64
"""Side of the image that tells channels and strides; a multiple of every stride."""
HEADS = ("fc.", "classifier.")
"""Where the weights of the classifiers are, which no stage needs."""


@singledispatch
def segments(network: nn.Module) -> list[nn.Module]:
    """The stages of a classifier in order, the stem with the first; the head is left out."""
    raise InputError(
        f"{type(network).__name__} has no stages to build on; take a ResNet, ResNetCifar, "
        "MobileNetV2, DenseNet, ShakeShake or a graft"
    )


@segments.register
def _(network: ResNetNet) -> list[nn.Module]:
    stem = (network.conv1, network.bn1, nn.ReLU(), network.maxpool)
    return [
        nn.Sequential(*stem, network.layer1), network.layer2, network.layer3, network.layer4,
    ]  # fmt: skip


@segments.register
def _(network: ResNetCifarNet) -> list[nn.Module]:
    stem = (network.conv1, network.bn1, nn.ReLU())
    return [nn.Sequential(*stem, network.layer1), network.layer2, network.layer3]


@segments.register
def _(network: ShakeShakeNet) -> list[nn.Module]:
    # Its blocks begin with their ReLU, so the last stage lacks one.
    last = nn.Sequential(network.layer3, nn.ReLU())
    return [nn.Sequential(network.conv1, network.layer1), network.layer2, last]


@segments.register
def _(network: DenseNetNet) -> list[nn.Module]:
    part = network.features.get_submodule
    return [
        nn.Sequential(part("conv0"), part("denseblock1")),
        nn.Sequential(part("transition1"), part("denseblock2")),
        nn.Sequential(part("transition2"), part("denseblock3"), part("norm5"), nn.ReLU()),
    ]


@segments.register
def _(network: MobileNetV2Net) -> list[nn.Module]:
    """A stage ends where the next block halves the map."""
    stages = [nn.Sequential()]
    for block in network.features:
        if isinstance(block, InvertedResidual) and block.stride > 1:
            stages.append(nn.Sequential())
        stages[-1].append(block)
    return list(stages)


@dataclass(frozen=True)
class Tap:
    """The map that leaves a stage: its channels, and image pixels for each of its pixels."""

    chs: int
    stride: int


class StagedBackbone(nn.Module):
    """Images (N, in_chs, H, W) to the maps of the last stages, named "0", "1" and so on.

    `taps` describes these maps. With `freeze_norms` the norms keep their statistics and affine
    parameters, as is usual where a batch is a few large images.
    """

    def __init__(
        self, stages: Sequence[nn.Module], taps: Sequence[Tap], *, freeze_norms: bool = False
    ) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.taps = tuple(taps)
        self.freeze_norms = freeze_norms
        if freeze_norms:
            for norm in self._norms():
                norm.requires_grad_(False)

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        """Maps (N, chs, H / stride, W / stride) of the tapped stages, from the largest on."""
        maps: OrderedDict[str, Tensor] = OrderedDict()
        first = len(self.stages) - len(self.taps)
        x = images
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number >= first:
                maps[str(number - first)] = x
        return maps

    def train(self, mode: bool = True) -> "StagedBackbone":
        """Frozen norms stay in evaluation mode."""
        super().train(mode)
        if self.freeze_norms:
            for norm in self._norms():
                norm.eval()
        return self

    def _norms(self) -> list[nn.Module]:
        return [module for module in self.modules() if isinstance(module, nn.BatchNorm2d)]


def staged(
    architecture: Architecture,
    weights: str | Path | None = None,
    *,
    taps: int = 4,
    size: int | None = None,
    output_stride: int | None = None,
    freeze_norms: bool = False,
) -> StagedBackbone:
    """The stages of an architecture, with the weights that `trainers.train` wrote if given.

    The last `taps` stages are tapped, fewer if there are fewer. A switchable network serves with
    its norms for `size` (default: the largest). With an `output_stride` the last stages keep the
    resolution at which that stride is reached, by dilation.
    """
    check_integer(1, taps=taps)
    network = build(architecture)
    backbone = architecture.backbone
    if weights is not None:
        _load(network, weights, _heads(backbone))
    resolutions = architecture.resolutions
    if resolutions is not None:
        network = resolutions.at_size(network, size or resolutions.distinct[0])
    if isinstance(backbone, Graft):
        stages = traced_stages(backbone, network, PROBE)
    else:
        stages = segments(network)
    stage_taps = _taps(stages, architecture.label())
    if output_stride is not None:
        stages, stage_taps = _dilated(stages, stage_taps, output_stride)
    return StagedBackbone(stages, stage_taps[-taps:], freeze_norms=freeze_norms)


def _taps(stages: Sequence[nn.Module], label: str) -> list[Tap]:
    """What each stage gives, read off one small image."""
    x = torch.zeros(1, 3, PROBE, PROBE)
    taps = []
    modes = [(module, module.training) for stage in stages for module in stage.modules()]
    with torch.no_grad():
        for stage in stages:
            x = stage.eval()(x)
            if PROBE % x.shape[-1]:
                raise InputError(f"the stages of {label} do not divide an image evenly")
            taps.append(Tap(x.shape[1], PROBE // x.shape[-1]))
    for module, mode in modes:
        module.training = mode
    return taps


def _dilated(
    stages: Sequence[nn.Module], taps: Sequence[Tap], output_stride: int
) -> tuple[list[nn.Module], list[Tap]]:
    """The stages beyond `output_stride` at the resolution of the last one that has it."""
    strides = [tap.stride for tap in taps]
    if output_stride not in strides:
        available = ", ".join(map(str, dict.fromkeys(strides)))
        raise InputError(f"output_stride must be one of {available}, got {output_stride}")
    kept, stage_taps, before = [], [], 1
    for stage, tap in zip(stages, taps, strict=True):
        if tap.stride <= output_stride:
            kept.append(stage)
            stage_taps.append(tap)
        else:
            kept.append(Dilated(stage, tap.stride // before, before // output_stride))
            stage_taps.append(Tap(tap.chs, output_stride))
        before = tap.stride
    return kept, stage_taps


def _heads(backbone: Backbone) -> tuple[str, ...]:
    """How the names of the classifier's weights begin."""
    return (f"{anatomy(backbone).classifier}.",) if isinstance(backbone, Graft) else HEADS


def _load(network: nn.Module, path: str | Path, heads: tuple[str, ...]) -> None:
    """Load trained weights, whatever number of classes they were trained for."""
    try:
        stored = load_file(path)
        state = {name: value for name, value in stored.items() if not name.startswith(heads)}
        result = network.load_state_dict(state, strict=False)
    except (OSError, SafetensorError, RuntimeError) as error:
        first = " ".join(str(error).split())[:200]
        raise InputError(f"cannot load {path} into the architecture: {first}") from None
    missing = [name for name in result.missing_keys if not name.startswith(heads)]
    wrong = missing + list(result.unexpected_keys)
    if wrong:
        raise InputError(
            f"{path} holds the weights of another architecture: {wrong[0]} is in only one of them"
        )
