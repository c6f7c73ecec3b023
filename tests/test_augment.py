import torch

from trainers.augment import flip, pad_crop


def test_flip_mirrors_each_image_or_leaves_it() -> None:
    images = torch.randn(64, 3, 4, 5)
    out = flip(images, torch.Generator().manual_seed(0))
    mirrored = torch.tensor([torch.equal(a, b.flip(2)) for a, b in zip(out, images, strict=True)])
    same = torch.tensor([torch.equal(a, b) for a, b in zip(out, images, strict=True)])
    assert torch.equal(mirrored, ~same)
    assert 16 < mirrored.sum() < 48


def test_pad_crop_gives_every_shift_of_the_padded_image() -> None:
    image = torch.arange(1.0, 1 + 2 * 4 * 3).reshape(1, 2, 4, 3)
    out = pad_crop(image.expand(400, -1, -1, -1), 1, torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(image[0], (1, 1, 1, 1))
    shifts = {(r, c): padded[:, r : r + 4, c : c + 3] for r in range(3) for c in range(3)}
    found = [k for crop in out for k, shift in shifts.items() if torch.equal(crop, shift)]
    assert len(found) == 400
    assert set(found) == set(shifts)


def test_augmentation_repeats_with_its_generator() -> None:
    images = torch.randn(8, 3, 6, 6)
    for operator in (flip, lambda x, g: pad_crop(x, 2, g)):
        first = operator(images, torch.Generator().manual_seed(1))
        assert torch.equal(first, operator(images, torch.Generator().manual_seed(1)))
        assert not torch.equal(first, operator(images, torch.Generator().manual_seed(2)))
