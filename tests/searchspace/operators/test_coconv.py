import pytest
import torch
import torch.nn.functional as F

from searchspace import CoConv, InputError, Slot, Static, deploy, measure_module


def slot(in_chs=20, out_chs=10, **settings):
    return Slot("s", 1, "conv", in_chs, out_chs, **{"kernel": 3, "padding": 1, **settings})


def pooled(x, top, bottom, left, right):
    return x[:, top:bottom, left:right].flatten(1).mean(1)


def route(router, x, choice, chs):
    """The weights (experts, chs) of one sample (C, H, W), cell by cell."""
    height, width = x.shape[1:]
    side = 3 if choice.scales == "multi" else 1
    hidden = []
    for i in range(side):
        for j in range(side):
            # Cells of adaptive pooling overlap where the size is no multiple of three.
            rows = (i * height // 3, -(-(i + 1) * height // 3))
            columns = (j * width // 3, -(-(j + 1) * width // 3))
            features = [x.flatten(1).mean(1)]
            if choice.scales == "multi":
                features.append(pooled(x, *rows, *columns))
            squeezed = router.squeeze.weight.flatten(1) @ torch.cat(features)
            hidden.append(squeezed.clamp(min=0) * router.gather.weight[:, 0, i, j])
    gathered = torch.stack(hidden).sum(0).clamp(min=0)
    logits = (router.expand.weight.flatten(1) @ gathered).view(choice.experts, chs)
    if choice.gate == "sigmoid":
        return 1 / (1 + (-logits).exp())
    return logits.exp() / logits.exp().sum(0)


@pytest.mark.parametrize("scales", ["multi", "single"])
@pytest.mark.parametrize("gate", ["sigmoid", "softmax"])
@pytest.mark.parametrize("side", ["out", "in"])
@pytest.mark.parametrize("size", [(9, 6), (8, 7), (2, 1)])
def test_routes_by_cooperating_scales(scales, gate, side, size) -> None:
    choice = CoConv(experts=3, side=side, scales=scales, gate=gate)
    router = choice.module(slot()).router
    x = torch.randn(2, 20, *size)
    chs = 10 if side == "out" else 20
    weights = router(x)
    assert weights.shape == (2, 3, chs)
    for n in range(2):
        torch.testing.assert_close(weights[n], route(router, x[n], choice, chs))
    if gate == "softmax":
        torch.testing.assert_close(weights.sum(1), torch.ones(2, chs))


@pytest.mark.parametrize(("in_chs", "squeezed"), [(3, 16), (300, 18), (512, 32)])
def test_squeezes_to_a_sixteenth_of_the_channels_but_at_least_16(in_chs, squeezed) -> None:
    router = CoConv().module(slot(in_chs)).router
    assert router.squeeze.weight.shape == (squeezed, 2 * in_chs, 1, 1)
    assert router.gather.weight.shape == (squeezed, 1, 3, 3)
    assert router.expand.weight.shape == (4 * 10, squeezed, 1, 1)
    assert not any(conv.bias is not None for conv in (router.squeeze, router.gather, router.expand))


@pytest.mark.parametrize("experts", [1, 4])
@pytest.mark.parametrize("side", ["out", "in"])
@pytest.mark.parametrize("norms", [True, False])
@pytest.mark.parametrize("scales", ["multi", "single"])
def test_costs_in_closed_form(experts, side, norms, scales) -> None:
    choice = CoConv(experts=experts, side=side, norms=norms, scales=scales)
    place = slot(20, 10, stride=2, groups=5)
    block, shape = choice.module(place), (1, 20, 9, 8)
    kernel, inputs, pixels, squeezed = 10 * 4 * 9, 20 * 9 * 8, 5 * 4, 16
    weighted = 10 if side == "out" else 20
    expand = squeezed * experts * weighted
    cells, doubled = (9, 2) if scales == "multi" else (1, 1)
    routing_params = doubled * 20 * squeezed + cells * squeezed + expand
    routing = cells * doubled * 20 * squeezed + cells * squeezed + expand

    cost = measure_module(block, shape)
    mixing = experts * (10 * pixels if side == "out" else inputs)
    assert cost.macs == experts * kernel * pixels + mixing + routing
    assert cost.params == experts * (kernel + (2 * 10 if norms else 0)) + routing_params

    cost = measure_module(deploy(block), shape)
    mixing = experts * (kernel + (10 if norms and side == "out" else 0))
    assert cost.macs == kernel * pixels + mixing + routing
    assert cost.params == experts * (kernel + (10 if norms else 0)) + routing_params


def test_settings_without_effect_are_dropped() -> None:
    one = CoConv(experts=1, gate="softmax", side="in", scales="single")
    assert one.canonical(slot()) == CoConv(experts=1, gate="softmax")
    assert CoConv(experts=1, gate="softmax", norms=False).canonical(slot()) == Static()
    depthwise = slot(6, 6, groups=6)
    by_input = CoConv(side="in", norms=False)
    assert by_input.canonical(depthwise) == CoConv(norms=False)
    for kept in (CoConv(experts=1), CoConv(side="in"), CoConv(gate="softmax")):
        assert kept.canonical(depthwise) == kept
    assert by_input.canonical(slot(6, 12, groups=6)) == by_input
    assert by_input.canonical(slot(6, 6, groups=6, bias=True)) == by_input


@pytest.mark.parametrize("settings", [{"gate": "softmax", "side": "in"}, {"side": "in"}])
def test_canonical_choices_compute_the_same_functions(settings) -> None:
    """Copied weights give the same outputs, so one may stand for the other."""
    place = slot(6, 6, groups=6)
    experts = 1 if "gate" in settings else 3
    choice = CoConv(experts=experts, norms=False, **settings)
    block, other = choice.module(place), choice.canonical(place).module(place)
    state = block.state_dict()
    if experts == 1:
        other.weight.data.copy_(state["weight"])
    else:
        # (experts, channels) to (channels, experts).
        state["weight"] = state["weight"].unflatten(0, (3, 6)).transpose(0, 1).flatten(0, 1)
        other.load_state_dict(state)
    x = torch.randn(2, 6, 7, 5)
    torch.testing.assert_close(block(x), other(x))


def test_one_expert_with_equal_kernels_is_a_scaled_convolution() -> None:
    block = CoConv(experts=2, gate="softmax", norms=False).module(slot())
    kernel = torch.randn(10, 20, 3, 3)
    block.weight.data.copy_(kernel.repeat(2, 1, 1, 1))
    x = torch.randn(2, 20, 6, 5)
    torch.testing.assert_close(block(x), F.conv2d(x, kernel, padding=1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"experts": 0}, "experts must be a whole number of at least 1, got 0"),
        ({"experts": True}, "experts must be a whole number of at least 1, got True"),
        ({"side": "both"}, "side must be one of out, in, got 'both'"),
        ({"scales": 3}, "scales must be one of multi, single, got 3"),
        ({"gate": "relu"}, "gate must be one of sigmoid, softmax, got 'relu'"),
        ({"norms": None}, "norms must be one of True, False, got None"),
    ],
)
def test_rejects_bad_settings(settings, message) -> None:
    with pytest.raises(InputError, match=message):
        CoConv(**settings)
