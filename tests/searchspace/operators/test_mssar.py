import copy
import itertools
import pickle

import pytest
import torch
import torch.nn.functional as F

from searchspace import (
    Architecture,
    DenseNet,
    InputError,
    MultiScaleRecalibration,
    ResNetCifar,
    Slot,
    SqueezeExcite,
    build,
    measure_module,
)
from searchspace.operators.mssar import REDUCTIONS
from tests.support.compare import OnOneInput, assert_same

SUBSETS = [subset for length in (1, 2, 3) for subset in itertools.combinations((1, 2, 4), length)]
SIZES = [(8, 8), (16, 8), (7, 7), (9, 5), (3, 2), (1, 1)]


def slot(in_chs=6, out_chs=None, position="plain"):
    return Slot("r", 1, "recalibration", in_chs, out_chs or in_chs, position=position)


def squeeze(part, statistics, pooled):
    """sigmoid(1x1 conv(relu(BN(1x1 conv)))) over an (N, C, h, w) map."""
    y = F.conv2d(pooled, part.reduce.weight[:, :, None, None])
    y = F.batch_norm(
        y, statistics["running_mean"], statistics["running_var"], part.norm.weight, part.norm.bias,
        part.training, part.norm.momentum, part.norm.eps,
    )  # fmt: skip
    return F.conv2d(y.relu(), part.expand.weight[:, :, None, None]).sigmoid()


def sliding_average(x, scale):
    """Means over L1 balls of radius sqrt(WH)/K, position by position."""
    height, width = x.shape[2:]
    positions = list(itertools.product(range(height), range(width)))
    means = []
    for i, j in positions:
        near = [
            x[:, :, a, b]
            for a, b in positions
            if abs(a - i) + abs(b - j) <= (height * width) ** 0.5 / scale
        ]
        means.append(torch.stack(near).mean(0))
    return torch.stack(means, 2).unflatten(2, (height, width))


def slow(choice, module, x, source, statistics):
    """A pooling, a squeeze and an upsampling layer for each scale; updates `statistics`."""
    looked_at = x if choice.source == "own" else source
    total = torch.zeros_like(x)
    for scale, part, own in zip(choice.scales, module.squeezes, statistics, strict=True):
        if choice.pooling == "sliding":
            total = total + squeeze(part, own, sliding_average(looked_at, scale))
        else:
            weights = squeeze(part, own, F.adaptive_avg_pool2d(looked_at, scale))
            total = total + F.interpolate(weights, x.shape[2:], mode="nearest")
    return x * total / len(choice.scales)


def compare(
    choice, size, *, training, batch=3, in_chs=6, out_chs=6, layout=torch.contiguous_format
) -> None:
    """Outputs, gradients and running statistics against the definition."""
    module = choice.module(slot(in_chs, out_chs))
    for part in module.squeezes:
        for parameter in part.norm.parameters():
            torch.nn.init.normal_(parameter)
        part.norm.running_mean.normal_()
    statistics = [copy.deepcopy(part.norm.state_dict()) for part in module.squeezes]
    module.train(training)
    x, source = (
        torch.randn(batch, chs, *size).contiguous(memory_format=layout).requires_grad_()
        for chs in (out_chs, in_chs)
    )
    leaves = [x, *module.parameters()] + ([source] if choice.source == "multi_stage" else [])
    fast = module(x, source)
    assert_same(fast, slow(choice, module, x, source, statistics), leaves)
    for part, expected in zip(module.squeezes, statistics, strict=True):
        torch.testing.assert_close(part.norm.running_mean, expected["running_mean"])
        torch.testing.assert_close(part.norm.running_var, expected["running_var"])


@pytest.mark.parametrize("scales", [*SUBSETS, (3,), (2, 3)], ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_regional_equals_the_definition(scales, size) -> None:
    for training in (True, False):
        compare(MultiScaleRecalibration(scales), size, training=training)


@pytest.mark.parametrize("scales", [(1,), (1, 2, 4)], ids=str)
@pytest.mark.parametrize("size", [(4, 4), (7, 5), (3, 2), (1, 1)], ids=str)
def test_sliding_equals_the_definition(scales, size) -> None:
    for training in (True, False):
        compare(MultiScaleRecalibration(scales, "sliding"), size, training=training)


@pytest.mark.parametrize("pooling", ["regional", "sliding"])
@pytest.mark.parametrize("size", [(16, 8), (4, 4), (9, 5), (1, 1)], ids=str)
def test_equals_the_definition_with_channels_innermost(pooling, size) -> None:
    for source, training in itertools.product(("own", "multi_stage"), (True, False)):
        choice = MultiScaleRecalibration(pooling=pooling, source=source, reduction=1)
        compare(choice, size, training=training, out_chs=5, layout=torch.channels_last)
    module = MultiScaleRecalibration(pooling=pooling).module(slot())
    x = torch.randn(2, 6, 8, 8).contiguous(memory_format=torch.channels_last)
    assert module(x, x).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("pooling", ["regional", "sliding"])
def test_looks_at_the_other_source(pooling) -> None:
    choice = MultiScaleRecalibration(pooling=pooling, source="multi_stage", reduction=1)
    for size in ((8, 8), (5, 4)):
        compare(choice, size, training=True, in_chs=11, out_chs=5)
    own = MultiScaleRecalibration(pooling=pooling).module(slot(11, 5)).eval()
    x = torch.randn(1, 5, 4, 4)
    assert torch.equal(own(x, torch.randn(1, 11, 4, 4)), own(x, torch.zeros(1, 11, 4, 4)))


@pytest.mark.parametrize("side", [1, 2, 4, 5, 7, 8, 14, 16, 28, 32, 56])
def test_upsampling_picks_the_pixels_that_torch_picks(side) -> None:
    module = MultiScaleRecalibration((1, 2, 4)).module(slot(2))
    rows = torch.rand(21, 2)
    parts = zip((1, 2, 4), rows.split([1, 4, 16]), strict=True)
    maps = [part.t().reshape(1, 2, k, k) for k, part in parts]
    expected = sum(F.interpolate(part, (side, 3 * side), mode="nearest") for part in maps) / 3
    torch.testing.assert_close(module.spread(rows, torch.empty(1, 2, side, 3 * side)), expected)


def test_one_image_trains_unless_a_scale_has_one_value() -> None:
    compare(MultiScaleRecalibration((2, 4)), (8, 8), training=True, batch=1)
    compare(MultiScaleRecalibration(), (8, 8), training=False, batch=1)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        module = MultiScaleRecalibration().module(slot())
        module(torch.randn(1, 6, 8, 8), torch.randn(1, 6, 8, 8))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_follows_the_precision_of_its_input(dtype) -> None:
    choice = MultiScaleRecalibration()
    module = choice.module(slot()).eval()
    x = torch.randn(2, 6, 8, 8)
    statistics = [part.norm.state_dict() for part in module.squeezes]
    expected = slow(choice, module, x, x, statistics)
    got = copy.deepcopy(module).to(dtype)(x.to(dtype), x.to(dtype))
    assert got.dtype == dtype
    tolerance = 1e-5 if dtype == torch.float64 else 5e-2
    torch.testing.assert_close(got.float(), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("pooling", ["regional", "sliding"])
def test_can_be_copied_stored_and_used_after_inference(pooling) -> None:
    module = MultiScaleRecalibration(pooling=pooling).module(slot())
    names = set(module.state_dict())
    # A size that no other test uses, so that its matrices are made in inference mode.
    x = torch.randn(2, 6, 12, 20, requires_grad=True)
    with torch.inference_mode():
        module(x, x)
    module(x, x).sum().backward()
    assert set(module.state_dict()) == names
    module.eval()
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert torch.equal(other(x, x), module(x, x))


@pytest.mark.parametrize("pooling", ["regional", "sliding"])
def test_can_be_exported(pooling) -> None:
    module = OnOneInput(MultiScaleRecalibration(pooling=pooling).module(slot())).eval()
    for size in ((8, 8), (7, 5)):
        x = torch.randn(2, 6, *size)
        exported = torch.export.export(module, (x,), strict=False)
        torch.testing.assert_close(exported.module()(x), module(x))


@pytest.mark.slow
def test_can_be_compiled() -> None:
    module = MultiScaleRecalibration().module(slot())
    compiled = torch.compile(module, backend="aot_eager", fullgraph=True)
    for size in ((8, 8), (7, 5)):
        x = torch.randn(2, 6, *size, requires_grad=True)
        expected = copy.deepcopy(module)(x, x)
        assert_same(compiled(x, x), expected, [x])


@pytest.mark.parametrize("scales", SUBSETS, ids=str)
@pytest.mark.parametrize("pooling", ["regional", "sliding"])
@pytest.mark.parametrize("size", [(8, 8), (7, 9)], ids=str)
def test_costs_in_closed_form(scales, pooling, size) -> None:
    for chs, reduction in ((20, 3), (33, 16), (5, 1)):
        choice = MultiScaleRecalibration(scales, pooling, reduction=reduction)
        cost = measure_module(OnOneInput(choice.module(slot(chs))), (1, chs, *size))
        squeezed = -(-chs // (reduction * len(scales)))
        positions = sum(size[0] * size[1] if pooling == "sliding" else k * k for k in scales)
        assert cost.macs == 2 * chs * squeezed * positions
        assert cost.params == len(scales) * (2 * chs * squeezed + 2 * squeezed)


def test_squeeze_rules() -> None:
    """D' for D = 64 (ResNets), growth 12 (DenseNet-100) and 40 (DenseNet-190), three scales."""

    def squeezed(rule, chs):
        return MultiScaleRecalibration(reduction=REDUCTIONS[rule]).squeezed(slot(99, chs))

    assert squeezed("cifar", 64) == 8
    assert squeezed("imagenet", 64) == 2
    assert squeezed("text", 64) == 22
    assert squeezed("densenet", 12) == 4
    assert squeezed("densenet", 40) == 14


def test_equal_squeezes_are_one_choice() -> None:
    for chs in (5, 16, 64):
        for scales in ((1,), (1, 2, 4)):
            for reduction in range(1, 40):
                choice = MultiScaleRecalibration(scales, reduction=reduction)
                canonical = choice.canonical(slot(chs))
                assert canonical.squeezed(slot(chs)) == choice.squeezed(slot(chs))
                assert canonical.canonical(slot(chs)) == canonical
    assert MultiScaleRecalibration(reduction=4).canonical(slot(4)) == MultiScaleRecalibration()


def test_scales_are_a_set() -> None:
    assert MultiScaleRecalibration((4, 1, 2, 1)) == MultiScaleRecalibration((1, 2, 4))


def test_is_not_squeeze_and_excitation() -> None:
    """With one scale it has a norm, whose parameters SE lacks with biases and without."""
    params = {
        measure_module(OnOneInput(choice.module(slot(32))), (1, 32, 4, 4)).params
        for choice in (
            MultiScaleRecalibration((1,), reduction=16),
            SqueezeExcite(16, bias=True),
            SqueezeExcite(16, bias=False),
        )
    }
    assert params == {2 * 32 * 2 + 2 * 2, 2 * 32 * 2 + 2 + 32, 2 * 32 * 2}


@pytest.mark.parametrize(
    ("backbone", "choice", "count"),
    [
        (ResNetCifar(8, width=5), MultiScaleRecalibration(), 3),
        (ResNetCifar(8, width=5), MultiScaleRecalibration((2,), "sliding"), 3),
        (DenseNet(10, growth=3), MultiScaleRecalibration(source="multi_stage", reduction=1), 3),
    ],
    ids=str,
)
def test_trains_in_a_network_and_reads_back(backbone, choice, count) -> None:
    architecture = Architecture(backbone, {"*": choice})
    assert len(architecture.choices) == count
    assert Architecture.from_json(architecture.to_json()) == architecture
    network = build(architecture)
    network(torch.randn(3, 3, 17, 17)).square().sum().backward()
    for parameter in network.parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all()


def test_rejects_what_cannot_be() -> None:
    message = "no other source than the recalibrated map"
    assert message in MultiScaleRecalibration(source="multi_stage").illegal(slot(8))
    assert MultiScaleRecalibration(source="multi_stage").illegal(slot(8, 4, "growth")) is None
    with pytest.raises(InputError, match=message):
        Architecture(
            ResNetCifar(8),
            {"layer1.0.recalibration": MultiScaleRecalibration(source="multi_stage")},
        )
    with pytest.raises(InputError, match="scales must be a list of one or more whole numbers"):
        MultiScaleRecalibration(())
    with pytest.raises(InputError, match=r"scales\[1\] must be a whole number of at least 1"):
        MultiScaleRecalibration((1, 0))
    with pytest.raises(InputError, match="pooling must be one of regional, sliding, got 'max'"):
        MultiScaleRecalibration(pooling="max")
    with pytest.raises(InputError, match="source must be one of own, multi_stage"):
        MultiScaleRecalibration(source="main")
    with pytest.raises(InputError, match="reduction must be a whole number of at least 1, got 0"):
        MultiScaleRecalibration(reduction=0)
