"""Training steps on the device against the same steps on the CPU in single precision."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor

from benchmarks.epochs import CifarShaped
from benchmarks.gpu.rows import Row, Rows, Settings, in_time
from searchspace import (
    AlexNet,
    Architecture,
    Backbone,
    CoConv,
    DenseNet,
    MobileNetV2,
    ResNet,
    ResNetCifar,
    Resolutions,
    build,
)
from searchspace.choice import OPERATORS
from trainers import Job, Recipe
from trainers.learning.learner import Learner
from trainers.learning.losses import Batch
from trainers.runtime.rng_state import RngState

STEPS = 3
RATE = 0.02
RECIPE = Recipe(epochs=1, batch_size=16, lr=RATE, schedule="constant")
EAGER: dict[str, Recipe] = {
    "float32": RECIPE,
    "tf32": RECIPE,
    "bfloat16": replace(RECIPE, precision="bfloat16"),
    "float16": replace(RECIPE, precision="float16"),
    "channels last": replace(RECIPE, channels_last=True),
    "bfloat16, channels last": replace(RECIPE, precision="bfloat16", channels_last=True),
}
COMPILED: dict[str, Recipe] = {
    "compiled": replace(RECIPE, compile="default"),
    "CUDA graphs": replace(RECIPE, compile="reduce-overhead"),
}
TOLERANCE = {"float32": 1e-3, "tf32": 1e-2, "channels last": 1e-3, "compiled": 2e-3}
SEVERAL = "for several sizes"
LOWER = 5e-2
"""Tolerance of losses of lower precisions, as a share of the loss."""


def equality(settings: Settings) -> Rows:
    """Each operator and backbone in every precision, layout and compiled form."""
    cases = dict(architectures(tiny=settings.tiny))
    compiled = {"coconv", SEVERAL}
    eager = ["float32", "tf32", "bfloat16"] if settings.tiny else list(EAGER)
    for name in in_time(settings, "equality", list(cases)):
        yield from _rows(settings, name, cases[name], {mode: EAGER[mode] for mode in eager})
    # Compilers take minutes: last.
    for name in in_time(settings, "equality", sorted(compiled & set(cases))):
        if settings.gpu:
            yield from _rows(settings, name, cases[name], COMPILED)
        else:
            yield Row("equality", f"{name}, compiled", note="left out: the device is no GPU")


def architectures(*, tiny: bool) -> Iterator[tuple[str, Architecture]]:
    """A network with each operator, then the backbones, then one for several input sizes."""
    small, bottleneck = ResNetCifar(8, width=8), ResNet(50, width=8, stem="small")
    for kind, choice in OPERATORS.items():
        inside = kind in ("hs", "res2net")
        if not tiny or kind in ("coconv", "mssar"):
            yield kind, Architecture(bottleneck if inside else small, {"*": choice()})
    backbones: tuple[Backbone, ...] = (
        ResNetCifar(20),
        ResNet(18, stem="small"),
        ResNet(50, width=16, stem="small"),
        MobileNetV2(0.5, stem="small"),
        DenseNet(40, growth=12),
        AlexNet("cifar"),
    )
    for backbone in backbones[:0] if tiny else backbones:
        yield backbone.label(), Architecture(backbone)
    depth: Backbone = ResNetCifar(8, width=4) if tiny else ResNet(18, stem="small")
    yield (
        SEVERAL,
        Architecture(depth, {"layer3.*": CoConv(2)} if tiny else {}, Resolutions((32, 16))),
    )


def _rows(
    settings: Settings, name: str, architecture: Architecture, modes: dict[str, Recipe]
) -> Rows:
    wanted = losses(architecture, RECIPE, "cpu")
    for mode, recipe in modes.items():
        if settings.tiny and recipe.precision == "float16":
            continue
        case = f"{name}, {mode}"
        try:
            with tf32(on=mode == "tf32"):
                found = losses(architecture, recipe, settings.device)
        except RuntimeError as error:
            yield Row("equality", case, ok=False, note=str(error).splitlines()[0])
            continue
        off = float(((found - wanted).abs() / wanted.abs()).max())
        tolerance = TOLERANCE.get(mode, LOWER)
        yield Row(
            "equality", case, off, "of the loss", None, off <= tolerance, f"at most {tolerance}"
        )


def losses(architecture: Architecture, recipe: Recipe, device: str) -> Tensor:
    """The losses of the first steps on the same images from the same weights, on the CPU."""
    job = Job(architecture, CifarShaped(64), recipe, 0)
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(recipe.batch_size, 3, 32, 32, generator=generator)
    labels = torch.randint(10, (recipe.batch_size,), generator=generator)
    rng_state = RngState(0, torch.device(device))
    with rng_state.active():
        learner = Learner(build(architecture, 10).to(device), job, rng_state)
        learner.train_mode()
        batch = Batch((images.to(device),), (labels.to(device),))
        found = [learner.learn(batch, RATE).clone() for _ in range(STEPS)]
    return torch.stack(found).cpu()


@contextmanager
def tf32(*, on: bool) -> Iterator[None]:
    """Products and convolutions of single precision in TF32, or exactly."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = on
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before


def repeatability(settings: Settings) -> Rows:
    """Whether the same steps give the same bits, as they come and by deterministic kernels."""
    architecture = Architecture(ResNetCifar(8, width=4) if settings.tiny else ResNetCifar(20))
    for deterministic in (False, True):
        case = "deterministic kernels" if deterministic else "as it comes"
        before = torch.are_deterministic_algorithms_enabled()
        torch.use_deterministic_algorithms(deterministic)
        try:
            first, second = (losses(architecture, RECIPE, settings.device) for _ in range(2))
            same = bool((first == second).all())
            yield Row(
                "repeatability", case, float(same), "same bits", None, same or not deterministic
            )
        except RuntimeError as error:
            yield Row("repeatability", case, ok=False, note=str(error).splitlines()[0])
        finally:
            torch.use_deterministic_algorithms(before)
