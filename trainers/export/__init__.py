"""A trained network as files to use elsewhere: safetensors, torch.export and ONNX.

All hold the deployed form at one input size, and normalise images themselves: they take float32
(N, C, size, size) in the units in which the task stores its pixels (0 to 255 for image files) and
give logits (N, classes). Each is read back and compared with the trained network on validation
images before it counts as written.

Names are imported when they are first used; `__init__.pyi` lists them.
"""

from searchspace.lazy import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
