"""RandAugment (Cubuk et al., Section 3), a sequence of operators of its own for every image.

Operators and their ranges are torchvision's; where theirs works with one strength for a batch, the
images that drew an operator are a batch. Strengths are shares of an operator's range, so magnitude
9 of 30 is 0.3.
"""

import hashlib
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from trainers.augment import colour
from trainers.augment.geometry import rotation, warp

LARGEST = 30
"""The magnitude at which every operator is at the end of its range."""

Operator = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Images (N, 3, H, W) in [0, 1], signed shares (N,) and fill (3,) to images."""


def rand_augment(
    images: Tensor, operators: int, magnitude: int, generator: Generator, fill: Tensor
) -> Tensor:
    """Apply `operators` operators, drawn for each image, at one magnitude and either sign.

    The host draws the operators, so it never waits for the device to learn which images are a
    batch.
    """
    count, names = len(images), list(OPERATORS)
    for _ in range(operators):
        groups = _groups(count, len(names), on_host(generator), images.device)
        # Moves the generator on, so that the next operators are others.
        upward = torch.randint(2, (count,), generator=generator, device=images.device)
        share = (2 * upward - 1) * (magnitude / LARGEST)
        result = images.clone()
        for name, group in zip(names, groups, strict=True):
            if len(group):
                result[group] = OPERATORS[name](images[group], share[group], fill)
        images = result
    return images


def on_host(generator: Generator) -> Generator:
    """A generator on the host that follows from the state of another, which it leaves as it is."""
    state = generator.get_state().numpy().tobytes()
    seed = int.from_bytes(hashlib.blake2b(state, digest_size=8).digest(), "little")
    return Generator().manual_seed(seed)


def _groups(
    count: int, kinds: int, generator: Generator, device: torch.device
) -> tuple[Tensor, ...]:
    """Each of `count` indices in one of `kinds` groups, by a draw on the host."""
    drawn = torch.randint(kinds, (count,), generator=generator)
    order = drawn.argsort(stable=True)
    if device.type == "cuda":
        # From other memory the copy would wait for the device.
        order = order.pin_memory()
    sizes = torch.bincount(drawn, minlength=kinds).tolist()
    return order.to(device, non_blocking=True).split(sizes)


def _affine(share: Tensor, place: tuple[int, int], amount: float) -> Tensor:
    """The identity with one entry raised by each image's share of `amount`: (N, 2, 3)."""
    maps = torch.eye(2, 3, device=share.device).repeat(len(share), 1, 1)
    maps[:, place[0], place[1]] += share * amount
    return maps


def _sheared(row: int) -> Operator:
    def shear(images: Tensor, share: Tensor, fill: Tensor) -> Tensor:
        return warp(images, _affine(share, (row, 1 - row), 0.3), fill, "nearest")

    return shear


def _translated(row: int) -> Operator:
    def translate(images: Tensor, share: Tensor, fill: Tensor) -> Tensor:
        amount = 150 / 331 * images.shape[3 - row]
        return warp(images, _affine(share, (row, 2), amount), fill, "nearest")

    return translate


def _rotated(images: Tensor, share: Tensor, fill: Tensor) -> Tensor:
    return warp(images, rotation(30 * share), fill, "nearest")


def _blended(operator: Callable[[Tensor, Tensor], Tensor]) -> Operator:
    return lambda images, share, fill: operator(images, 1 + 0.9 * share)


def _posterized(images: Tensor, share: Tensor, fill: Tensor) -> Tensor:
    """Keep the 8 to 4 highest of 8 bits; the sign of the share has no meaning."""
    step = 2 ** (4 * share.abs()).round()[:, None, None, None]
    return ((255 * images).round() / step).floor() * step / 255


def _solarized(images: Tensor, share: Tensor, fill: Tensor) -> Tensor:
    """Invert what is brighter than 1 - share; the sign of the share has no meaning."""
    return torch.where(images > 1 - share.abs()[:, None, None, None], 1 - images, images)


def _torchvision(name: str) -> Operator:
    return lambda images, share, fill: colour.torchvision(name, images)


OPERATORS: dict[str, Operator] = {
    "identity": lambda images, share, fill: images,
    "shear_x": _sheared(0),
    "shear_y": _sheared(1),
    "translate_x": _translated(0),
    "translate_y": _translated(1),
    "rotate": _rotated,
    "brightness": _blended(colour.brightness),
    "saturation": _blended(colour.saturation),
    "contrast": _blended(colour.contrast),
    "sharpness": _blended(colour.sharpness),
    "posterize": _posterized,
    "solarize": _solarized,
    "autocontrast": _torchvision("autocontrast"),
    "equalize": _torchvision("equalize"),
}
