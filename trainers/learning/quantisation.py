"""Learned quantisation of weights and activations.

Dongqing Zhang, Jiaolong Yang, Dongqiangzi Ye and Gang Hua, "LQ-Nets: Learned Quantization for
Highly Accurate and Compact Deep Neural Networks", ECCV 2018. https://arxiv.org/abs/1807.10029

With K bits a number becomes the nearest of the 2^K levels v . b, v a learned basis of K numbers and
b the binary codes: -1 and 1 for weights, with a basis for each output channel, 0 and 1 for
activations, which follow a ReLU, with one basis for each layer. In training each forward pass fits
the basis once, in closed form: codes from the present levels, then the least-squares v, of which a
tenth is taken in. Gradients pass straight through, and are zero for activations above the highest
level. The first convolution and the classifier stay as they are.

Deviations: both start from the evenly spaced levels that are best for a normal distribution, and
weights are then fitted; a weak pull towards the old basis keeps the fit solvable where no number
takes a level.
"""

import torch
from torch import Tensor, nn

from searchspace.checks import check_one_of
from searchspace.errors import InputError

KEPT = 0.9
"""How much of the old basis a forward pass keeps."""
STEPS = {1: 1.596, 2: 0.9957, 3: 0.5860, 4: 0.3352, 5: 0.1881}
"""Best distance of 2^bits even levels for a standard normal: Max, Quantizing for minimum distortion
(1960), Table II."""
PULL = 1e-6
"""Weight of the old basis in a fit, as a share of the numbers fitted."""
BITS = (1, 2, 3, 4, 32)


class Quantiser(nn.Module):
    """(G, M) to the nearest levels, a basis for each of G rows.

    `signs` are the values of the codes' digits; a basis starts as `first` times powers of two.
    """

    codes: Tensor
    basis: Tensor

    def __init__(self, rows: int, bits: int, signs: tuple[int, int], first: float) -> None:
        super().__init__()
        numbers = torch.arange(2**bits)[:, None] >> torch.arange(bits) & 1
        codes = torch.where(numbers == 1, signs[1], signs[0]).float()
        self.register_buffer("codes", codes, persistent=False)
        self.register_buffer("basis", (first * 2.0 ** torch.arange(bits)).repeat(rows, 1))

    def forward(self, x: Tensor) -> Tensor:
        """The nearest levels; the gradient is that of `clipped`."""
        values = x.detach().float()
        levels, order = self.levels()
        nearest = _nearest(values, levels)
        quantised = levels.gather(1, nearest).to(x.dtype)
        if self.training:
            self.basis.lerp_(self.fitted(values, order.gather(1, nearest)), 1 - KEPT)
        passed = self.clipped(x, levels)
        # Adds an exact zero, and its gradient.
        return quantised + (passed - passed.detach())

    def levels(self) -> tuple[Tensor, Tensor]:
        """All levels, (G, 2^K) in ascending order, and the code of each."""
        return (self.basis @ self.codes.T).sort(1)

    def clipped(self, x: Tensor, levels: Tensor) -> Tensor:
        """The value whose gradient is used in place of the quantised one's."""
        return x

    def fitted(self, x: Tensor, chosen: Tensor) -> Tensor:
        """The basis (G, K) with the least squared error for `chosen` codes (G, M)."""
        rows, codes = len(x), self.codes
        counts = x.new_zeros(rows, len(codes)).scatter_add_(1, chosen, torch.ones_like(x))
        sums = x.new_zeros(rows, len(codes)).scatter_add_(1, chosen, x)
        pull = PULL * x.shape[1]
        # Normal equations: sum of b b^T and of b x over all numbers, gathered by code.
        square = torch.einsum("gl,li,lj->gij", counts, codes, codes)
        square = square + pull * torch.eye(codes.shape[1], device=x.device)
        right = sums @ codes + pull * self.basis
        # Unlike `solve`, this does not make a GPU wait; the pull keeps it solvable.
        return torch.linalg.solve_ex(square, right[..., None])[0][..., 0]


class ActivationQuantiser(Quantiser):
    """Any shape, one basis for all; no gradient above the highest level."""

    def __init__(self, bits: int) -> None:
        # Half a normal distribution has half of twice as many levels.
        super().__init__(1, bits, (0, 1), STEPS[bits + 1])

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return super().forward(x.reshape(1, -1)).view(x.shape)

    def clipped(self, x: Tensor, levels: Tensor) -> Tensor:
        """The value whose gradient is used in place of the quantised one's."""
        return torch.minimum(x, levels[0, -1].to(x.dtype))


class WeightQuantiser(Quantiser):
    """Kernels (out_chs, ...), a basis for each output channel, fitted to the first kernels."""

    def __init__(self, weight: Tensor, bits: int) -> None:
        super().__init__(len(weight), bits, (-1, 1), STEPS[bits] / 2)
        rows = weight.detach().flatten(1).float()
        self.to(weight.device)
        self.basis.mul_(rows.std(1, keepdim=True, correction=0))
        for _ in range(10):
            levels, order = self.levels()
            self.basis.copy_(self.fitted(rows, order.gather(1, _nearest(rows, levels))))

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return super().forward(x.flatten(1)).view(x.shape)


class QuantisedConv2d(nn.Conv2d):
    """A convolution of quantised weights and inputs; its weight is the unquantised one."""

    def __init__(self, conv: nn.Conv2d, weight_bits: int, activation_bits: int) -> None:
        super().__init__(conv.in_channels, conv.out_channels, 1, groups=conv.groups, bias=False)
        _like(self, conv)
        self.weight, self.bias = conv.weight, conv.bias
        self.weights = (
            nn.Identity() if weight_bits == 32 else WeightQuantiser(conv.weight, weight_bits)
        )
        self.inputs = (
            nn.Identity() if activation_bits == 32 else ActivationQuantiser(activation_bits)
        )
        self.to(conv.weight.device)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_chs, H, W) to (N, out_chs, H', W')."""
        return self._conv_forward(self.inputs(x), self.weights(self.weight), self.bias)

    def deployed(self) -> nn.Module:
        """Quantised inputs, if they are, and a plain convolution of the quantised weights."""
        conv = nn.Conv2d(self.in_channels, self.out_channels, 1, groups=self.groups, bias=False)
        _like(conv, self)
        with torch.no_grad():
            quantised = self.weights.eval()(self.weight)
        conv.weight, conv.bias = nn.Parameter(quantised, requires_grad=False), self.bias
        return nn.Sequential(self.inputs, conv)


def quantise(network: nn.Module, weight_bits: int = 32, activation_bits: int = 32) -> nn.Module:
    """The same network, quantised in place: all its convolutions but the first.

    32 bits leave weights or activations as they are. Linear layers are not quantised. An operator
    that keeps kernels outside plain convolutions, as a dynamic one does, is refused.
    """
    check_one_of(BITS, weight_bits=weight_bits, activation_bits=activation_bits)
    if weight_bits == activation_bits == 32:
        return network
    convs = {}
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            convs[name] = module
        elif any(parameter.dim() == 4 for parameter in module.parameters(recurse=False)):
            raise InputError(
                f"cannot quantise {name}: {type(module).__name__} is not a plain convolution"
            )
    for name, conv in list(convs.items())[1:]:
        parent, _, child = name.rpartition(".")
        quantised = QuantisedConv2d(conv, weight_bits, activation_bits)
        setattr(network.get_submodule(parent), child, quantised)
    return network


def _like(conv: nn.Conv2d, other: nn.Conv2d) -> None:
    """Give `conv` the geometry of another convolution, but for its channels."""
    for name in ("kernel_size", "stride", "padding", "dilation", "padding_mode"):
        setattr(conv, name, getattr(other, name))
    conv._reversed_padding_repeated_twice = other._reversed_padding_repeated_twice


def _nearest(x: Tensor, levels: Tensor) -> Tensor:
    """The index of the nearest of `levels` (G, L), ascending, for each of (G, M)."""
    thresholds = (levels[:, 1:] + levels[:, :-1]) / 2
    if torch.compiler.is_exporting():
        # The same by comparisons, which every runtime has.
        return (x[..., None] > thresholds[:, None]).sum(-1)
    return torch.searchsorted(thresholds.contiguous(), x.contiguous())
