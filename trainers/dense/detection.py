"""torchvision's Faster R-CNN and Mask R-CNN with a feature pyramid on any staged architecture.

HS, Sections 4.2 and 4.3: Faster R-CNN + FPN and Mask R-CNN + FPN.
"""

from collections import OrderedDict
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN, MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from searchspace import Architecture
from searchspace.checks import check_integer, check_one_of
from trainers.dense.stages import StagedBackbone, staged

DETECTORS: dict[str, Any] = {"faster_rcnn": FasterRCNN, "mask_rcnn": MaskRCNN}
PYRAMID_CHS = 256
ANCHOR = 8
"""Side of a level's anchors in units of its stride: 32 pixels at stride 4."""
RATIOS = (0.5, 1.0, 2.0)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's training images, in [0, 1]."""


class PyramidBackbone(nn.Module):
    """Images to the levels of a feature pyramid: those of the taps and a coarser one."""

    def __init__(self, body: StagedBackbone, chs: int) -> None:
        super().__init__()
        self.body = body
        self.fpn = FeaturePyramidNetwork([tap.chs for tap in body.taps], chs, LastLevelMaxPool())
        self.out_channels = chs

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        """(N, 3, H, W) to maps (N, chs, H / stride, W / stride)."""
        maps: OrderedDict[str, Tensor] = self.fpn(self.body(images))
        return maps


def detector(
    architecture: Architecture,
    weights: str | Path | None = None,
    *,
    kind: str = "faster_rcnn",
    classes: int,
    taps: int = 4,
    size: int | None = None,
    freeze_norms: bool = False,
    pyramid_chs: int = PYRAMID_CHS,
    mean: tuple[float, ...] = MEAN,
    std: tuple[float, ...] = STD,
    **settings: Any,
) -> nn.Module:
    """A detector for `classes` classes, the background included, as torchvision counts them.

    `weights` is the `weights.safetensors` of a training of the architecture, on images with `mean`
    and `std` in [0, 1]; None leaves them random. `size` and `taps` are as in `staged`; `settings`
    (`min_size`, `max_size`, ...) go to torchvision. Nothing is downloaded.
    """
    check_one_of(DETECTORS, kind=kind)
    check_integer(2, classes=classes)
    body = staged(architecture, weights, taps=taps, size=size, freeze_norms=freeze_norms)
    strides = [tap.stride for tap in body.taps]
    levels = [*strides, 2 * strides[-1]]
    names = [str(i) for i in range(len(strides))]
    parts = {
        "rpn_anchor_generator": AnchorGenerator(
            tuple((ANCHOR * stride,) for stride in levels), (RATIOS,) * len(levels)
        ),
        "box_roi_pool": MultiScaleRoIAlign(names, output_size=7, sampling_ratio=2),
    }
    if kind == "mask_rcnn":
        parts["mask_roi_pool"] = MultiScaleRoIAlign(names, output_size=14, sampling_ratio=2)
    scales = {"image_mean": list(mean), "image_std": list(std)}
    model: nn.Module = DETECTORS[kind](
        PyramidBackbone(body, pyramid_chs), num_classes=classes, **parts, **scales, **settings
    )
    return model
