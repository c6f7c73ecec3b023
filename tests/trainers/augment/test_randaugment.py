from math import atan, degrees

import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional

from trainers.augment.randaugment import OPERATORS, on_host, rand_augment

FILL = torch.zeros(3)


def test_every_image_draws_each_operator_equally_often() -> None:
    """Black images, of which only what moves pixels in from beyond the border makes others."""
    generator = torch.Generator().manual_seed(0)
    images = torch.zeros(4200, 3, 8, 8)
    fill = torch.ones(3)
    for _ in range(2):
        before = generator.get_state()
        found = rand_augment(images, 1, 30, generator, fill)
        assert not torch.equal(before, generator.get_state())
        changed = found.flatten(1).any(1).float()
        # Two shears, two translations and the rotation, of 14; solarize inverts above 0 only.
        assert abs(changed.mean() - 5 / 14) < 0.03
        # No operator keeps to some of the places in the batch.
        assert all(abs(part.mean() - 5 / 14) < 0.12 for part in changed.split(420))


def test_draws_on_the_host_follow_from_the_state_of_the_generator() -> None:
    generator = torch.Generator().manual_seed(3)
    first, again = (torch.rand(4, generator=on_host(generator)) for _ in range(2))
    assert torch.equal(first, again)
    torch.rand(1, generator=generator)
    assert not torch.equal(first, torch.rand(4, generator=on_host(generator)))


def theirs(name: str, image: Tensor, share: float) -> Tensor:
    """What torchvision's RandAugment does at this share of the range."""
    side = image.shape[-1]
    shear = [degrees(atan(0.3 * share)), 0.0]
    shift = 150 / 331 * side * share
    still = {"angle": 0.0, "translate": [0, 0], "scale": 1.0, "shear": [0.0, 0.0]}
    calls = {
        "identity": lambda: image,
        "shear_x": lambda: functional.affine(image, **{**still, "shear": shear}),
        "shear_y": lambda: functional.affine(image, **{**still, "shear": shear[::-1]}),
        "translate_x": lambda: functional.affine(image, **{**still, "translate": [shift, 0]}),
        "translate_y": lambda: functional.affine(image, **{**still, "translate": [0, shift]}),
        "rotate": lambda: functional.rotate(image, 30 * share),
        "brightness": lambda: functional.adjust_brightness(image, 1 + 0.9 * share),
        "saturation": lambda: functional.adjust_saturation(image, 1 + 0.9 * share),
        "contrast": lambda: functional.adjust_contrast(image, 1 + 0.9 * share),
        "sharpness": lambda: functional.adjust_sharpness(image, 1 + 0.9 * share),
        "posterize": lambda: (
            functional.posterize((255 * image).round().byte(), 8 - round(4 * abs(share))) / 255
        ),
        "solarize": lambda: functional.solarize(image, 1 - abs(share)),
        "autocontrast": lambda: functional.autocontrast(image),
        "equalize": lambda: functional.equalize(image),
    }
    result: Tensor = calls[name]()
    return result


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_are_torchvisions_with_a_strength_for_each_image(name: str) -> None:
    images = torch.randint(0, 256, (4, 3, 17, 17)) / 255
    shares = torch.tensor([-0.8, -0.3, 0.3, 0.8])
    found = OPERATORS[name](images, shares, FILL)
    signs = set()
    for image, share, result in zip(images, shares.tolist(), found, strict=True):
        # Where pixels move, ours go either way that theirs go; rounding decides between neighbours.
        match = [
            (theirs(name, image, sign * share) - result).abs().amax(0).lt(1e-4).float().mean()
            for sign in (1, -1)
        ]
        assert max(match) > 0.93, match
        signs.add(int(match[0] < match[1]))
    assert len(signs) == 1
