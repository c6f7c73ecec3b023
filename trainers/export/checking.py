"""Whether a file computes what the trained network computes, and how long it takes."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from searchspace import InputError, Latency
from searchspace.latency import summarised, using_threads
from trainers.export.formats import Run
from trainers.export.trained import TrainedModel
from trainers.learning.switchable_loss import resize
from trainers.tasks import Splits

IMAGES, BATCH = 256, 32
"""How many validation images files are checked on, if there are as many, and how many at once."""
TOLERANCE = 1e-3
"""Largest difference of two logits, as a share of the largest logit (or of 1 if that is more).

Folding norms and another order of sums change float32 logits by 1e-6 to 1e-4 of that.
"""
WARMUP, REPEATS = 5, 30


@dataclass(frozen=True)
class Parity:
    """A file beside the trained network on validation images.

    `max_difference` is the largest absolute difference of a logit, `largest_logit` its scale,
    `agreement` the share of images with the same prediction.
    """

    images: int
    max_difference: float
    largest_logit: float
    agreement: float


def reference(trained: TrainedModel, data: Splits, size: int) -> tuple[Tensor, Tensor]:
    """Images (N, C, size, size) as a file takes them, and the trained network's logits."""
    mean, std = data.mean[:, None, None], data.std[:, None, None]
    images, logits = [], []
    with torch.no_grad():
        for stored, _ in islice(data.validation.batches(BATCH), IMAGES // BATCH):
            raw = stored.float()
            images.append(resize(raw, size))
            logits.append(trained.network(resize((raw - mean) / std, size)))
    return torch.cat(images), torch.cat(logits)


def run_all(run: Run, images: Tensor) -> Tensor:
    """The logits of all images, some at a time."""
    return torch.cat([run(part) for part in images.split(BATCH)])


def compare(path: Path, computed: Tensor, expected: Tensor) -> Parity:
    """How far logits (N, classes) are from those of the trained network; too far is an error."""
    parity = Parity(
        images=len(expected),
        max_difference=float((computed - expected).abs().max()),
        largest_logit=float(expected.abs().max()),
        agreement=float((computed.argmax(1) == expected.argmax(1)).float().mean()),
    )
    allowed = TOLERANCE * max(1.0, parity.largest_logit)
    # Written so that a NaN fails.
    if not parity.max_difference <= allowed:
        raise InputError(
            f"{path} does not compute what the trained network does: logits differ by up to "
            f"{parity.max_difference:.3g} where {allowed:.3g} is allowed, and "
            f"{parity.agreement:.1%} of {parity.images} predictions agree"
        )
    return parity


def latencies(runs: Mapping[str, Run], image: Tensor) -> dict[str, Latency]:
    """Milliseconds for one image (1, C, H, W) on one CPU thread, all measured side by side."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    with using_threads(1):
        for repeat in range(WARMUP + REPEATS):
            # In turns, so that whatever else the machine does meets all of them.
            for name, run in runs.items():
                started = time.perf_counter()
                run(image)
                if repeat >= WARMUP:
                    times[name].append(1e3 * (time.perf_counter() - started))
    return {name: summarised(measured) for name, measured in times.items()}
