"""From a finished training to checked files, a record of them and a model card."""

import json
import platform
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import torch

from searchspace import InputError, measure
from searchspace.checks import check_one_of
from searchspace.latency import machine_name, using_threads
from searchspace.schema import to_json
from trainers.export.card import model_card
from trainers.export.checking import Parity, compare, latencies, reference, run_all
from trainers.export.deployed import ExportInput, deployed
from trainers.export.formats import FORMATS, LABELS_FILE, ONNX_PACKAGES, Run
from trainers.export.manifest import ExportedFile, ExportManifest, SizeExport
from trainers.export.trained import TrainedModel
from trainers.tasks import Splits, Task
from trainers.tasks.base import Split, StoredSplit
from trainers.tasks.resampling import load_splits
from trainers.tasks.stream import StreamedSplit

MANIFEST, CARD, ARCHITECTURE = "export.json", "MODEL_CARD.md", "architecture.json"
TRAINED_FORM = "training form"


def export(
    trained: TrainedModel,
    out: Path,
    *,
    sizes: Sequence[int] = (),
    formats: Sequence[str] = tuple(FORMATS),
    data_root: Path | None = None,
    note: str = "",
    chosen_accuracy: float | None = None,
) -> ExportManifest:
    """Write a trained network into `out`: files for each size (default: all trained), checked.

    `note` says how the network was chosen, for the card, and `chosen_accuracy` by which mean
    validation accuracy in per cent. An InputError tells of a file that does
    not compute what the trained network does; neither record nor card is then written.
    """
    for name in formats:
        check_one_of(FORMATS, format=name)
        FORMATS[name].check_packages()
    export_sizes = tuple(dict.fromkeys(sizes)) or trained.sizes
    for size in export_sizes:
        trained.point(size)
    task = trained.job.task
    data = load_splits(task, data_root, trained.job.seed)
    labels = task.class_names(data_root)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for old in (MANIFEST, CARD):
            (out / old).unlink(missing_ok=True)
        manifest = ExportManifest(
            trained.job,
            note,
            labels,
            _from_files(data.test, task),
            tuple(data.mean.tolist()),
            tuple(data.std.tolist()),
            tuple(
                _at_size(trained, data, labels, size, formats, out, alone=len(export_sizes) == 1)
                for size in export_sizes
            ),
            machine_name("cpu"),
            _versions(),
            chosen_accuracy,
        )
        architecture = json.dumps(trained.job.architecture.to_json(), indent=1)
        (out / ARCHITECTURE).write_text(architecture + "\n")
        (out / LABELS_FILE).write_text(json.dumps(labels, ensure_ascii=False) + "\n")
        (out / CARD).write_text(model_card(manifest))
        (out / MANIFEST).write_text(json.dumps(to_json(manifest), indent=1) + "\n")
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror or error}") from None
    return manifest


def _at_size(
    trained: TrainedModel,
    data: Splits,
    labels: tuple[str, ...],
    size: int,
    formats: Sequence[str],
    out: Path,
    *,
    alone: bool,
) -> SizeExport:
    job = trained.job
    images, logits = reference(trained, data, size)
    source = ExportInput(deployed(trained, size, data.mean, data.std), job, size, labels)
    runs: dict[str, Run] = {TRAINED_FORM: _trained_run(trained, data)}
    written: dict[str, tuple[Path, Parity]] = {}
    for name in formats:
        path = out / f"model{'' if alone else f'-{size}'}{FORMATS[name].suffix}"
        FORMATS[name].write(source, path)
        with using_threads(1):
            runs[name] = FORMATS[name].read(path)
        written[name] = path, compare(path, run_all(runs[name], images), logits)
    times = latencies(runs, images[:1])
    # One size needs one set of norms.
    plain = replace(job.architecture, resolutions=None)
    shape = {"num_classes": job.task.classes, "in_chs": job.task.in_chs}
    return SizeExport(
        size,
        trained.point(size),
        measure(plain, size, "deployed", **shape),
        measure(job.architecture, size, "training", **shape),
        times[TRAINED_FORM],
        tuple(
            ExportedFile(path.name, name, path.stat().st_size, parity, times[name])
            for name, (path, parity) in written.items()
        ),
    )


def _from_files(split: Split, task: Task) -> bool:
    """Whether a user's image file, as RGB of 8 bits, is what the network takes."""
    stored = isinstance(split, StoredSplit) and split.images.dtype == torch.uint8
    return task.in_chs == 3 and (stored or isinstance(split, StreamedSplit))


def _trained_run(trained: TrainedModel, data: Splits) -> Run:
    mean, std = data.mean[:, None, None], data.std[:, None, None]

    def run(images: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            logits: torch.Tensor = trained.network((images - mean) / std)
        return logits

    return run


def _versions() -> dict[str, str]:
    packages = ("torch", "safetensors", *ONNX_PACKAGES)
    installed = {name: version(name) for name in packages if find_spec(name) is not None}
    return {"python": platform.python_version(), **installed}
