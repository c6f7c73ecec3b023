"""Train, validation and test drawn anew for each seed, from all images of a task's three splits."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import torch
from torch import Tensor

from searchspace.checks import check_one_of
from searchspace.errors import InputError
from trainers.tasks.base import Drawing, Split, Splits, StoredSplit, Task, statistics
from trainers.tasks.stream import StreamedSplit, splits_of_files

FIRST_SEED = 20300
"""Added to a job's seed, so that splits follow from another draw than that of the task."""


def load_splits(task: Task, data_root: Path | None, seed: int) -> Splits:
    """The splits that a job with this seed sees."""
    return splits_of_seed(task, task.load(data_root), seed)


def splits_of_seed(task: Task, data: Splits, seed: int) -> Splits:
    """The splits of a seed, given those of the task: the same unless it has them resampled."""
    check_one_of(get_args(Drawing), splits=task.splits)
    return data if task.splits == "fixed" else resampled(data, seed)


def resampled(data: Splits, seed: int) -> Splits:
    """Splits of the same sizes, drawn from all images; each has its share of every class.

    Mean and standard deviation are those of the new training images.
    """
    parts = (data.train, data.validation, data.test)
    sizes = [len(part) for part in parts]
    if all(isinstance(part, StreamedSplit) for part in parts):
        streams = [part for part in parts if isinstance(part, StreamedSplit)]
        paths = tuple(path for part in streams for path in part.paths)
        whole = replace(streams[0], paths=paths, labels=torch.cat([s.labels for s in streams]))
        drawn = [whole.part(indices) for indices in draw(whole.labels, sizes, seed)]
        return splits_of_files(drawn[0], drawn[1], drawn[2])
    stored = [part for part in parts if isinstance(part, StoredSplit)]
    if len(stored) < len(parts) or len({part.images.shape[1:] for part in stored}) > 1:
        raise InputError(
            "splits can be resampled if all images are stored in one shape or all are files, got "
            f"{', '.join(_kind(part) for part in parts)}"
        )
    indices = draw(torch.cat([part.labels for part in stored]), sizes, seed)
    train, validation, test = (_picked(stored, each) for each in indices)
    return Splits(train, validation, test, *statistics(train.images))


def draw(labels: Tensor, sizes: Sequence[int], seed: int) -> list[Tensor]:
    """Sorted indices of parts of these sizes, which share out every class alike, at random."""
    generator = torch.Generator().manual_seed(FIRST_SEED + seed)
    order = torch.randperm(len(labels), generator=generator)
    place = torch.empty(len(labels), dtype=torch.float64)
    for label in labels.unique():
        members = order[labels[order] == label]
        # Evenly from 0 to 1, from a random start, which does not favour a part in small classes.
        start = torch.rand((), generator=generator, dtype=torch.float64)
        place[members] = (torch.arange(len(members)) + start) / len(members)
    by_place = order[torch.sort(place[order], stable=True).indices]
    return [part.sort().values for part in by_place.split(list(sizes))]


def _picked(parts: Sequence[StoredSplit], indices: Tensor) -> StoredSplit:
    """The images at sorted indices into the parts one after the other, without a copy of all."""
    images, labels, first = [], [], 0
    for part in parts:
        inside = indices[(indices >= first) & (indices < first + len(part))] - first
        images.append(part.images.index_select(0, inside))
        labels.append(part.labels.index_select(0, inside))
        first += len(part)
    return StoredSplit(torch.cat(images), torch.cat(labels))


def _kind(part: Split) -> str:
    if isinstance(part, StoredSplit):
        return f"stored images {tuple(part.images.shape[1:])}"
    return "files" if isinstance(part, StreamedSplit) else type(part).__name__
