import pytest
import torch
from torch import nn

from searchspace import (
    Architecture,
    CoConv,
    Cost,
    InputError,
    ResNet,
    ResNetCifar,
    UnknownOperatorError,
    measure,
    measure_module,
)
from searchspace.layers.counted_module import CountedModule


def test_resnet18_at_224_has_the_known_cost() -> None:
    # He et al. give 1.8e9; 11,689,512 is torchvision's count of its parameters.
    assert measure(Architecture(ResNet(18)), 224) == Cost(1_814_073_344, 11_689_512)


def test_resnet20_in_closed_form() -> None:
    shapes = [(3, 16, 32)] + 6 * [(16, 16, 32)] + [(16, 32, 16)] + 5 * [(32, 32, 16)]
    shapes += [(32, 64, 8)] + 5 * [(64, 64, 8)]
    macs = sum(9 * i * o * side**2 for i, o, side in shapes) + 64 * 10
    params = sum(9 * i * o + 2 * o for i, o, _ in shapes) + 64 * 10 + 10
    assert measure(Architecture(ResNetCifar(20))) == Cost(macs, params)


def test_deployed_and_training_form_are_two_costs() -> None:
    architecture = Architecture(ResNetCifar(8, width=4), {"layer1.0.conv1": CoConv(experts=4)})
    plain = measure(Architecture(ResNetCifar(8, width=4)))
    kernel, router = 4 * 4 * 9, (2 * 4 * 16 + 16) * 9 + 16 * 16
    deployed = measure(architecture)
    assert deployed.macs == plain.macs + router + 4 * (kernel + 4)
    training = measure(architecture, form="training")
    assert training.macs == plain.macs + router + 1024 * (3 * kernel + 4 * 4)
    assert training.params - deployed.params == 4 * 4


def test_unknown_operator_is_named() -> None:
    class Sorted(nn.Module):
        def forward(self, x):
            return torch.cummax(x, 1)[0].erfinv()

    with pytest.raises(UnknownOperatorError, match="aten::cummax, aten::erfinv are not known"):
        measure_module(Sorted(), (1, 3, 4, 4))


class Stated(CountedModule):
    """Works by an operator that the counter knows and one that it does not."""

    def forward(self, x, weight, unused=None):
        return torch.einsum("nchw,cd->ndhw", x, weight).cummax(1)[0]

    def macs(self, *shapes):
        (batch, chs, height, width), (_, out_chs) = shapes
        return batch * chs * height * width * out_chs


class TwoCalls(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 1)
        self.stated = Stated()
        self.weight = nn.Parameter(torch.zeros(5, 5))

    def forward(self, x):
        y = self.stated(self.conv(x), self.weight, None)
        return self.stated(y[:, :, ::2], self.weight)


def test_counted_module_states_its_own_macs_for_each_call() -> None:
    cost = measure_module(TwoCalls(), (2, 3, 4, 6))
    assert cost == Cost(2 * 24 * 15 + 2 * 24 * 25 + 2 * 12 * 25, 3 * 5 + 5 + 25)


def test_measuring_leaves_the_random_state_and_hooks_alone() -> None:
    state = torch.get_rng_state()
    measure(Architecture(ResNetCifar(8, width=5)), 16)
    assert torch.equal(torch.get_rng_state(), state)
    module = TwoCalls()
    measure_module(module, (1, 3, 2, 2))
    assert not any(part._forward_pre_hooks for part in module.modules())


def test_bad_arguments() -> None:
    architecture = Architecture(ResNetCifar(8))
    with pytest.raises(InputError, match="form must be one of deployed, training, got 'eager'"):
        measure(architecture, 32, "eager")
    with pytest.raises(InputError, match="input_size must be a whole number of at least 1, got 0"):
        measure(architecture, 0)
