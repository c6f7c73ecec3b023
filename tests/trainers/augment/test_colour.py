import torch

from trainers.augment.colour import jitter


def test_grey_images_are_jittered_as_torchvision_does() -> None:
    images = torch.rand(5, 1, 6, 6)
    for strengths in ((0.0, 0.0, 0.0, 0.4), (0.0, 0.0, 0.4, 0.4)):
        # Grey images have neither hue nor saturation.
        assert torch.equal(jitter(images, strengths, torch.Generator().manual_seed(0)), images)
    changed = jitter(images, (0.4, 0.4, 0.4, 0.4), torch.Generator().manual_seed(0))
    assert changed.shape == images.shape
    assert not torch.equal(changed, images)
