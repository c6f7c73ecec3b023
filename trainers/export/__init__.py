"""A trained network as files to use elsewhere: safetensors, torch.export and ONNX.

All hold the deployed form at one input size, and normalise images themselves: they take float32
(N, C, size, size) in the units in which the task stores its pixels (0 to 255 for image files) and
give logits (N, classes). Each is read back and compared with the trained network on validation
images before it counts as written.
"""

from trainers.export.deployed import DeployedClassifier, load
from trainers.export.exporting import export
from trainers.export.formats import FORMATS
from trainers.export.manifest import ExportManifest
from trainers.export.trained import TrainedModel, read_trained

__all__ = [
    "FORMATS",
    "DeployedClassifier",
    "ExportManifest",
    "TrainedModel",
    "export",
    "load",
    "read_trained",
]
