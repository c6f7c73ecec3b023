"""The parts of our sampler against slow definitions, and that it finds more than chance does."""

from math import exp, log
from random import Random

import moocore
import numpy as np
import pytest
from optuna import create_study, logging
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from searchspace import MixConv, ResNetCifar, Rule, Space, SqueezeExcite, Unchanged
from studies.samplers.gain import expected_gain, free_points
from studies.samplers.informed import MAX_OBSERVED, Observations
from studies.samplers.pareto import non_dominated
from studies.samplers.registry import make_sampler
from studies.samplers.surrogate import GRID, Surrogate, Views
from tests.support.small_spaces import CIFAR, CONVS, resnet_space

logging.set_verbosity(logging.ERROR)

SPACE = Space.of(
    [CIFAR, ResNetCifar(8, width=6)],
    *(Rule.of(f"layer{stage}.*.conv1", *CONVS[:5]) for stage in (1, 2, 3)),
    Rule.of("*.recalibration", Unchanged(), SqueezeExcite(), tie="all"),
    input_size=16,
)


def test_views_are_options_labels_and_costs() -> None:
    space = resnet_space()
    networks = [space.point(index) for index in range(0, space.size(), 11)]
    options, counts, costs = Views(space)(space.rows(networks))
    macs, params = space.price(networks)
    labels = sorted({label for column in space.encoding.labels.values() for label in column})
    for i, network in enumerate(networks):
        path = space.path(network)
        taken = {f"{decision.name}={option.label}" for decision, option in path}
        assert options[i].tolist() == [name in taken for name in space.encoding.features]
        assert counts[i].tolist() == [sum(o.label == each for _, o in path) for each in labels]
        assert costs[i] == pytest.approx([log(1 + macs[i]), log(1 + params[i])])


def test_surrogate_is_the_mixture_of_gaussian_processes() -> None:
    """Every entry of every kernel worked out alone, all settings weighed."""
    rng = np.random.default_rng(0)
    rows = SPACE.sample_rows(12, Random(1))
    values, counts = rng.random(8), rng.integers(1, 4, 8).astype(float)
    views = Views(SPACE)
    points = [np.array(view) for view in views(rows)]
    units = [
        sum(((a - b) ** 2).sum() for a in view[:8] for b in view[:8]) / (8 * 7) for view in points
    ]

    def kernel(i: int, j: int, weights: tuple[float, ...], length: float) -> float:
        return sum(
            weight * exp(-((view[i] - view[j]) ** 2).sum() / unit / (2 * length**2))
            for weight, view, unit in zip(weights, points, units, strict=True)
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
    mean, std = Surrogate(views, rows[:8], values, counts).predict(rows[8:])
    assert mean == pytest.approx(values.mean() + values.std() * (shares @ means))
    expected = values.std() * np.sqrt(shares @ squares - (shares @ means) ** 2)
    assert std == pytest.approx(expected)


def test_surrogate_learns_and_knows_where_it_knows() -> None:
    rows = SPACE.sample_rows(60, Random(0))
    effects = np.random.default_rng(0).normal(size=(rows.shape[1], 16))
    values = sum(effects[i, column] for i, column in enumerate(rows.T))
    model = Surrogate(Views(SPACE), rows[:40], values[:40], np.ones(40))
    mean, std = model.predict(rows)
    assert np.corrcoef(mean[40:], values[40:])[0, 1] > 0.7
    assert std[:40].mean() < std[40:].mean()


def test_means_alone_are_those_of_predictions() -> None:
    rows = SPACE.sample_rows(30, Random(0))
    values = np.random.default_rng(0).random(20)
    model = Surrogate(Views(SPACE), rows[:20], values, np.ones(20))
    assert model.mean(rows).tolist() == model.predict(rows)[0].tolist()


def test_few_observations_are_all_used() -> None:
    observed = Observations(np.zeros((9, 1), np.int16), np.zeros((9, 2)), np.ones(9))
    assert observed.thinned(9) is observed


def test_of_many_observations_the_best_and_an_even_part_of_the_rest_are_used_in_order() -> None:
    rng = np.random.default_rng(0)
    count, most = 2000, MAX_OBSERVED
    rows = np.arange(count, dtype=np.int16)[:, None]
    observed = Observations(rows, rng.random((count, 2)), rng.random(count))
    kept = observed.thinned(most)
    chosen = kept.rows[:, 0].astype(int)
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
    mean, std = Surrogate(Views(SPACE), rows, np.full(5, 0.7), np.ones(5)).predict(rows)
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


def test_uncertain_networks_gain_the_mean_over_what_they_may_be() -> None:
    rng = np.random.default_rng(0)
    free = free_points(np.array([[0.5, 0.5]]), np.zeros(2), np.ones(2), rng)
    means, stds = np.array([[0.6, 0.2], [0.3, 0.9]]), np.array([[0.3, 0.0], [0.1, 0.2]])
    drawn = means + stds * rng.normal(size=(4000, 2, 2))
    expected = np.mean([expected_gain(free, each, np.zeros((2, 2))) for each in drawn], axis=0)
    assert expected_gain(free, means, stds) == pytest.approx(expected, abs=0.01)


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
