import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from searchspace import InputError
from trainers import Synthetic
from trainers.tasks.synthetic import RADII, _diagonals, _surrounded

CHANCE = 1 / 12


def prepared(task: Synthetic) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Normalised training and validation images with their labels."""
    data = task.load()

    def normalised(images: Tensor) -> Tensor:
        return (images.float() - data.mean[:, None, None]) / data.std[:, None, None]

    train, held = data.train, data.validation
    return normalised(train.images), train.labels, normalised(held.images), held.labels


def linear_accuracy(x: Tensor, y: Tensor, held: Tensor, labels: Tensor) -> float:
    """Validation accuracy of ridge regression from features (N, D) to classes."""
    x, held = F.pad(x, (0, 1), value=1.0), F.pad(held, (0, 1), value=1.0)
    targets = F.one_hot(y, 12).float()
    weights = torch.linalg.solve(x.T @ x + 10 * torch.eye(x.shape[1]), x.T @ targets)
    return ((held @ weights).argmax(1) == labels).float().mean().item()


def averages(images: Tensor) -> Tensor:
    """Averages over all pixels: colours and their products, and the squares of all of these."""
    mean, size = images.mean((2, 3)), images.abs().mean((2, 3))
    products = torch.einsum("ncij,ndij->ncd", images, images).flatten(1) / images[0, 0].numel()
    found = torch.cat([mean, size, products], 1)
    return torch.cat([found, found.square()], 1)


def test_classes_are_neither_linear_nor_in_averages_but_a_small_network_sees_them() -> None:
    x, y, held, labels = prepared(Synthetic(train_size=3000))
    assert linear_accuracy(x.flatten(1), y, held.flatten(1), labels) < 2 * CHANCE
    assert linear_accuracy(averages(x), y, averages(held), labels) < 3 * CHANCE
    layers: list[nn.Module] = []
    for width, out, stride in ((3, 16, 1), (16, 32, 2), (32, 32, 2)):
        layers += [nn.Conv2d(width, out, 3, stride, 1), nn.BatchNorm2d(out), nn.ReLU()]
    network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 12))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    for _ in range(5):
        for picked in torch.randperm(len(x)).split(50):
            loss = F.cross_entropy(network(x[picked]), y[picked])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    network.eval()
    with torch.no_grad():
        accuracy = (network(held).argmax(1) == labels).float().mean().item()
    assert accuracy > 6 * CHANCE


def test_parts_have_no_mean_and_equal_energy_whatever_their_size() -> None:
    for part in (*map(_surrounded, RADII), _diagonals()):
        assert part.mean().item() == pytest.approx(0, abs=1e-6)
        assert part.square().mean().item() == pytest.approx(1, rel=1e-5)


def test_the_second_part_lies_where_the_class_says() -> None:
    data = Synthetic(train_size=240, difficulty=0.0).load().train
    # Energy over colours; the strongest 3x3 corner pattern marks the second part.
    pixels = data.images.float() - 127.5
    kernel = _diagonals()[2:5, 2:5].expand(3, 1, 3, 3)
    found = F.conv2d(pixels, kernel, padding=1, groups=3).square().sum(1)
    centre = found.flatten(1).argmax(1)
    second = torch.stack([centre // 16, centre % 16], 1).float()
    spots = pixels.square().sum(1)
    spots[:, :, :] = torch.where(spots > 100, spots, 0)
    grid = torch.stack(torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij"))
    near = (grid[None] - second[:, :, None, None]).abs().amax(1) <= 1
    rest = torch.where(near, 0, spots)
    first = torch.einsum("nij,dij->nd", rest, grid) / rest.sum((1, 2))[:, None]
    offset = second - first
    wanted = torch.tensor([(0, 6), (0, -6), (6, 0), (-6, 0)])[data.labels % 4]
    assert ((offset - wanted).abs().amax(1) < 0.5).float().mean() > 0.98


def test_splits_are_even_seeded_and_do_not_depend_on_the_training_size() -> None:
    small, large = Synthetic(train_size=120).load(), Synthetic(train_size=240).load()
    assert torch.bincount(small.train.labels).tolist() == [10] * 12
    assert small.train.images.dtype == torch.uint8
    assert torch.equal(small.test.images, large.test.images)
    assert not torch.equal(small.test.images, small.validation.images)
    assert not torch.equal(small.test.images, Synthetic(120, data_seed=1).load().test.images)
    Synthetic.load.__globals__["_load"].cache_clear()
    assert torch.equal(small.train.images, Synthetic(train_size=120).load().train.images)


def test_difficulty_is_the_noise_in_units_of_contrast() -> None:
    clean, noisy = (
        Synthetic(train_size=120, difficulty=d).load().train.images.float() for d in (0.0, 0.25)
    )
    # At 0.25 * 40 grey levels nearly nothing is clipped; rounding adds 1 / 12 each.
    assert (noisy - clean).std().item() == pytest.approx((100 + 1 / 6) ** 0.5, rel=0.03)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train_size": 11}, "train_size must be a whole number of at least 12, got 11"),
        ({"difficulty": -0.5}, "difficulty must be a number of at least 0, got -0.5"),
        ({"data_seed": 1.5}, "data_seed must be a whole number of at least 0, got 1.5"),
    ],
)
def test_bad_settings(settings: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Synthetic(**settings)
