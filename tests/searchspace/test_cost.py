import pytest
import torch
import torch.nn.functional as F
from torch import nn

from searchspace import (
    Architecture,
    CoConv,
    Cost,
    InputError,
    ResNet,
    ResNetCifar,
    UnknownOperatorError,
    count_as,
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


FREE = (
    [getattr(nn, name)() for name in
     "CELU ELU GELU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid Mish PReLU "
     "RReLU ReLU ReLU6 SELU SiLU Sigmoid Softplus Softshrink Softsign Tanh Tanhshrink".split()]
    + [getattr(nn, name)(inplace=True) for name in
       "CELU ELU Hardsigmoid Hardswish Hardtanh LeakyReLU Mish ReLU ReLU6 SELU SiLU".split()]
    + [nn.Threshold(0.1, 0.0), nn.Threshold(0.1, 0.0, inplace=True), nn.Softmax(1)]
    + [nn.BatchNorm2d(4), nn.InstanceNorm2d(4), nn.InstanceNorm2d(4, affine=True),
       nn.GroupNorm(2, 4), nn.LayerNorm([4, 8, 8]), nn.RMSNorm([4, 8, 8]), nn.LocalResponseNorm(3)]
    + [nn.Dropout(0.5), nn.Dropout(0.5, inplace=True), nn.Dropout2d(0.5), nn.AlphaDropout(0.5),
       nn.FeatureAlphaDropout(0.5)]
    + [nn.PixelShuffle(2), nn.PixelUnshuffle(2), nn.ChannelShuffle(2), nn.Flatten(), nn.Identity(),
       nn.ZeroPad2d(1), nn.ReflectionPad2d(1), nn.ReplicationPad2d(1), nn.CircularPad2d(1)]
    + [nn.AvgPool2d(2), nn.MaxPool2d(2), nn.LPPool2d(2, 2), nn.AdaptiveAvgPool2d(3),
       nn.AdaptiveMaxPool2d(3)]
    + [nn.Upsample(scale_factor=2, mode=mode) for mode in
       ("nearest", "bilinear", "bicubic", "nearest-exact")]
)  # fmt: skip


@pytest.mark.parametrize("module", FREE, ids=str)
def test_norms_activations_pooling_and_moves_are_free(module: nn.Module) -> None:
    """By rule, not by list: whatever torch.nn has of these kinds, also in place."""
    cost = measure_module(nn.Sequential(nn.Conv2d(3, 4, 1), module), (1, 3, 8, 8))
    assert cost.macs == 3 * 4 * 64


@pytest.mark.parametrize(
    "norm", [nn.utils.weight_norm, nn.utils.parametrizations.weight_norm], ids=["old", "new"]
)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_weight_norm_is_free(norm: object) -> None:
    assert callable(norm)
    assert measure_module(norm(nn.Conv2d(3, 4, 1)), (1, 3, 8, 8)).macs == 3 * 4 * 64


@pytest.fixture
def nothing_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("searchspace.cost._COUNTED", {})


class Erfinv(nn.Module):
    def forward(self, x):
        return torch.erfinv(x.flatten(2))


@pytest.mark.usefixtures("nothing_counted")
def test_an_operator_can_be_counted() -> None:
    with pytest.raises(UnknownOperatorError, match=r"searchspace.count_as\('aten::erfinv', 0\)"):
        measure_module(Erfinv(), (1, 3, 4, 4))
    count_as("aten::erfinv", 0)
    assert measure_module(Erfinv(), (1, 3, 4, 4)).macs == 0
    count_as("erfinv", lambda inputs, outputs: inputs[0][1] * outputs[0][2] * 5)
    assert measure_module(Erfinv(), (1, 3, 4, 4)).macs == 3 * 16 * 5


@pytest.mark.usefixtures("nothing_counted")
def test_what_cannot_be_a_count_is_refused() -> None:
    with pytest.raises(InputError, match="operator must be a name such as 'aten::mish', got 'a b'"):
        count_as("a b", 0)
    with pytest.raises(InputError, match="macs must be 0 or a function of shapes, got 3"):
        count_as("erfinv", 3)  # type: ignore[arg-type]


def test_padding_by_name_and_attention_are_counted() -> None:
    same = nn.Conv2d(4, 6, 3, padding="same", groups=2)
    assert measure_module(same, (1, 4, 5, 7)).macs == 6 * 5 * 7 * 2 * 9

    class Attention(nn.Module):
        def forward(self, query, key, value):
            return F.scaled_dot_product_attention(query, key, value)

    shapes = (1, 2, 5, 8), (1, 2, 7, 8), (1, 2, 7, 4)
    assert measure_module(Attention(), *shapes).macs == 2 * 5 * 7 * (8 + 4)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0)
    # Four projections, two products of the attention, two linear layers.
    by_hand = 4 * 5 * 8 * 8 + 2 * 5 * 5 * 8 + 2 * 5 * 8 * 16
    assert measure_module(layer, (1, 5, 8)).macs == by_hand
