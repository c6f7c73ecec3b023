"""torchvision's DeepLabv3 on any staged architecture.

HS, Section 4.4, uses DeepLabv3+, which adds a decoder that torchvision does not have.
"""

from collections import OrderedDict
from pathlib import Path

from torch import Tensor, nn
from torchvision.models.segmentation import DeepLabV3
from torchvision.models.segmentation.deeplabv3 import DeepLabHead

from searchspace import Architecture
from searchspace.checks import check_integer, check_one_of
from trainers.dense.stages import StagedBackbone, staged

RATES = {16: (6, 12, 18), 8: (12, 24, 36)}
"""Of the head's parallel convolutions, by output stride: Chen et al., Rethinking atrous convolution
for semantic image segmentation, Section 4.1."""


class LastMap(nn.Module):
    """Images to the last stage's map, under the name that torchvision's head asks for."""

    def __init__(self, body: StagedBackbone) -> None:
        super().__init__()
        self.body = body

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        """(N, 3, H, W) to {"out": (N, chs, H / stride, W / stride)}."""
        maps = self.body(images)
        return OrderedDict(out=next(reversed(maps.values())))


def deeplab(
    architecture: Architecture,
    weights: str | Path | None = None,
    *,
    classes: int,
    output_stride: int = 16,
    size: int | None = None,
    freeze_norms: bool = False,
) -> nn.Module:
    """DeepLabv3 for `classes` classes, the background included; images come normalised.

    Stages beyond `output_stride`, 16 or 8, are dilated; a network that reaches no such stride is
    taken at its own, with the head of 16. `weights`, `size` and `freeze_norms` are as in `staged`.
    """
    check_one_of(RATES, output_stride=output_stride)
    check_integer(2, classes=classes)
    body = staged(architecture, weights, taps=1, size=size, freeze_norms=freeze_norms)
    if body.taps[-1].stride > output_stride:
        body = staged(
            architecture, weights, taps=1, size=size, freeze_norms=freeze_norms,
            output_stride=output_stride,
        )  # fmt: skip
    rates = RATES[output_stride]
    model: nn.Module = DeepLabV3(
        LastMap(body), DeepLabHead(body.taps[-1].chs, classes, rates), None
    )
    return model
