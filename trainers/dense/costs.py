"""What a detector or a DeepLabv3 costs, part by part, in the convention of `searchspace.cost`."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from searchspace import Cost, measure_module
from searchspace.checks import MAX_SIZE, check_integer

PROPOSALS, DETECTIONS = 1000, 100
"""torchvision's numbers of boxes that reach the box head and the mask head, at most."""


class _Maps(nn.Module):
    """A part called with tensors, giving tensors, as counting needs it."""

    def __init__(self, part: nn.Module, call: Callable[..., Any]) -> None:
        super().__init__()
        self.part = part
        self.call = call

    def forward(self, *inputs: Tensor) -> Any:
        return self.call(*inputs)


def dense_costs(
    model: nn.Module, size: int, *, proposals: int = PROPOSALS, detections: int = DETECTIONS
) -> dict[str, Cost]:
    """Cost of each part, and their `total`, for one image of `size` x `size` pixels.

    The heads of detectors are counted for as many boxes as given; the pooling of regions and the
    selection of boxes do no multiply-accumulates that the convention counts.
    """
    check_integer(1, MAX_SIZE, size=size)
    check_integer(1, proposals=proposals, detections=detections)
    modes = {module: module.training for module in model.modules()}
    try:
        parts = _parts(model.eval(), size, proposals, detections)
    finally:
        for module, training in modes.items():
            module.training = training
    total = Cost(sum(c.macs for c in parts.values()), sum(c.params for c in parts.values()))
    return {**parts, "total": total}


def _parts(model: Any, size: int, proposals: int, detections: int) -> dict[str, Cost]:
    image = (1, 3, size, size)
    body = model.backbone.body
    if not hasattr(model, "rpn"):
        maps = _tensors(model.backbone, image)
        return {
            "backbone": _count(body, lambda x: tuple(body(x).values()), image),
            "head": measure_module(model.classifier, maps[0]),
        }
    taps = _tensors(body, image)
    levels = _tensors(model.backbone, image)
    heads = model.roi_heads
    chs = model.backbone.out_channels
    fpn, rpn = model.backbone.fpn, model.rpn.head
    names = [str(i) for i in range(len(taps))]
    box = _count(
        nn.ModuleList([heads.box_head, heads.box_predictor]),
        lambda x: heads.box_predictor(heads.box_head(x)),
        (1, chs, 7, 7),
    )
    parts = {
        "backbone": _count(body, lambda x: tuple(body(x).values()), image),
        "pyramid": _count(
            fpn, lambda *xs: tuple(fpn(dict(zip(names, xs, strict=True))).values()), *taps
        ),
        "region proposals": _count(rpn, lambda *xs: tuple(sum(rpn(list(xs)), [])), *levels),
        "box head": Cost(proposals * box.macs, box.params),
    }
    if heads.mask_head is not None:
        mask = measure_module(
            nn.Sequential(heads.mask_head, heads.mask_predictor), (1, chs, 14, 14)
        )
        parts["mask head"] = Cost(detections * mask.macs, mask.params)
    return parts


def _count(part: nn.Module, call: Callable[..., Any], *shapes: tuple[int, ...]) -> Cost:
    return measure_module(_Maps(part, call), *shapes)


def _tensors(part: nn.Module, image: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The shapes of the maps that a part gives for an image."""
    with torch.no_grad():
        return [tuple(x.shape) for x in part(torch.zeros(image)).values()]
