"""The model card: what a stranger must know before using the files."""

import json
from math import sqrt

from searchspace.markdown import markdown_table
from searchspace.schema import to_json
from trainers.export.manifest import ExportManifest
from trainers.job import Job

Z95 = 1.959964
SHOWN = 20
"""Class names that a card lists; a file beside it has all."""

FROM_FILE = """import json, numpy, onnxruntime, pathlib
from PIL import Image, ImageOps
labels = json.loads(pathlib.Path("labels.json").read_text())
image = ImageOps.fit(Image.open("photo.jpg").convert("RGB"), (SIZE, SIZE), Image.BILINEAR)
images = numpy.asarray(image, "float32").transpose(2, 0, 1)[None]
session = onnxruntime.InferenceSession({name!r})
print(labels[session.run(["logits"], {{"images": images}})[0].argmax()])"""
"""From an image file to the name of its class: the centred square, resized."""


def model_card(exported: ExportManifest) -> str:
    """The card in Markdown."""
    job = exported.job
    parts = [
        f"# {job.architecture.label()} on {job.task.label()}",
        f"An image classifier with {job.task.classes} classes, trained once with seed {job.seed}.",
        *([f"How it was chosen: {exported.note}"] if exported.note else []),
        "## Accuracy",
        _accuracy(exported),
        "## Cost",
        _costs(exported),
        "## Files",
        _files(exported),
        "## Use",
        _use(exported),
        "## Limits",
        _limits(job),
        "## Training",
        _training(exported),
    ]
    return "\n\n".join(parts) + "\n"


def _accuracy(exported: ExportManifest) -> str:
    """One accuracy a row, with what it is of."""
    rows = []
    if exported.chosen_accuracy is not None:
        what = "mean over seeds on validation images, which the architecture was chosen by"
        rows.append(["as chosen", f"{exported.chosen_accuracy:.2f}%", what])
    for entry in exported.sizes:
        point, size = entry.point, f"{entry.size}x{entry.size}"
        low, high = wilson(point.test_accuracy, point.test_images)
        validation = f"{point.validation_accuracy:.2%} (n = {point.validation_images:,})"
        rows.append([size, validation, "this network on validation images"])
        what = f"this network on test images; 95 % interval {low:.2%} to {high:.2%}"
        rows.append([size, f"{point.test_accuracy:.2%} (n = {point.test_images:,})", what])
    return (
        f"{markdown_table(['input', 'accuracy', 'of what'], rows, range(1, 2))}\n"
        "Test images were read once, after the last epoch, and selected nothing; validation images "
        "may have selected the network. The interval is Wilson's, for this one training: it covers "
        "the choice of test images, not that of the seed."
    )


def _costs(exported: ExportManifest) -> str:
    rows = [
        [f"{e.size}x{e.size}", form, f"{cost.macs:,}", f"{cost.params:,}"]
        for e in exported.sizes
        for form, cost in (("deployed", e.deployed), ("training", e.training))
    ]
    return (
        f"{markdown_table(['input', 'form', 'MACs', 'parameters'], rows)}\n"
        "MACs are multiply-accumulates of convolutions, linear layers, matrix products and "
        "weighted sums of experts for one image; the mixing of kernels is counted, norms, "
        "activations and pooling are not. Parameters are all that is stored, running statistics "
        "excluded. The files hold the deployed form."
    )


def _files(exported: ExportManifest) -> str:
    rows = []
    for entry in exported.sizes:
        size, base = f"{entry.size}x{entry.size}", entry.training_latency
        rows.append([size, "(training form)", "", "", "", f"{base.median_ms:.2f}", "1.00"])
        for file in entry.files:
            rows.append(
                [
                    size,
                    f"`{file.name}`",
                    f"{file.bytes:,}",
                    f"{file.parity.max_difference:.1e}",
                    f"{file.parity.agreement:.1%}",
                    f"{file.latency.median_ms:.2f}",
                    f"{file.latency.median_ms / base.median_ms:.2f}",
                ]
            )
    headings = ["input", "file", "bytes", "difference", "agreement", "ms", "ratio"]
    parity = next((file.parity for entry in exported.sizes for file in entry.files), None)
    images = f"{parity.images} validation images" if parity else "no images"
    return (
        f"{markdown_table(headings, rows)}\n"
        f"Each file was read back and run on {images}: `difference` is the largest of any logit "
        "from the trained network's, `agreement` the share of equal predictions. `ms` is the "
        "median time for one image on one thread of "
        f"{exported.machine}, all measured in turns; `ratio` is to the training form."
    )


def _use(exported: ExportManifest) -> str:
    entry, task = exported.sizes[0], exported.job.task
    names = {file.format: file.name for file in entry.files}
    shape = f"(N, {task.in_chs}, {entry.size}, {entry.size})"
    lines = [
        f"Every file takes float32 images {shape}, any N, pixels as the task stores them (0 to 255 "
        "for image files), and gives logits (N, "
        f"{task.classes}); it normalises by itself, with mean {_numbers(exported.mean)} and "
        f"standard deviation {_numbers(exported.std)}. Resize other images first, bilinear with "
        "antialiasing."
    ]
    snippets = {
        "safetensors": "from trainers.export import load\nlogits = load({name!r})(images)",
        "torch": "import torch\nlogits = torch.export.load({name!r}).module()(images)",
        "onnx": (
            "import onnxruntime\nsession = onnxruntime.InferenceSession({name!r})\n"
            'logits = session.run(["logits"], {{"images": images.numpy()}})[0]'
        ),
    }
    if exported.from_files and "onnx" in names:
        # The whole way, which the others leave out.
        snippets["onnx"] = FROM_FILE.replace("SIZE", str(entry.size))
    for name, snippet in snippets.items():
        if name in names:
            lines.append(f"```python\n{snippet.format(name=names[name])}\n```")
    lines.append(_classes(exported))
    return "\n\n".join(lines)


def _classes(exported: ExportManifest) -> str:
    shown = ", ".join(f"{number} {name}" for number, name in enumerate(exported.labels[:SHOWN]))
    more = f", ... ({len(exported.labels):,} in all)" if len(exported.labels) > SHOWN else ""
    return (
        f"Classes, in the order of the logits: {shown}{more}. `labels.json` lists them; so do the "
        "metadata of the ONNX file (`labels`), the header of the safetensors file and the extra "
        "file `labels.json` of the torch file."
    )


def _limits(job: Job) -> str:
    return (
        f"Meant for images like those of {job.task.kind}: it was neither trained nor measured on "
        "any other, and gives one of its classes for whatever it is shown. Its probabilities are "
        "not calibrated. It was not examined for differences between groups of people, for "
        "robustness or for security; do that before it decides anything that matters."
    )


def _training(exported: ExportManifest) -> str:
    job = exported.job
    versions = ", ".join(f"{name} {version}" for name, version in exported.versions.items())
    recipe = json.dumps(to_json(job.recipe))
    return (
        f"Task: `{json.dumps(to_json(job.task))}`\n\nRecipe: `{recipe}`\n\n"
        f"Architecture: `architecture.json`, content key `{job.architecture.key}`; job "
        f"`{job.key}`\n\nExported with {versions}"
    )


def wilson(share: float, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion among `count`."""
    square = Z95**2 / count
    centre = (share + square / 2) / (1 + square)
    half = sqrt(share * (1 - share) * square + square**2 / 4) / (1 + square)
    return centre - half, centre + half


def _numbers(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)
