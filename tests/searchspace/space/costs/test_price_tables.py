"""Cost tables: equal to `measure` to the unit, in both forms, at every size, one by one."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from searchspace import (
    OPERATORS,
    Architecture,
    Backbone,
    Choice,
    HierarchicalSplit,
    InputError,
    Res2Net,
    ResNetCifar,
    Resolutions,
    Rule,
    Space,
    Static,
    Unchanged,
    measure,
)
from searchspace.cost import Form
from tests.support.small_spaces import (
    BOTTLENECK,
    CIFAR,
    CONVS,
    RECALIBRATIONS,
    bottleneck_space,
    resnet_space,
)
from tests.support.tiny_networks import TINY, smallest_size

FORMS: tuple[Form, ...] = "deployed", "training"


def assert_priced_as_measured(
    space: Space, count: int, size: int | None = None, forms: tuple[Form, ...] = FORMS
) -> None:
    rng = Random(1)
    networks = [space.sample(rng) for _ in range(count)]
    if size is not None:
        networks = [n for n in networks if n.resolutions is None or size in n.resolutions.sizes]
    side = space.input_size if size is None else size
    for form in forms:
        macs, params = space.price(networks, form, size)
        for i, network in enumerate(networks):
            cost = measure(network, side, form, num_classes=space.num_classes)
            assert (macs[i], params[i]) == (cost.macs, cost.params), (network, form, side)


EACH = {(backbone.kind, getattr(backbone, "depth", 0)): backbone for backbone in TINY}


@pytest.mark.slow
@pytest.mark.parametrize("backbone", EACH.values(), ids=Backbone.label)
def test_every_operator_in_every_backbone_is_priced_as_measured(backbone: Backbone) -> None:
    choices = [_small(kind()) for kind in OPERATORS.values()]
    size = smallest_size(backbone)
    legal = [choice for choice in choices if _anywhere(backbone, choice)]
    space = Space.of(backbone, Rule.of("*", *legal), input_size=size, num_classes=7)
    # Many slots of many shapes take long; other backbones have both forms.
    assert_priced_as_measured(space, 1, forms=FORMS[: 1 if len(backbone.slots()) > 50 else 2])


def _small(choice: Choice) -> Choice:
    """With settings that fit into tiny networks."""
    settings = {"kernels": (3, 3), "width": 3, "splits": 3}
    return replace(choice, **{n: v for n, v in settings.items() if hasattr(choice, n)})


def _anywhere(backbone: Backbone, choice: Choice) -> bool:
    try:
        Architecture(backbone, {"*": choice})
    except InputError:
        return False
    return True


@pytest.mark.slow
def test_every_operator_is_priced_as_measured_with_private_norms() -> None:
    choices = [_small(kind()) for kind in OPERATORS.values()]
    space = Space.of(
        CIFAR,
        Rule.of("*", *(choice for choice in choices if _anywhere(CIFAR, choice))),
        resolutions=(Resolutions((16, 8)),),
        input_size=16,
    )
    assert_priced_as_measured(space, 2)
    assert_priced_as_measured(space, 1, 8, FORMS[:1])


@pytest.mark.slow
@pytest.mark.parametrize("size", [16, 8])
def test_resolutions_are_priced_at_each_of_their_sizes(size: int) -> None:
    assert_priced_as_measured(resnet_space(), 6, size)


def test_shared_norms_cost_less_than_private_ones() -> None:
    sets = Resolutions((16, 12, 8), "shared"), Resolutions((16, 12, 8), distillation="none")
    space = Space.of(CIFAR, resolutions=(None, *sets), input_size=16)
    macs, params = space.price(list(space))
    assert macs[0] == macs[1] == macs[2]
    norms = 2 * (1 + 2) * 4 + 2 * 2 * 8 + 2 * 2 * 16
    assert list(params - params[0]) == [0, 3, 2 * norms]
    assert_priced_as_measured(space, 6)


@pytest.mark.slow
def test_coupled_decisions_are_priced_exactly() -> None:
    assert_priced_as_measured(bottleneck_space(), 2)
    tied = Space.of(
        BOTTLENECK,
        Rule.of("*.conv?", Static(), HierarchicalSplit(3, 3), Res2Net(2, 4), tie="stage"),
        Rule.of("*.downsample.0", *CONVS[:2]),
        input_size=16,
    )
    assert_priced_as_measured(tied, 1, forms=FORMS[:1])


def test_rows_are_priced_as_architectures() -> None:
    space = resnet_space()
    rows = space.sample_rows(20_000, Random(0))
    assert rows.shape == (20_000, len(space.encoding.columns))
    macs, params = space.price(rows)
    some = slice(0, 20_000, 997)
    again = space.price([space.architecture(row) for row in rows[some]])
    assert (macs[some] == again[0]).all() and (params[some] == again[1]).all()
    empty = space.price(rows[:0])
    assert empty[0].shape == (0,) and space.price([])[0].shape == (0,)


@pytest.mark.parametrize("make", [resnet_space, bottleneck_space])
def test_rows_that_are_no_network_have_no_price(make) -> None:
    space = make()
    good = space.sample_rows(40, Random(0))
    for column in range(2, good.shape[1]):
        for value in (-1, len(list(space.encoding.labels.values())[column])):
            rows = good.copy()
            active = np.flatnonzero(rows[:, column] >= 0)[3]
            rows[active, column] = value
            with pytest.raises(InputError, match=rf"points\[{active}\] makes|points hold a number"):
                space.price(rows)


def test_extremes_are_those_of_an_enumeration() -> None:
    for space in (resnet_space(), bottleneck_space()):
        macs, params = space.price(list(space))
        for by, costs in ("macs", macs), ("params", params):
            for pick in min, max:
                found = getattr(space.cost(space.extreme(by, pick)), by)
                assert found == pick(costs)


def test_networks_without_norms_for_a_size_have_no_price_there() -> None:
    space = resnet_space()
    with pytest.raises(InputError, match="can take images of this size"):
        space.price(list(space), size=20)
    alone = Space.of(CIFAR, resolutions=(Resolutions((32, 16)),))
    with pytest.raises(InputError, match="no network of the space can take images of size 64"):
        alone.extreme("macs", min, size=64)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"form": "fused"}, "form must be one of deployed, training, got 'fused'"),
        ({"size": 0}, "size must be a whole number of at least 1, got 0"),
    ],
)
def test_bad_settings_are_answered(settings, message: str) -> None:
    space = Space.of(CIFAR)
    with pytest.raises(InputError, match=message):
        space.price([space.point(0)], **settings)


def test_equal_shapes_are_counted_once(monkeypatch) -> None:
    """A deep network costs as many counts as a shallow one with the same shapes."""
    from searchspace.space.costs import cost_terms

    counts = []
    true = cost_terms.measure_module

    def counting(*arguments):
        counts.append(1)
        return true(*arguments)

    monkeypatch.setattr(cost_terms, "measure_module", counting)
    made = []
    for depth in (14, 32):
        space = Space.of(ResNetCifar(depth, width=4), Rule.of("*", *CONVS[:2], *RECALIBRATIONS[:2]))
        space.price(np.zeros((1, len(space.encoding.columns)), dtype=np.int16))
        made.append(len(counts))
    assert made[0] == made[1] - made[0]
    # A skeleton, three recalibrations' and eight convolutions' places, two options each.
    assert made[0] == 1 + 2 * (3 + 8)
    assert Unchanged() == RECALIBRATIONS[0]
