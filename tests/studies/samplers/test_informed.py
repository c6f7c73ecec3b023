"""The parts of our sampler against slow definitions, and that it finds more than chance does."""

from math import exp, log
from random import Random

import moocore
import numpy as np
import pytest
from optuna import create_study, logging
from optuna.samplers import BaseSampler
from optuna.trial import TrialState, create_trial

from searchspace import (
    MixConv,
    ResNetCifar,
    Resolutions,
    Rule,
    Space,
    SqueezeExcite,
    Unchanged,
)
from searchspace.space.encoding import Rows
from studies.samplers.architecture_sampler import trial_parameters
from studies.samplers.forecast import (
    MAX_OBSERVED,
    Observations,
    Points,
    success_model,
    winsorised,
)
from studies.samplers.gain import expected_gain, free_points, gain_of_two
from studies.samplers.informed import InformedSampler
from studies.samplers.pareto import non_dominated
from studies.samplers.registry import make_sampler
from studies.samplers.surrogate import GRID, Surrogate
from tests.support.small_spaces import CIFAR, CONVS, resnet_space

logging.set_verbosity(logging.ERROR)

SPACE = Space.of(
    [CIFAR, ResNetCifar(8, width=6)],
    *(Rule.of(f"layer{stage}.*.conv1", *CONVS[:5]) for stage in (1, 2, 3)),
    Rule.of("*.recalibration", Unchanged(), SqueezeExcite(), tie="all"),
    input_size=16,
)


def points(space: Space, rows: Rows) -> Points:
    return Points(rows, np.full(len(rows), space.input_size))


def views(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    return SPACE.encoding.one_hot(rows), points(SPACE, rows).log_costs(SPACE)


def test_costs_are_those_at_the_size_of_each_point() -> None:
    space = resnet_space()
    rows = space.sample_rows(4, Random(0))
    sizes = np.array([16, 8, 16, 12])
    costs = Points(rows, sizes).log_costs(space)
    for row, size, each in zip(rows, sizes.tolist(), costs, strict=True):
        cost = space.cost(space.architecture(row), size=size)
        assert each == pytest.approx([log(1 + cost.macs), log(1 + cost.params)])


def test_surrogate_is_the_mixture_of_gaussian_processes() -> None:
    """Every entry of every kernel worked out alone, all settings weighed."""
    rng = np.random.default_rng(0)
    rows = SPACE.sample_rows(12, Random(1))
    values, counts = rng.random(8), rng.integers(1, 4, 8).astype(float)
    vectors = [np.array(view) for view in views(rows)]
    units = [
        sum(((a - b) ** 2).sum() for a in view[:8] for b in view[:8]) / (8 * 7) for view in vectors
    ]

    def kernel(i: int, j: int, weights: tuple[float, ...], length: float) -> float:
        return sum(
            weight * exp(-((view[i] - view[j]) ** 2).sum() / unit / (2 * length**2))
            for weight, view, unit in zip(weights, vectors, units, strict=True)
        )

    y = (values - values.mean()) / values.std()
    fits = []
    for weights, length, noise in GRID:
        near = np.array([[kernel(i, j, weights, length) for j in range(8)] for i in range(8)])
        near += np.diag(noise / counts)
        across = np.array([[kernel(i, j, weights, length) for j in range(8)] for i in range(8, 12)])
        scale = y @ np.linalg.solve(near, y) / 8
        likely = -4 * log(scale) - 0.5 * log(np.linalg.det(near))
        mean = across @ np.linalg.solve(near, y)
        variance = scale * (1 - np.diag(across @ np.linalg.solve(near, across.T)))
        fits.append((likely, mean, variance))
    fits = sorted(fits, key=lambda fit: -fit[0])[:5]
    shares = np.exp([likely - fits[0][0] for likely, _, _ in fits])
    shares /= shares.sum()
    means = np.array([mean for _, mean, _ in fits])
    squares = np.array([variance + mean**2 for _, mean, variance in fits])
    mean, std = Surrogate(views(rows[:8]), values, counts).predict(*views(rows[8:]))
    assert mean == pytest.approx(values.mean() + values.std() * (shares @ means))
    expected = values.std() * np.sqrt(shares @ squares - (shares @ means) ** 2)
    assert std == pytest.approx(expected)


def test_surrogate_learns_and_knows_where_it_knows() -> None:
    rows = SPACE.sample_rows(60, Random(0))
    effects = np.random.default_rng(0).normal(size=(rows.shape[1], 16))
    values = sum(effects[i, column] for i, column in enumerate(rows.T))
    model = Surrogate(views(rows[:40]), values[:40], np.ones(40))
    mean, std = model.predict(*views(rows))
    assert np.corrcoef(mean[40:], values[40:])[0, 1] > 0.7
    assert std[:40].mean() < std[40:].mean()


def test_means_alone_are_those_of_predictions() -> None:
    rows = SPACE.sample_rows(30, Random(0))
    values = np.random.default_rng(0).random(20)
    model = Surrogate(views(rows[:20]), values, np.ones(20))
    assert model.mean(*views(rows)).tolist() == model.predict(*views(rows))[0].tolist()


def test_few_observations_are_all_used() -> None:
    networks = Points(np.zeros((9, 1), np.int16), np.zeros(9, int))
    observed = Observations(networks, np.zeros((9, 2)), np.ones(9))
    assert observed.thinned(9) is observed


def test_of_many_observations_the_best_and_an_even_part_of_the_rest_are_used_in_order() -> None:
    rng = np.random.default_rng(0)
    count, most = 2000, MAX_OBSERVED
    rows = np.arange(count, dtype=np.int16)[:, None]
    networks = Points(rows, np.zeros(count, int))
    observed = Observations(networks, rng.random((count, 2)), rng.random(count))
    kept = observed.thinned(most)
    chosen = kept.points.rows[:, 0].astype(int)
    assert len(set(chosen)) == most
    assert (np.diff(chosen) > 0).all()
    assert kept.values.tolist() == observed.values[chosen].tolist()
    assert kept.counts.tolist() == observed.counts[chosen].tolist()
    assert set(np.flatnonzero(non_dominated(observed.values))) <= set(chosen)
    # A model of good networks alone would take all others for good ones.
    halves = np.median(observed.values.sum(1)), observed.values[chosen].sum(1)
    assert (halves[1] > halves[0]).sum() > most / 8
    thirds = np.histogram(chosen, bins=3, range=(0, count))[0]
    assert thirds.min() > most / 5


def test_equal_values_are_no_trouble() -> None:
    rows = SPACE.sample_rows(5, Random(0))
    mean, std = Surrogate(views(rows), np.full(5, 0.7), np.ones(5)).predict(*views(rows))
    assert mean == pytest.approx([0.7] * 5)
    assert np.isfinite(std).all()


@pytest.mark.parametrize("objectives", [2, 3])
def test_known_networks_gain_the_hypervolume_that_they_add(objectives: int) -> None:
    rng = np.random.default_rng(objectives)
    front, reference = rng.random((4, objectives)), np.ones(objectives)
    free = free_points(front, np.zeros(objectives), reference, rng)
    assert not any((point <= other).all() for point in front for other in free)
    points = rng.random((5, objectives))
    before = moocore.hypervolume(front, ref=reference)
    added = [moocore.hypervolume(np.vstack([front, p]), ref=reference) - before for p in points]
    gains = expected_gain(free, points, np.zeros_like(points)) * (1 - before)
    assert gains == pytest.approx(added, abs=4 * 0.5 / len(free) ** 0.5)
    if objectives == 2:
        front = front[non_dominated(front)]
        exact = gain_of_two(front, reference, points, np.zeros_like(points))
        assert exact == pytest.approx(added)


def test_uncertain_networks_gain_the_mean_over_what_they_may_be() -> None:
    rng = np.random.default_rng(0)
    free = free_points(np.array([[0.5, 0.5]]), np.zeros(2), np.ones(2), rng)
    means, stds = np.array([[0.6, 0.2], [0.3, 0.9]]), np.array([[0.3, 0.0], [0.1, 0.2]])
    drawn = means + stds * rng.normal(size=(4000, 2, 2))
    expected = np.mean([expected_gain(free, each, np.zeros((2, 2))) for each in drawn], axis=0)
    assert expected_gain(free, means, stds) == pytest.approx(expected, abs=0.01)
    front, reference = np.array([[0.2, 0.8], [0.5, 0.5], [0.7, 0.3]]), np.ones(2)
    exact = gain_of_two(front, reference, means, stds)
    drawn_gains = [gain_of_two(front, reference, each, np.zeros((2, 2))) for each in drawn]
    error = 4 * np.std(drawn_gains, axis=0) / len(drawn) ** 0.5
    assert (abs(exact - np.mean(drawn_gains, axis=0)) < error).all()


def test_a_collapsed_network_counts_as_the_worst_usual_one() -> None:
    costs = np.linspace(1, 3, 21)
    errors = 0.9 - 0.2 * costs + 0.01 * np.sin(7 * costs)
    collapsed = errors.copy()
    collapsed[[4, 15]] = 0.9
    lowered = winsorised(collapsed, costs)
    usual = np.setdiff1d(np.arange(21), [4, 15])
    assert lowered[usual].tolist() == errors[usual].tolist()
    assert (errors[[4, 15]] - 0.02 < lowered[[4, 15]]).all()
    assert (lowered[[4, 15]] < errors[[4, 15]] + 0.05).all()
    # Where costs are all the same, or errors are, there is nothing to be robust about.
    assert winsorised(errors, np.ones(21)).tolist() == errors.tolist()
    assert winsorised(np.ones(5), costs[:5]).tolist() == [1.0] * 5


def test_failures_are_expected_where_networks_failed() -> None:
    rows = SPACE.rows(SPACE)
    order = np.argsort(SPACE.price(rows)[0])
    drawn = order[Random(0).sample(range(len(order)), 30)]
    dear = np.isin(drawn, order[len(order) // 2 :])
    probability = success_model(SPACE, rows[drawn[~dear]], rows[drawn[dear]])(rows[order])
    assert probability[: len(order) // 4].min() > 0.6
    assert probability[-len(order) // 4 :].max() < 0.4
    nothing = success_model(SPACE, rows[drawn], rows[:0])(rows[order])
    assert nothing.tolist() == [1.0] * len(order)
    assert success_model(SPACE, rows[:0], rows[drawn])(rows[:3]).tolist() == [1.0] * 3


def test_few_trials_are_lost_where_dear_networks_fail() -> None:
    made = make_sampler(
        "informed", {}, within=SPACE.within(), objectives=("accuracy", "macs"), seed=0
    )
    error, macs = made_up_objectives(SPACE)
    study = create_study(directions=["maximize", "minimize"], sampler=made)
    failed = []
    for _ in range(40):
        trial = study.ask()
        index = SPACE.index(SPACE.within().suggest(trial))
        failed.append(macs[index] > np.quantile(macs, 0.6))
        if failed[-1]:
            study.tell(trial, state=TrialState.FAIL)
        else:
            study.tell(trial, [-error[index], macs[index]])
    assert sum(failed[:8]) >= 2
    assert sum(failed[16:]) <= 3


def test_networks_of_several_sizes_are_observed_at_each_and_judged_by_their_best() -> None:
    space = Space.of(
        CIFAR,
        Rule.of("layer1.*.conv1", *CONVS[:3]),
        resolutions=(None, Resolutions((16, 8))),
        input_size=16,
    )
    made = make_sampler(
        "informed", {"startup": 2}, within=space.within(), objectives=("accuracy", "macs"), seed=0
    )
    study = create_study(directions=["maximize", "minimize"], sampler=made)
    for network in list(space)[:4]:
        sizes = network.resolutions.sizes if network.resolutions else (16,)
        values = {size: [size / 20, float(space.cost(network, size=size).macs)] for size in sizes}
        parameters, distributions = trial_parameters(space, network)
        attributes = {"points": {str(s): v for s, v in values.items()}} if len(values) > 1 else {}
        study.add_trial(
            create_trial(
                values=values[16],
                params=parameters,
                distributions=distributions,
                user_attrs=attributes,
            )
        )
    assert isinstance(made, InformedSampler)
    observed = made.observations(study)
    points, owners = made.at_sizes(space.rows(list(space)[:4]))
    seen, there = (
        sorted((row.tobytes(), int(size)) for row, size in zip(each.rows, each.sizes, strict=True))
        for each in (observed.points, points)
    )
    assert seen == there
    assert len(points) == 4 + sum(n.resolutions is not None for n in list(space)[:4])
    assert observed.values[:, 1] == pytest.approx(observed.points.log_costs(space)[:, 0])
    assert -observed.values[:, 0] == pytest.approx(observed.points.sizes / 20)
    assert owners.tolist() == sorted(owners.tolist())
    assert space.within().suggest(study.ask()) not in list(space)[:4]


def test_where_nothing_is_free_nothing_is_gained() -> None:
    free = free_points(np.zeros((1, 2)), np.zeros(2), np.ones(2), np.random.default_rng(0))
    assert len(free) == 0
    assert expected_gain(free, np.ones((3, 2)), np.ones((3, 2))).tolist() == [0.0] * 3


def made_up_objectives(space: Space) -> tuple[np.ndarray, np.ndarray]:
    """Errors that are sums of effects and fall with cost, and MACs, of all networks."""
    rows = space.rows(space)
    macs = space.price(rows)[0].astype(float)
    effects = np.random.default_rng(3).normal(scale=0.02, size=(rows.shape[1], 16))
    error = 0.5 - 0.1 * np.log(macs / macs.min())
    return error + sum(effects[i, column] for i, column in enumerate(rows.T)), macs


def volume(space: Space, made: BaseSampler, trials: int) -> float:
    """The hypervolume after some trials, as a share of what there is."""
    error, macs = made_up_objectives(space)
    points = np.stack([error, np.log(macs)], 1)
    study = create_study(directions=["maximize", "minimize"], sampler=made)
    networks = []
    for _ in range(trials):
        trial = study.ask()
        networks.append(space.index(space.within().suggest(trial)))
        study.tell(trial, [-error[networks[-1]], macs[networks[-1]]])
    reference = points.max(0)
    share = moocore.hypervolume(points[networks], ref=reference)
    return float(share / moocore.hypervolume(points, ref=reference))


def test_it_finds_in_40_trials_more_than_random_in_200() -> None:
    def mean(name: str, trials: int) -> float:
        settings = {"within": SPACE.within(), "objectives": ("accuracy", "macs")}
        return float(
            np.mean(
                [
                    volume(SPACE, make_sampler(name, {}, seed=seed, **settings), trials)
                    for seed in range(3)
                ]
            )
        )

    assert mean("informed", 40) > mean("random", 200)


def test_in_a_space_too_large_to_list_it_searches_around_the_front() -> None:
    options = (*CONVS[:7], MixConv((3,)))
    large = Space.of(
        CIFAR,
        Rule.of("*.conv*", *options),
        Rule.of("*.recalibration", Unchanged(), SqueezeExcite()),
        input_size=16,
    )
    within = large.within(max_macs=large.cost(large.sample(Random(0))).macs)
    made = make_sampler(
        "informed",
        {"startup": 3, "pool": 64},
        within=within,
        objectives=("accuracy", "macs"),
        seed=0,
    )
    study = create_study(directions=["maximize", "minimize"], sampler=made)
    networks = []
    for number in range(10):
        trial = study.ask()
        networks.append(within.suggest(trial))
        assert networks[-1] in within
        if number % 4 == 3:
            study.tell(trial, state=TrialState.PRUNED)
        else:
            share = sum(c == CONVS[5] for c in networks[-1].choices.values()) / 6
            study.tell(trial, [share, float(large.cost(networks[-1]).macs)])
    assert len(set(networks)) == 10


def test_first_networks_are_spread_over_the_costs() -> None:
    made = make_sampler(
        "informed", {}, within=SPACE.within(), objectives=("accuracy", "macs"), seed=0
    )
    study = create_study(directions=["maximize", "minimize"], sampler=made)
    macs = [SPACE.cost(SPACE.within().suggest(study.ask())).macs for _ in range(7)]
    ranks = np.searchsorted(np.sort(made_up_objectives(SPACE)[1]), macs) / SPACE.size()
    assert np.sort(ranks) == pytest.approx(np.arange(1, 8) / 8, abs=0.08)
