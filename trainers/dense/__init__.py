"""A picked architecture under torchvision's detectors and DeepLabv3 (HS, Tables 2, 3 and 5)."""

from trainers.dense.atrous import Dilated
from trainers.dense.costs import dense_costs
from trainers.dense.detection import DETECTORS, detector
from trainers.dense.segmentation import deeplab
from trainers.dense.stages import StagedBackbone, staged

__all__ = [
    "DETECTORS",
    "Dilated",
    "StagedBackbone",
    "deeplab",
    "dense_costs",
    "detector",
    "staged",
]
