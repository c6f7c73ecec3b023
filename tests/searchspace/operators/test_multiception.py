"""Multiception, MixConv and depthwise separable convolutions: one skeleton, so one file."""

import pytest
import torch
import torch.nn.functional as F

from searchspace import (
    Architecture,
    DenseMixConv,
    DepthwiseSeparable,
    InputError,
    MixConv,
    Multiception,
    ResNetCifar,
    Slot,
    build,
    measure_module,
)
from tests.support.compare import assert_same

CHOICES = [
    DepthwiseSeparable(),
    DepthwiseSeparable(5),
    MixConv((3, 5)),
    MixConv((3, 5, 7)),
    MixConv((3, 3, 5)),
    Multiception((1,)),
    Multiception((3, 5)),
    Multiception((3, 3)),
    Multiception((7, 3, 5)),
]


def slot(in_chs=7, out_chs=5, stride=1, **settings):
    return Slot("c", 1, "conv", in_chs, out_chs, kernel=3, stride=stride, padding=1, **settings)


def branches(choice, in_chs):
    """(kernel, first channel, end) of each depthwise convolution, by the definitions."""
    if isinstance(choice, DepthwiseSeparable):
        return [(choice.kernel, 0, in_chs)]
    if isinstance(choice, Multiception):
        return [(kernel, 0, in_chs) for kernel in choice.kernels]
    each = in_chs // len(choice.kernels)
    ends = [in_chs - each * i for i in reversed(range(len(choice.kernels)))]
    return list(zip(choice.kernels, [0, *ends[:-1]], ends, strict=True))


def slow(choice, module, x, stride):
    """The definition channel by channel, with every norm written out."""
    weights = [w for conv in module.depthwise for w in conv.weight]
    maps = []
    for kernel, start, end in branches(choice, x.shape[1]):
        for channel in range(start, end):
            weight = weights[len(maps)][None]
            assert weight.shape[-1] == kernel
            maps.append(F.conv2d(x[:, channel : channel + 1], weight, padding=kernel // 2))
    y, norm = torch.cat(maps, 1), module.norm
    mean, var = norm.running_mean, norm.running_var
    if module.training:
        mean, var = y.mean((0, 2, 3)), y.var((0, 2, 3), unbiased=False)
    y = (y - mean[:, None, None]) / (var[:, None, None] + norm.eps).sqrt()
    y = y * norm.weight[:, None, None] + norm.bias[:, None, None]
    y = y[:, :, ::stride, ::stride]
    kernel, bias = module.pointwise.weight[:, :, 0, 0], module.pointwise.bias
    return torch.einsum("nchw,oc->nohw", y, kernel) + bias[:, None, None]


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.label())
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("stride", "shape"), [(1, (2, 7, 6, 5)), (2, (1, 7, 9, 8))])
def test_equals_the_definition(choice, training, stride, shape) -> None:
    module = choice.module(slot(stride=stride))
    for parameter in module.norm.parameters():
        torch.nn.init.normal_(parameter)
    module(torch.randn(8, *shape[1:]))  # running statistics other than the initial ones
    module.train(training)
    x = torch.randn(shape, requires_grad=True)
    expected = slow(choice, module, x, stride)
    assert_same(module(x), expected, [x, *module.parameters()])


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.label())
@pytest.mark.parametrize(("in_chs", "out_chs", "stride"), [(16, 16, 1), (7, 5, 2), (33, 20, 2)])
def test_costs_in_closed_form(choice, in_chs, out_chs, stride) -> None:
    module = choice.module(slot(in_chs, out_chs, stride))
    cost = measure_module(module, (1, in_chs, 9, 12))
    convolved = branches(choice, in_chs)
    middle = sum(end - start for _, start, end in convolved)
    depthwise = sum(kernel**2 * (end - start) for kernel, start, end in convolved)
    pixels = -(-9 // stride) * (12 // stride)
    assert cost.params == depthwise + 2 * middle + middle * out_chs + out_chs
    assert cost.macs == depthwise * 9 * 12 + middle * out_chs * pixels


def test_kernels_are_a_multiset() -> None:
    for kind in (Multiception, MixConv):
        assert kind((5, 3)) == kind((3, 5))
        assert hash(kind([5, 3])) == hash(kind((3, 5)))
        assert kind((3, 3)) != kind((3,))
    assert Multiception((3, 3)).canonical(slot()) == Multiception((3, 3))


def test_one_kernel_is_depthwise_separable() -> None:
    for single in (Multiception((5,)), MixConv((5,)), MixConv((5, 5, 5))):
        same = single.canonical(slot())
        assert same == DepthwiseSeparable(5)
        ours, theirs = (choice.module(slot()) for choice in (single, same))
        theirs.load_state_dict(ours.state_dict())
        x = torch.randn(2, 7, 5, 5)
        assert torch.equal(ours(x), theirs(x))


def test_mixtures_with_the_same_channels_are_one_choice() -> None:
    assert MixConv((3, 3, 5, 5)).canonical(slot(16)) == MixConv((3, 5))
    assert MixConv((3, 3, 5, 5)).canonical(slot(17)) == MixConv((3, 5))
    # 10 and 8 channels against 9 and 9.
    assert MixConv((3, 3, 5, 5)).canonical(slot(18)) == MixConv((3, 3, 5, 5))
    assert MixConv((3, 3, 5)).canonical(slot(18)) == MixConv((3, 3, 5))


def test_canonical_form_is_what_an_architecture_stores() -> None:
    backbone = ResNetCifar(8, width=4)
    one = Architecture(backbone, {"*.conv1": Multiception((3,))})
    other = Architecture(backbone, {"*.conv1": DepthwiseSeparable()})
    assert one == other and one.key == other.key
    assert Architecture.from_json(one.to_json()) == one
    assert Architecture(backbone, {"*.conv1": Multiception((3, 3))}).key != one.key


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.label())
def test_trains_in_a_network_and_reads_back(choice) -> None:
    architecture = Architecture(ResNetCifar(8, width=7), {"*.conv1": choice})
    assert set(architecture.choices) == {f"layer{i}.0.conv1" for i in (1, 2, 3)}
    assert Architecture.from_json(architecture.to_json()) == architecture
    network = build(architecture)
    network(torch.randn(2, 3, 9, 9)).square().sum().backward()
    for parameter in network.parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all()


@pytest.mark.parametrize("kind", [DepthwiseSeparable, MixConv, Multiception])
def test_says_where_it_cannot_go(kind) -> None:
    choice = kind()
    pointwise = Slot("c", 1, "conv", 8, 8, kernel=1)
    assert choice.illegal(slot()) is None
    assert "grouped already (groups=4)" in choice.illegal(slot(8, 8, groups=4))
    assert "this one is 1x1" in choice.illegal(pointwise)
    stem = Slot("c", 1, "conv", 3, 8, kernel=7, stride=2, padding=3)
    assert "this one is 7x7" in choice.illegal(stem)
    with pytest.raises(InputError, match="can take"):
        Architecture(ResNetCifar(8, shortcut="B"), {"*.downsample*": choice})


def test_too_few_channels_to_mix() -> None:
    message = "2 channels cannot be split over 3 kernels"
    assert MixConv((3, 5, 7)).illegal(slot(2)) == message
    with pytest.raises(InputError, match=message):
        Architecture(ResNetCifar(8, width=2), {"layer1.0.conv1": MixConv((3, 5, 7))})


def test_rejects_bad_kernels() -> None:
    for kind in (MixConv, Multiception):
        with pytest.raises(InputError, match=r"kernels must all be odd, got 4 in \(3, 4\)"):
            kind((3, 4))
        with pytest.raises(InputError, match="kernels must be a list of one or more whole"):
            kind(())
        with pytest.raises(InputError, match=r"kernels\[0\] must be a whole number of at least 1"):
            kind((0, 3))
        with pytest.raises(InputError, match="kernels must be a list of one or more whole"):
            kind(3)
    with pytest.raises(InputError, match="kernel must be odd, got 2"):
        DepthwiseSeparable(2)


@pytest.mark.parametrize("stride", [1, 2])
def test_the_plain_form_is_a_depthwise_convolution_with_the_stride_and_a_1x1(stride) -> None:
    module = DepthwiseSeparable(5, form="plain").module(slot(stride=stride))
    depthwise, pointwise = module
    x = torch.randn(2, 7, 6, 5, requires_grad=True)
    maps = [
        F.conv2d(x[:, c : c + 1], depthwise.weight[c : c + 1], stride=stride, padding=2)
        for c in range(7)
    ]
    slow = torch.einsum("oc,nchw->nohw", pointwise.weight[:, :, 0, 0], torch.cat(maps, 1))
    assert_same(module(x), slow + pointwise.bias[:, None, None], [x, *module.parameters()])
    cost, pixels = measure_module(module, (1, 7, 6, 5)), 30 if stride == 1 else 9
    assert cost.macs == pixels * (7 * 25 + 7 * 5)
    assert cost.params == 7 * 25 + 7 * 5 + 5


@pytest.mark.parametrize("stride", [1, 2])
def test_dense_mixconv_convolves_each_group_by_itself_and_ends_in_a_relu(stride) -> None:
    module = DenseMixConv((5, 3)).module(slot(stride=stride, position="block_first"))
    x = torch.randn(2, 7, 6, 5, requires_grad=True)
    # Of seven channels four go into the first group, of five channels three come from it.
    first, second = module.convs
    maps = (
        F.conv2d(x[:, :4], first.weight, stride=stride, padding=1),
        F.conv2d(x[:, 4:], second.weight, stride=stride, padding=2),
    )
    assert_same(module(x), torch.cat(maps, 1).clamp(min=0), [x, *module.parameters()])
    pairs, pixels = 4 * 3 * 9 + 3 * 2 * 25, 30 if stride == 1 else 9
    cost = measure_module(module, (1, 7, 6, 5))
    assert (cost.macs, cost.params) == (pixels * pairs, pairs)


def test_dense_mixconv_goes_where_an_activation_follows() -> None:
    choice = DenseMixConv()
    assert choice.illegal(slot(position="block_first")) is None
    assert "ends in an activation" in choice.illegal(slot(position="block_last"))
    assert "2 channels cannot be split" in choice.illegal(slot(2, position="block_first"))
    assert "grouped already" in choice.illegal(slot(6, 6, position="bottleneck", groups=3))
