"""The file formats: how each is written, and read back as something that takes images."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from searchspace import InputError
from trainers.export.deployed import LABELS, ExportInput, load, save_weights

Run = Callable[[Tensor], Tensor]
"""float32 images (N, C, size, size) to logits (N, classes), on the CPU."""

ONNX_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
INPUT, OUTPUT, BATCH = "images", "logits", "batch"
LABELS_FILE = "labels.json"


@dataclass(frozen=True)
class FileFormat:
    """One kind of file, and the optional packages that it needs."""

    suffix: str
    packages: tuple[str, ...]
    write: Callable[[ExportInput, Path], None]
    read: Callable[[Path], Run]

    def check_packages(self) -> None:
        """Raise an InputError if a package is missing that the format needs."""
        missing = [name for name in self.packages if find_spec(name) is None]
        if missing:
            raise InputError(
                f"ONNX needs {', '.join(missing)}: pip install convfrontier[export], or leave "
                "ONNX out with --format safetensors --format torch"
            )


def _write_torch(source: ExportInput, path: Path) -> None:
    torch.export.save(source.program, path, extra_files={LABELS_FILE: json.dumps(source.labels)})


def _write_onnx(source: ExportInput, path: Path) -> None:
    with _quiet("onnxscript"):
        exported = torch.onnx.export(
            source.program, dynamo=True, input_names=[INPUT], output_names=[OUTPUT], verbose=False
        )
        assert exported is not None
        for node in exported.model.graph:
            # Most of a small file would be remarks on where each operation comes from.
            node.metadata_props.clear()
        exported.model.metadata_props[LABELS] = json.dumps(source.labels)
        _name_batch_axis(exported.model.graph)
        exported.save(path)


def _name_batch_axis(graph: Any) -> None:
    """Call the free axis `batch`, where torch has a numbered symbol, also in products of it."""
    symbol = re.compile(rf"\b{re.escape(str(graph.inputs[0].shape[0]))}\b")
    for value in (*graph.inputs, *(output for node in graph for output in node.outputs)):
        for axis, length in enumerate(value.shape or ()):
            if not isinstance(length, int):
                value.shape[axis] = symbol.sub(BATCH, str(length))


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Keep a package's remarks on its own optimisations from the user."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _read_weights(path: Path) -> Run:
    return _without_gradients(load(path))


def _read_torch(path: Path) -> Run:
    return _without_gradients(torch.export.load(path).module())


def _without_gradients(network: torch.nn.Module) -> Run:
    def run(images: Tensor) -> Tensor:
        with torch.no_grad():
            logits: Tensor = network(images)
        return logits

    return run


def _read_onnx(path: Path) -> Run:
    # An optional package, and untyped.
    import onnxruntime

    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session: Any = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def run(images: Tensor) -> Tensor:
        (logits,) = session.run([OUTPUT], {INPUT: images.numpy()})
        return torch.from_numpy(logits)

    return run


FORMATS = {
    "safetensors": FileFormat(".safetensors", (), save_weights, _read_weights),
    "torch": FileFormat(".pt2", (), _write_torch, _read_torch),
    "onnx": FileFormat(".onnx", ONNX_PACKAGES, _write_onnx, _read_onnx),
}
"""By the name that --format takes."""
