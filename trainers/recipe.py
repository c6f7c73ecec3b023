"""The recipe: every setting of training that affects a result, as a frozen value."""

from dataclasses import dataclass, field
from functools import cache
from math import cos, pi
from typing import Any, Literal, get_args

import torch

from searchspace.checks import (
    MAX_BRANCHES,
    MAX_SIZE,
    check_at_least,
    check_integer,
    check_one_of,
    shown,
)
from searchspace.errors import InputError
from searchspace.schema import OMIT_DEFAULT, Value
from trainers.start_weights import StartWeights
from trainers.teacher import Teacher
from trainers.user_function import UserFunction

Schedule = Literal["constant", "step", "cosine"]
Precision = Literal["float32", "bfloat16", "float16"]
Compile = Literal["no", "default", "reduce-overhead"]
MAX_EPOCHS, MAX_BATCH = 1_000_000, 2**20
Crops = Literal["single", "multi"]
CropTo = Literal["task", "network"]
LossName = Literal["cross_entropy", "bce"]
NOT_FOR_NETWORKS = "LBFGS", "Muon", "Optimizer", "Rprop", "SparseAdam"
"""Optimisers of torch's that need a closure, matrices, whole batches or sparse gradients."""
TIMM_OPTIMIZERS = ("Lamb",)


@dataclass(frozen=True)
class Recipe(Value):
    """How a network is trained: stochastic gradient descent on cross-entropy unless it says else.

    Units: `epochs` and `step_epochs` are passes over the training split, `batch_size` images,
    `crop_padding` pixels on each side, `lr` and `final_lr` are per step and not scaled by the batch
    size, `weight_decay` applies to every parameter. `step` divides the rate by `step_divisor` every
    `step_epochs` epochs, or after each of `milestones`, in epochs, if there are any; `cosine` falls
    from `lr` to `final_lr` over the whole run, step by step.

    Augmentation, in the order in which it is applied: `crop_area` and `crop_aspect` are the ranges
    of a random resized crop's area, as a share of the image, and width / height; `rotation` is in
    degrees either way; `jitter` is of brightness, contrast, saturation (shares either way) and hue
    (share of the circle); `rand_augment_magnitude` is from 0 to 30; `erasing` is a probability;
    `label_smoothing` the share of a label spread over all classes; `mixup` and `cutmix` are the
    parameters of their Beta distributions. 0 or None is off.

    `ema_decay`, per step, measures a moving average of the weights in their place; 0 is none. A
    batch is processed in `accumulation` pieces, whose batch norms see one piece each. `precision`
    is that of convolutions and products in training and measurement (autocast). On CPUs, float16 is
    many times slower than float32, bfloat16 faster where there are instructions for it, and
    depthwise convolutions stay in float32 where that is faster. `channels_last` and `compile`
    (torch.compile's mode; "reduce-overhead" uses CUDA graphs) change speed and rounding. `crops` is
    whether all sizes of a switchable network see one random crop or each its own (RS-Net Table 6);
    `crop_to` says what a random resized crop becomes: "task", an image of the task's size, which
    smaller sizes are made from, or "network", an image of each size at once, mirrored by itself
    (RS-Net's code).
    `weight_bits` and `activation_bits` below 32 quantise all convolutions but the first (LQ-Nets;
    RS-Net Table 3). Where several processes share the batches of a job, batch norms see the part of
    one process; with `sync_norms`, the whole batch.

    `optimizer` is the name of one of torch.optim's, or Lamb of timm's; `momentum`, `nesterov` and
    `betas` are for those that have them. Without `decay_norms`, norms and biases have no decay;
    with `decay_scores`, the scores of a switchable network's ensemble have it (RS-Net's code). For
    `warmup_epochs` the rate rises linearly from `warmup_start`, a share of itself, to the
    schedule's. `clip_norm` is the largest norm of all gradients together; 0 is no limit. `loss`
    "bce" is binary cross-entropy, each class by itself. `drop_path` is the share of images that
    skip the last block of a network with stochastic depth, rising linearly from none at the first.

    `weights` is a file to start from, in YAML its path or torchvision/NAME.WEIGHTS or
    timm/NAME.TAG: weights of the backbone with the default choice in every slot. Operators start as
    what they replace where they can. Of the weights that are kept as they are, those whose names
    match a pattern of `freeze` are not trained, and the others' rate is multiplied by `kept_rate`.
    `teacher` is a network to learn from as well, in YAML the folder of its training or the name of
    its weights, or an object of `from`, `share` and `temperature`.

    `loss` may also be FILE.py:FUNCTION of your own, which makes one number of logits (N, classes)
    and targets, labels (N,) or shares (N, classes). `augmentation` is such a function that changes
    images (N, C, H, W), floats as they are stored, and draws from the generator that it is given
    next; it comes before mixing. The files are hashed into the key.
    """

    epochs: int
    batch_size: int
    lr: float
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 5e-4
    schedule: Schedule = "cosine"
    step_epochs: int = 30
    step_divisor: float = 10.0
    final_lr: float = 0.0
    flip: bool = False
    crop_padding: int = 0

    milestones: tuple[int, ...] = field(default=(), metadata=OMIT_DEFAULT)
    crop_area: tuple[float, float] | None = field(default=None, metadata=OMIT_DEFAULT)
    crop_aspect: tuple[float, float] = field(default=(3 / 4, 4 / 3), metadata=OMIT_DEFAULT)
    rotation: float = field(default=0.0, metadata=OMIT_DEFAULT)
    jitter: tuple[float, float, float, float] = field(default=(0.0,) * 4, metadata=OMIT_DEFAULT)
    rand_augment_operators: int = field(default=0, metadata=OMIT_DEFAULT)
    rand_augment_magnitude: int = field(default=9, metadata=OMIT_DEFAULT)
    erasing: float = field(default=0.0, metadata=OMIT_DEFAULT)
    label_smoothing: float = field(default=0.0, metadata=OMIT_DEFAULT)
    mixup: float = field(default=0.0, metadata=OMIT_DEFAULT)
    cutmix: float = field(default=0.0, metadata=OMIT_DEFAULT)

    ema_decay: float = field(default=0.0, metadata=OMIT_DEFAULT)
    accumulation: int = field(default=1, metadata=OMIT_DEFAULT)
    precision: Precision = field(default="float32", metadata=OMIT_DEFAULT)
    channels_last: bool = field(default=False, metadata=OMIT_DEFAULT)
    sync_norms: bool = field(default=False, metadata=OMIT_DEFAULT)
    compile: Compile = field(default="no", metadata=OMIT_DEFAULT)
    crops: Crops = field(default="single", metadata=OMIT_DEFAULT)
    crop_to: CropTo = field(default="task", metadata=OMIT_DEFAULT)
    weight_bits: int = field(default=32, metadata=OMIT_DEFAULT)
    activation_bits: int = field(default=32, metadata=OMIT_DEFAULT)

    optimizer: str = field(default="SGD", metadata=OMIT_DEFAULT)
    betas: tuple[float, float] = field(default=(0.9, 0.999), metadata=OMIT_DEFAULT)
    decay_norms: bool = field(default=True, metadata=OMIT_DEFAULT)
    decay_scores: bool = field(default=False, metadata=OMIT_DEFAULT)
    warmup_epochs: float = field(default=0.0, metadata=OMIT_DEFAULT)
    warmup_start: float = field(default=0.01, metadata=OMIT_DEFAULT)
    clip_norm: float = field(default=0.0, metadata=OMIT_DEFAULT)
    loss: LossName | UserFunction = field(default="cross_entropy", metadata=OMIT_DEFAULT)
    drop_path: float = field(default=0.0, metadata=OMIT_DEFAULT)

    weights: StartWeights | None = field(default=None, metadata=OMIT_DEFAULT)
    freeze: tuple[str, ...] = field(default=(), metadata=OMIT_DEFAULT)
    kept_rate: float = field(default=1.0, metadata=OMIT_DEFAULT)
    teacher: Teacher | None = field(default=None, metadata=OMIT_DEFAULT)
    augmentation: UserFunction | None = field(default=None, metadata=OMIT_DEFAULT)

    def __post_init__(self) -> None:
        check_integer(1, MAX_EPOCHS, epochs=self.epochs, step_epochs=self.step_epochs)
        check_integer(1, MAX_BATCH, batch_size=self.batch_size)
        check_integer(0, MAX_SIZE, crop_padding=self.crop_padding)
        check_at_least(0, lr=self.lr, momentum=self.momentum, weight_decay=self.weight_decay)
        check_at_least(0, final_lr=self.final_lr)
        check_at_least(1, 1e6, step_divisor=self.step_divisor)
        check_one_of(("constant", "step", "cosine"), schedule=self.schedule)
        for i, milestone in enumerate(self.milestones):
            check_integer(1, MAX_EPOCHS, **{f"milestones[{i}]": milestone})
        self._check_augmentation()
        self._check_optimisation()
        self._check_optimizer()

    def _check_augmentation(self) -> None:
        if self.crop_area is not None:
            _range(1, crop_area=self.crop_area)
        _range(100, crop_aspect=self.crop_aspect)
        if not isinstance(self.jitter, tuple) or len(self.jitter) != 4:
            raise InputError(f"jitter must be four numbers, got {self.jitter!r}")
        _at_most(1, **{f"jitter[{i}]": strength for i, strength in enumerate(self.jitter[:3])})
        _at_most(0.5, **{"jitter[3]": self.jitter[3]})
        _at_most(180, rotation=self.rotation)
        _at_most(1, erasing=self.erasing, label_smoothing=self.label_smoothing)
        check_integer(0, MAX_BRANCHES, rand_augment_operators=self.rand_augment_operators)
        check_integer(0, rand_augment_magnitude=self.rand_augment_magnitude)
        _at_most(30, rand_augment_magnitude=self.rand_augment_magnitude)
        check_at_least(0, 1e6, mixup=self.mixup, cutmix=self.cutmix)

    def _check_optimisation(self) -> None:
        check_at_least(0, ema_decay=self.ema_decay)
        if self.ema_decay >= 1:
            raise InputError(f"ema_decay must be below 1, got {self.ema_decay:g}")
        check_integer(1, MAX_BATCH, accumulation=self.accumulation)
        check_one_of(get_args(Precision), precision=self.precision)
        check_one_of((False, True), channels_last=self.channels_last, sync_norms=self.sync_norms)
        if self.sync_norms and self.compile == "reduce-overhead":
            raise InputError("sync_norms cannot be had with compile reduce-overhead; use default")
        check_one_of(get_args(Compile), compile=self.compile)
        check_one_of(get_args(Crops), crops=self.crops)
        check_one_of(get_args(CropTo), crop_to=self.crop_to)
        if self.crop_to == "network" and self.crop_area is None:
            raise InputError("crop_to network is for random resized crops; give a crop_area")
        bits = (1, 2, 3, 4, 32)
        check_one_of(bits, weight_bits=self.weight_bits, activation_bits=self.activation_bits)

    def _check_optimizer(self) -> None:
        check_one_of(optimizers(), optimizer=self.optimizer)
        if not isinstance(self.betas, tuple) or len(self.betas) != 2:
            raise InputError(f"betas must be two numbers, got {shown(self.betas)}")
        for i, beta in enumerate(self.betas):
            check_at_least(0, **{f"betas[{i}]": beta})
            if beta >= 1:
                raise InputError(f"betas[{i}] must be below 1, got {beta:g}")
        if self.nesterov and self.optimizer == "SGD" and not self.momentum:
            raise InputError("nesterov needs a momentum above 0, got momentum 0")
        flags = {"decay_norms": self.decay_norms, "decay_scores": self.decay_scores}
        check_one_of((False, True), **flags)
        _at_most(MAX_EPOCHS, warmup_epochs=self.warmup_epochs)
        _at_most(1, warmup_start=self.warmup_start, drop_path=self.drop_path)
        check_at_least(0, clip_norm=self.clip_norm, kept_rate=self.kept_rate)
        if not isinstance(self.loss, UserFunction):
            check_one_of(get_args(LossName), loss=self.loss)
        if self.weights is None and (self.freeze or self.kept_rate != 1):
            raise InputError("freeze and kept_rate are for networks that start from weights")

    def rate(self, progress: float) -> float:
        """The learning rate after `progress` epochs, a fraction within an epoch included."""
        rate = self._scheduled(progress)
        if progress >= self.warmup_epochs:
            return rate
        start = self.warmup_start
        return rate * (start + (1 - start) * progress / self.warmup_epochs)

    def _scheduled(self, progress: float) -> float:
        if self.schedule == "step":
            passed = sum(progress >= milestone for milestone in self.milestones)
            steps = passed if self.milestones else int(progress // self.step_epochs)
            try:
                return self.lr / self.step_divisor**steps
            except OverflowError:
                return 0.0
        if self.schedule == "cosine":
            done = min(progress / self.epochs, 1.0)
            return self.final_lr + (self.lr - self.final_lr) * (1 + cos(pi * done)) / 2
        return self.lr


@cache
def optimizers() -> tuple[str, ...]:
    """The names of all optimisers."""
    offered = (
        name
        for name, kind in vars(torch.optim).items()
        if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)
    )
    return tuple(sorted(set(offered) - set(NOT_FOR_NETWORKS))) + TIMM_OPTIMIZERS


def _at_most(maximum: float, **values: Any) -> None:
    check_at_least(0, maximum, **values)


def _range(maximum: float, **values: Any) -> None:
    """Check pairs (low, high) with 0 < low <= high <= maximum."""
    for name, value in values.items():
        pair = isinstance(value, tuple) and len(value) == 2
        if not pair or not 0 < value[0] <= value[1] <= maximum:
            raise InputError(
                f"{name} must be (low, high) with 0 < low <= high <= {maximum:g}, "
                f"got {shown(value)}"
            )
