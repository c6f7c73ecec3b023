"""Stages at a finer resolution than they were trained at, whatever operators they hold.

A trous convolution by its definition: a stage with a stride is run on every shift of its input, and
the results are interleaved. So the outputs that the stage gave before are all there, unchanged, and
those between them are what it gives for a shifted image. For plain convolutions this is dilation:
the same numbers but near the border, where shifts see zeros, at little more cost: what a stage does
before its stride is done for each shift. Operators that look at the whole map (routers,
recalibration) look at each shift's.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Dilated(nn.Module):
    """(N, C, H, W) to (N, C', H, W), every `stride * rate`-th pixel being the stage's own output.

    `stride` is the stage's; its own input is every `rate`-th pixel of what comes in.
    """

    def __init__(self, stage: nn.Module, stride: int, rate: int) -> None:
        super().__init__()
        self.stage = stage
        self.stride = stride
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """All shifts as one batch, so that norms in training see the whole map."""
        period = self.stride * self.rate
        height, width = x.shape[2:]
        rows, columns = (-(-side // period) for side in (height, width))
        # From the first pixel of the last shift to its last.
        down, across = (self.rate * (self.stride * n - 1) + 1 for n in (rows, columns))
        bottom, right = period - 1 + down - height, period - 1 + across - width
        x = F.pad(x, (0, right, 0, bottom))
        shifts = [
            x[:, :, i : i + down : self.rate, j : j + across : self.rate]
            for i in range(period)
            for j in range(period)
        ]
        y = self.stage(torch.cat(shifts))
        y = y.reshape(period, period, -1, *y.shape[1:])
        y = y.permute(2, 3, 4, 0, 5, 1).reshape(-1, y.shape[3], rows * period, columns * period)
        return y[:, :, :height, :width]
