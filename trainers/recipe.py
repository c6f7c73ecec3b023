"""How to train: every setting that decides a result, as frozen data."""

from dataclasses import dataclass, field
from math import cos, pi
from typing import Literal, get_args

from searchspace.checks import at_least, one_of, whole
from searchspace.errors import InputError
from searchspace.schema import Value

Schedule = Literal["constant", "step", "cosine"]
Precision = Literal["float32", "bfloat16", "float16"]
Compile = Literal["no", "default", "reduce-overhead"]
Crops = Literal["single", "multi"]

LATER = {"since": "0.2"}
"""Fields that recipes stored before version 0.2 do not have."""


@dataclass(frozen=True)
class Recipe(Value):
    """Stochastic gradient descent on cross-entropy.

    Units: `epochs` and `step_epochs` are passes over the training split, `batch_size` images,
    `crop_padding` pixels on each side, `lr` and `final_lr` are per step and not scaled by the batch
    size, `weight_decay` applies to every parameter. `step` divides the rate by `step_divisor` every
    `step_epochs` epochs; `cosine` falls from `lr` to `final_lr` over the whole run, step by step.

    `ema_decay`, per step, measures a moving average of the weights in their place; 0 is none. A
    batch is processed in `accumulation` pieces, whose batch norms see one piece each. `precision`
    is that of convolutions and products in training and measurement (autocast). `channels_last` and
    `compile` (torch.compile's mode; "reduce-overhead" uses CUDA graphs) change speed and rounding.
    `crops` is whether all sizes of a switchable network see one random crop or each its own (RS-Net
    Table 6). `weight_bits` and `activation_bits` below 32 quantise all convolutions but the first
    (LQ-Nets; RS-Net Table 3).
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

    ema_decay: float = field(default=0.0, metadata=LATER)
    accumulation: int = field(default=1, metadata=LATER)
    precision: Precision = field(default="float32", metadata=LATER)
    channels_last: bool = field(default=False, metadata=LATER)
    compile: Compile = field(default="no", metadata=LATER)
    crops: Crops = field(default="single", metadata=LATER)
    weight_bits: int = field(default=32, metadata=LATER)
    activation_bits: int = field(default=32, metadata=LATER)

    def __post_init__(self) -> None:
        whole(1, epochs=self.epochs, batch_size=self.batch_size, step_epochs=self.step_epochs)
        whole(0, crop_padding=self.crop_padding)
        at_least(0, lr=self.lr, momentum=self.momentum, weight_decay=self.weight_decay)
        at_least(0, final_lr=self.final_lr, step_divisor=self.step_divisor)
        one_of(("constant", "step", "cosine"), schedule=self.schedule)
        self._check_optimisation()

    def _check_optimisation(self) -> None:
        at_least(0, ema_decay=self.ema_decay)
        if self.ema_decay >= 1:
            raise InputError(f"ema_decay must be below 1, got {self.ema_decay:g}")
        whole(1, accumulation=self.accumulation)
        one_of(get_args(Precision), precision=self.precision)
        one_of((False, True), channels_last=self.channels_last)
        one_of(get_args(Compile), compile=self.compile)
        one_of(get_args(Crops), crops=self.crops)
        bits = (1, 2, 3, 4, 32)
        one_of(bits, weight_bits=self.weight_bits, activation_bits=self.activation_bits)

    def rate(self, progress: float) -> float:
        """The learning rate after `progress` epochs, a fraction within an epoch included."""
        if self.schedule == "step":
            return self.lr / self.step_divisor ** int(progress // self.step_epochs)
        if self.schedule == "cosine":
            done = min(progress / self.epochs, 1.0)
            return self.final_lr + (self.lr - self.final_lr) * (1 + cos(pi * done)) / 2
        return self.lr


COCONV_SMALL_IMAGES = Recipe(
    epochs=90, batch_size=128, lr=0.01, schedule="step", step_epochs=30, flip=True
)
"""CoConv Section 5.1, CIFAR-100 and Tiny-ImageNet."""

RECIPES = {
    "coconv_small_images": COCONV_SMALL_IMAGES,
    "quick": Recipe(epochs=30, batch_size=64, lr=0.1, nesterov=True, crop_padding=1),
}
"""Named instances; `quick` is for 8x8 digits."""
