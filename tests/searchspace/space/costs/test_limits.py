"""Budgets: counted and drawn as an enumeration would, by dynamic programming."""

import pickle
from random import Random

import numpy as np
import optuna
import pytest

from searchspace import (
    Architecture,
    CoConv,
    InputError,
    MultiScaleRecalibration,
    ResNetCifar,
    Resolutions,
    Rule,
    Space,
    SqueezeExcite,
    Static,
    Unchanged,
    measure,
)
from searchspace.space import moves
from searchspace.space.costs import branch_counts
from searchspace.space.paths import architecture_of
from tests.support.small_spaces import CIFAR, bottleneck_space, resnet_space

SPACES = {"resnet": resnet_space(), "bottleneck": bottleneck_space()}
UNEVEN = Space.of(
    ResNetCifar(14, width=5),
    Rule.of("*.conv1", Static(), CoConv(2), CoConv(3)),
    Rule.of("*.recalibration", Unchanged(), SqueezeExcite(), MultiScaleRecalibration()),
    input_size=16,
)


def quantiles(space: Space, *shares: float) -> list[dict[str, int]]:
    """Limits that leave about these shares of a space, in each way of limiting."""
    macs, params = space.price(space.sample_rows(4000, Random(0)))
    found = []
    for share in shares:
        most, middle = (int(np.quantile(macs, q)) for q in (share, (1 + share) / 2))
        heavy = int(np.quantile(params, (1 + share) / 2))
        found += [
            {"max_macs": most},
            {"min_macs": middle},
            {"min_macs": most, "max_macs": middle},
            {"max_params": heavy, "min_params": int(params.min()) + 1},
            {"max_macs": middle, "max_params": heavy},
        ]
    return found


def inside(space: Space, limits: dict[str, int]) -> list[Architecture]:
    """The networks within limits, found by pricing all of them."""
    networks = list(space)
    macs, params = space.price(networks)
    low = limits.get("min_macs", 0), limits.get("min_params", 0)
    high = limits.get("max_macs", 2**62), limits.get("max_params", 2**62)
    kept = (macs >= low[0]) & (macs <= high[0]) & (params >= low[1]) & (params <= high[1])
    return [network for network, keep in zip(networks, kept, strict=True) if keep]


@pytest.mark.slow
@pytest.mark.parametrize("name", SPACES)
def test_counts_are_those_of_an_enumeration(name: str) -> None:
    space = SPACES[name]
    for limits in quantiles(space, 0.1, 0.5):
        expected = inside(space, limits)
        if expected:
            within = space.within(**limits)
            assert within.feasible.exact and within.size() == len(expected), limits
            assert within.feasible.bounds() == (len(expected), len(expected))
            drawn = {space.architecture(row) for row in within.sample_rows(60, Random(0))}
            assert drawn <= set(expected)


def chi_squared(within: Space, draws: int) -> tuple[float, int]:
    rows = within.sample_rows(draws, Random(5))
    counts = np.unique(rows, axis=0, return_counts=True)[1]
    networks = len(inside(within.with_limits(None), {"max_macs": within.limits.max_macs}))
    missed = networks - len(counts)
    expected = draws / networks
    return float(((counts - expected) ** 2 / expected).sum() + missed * expected), networks


@pytest.mark.parametrize("states", [branch_counts.STATES, 40])
def test_drawing_is_uniform_also_where_costs_are_rounded(monkeypatch, states: int) -> None:
    monkeypatch.setattr(branch_counts, "STATES", states)
    space = SPACES["bottleneck"]
    macs = space.price(list(space))[0]
    within = space.within(max_macs=int(np.quantile(macs, 0.4)))
    assert within.feasible.exact == (states > 40)
    statistic, networks = chi_squared(within, 40 * len(macs))
    # Mean k - 1 and variance 2 (k - 1); five standard deviations above.
    assert networks > 50
    assert statistic < networks + 5 * (2 * networks) ** 0.5


@pytest.mark.parametrize("states", [30, 300])
def test_rounded_counts_are_within_the_stated_resolution(monkeypatch, states: int) -> None:
    monkeypatch.setattr(branch_counts, "STATES", states)
    macs, params = UNEVEN.price(UNEVEN.sample_rows(20_000, Random(0)))
    for limits in quantiles(UNEVEN, 0.2, 0.6):
        within = UNEVEN.within(**limits)
        surely, possibly = within.feasible.bounds()
        assert surely <= within.size() <= possibly
        assert not within.feasible.exact or surely == possibly
        off = within.feasible.resolution
        low = limits.get("min_macs", 0), limits.get("min_params", 0)
        high = limits.get("max_macs", 2**62), limits.get("max_params", 2**62)

        def share(by: int, low=low, high=high, off=off) -> float:
            kept = (macs >= low[0] - by * off.macs) & (macs <= high[0] + by * off.macs)
            kept &= (params >= low[1] - by * off.params) & (params <= high[1] + by * off.params)
            return float(kept.mean())

        # Three standard deviations of a share of 20,000 draws.
        counted = within.size() / UNEVEN.size()
        assert share(-1) - 0.011 <= counted <= share(1) + 0.011
        assert surely / UNEVEN.size() <= share(0) + 0.011
        assert possibly / UNEVEN.size() >= share(0) - 0.011
        assert within.fits(within.sample_rows(500, Random(1))).all()


def test_exact_counts_are_exact_where_doubles_are_not() -> None:
    """Of 108 equal decisions, at most two may be dynamic: binomial sums."""
    space = Space.of(ResNetCifar(110, width=4), Rule.of("layer1.*.conv*", Static(), CoConv(2)))
    static, one = (
        space.cost(Architecture(ResNetCifar(110, width=4), {name: CoConv(2)} if name else {}))
        for name in ("", "layer1.3.conv2")
    )
    assert space.size() == 2**36
    step = one.macs - static.macs
    for k, expected in ((0, 1), (1, 37), (2, 37 + 36 * 35 // 2), (36, 2**36)):
        within = space.within(max_macs=static.macs + k * step)
        assert within.feasible.exact and within.size() == expected
    middle = space.within(min_macs=static.macs + 5 * step, max_macs=static.macs + 5 * step)
    assert middle.size() == 36 * 35 * 34 * 33 * 32 // 120
    counts = [len(n.choices) for n in map(space.architecture, middle.sample_rows(20, Random(0)))]
    assert counts == [5] * 20


def test_very_rare_networks_are_drawn_at_once() -> None:
    """Rejection would need 10**25 draws on average."""
    space = Space.of(
        ResNetCifar(110, width=4), Rule.of("*.conv*", Static(), CoConv(2), CoConv(3), CoConv(4))
    )
    cheapest = space.extreme("macs", min)
    within = space.within(max_macs=space.cost(cheapest).macs)
    assert within.size() == 1 and within.sample(Random(0)) == cheapest
    nearly = space.within(max_macs=int(space.cost(cheapest).macs * 1.002))
    assert 1 < nearly.size() < 10**40 < space.size() // 10**20
    assert nearly.fits(nearly.sample_rows(50, Random(0))).all()


def test_other_forms_and_sizes_are_limited_too() -> None:
    space = SPACES["resnet"]
    most = int(space.price(list(space), "training", 8)[0].max()) - 1
    within = space.within(max_macs=most, form="training", size=8)
    for network in (within.sample(Random(seed)) for seed in range(5)):
        assert measure(network, 8, "training").macs <= most
    assert within.size() < space.within(max_macs=most, size=8).size()


def test_networks_that_cannot_take_the_size_are_outside() -> None:
    space = Space.of(CIFAR, resolutions=(None, Resolutions((32, 24))))
    within = space.within(max_macs=10**9, size=48)
    assert within.size() == 1
    assert [network in within for network in space] == [True, False]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"max_macs": 1000}, "no network of the space has max_macs=1,000: the cheapest, number "),
        ({"max_params": 10}, "max_params=10: the cheapest, number .* parameters; all have "),
        ({"min_macs": 10**12}, "min_macs=1,000,000,000,000: "),
        ({"max_macs": -1}, "max_macs must be a whole number of at least 0, got -1"),
        ({"max_macs": 1.5}, "max_macs must be a whole number of at least 0, got 1.5"),
    ],
)
def test_impossible_limits_name_the_cheapest_network(limits, message: str) -> None:
    with pytest.raises(InputError, match=message):
        SPACES["resnet"].within(**limits)


def test_the_cheapest_network_is_named_with_its_cost() -> None:
    space = SPACES["bottleneck"]
    cheapest = space.extreme("macs", min)
    with pytest.raises(InputError) as caught:
        space.within(max_macs=1000)
    text = str(caught.value)
    assert f"number {space.index(cheapest)}, " in text
    assert f"{space.cost(cheapest).macs:,} MACs" in text


def test_limits_between_two_costs_are_said_to_be_too_narrow(monkeypatch) -> None:
    monkeypatch.setattr(branch_counts, "STATES", 20)
    macs = np.unique(UNEVEN.price(UNEVEN.sample_rows(20_000, Random(0)))[0])
    gap = int(np.diff(macs[: len(macs) // 8]).argmax())
    assert macs[gap + 1] - macs[gap] > 2
    with pytest.raises(InputError, match="found no network|no network of the space"):
        UNEVEN.within(min_macs=int(macs[gap]) + 1, max_macs=int(macs[gap]) + 1)


@pytest.mark.slow
def test_children_are_tested_against_the_limits(monkeypatch) -> None:
    monkeypatch.setattr(branch_counts, "STATES", 100)
    limits = quantiles(UNEVEN, 0.1)[4]
    within = UNEVEN.within(**limits)
    rng = Random(0)
    for _ in range(5):
        path = within.path(within.sample(rng))
        children = [*moves.neighbours(within.root, path), moves.mutate(within.root, path, rng)]
        networks = [architecture_of(child) for child in children]
        costs = [measure(network, 16) for network in networks]
        expected = [
            cost.macs <= limits["max_macs"] and cost.params <= limits["max_params"]
            for cost in costs
        ]
        assert within.fits(within.rows(networks)).tolist() == expected
        assert [network in within for network in networks] == expected
    assert UNEVEN.extreme("macs", max) not in within and "else" not in within


def test_a_limited_space_is_a_space() -> None:
    space = SPACES["bottleneck"]
    limits = quantiles(space, 0.3)[0]
    within = space.within(**limits)
    expected = inside(space, limits)
    assert list(within) == expected
    assert [within.point(within.index(network)) for network in expected] == expected
    assert within.fits(space.rows(space)).sum() == len(expected) < space.size()
    assert space.fits(space.rows(expected)).all() and space.feasible.size() == space.size()
    assert Space.from_json(within.to_json()) == within != space
    assert within.with_limits(None) == space == Space.from_json(space.to_json())
    assert within.costs is space.costs
    assert within.within(max_macs=10**9).size() == space.size()
    with pytest.raises(InputError, match="no network of the space"):
        Space.from_json({**space.to_json(), "limits": {"max_macs": 1}})


def test_trials_within_limits_need_no_rejection() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space = SPACES["bottleneck"]
    macs = space.price(list(space))[0]
    within = space.within(max_macs=int(np.quantile(macs, 0.05)))
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(40):
        trial = study.ask()
        assert within.suggest(trial) in within
        study.tell(trial, 0.0)


def test_answers_within_limits_are_kept() -> None:
    within = SPACES["bottleneck"].within(max_macs=10**9)

    class Fixed:
        def suggest_categorical(self, name, choices):
            return choices[-1]

    assert within.suggest(Fixed()) == SPACES["bottleneck"].suggest(Fixed())


def test_budgets_travel_light() -> None:
    within = UNEVEN.within(max_macs=10**9)
    sent = pickle.dumps(within)
    assert len(sent) < 10**5
    assert pickle.loads(sent).sample(Random(2)) == within.sample(Random(2))
