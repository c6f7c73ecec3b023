"""Models as a user would write them, for grafts: self-contained, and small."""

import torch
import torch.nn.functional as F
from torch import nn

from searchspace.layers.memory_format import GlobalAveragePool


class Block(nn.Module):
    def __init__(self, in_chs: int, out_chs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_chs, out_chs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_chs)
        self.act1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(out_chs, out_chs, 3, 1, 1, groups=out_chs)
        self.bn2 = nn.BatchNorm2d(out_chs)
        self.shortcut = nn.Identity()
        if stride > 1 or in_chs != out_chs:
            self.shortcut = nn.Conv2d(in_chs, out_chs, 1, stride, bias=False)
        self.act2 = nn.ReLU()

    def forward(self, x):
        y = self.bn2(self.conv2(self.act1(self.bn1(self.conv1(x)))))
        return self.act2(y + self.shortcut(x))


class Residual(nn.Module):
    def __init__(self, num_classes: int, in_chs: int, width: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(in_chs, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.blocks = nn.Sequential(Block(width, width, 1), Block(width, 2 * width, 2))
        # Its gradients lie in memory as the map does.
        self.pool = GlobalAveragePool()
        self.head = nn.Linear(2 * width, num_classes)

    def forward(self, x):
        x = self.blocks(F.relu(self.norm(self.stem(x))))
        return self.head(self.pool(x).flatten(1))


def residual(num_classes: int = 10, in_chs: int = 3) -> nn.Module:
    return Residual(num_classes, in_chs, 5)


def stemless_arguments() -> nn.Module:
    """Takes no arguments: 7 classes, images of one channel and 28 px."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 5),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(6 * 8 * 8, 7),
    )


class Odd(nn.Module):
    """Convolutions that are no slots, each for another reason, and one that is one."""

    def __init__(self) -> None:
        super().__init__()
        self.plain = nn.Conv2d(3, 4, 3, padding=1)
        self.dilated = nn.Conv2d(4, 4, 3, padding=2, dilation=2)
        self.wide = nn.Conv2d(4, 4, (1, 3), padding=(0, 1))
        self.reflected = nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect")
        self.same = nn.Conv2d(4, 4, 3, padding="same")
        self.twice = nn.Conv2d(4, 4, 3, padding=1)
        self.unused = nn.Conv2d(4, 4, 3)
        self.up = nn.ConvTranspose2d(4, 4, 2, 2)
        self.gate = nn.Conv2d(4, 4, 1)
        self.first = nn.Conv2d(4, 4, 1)
        self.second = self.first
        self.own = Standardised(4, 4, 1)
        self.head = nn.Linear(4, 10)

    def forward(self, x):
        x = self.same(self.reflected(self.wide(self.dilated(self.plain(x)))))
        x = self.own(self.up(self.twice(self.twice(x))))
        x = x * self.gate(x.mean((2, 3), keepdim=True)).sigmoid()
        return self.head(self.first(x).mean((2, 3)))


class Standardised(nn.Conv2d):
    def forward(self, x):
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return F.conv2d(x, weight, self.bias)


def odd() -> nn.Module:
    return Odd()


class Branching(Residual):
    """Decides by the values of a map, which torch.fx cannot trace."""

    def forward(self, x):
        if x.shape[0] > 0 and torch.jit.is_tracing() is False and bool(x.ndim == 4):
            for size in x.shape:
                assert size
        return super().forward(x)


def untraceable(num_classes: int = 10) -> nn.Module:
    return Branching(num_classes, 3, 4)


def no_convolution(num_classes: int = 10) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(num_classes))


def flat(num_classes: int = 10) -> nn.Module:
    return nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, num_classes))


def two_outputs() -> nn.Module:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 1)

        def forward(self, x):
            return {"a": self.conv(x)}

    return Two()


def headless() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten())


def failing() -> nn.Module:
    raise KeyError("no weights here")


def number() -> int:
    return 3
