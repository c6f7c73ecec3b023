import numpy as np
import pytest
from scipy.stats import t

from analysis.stats.accuracy import Floats, LogitMeans, logits, percent

IMAGES = 1000


def test_logits_and_back() -> None:
    values = logits([0.0, 50.0, 100.0], [100, 100, np.nan])
    assert values[1] == 0
    assert percent(values) == pytest.approx([100 * 0.5 / 101, 50, 100 * (1 - 0.5 / 10_001)])


def test_intervals_are_students_on_the_logit_scale() -> None:
    values = logits([[70, 72, 77], [99, 98, np.nan], [97, np.nan, np.nan]], IMAGES)
    low, high = LogitMeans.of(values).intervals()
    own = t.ppf(0.975, 2) * values[0].std(ddof=1) / 3**0.5
    assert high[0] == pytest.approx(percent(values[0].mean() + own))
    pooled = ((2 * values[0].var(ddof=1) + values[1, :2].var(ddof=1)) / 3) ** 0.5
    half = t.ppf(0.975, 3) * pooled
    assert low[2] == pytest.approx(percent(values[2, 0] - half))
    assert high[2] < 100


def test_nothing_is_said_of_a_single_run_without_enough_replicates() -> None:
    means = LogitMeans.of(logits([[70, 72], [75, np.nan]], IMAGES))
    assert np.isnan(means.intervals()).all()
    assert means.shrunken() is None


def measured(generator: np.random.Generator, true: Floats, n: int, sd: float) -> Floats:
    """Logits of accuracies of n seeds: the network's own scatter, and the draw of the images."""
    p = percent(true[:, None] + sd * generator.standard_normal((len(true), n))) / 100
    return logits(100 * generator.binomial(IMAGES, p) / IMAGES, IMAGES)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.98])
@pytest.mark.parametrize("seeds", [3, 8])
def test_intervals_cover(level: float, seeds: int) -> None:
    """4,000 networks of equal truth: 95 % of their own intervals hold it, about."""
    true = np.full(4000, logits(100 * level, 1e12))
    values = measured(np.random.default_rng(0), true, seeds, 0.3)
    low, high = LogitMeans.of(values).intervals()
    covered = np.mean((low <= 100 * level) & (100 * level <= high))
    assert 0.935 < covered < 0.965


@pytest.mark.parametrize("between", [0.0, 0.1, 0.3, 1.0])
@pytest.mark.parametrize("networks", [5, 40])
def test_shrunken_means_are_nearer_to_the_truth_and_their_spread_covers(
    between: float, networks: int
) -> None:
    """Single runs beside ten replicated ones, over many searches with random truths."""
    generator = np.random.default_rng(1)
    error, shrunken_error, covered, best = [], [], [], []
    for _ in range(400):
        true = 1.5 + between * generator.standard_normal(networks + 10)
        values = true[:, None] + 0.3 * generator.standard_normal((networks + 10, 3))
        values[10:, 1:] = np.nan
        means = LogitMeans.of(values)
        shrunken = means.shrunken()
        assert shrunken is not None
        error.append(np.square(means.mean - true).mean())
        shrunken_error.append(np.square(shrunken.centre - true).mean())
        covered.append(np.abs(shrunken.centre - true) <= t.ppf(0.975, 20) * shrunken.sd)
        top = int(shrunken.centre.argmax())
        best.append(shrunken.centre[top] - true[top])
    assert np.mean(shrunken_error) < np.mean(error)
    # Where all are equal the intervals are wide: that they are equal is not known.
    assert 0.93 < np.mean(covered) < (0.985 if between >= 0.1 else 1)
    # The winner's curse of measured means is 0.3 to 0.7 here.
    assert abs(np.mean(best)) < 0.11


def test_few_networks_are_not_shrunken() -> None:
    values = logits([[70, 72, 77], [80, 82, 85]], IMAGES)
    shrunken = LogitMeans.of(values).shrunken()
    assert shrunken is not None
    assert shrunken.centre.tolist() == values.mean(axis=1).tolist()
    assert shrunken.factor.tolist() == pytest.approx([1, 1])


def test_a_new_training_scatters_more_than_its_mean() -> None:
    values = logits([[70, 72, 77, 74], [80, 82, 85, 88]], IMAGES)
    shrunken = LogitMeans.of(values).shrunken()
    assert shrunken is not None
    spread = shrunken.measured.spread
    expected = percent(values.mean(axis=1) + t.ppf(0.1, 6) * spread * (1 + 1 / 4) ** 0.5)
    assert shrunken.new_training(0.9) == pytest.approx(expected)
    assert shrunken.new_training(0.5) == pytest.approx(percent(shrunken.centre))
