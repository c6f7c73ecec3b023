import numpy as np
import pytest
from scipy import stats

from searchspace import InputError
from studies.stats.sequential import (
    LEVELS,
    _table,
    sequential_half_width,
    sequential_p,
    thresholds,
)
from studies.stats.t_tests import prefix_p_values


def t_statistics(values: np.ndarray) -> np.ndarray:
    """After 3, 4, ... of the values in each row."""
    count = np.arange(1, values.shape[1] + 1)
    mean = values.cumsum(1) / count
    variance = ((values**2).cumsum(1) - count * mean**2)[:, 2:] / (count - 1)[2:]
    return np.asarray(mean[:, 2:] / np.sqrt(variance / count[2:]))


def critical(level: float, seeds: int) -> np.ndarray:
    return np.asarray(stats.t.isf(thresholds(level, seeds), np.arange(2, seeds)))


def test_one_look_is_the_whole_level_but_for_the_allowance() -> None:
    assert thresholds(0.025, 3) == pytest.approx([0.025 / 1.25])


def test_normal_walks_cross_with_the_probability_that_is_spent() -> None:
    """Looks at 3, 4 and 5: the share that has crossed at each is the level times (n/5)^3."""
    walks = np.random.default_rng(0).normal(size=(400_000, 5)).cumsum(1)[:, 2:]
    z = walks / np.sqrt([3, 4, 5])
    crossed = np.maximum.accumulate(z >= stats.norm.isf(thresholds(0.1, 5)), axis=1).mean(0)
    assert crossed == pytest.approx(0.08 * (np.arange(3, 6) / 5) ** 3, abs=0.0015)


@pytest.mark.parametrize("seeds", [4, 6, 10, 20, 30])
@pytest.mark.parametrize("level", [0.025, 0.0025])
def test_t_statistics_of_few_seeds_keep_the_level(seeds: int, level: float) -> None:
    """Looks after every seed; both directions are counted, each at the level."""
    t = t_statistics(np.random.default_rng(seeds).normal(size=(2_000_000 // seeds, seeds)))
    wrong = (t >= critical(level, seeds)).any(1).mean() + (t <= -critical(level, seeds)).any(
        1
    ).mean()
    noise = 3 * np.sqrt(2 * level / len(t))
    assert 1.4 * level < wrong < 2 * level + noise


@pytest.mark.parametrize("degrees", [3, 5])
def test_heavy_tails_keep_the_level(degrees: int) -> None:
    values = np.random.default_rng(0).standard_t(degrees, size=(100_000, 20))
    assert (np.abs(t_statistics(values)) >= critical(0.025, 20)).any(1).mean() <= 0.05


@pytest.mark.parametrize(
    ("seeds", "effect", "fixed", "looking", "mean"),
    [(10, 1.5, 0.81, 0.71, 9), (20, 1.0, 0.88, 0.82, 16), (30, 0.7, 0.78, 0.7, 25)],
)
def test_power_is_what_the_documents_claim(
    seeds: int, effect: float, fixed: float, looking: float, mean: float
) -> None:
    """At a twentieth of 5 %, against a single test of all seeds."""
    t = t_statistics(np.random.default_rng(0).normal(effect, 1, size=(20_000, seeds)))
    found = t >= critical(0.0025, seeds)
    at_once = (t[:, -1] >= stats.t.isf(0.0025, seeds - 1)).mean()
    assert at_once == pytest.approx(fixed, abs=0.015)
    assert found.any(1).mean() == pytest.approx(looking, abs=0.015)
    stopped = np.where(found.any(1), found.argmax(1) + 3, seeds)
    assert stopped.mean() == pytest.approx(mean, abs=0.7)


def test_clear_effects_stop_early() -> None:
    """Three sd at 1/20 of 5 %: eight or nine seeds of thirty on average."""
    found = t_statistics(np.random.default_rng(0).normal(3, 1, size=(5_000, 30))) >= critical(
        0.0025, 30
    )
    assert found.any(1).all()
    assert 7 < (found.argmax(1) + 3).mean() < 9.5


def test_a_sequential_p_value_is_the_level_that_rejects_by_now() -> None:
    p = prefix_p_values(np.random.default_rng(4).normal(0.8, 1, 20))[0]
    so_far = [sequential_p(p[:n], 20) for n in range(1, 21)]
    assert so_far[:2] == [1, 1]
    assert so_far == sorted(so_far, reverse=True)
    assert p[-1] < so_far[-1] < 0.05
    for level in (0.001, 0.01, 0.05, 0.3):
        rejected = bool((p[2:] <= thresholds(level, 20)).any())
        assert rejected == (so_far[-1] <= level)
    # Seeds beyond the maximum are not looked at.
    assert sequential_p([*p, 0.0], 20) == so_far[-1]


def test_thresholds_grow_with_the_level() -> None:
    """What one level rejects every larger one rejects too, so a p-value is well defined."""
    for seeds in (3, 12, 100):
        assert (np.diff(_table(seeds), axis=0) > 0).all()
        assert _table(seeds).shape == (len(LEVELS), seeds - 2)


def test_the_interval_leaves_out_zero_where_the_test_rejects() -> None:
    values = np.random.default_rng(1).normal(1.2, 1, 20)
    p = prefix_p_values(values)[0]
    rejected = p[2:] <= thresholds(0.025, 20)
    assert rejected.any() and not rejected.all()
    for n, outside in enumerate(rejected, start=3):
        half = sequential_half_width(float(values[:n].std(ddof=1)), n, 20, 0.95)
        assert (values[:n].mean() > half) == outside
    assert np.isnan(sequential_half_width(1.0, 2, 20, 0.95))


@pytest.mark.parametrize("seeds", [2, 101, 5.0])
def test_a_maximum_that_cannot_be_planned_is_refused(seeds: int) -> None:
    with pytest.raises(InputError, match="max_seeds must be"):
        sequential_p([0.1, 0.1, 0.1], seeds)
