"""Familywise error and power of decisions, by simulation with fixed generators."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from searchspace import InputError
from studies.stats.decisions import Conclusion, Decision, Sample, decide
from studies.stats.t_tests import FAMILY_ERROR, holm_pairs, one_sided

Draw = Callable[[np.random.Generator, int], np.ndarray]
"""Accuracies in points of shape (arms, seeds)."""


def normal(generator: np.random.Generator, seeds: int) -> np.ndarray:
    return generator.normal(size=(4, seeds))


def heavy(generator: np.random.Generator, seeds: int) -> np.ndarray:
    return generator.standard_t(4, size=(4, seeds))


def studies(accuracies: np.ndarray) -> list[list[Sample]]:
    """Six claims that share arms, two of them of two comparisons."""
    pairs = [[(0, 1)], [(2, 3)], [(0, 2)], [(3, 1)], [(0, 1), (0, 2)], [(3, 0), (3, 1)]]
    return [[Sample(tuple(accuracies[x] - accuracies[y])) for x, y in claim] for claim in pairs]


def share_of_wrong(
    draw: Draw, seeds: int, max_seeds: int | None, wrong: Sequence[Conclusion]
) -> float:
    """How often any of 400 studies' claims ends in one of `wrong`."""
    generator = np.random.default_rng(7)
    count = 0
    for _ in range(400):
        decisions = decide(studies(draw(generator, seeds)), 0.01, max_seeds)
        count += any(decision.conclusion in wrong for decision in decisions)
    return count / 400


@pytest.mark.parametrize("draw", [normal, heavy])
@pytest.mark.parametrize(("seeds", "max_seeds"), [(5, None), (5, 5), (8, 8), (15, 15)])
def test_familywise_error_without_any_difference(
    draw: Draw, seeds: int, max_seeds: int | None
) -> None:
    """Equivalence within 0.01 is out of reach, so that each conclusion is an error.

    The p-value never rises with a look, so what is not concluded after the last was at none.
    """
    wrong = share_of_wrong(draw, seeds, max_seeds, ("supported", "contradicted"))
    # Of 400 runs at 5 % more than 32 are seen in 1 of 100 such simulations.
    assert wrong <= 0.08


@pytest.mark.parametrize("max_seeds", [None, 12])
@pytest.mark.parametrize("equivalence", [0.5, 1.0])
def test_familywise_error_where_every_difference_is_the_margin(
    equivalence: float, max_seeds: int | None
) -> None:
    """Arms are 0, m, 2m and 3m, and all claims hold: contradiction and equivalence are wrong."""
    generator = np.random.default_rng(3)
    wrong = 0
    for _ in range(400):
        a, b, c, d = generator.normal(size=(4, 12)) * 0.6 + equivalence * np.arange(4)[:, None]
        claims = [[b - a], [c - b], [d - c], [b - a, c - b], [d - a, d - c]]
        samples = [[Sample(tuple(values)) for values in claim] for claim in claims]
        decisions = decide(samples, equivalence, max_seeds)
        # Equivalence may be found beside support, and is wrong there as well.
        wrong += any(min(x.p_equivalent, x.p_contradicted) <= FAMILY_ERROR for x in decisions)
    assert wrong / 400 <= 0.08


def test_equivalence_and_contradiction_share_one_error() -> None:
    """One claim, true difference m: both wrong conclusions together stay at 5 %.

    That is the level after support, which is true; before, it is half of it.
    """
    generator = np.random.default_rng(5)
    wrong = 0
    for values in generator.normal(0.5, 0.2, size=(3000, 6)):
        (decision,) = decide([[Sample(tuple(values))]], 0.5)
        wrong += decision.p_equivalent <= FAMILY_ERROR or decision.p_contradicted <= FAMILY_ERROR
    assert 0.02 < wrong / 3000 < 0.055


def test_power_of_equivalence_grows_with_seeds() -> None:
    """Equal arms with sd 0.5 and m 0.5: 8 seeds find a half, 25 seeds nearly all."""
    generator = np.random.default_rng(0)

    def share(seeds: int, max_seeds: int | None) -> float:
        draws = generator.normal(0, 0.5, size=(300, seeds))
        found = [decide([[Sample(tuple(x))]], 0.5, max_seeds)[0].p_equivalent for x in draws]
        return float(np.mean(np.array(found) <= FAMILY_ERROR))

    few, many, looked = share(8, None), share(25, None), share(25, 25)
    assert 0.3 < few < 0.6 < 0.95 < looked <= many


def test_conclusions_of_one_comparison() -> None:
    noise = np.array([-0.1, 0.1, 0.05, -0.05, 0.0, 0.02, -0.02])

    def conclusion(mean: float, margin: float = 0.0, equivalence: float = 0.5) -> Decision:
        return decide([[Sample(tuple(mean + noise), margin)]], equivalence)[0]

    assert conclusion(2.0).conclusion == "supported"
    assert conclusion(-2.0).conclusion == "contradicted"
    assert conclusion(0.0).conclusion == "equivalent"
    # Significant and small: the claim holds, and by less than the margin of equivalence.
    small = conclusion(0.25)
    assert small.conclusion == "supported"
    assert small.p_equivalent <= FAMILY_ERROR
    assert conclusion(0.0, equivalence=0.05).conclusion == "undecided"
    # A claim of more than the margin is about more; one within it can end as equivalent.
    assert conclusion(1.0, margin=1.0).p_equivalent == 1
    assert conclusion(0.3, margin=0.3).conclusion == "equivalent"


def test_equivalence_of_several_comparisons_is_that_of_the_smallest() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, size=(3, 8))

    def conclusion(*means: float) -> Conclusion:
        samples = [Sample(tuple(mean + row)) for mean, row in zip(means, noise, strict=False)]
        return decide([samples], 0.5)[0].conclusion

    assert conclusion(0.0, 5.0, 9.0) == "equivalent"
    assert conclusion(0.0, 5.0, -9.0) == "contradicted"
    assert conclusion(2.0, 5.0, 9.0) == "supported"
    assert conclusion(0.0, 0.0, -0.5) == "contradicted"


def test_directions_are_what_holm_makes_of_them() -> None:
    """Equivalence takes nothing from the other conclusions."""
    generator = np.random.default_rng(2)
    claims = [[Sample(tuple(generator.normal(mean, 1, 6)))] for mean in (0, 0.2, 1, 3)]
    plain = holm_pairs([one_sided(claim[0].differences) for claim in claims])
    for equivalence in (0.01, 0.5, 5):
        found = decide(claims, equivalence)
        assert [(d.p_supported, d.p_contradicted) for d in found] == plain


def test_equivalence_is_tested_at_the_level_that_holm_has_reached() -> None:
    generator = np.random.default_rng(1)
    same = Sample(tuple(generator.normal(0, 0.1, 6)))
    clear = Sample(tuple(generator.normal(9, 0.1, 6)))
    p = max(one_sided(same.differences, -0.2)[0], one_sided(same.differences, 0.2)[1])
    alone = decide([[same]], 0.2)[0].p_equivalent
    beside = decide([[same], [clear]], 0.2)[0].p_equivalent
    assert alone == pytest.approx(2 * p)
    # One of four directions is decided: three are left.
    assert beside == pytest.approx(max(3 * p, decide([[same], [clear]], 0.2)[1].p_supported))


def test_decisions_stay_as_seeds_are_added() -> None:
    generator = np.random.default_rng(6)
    claims = [generator.normal(mean, 1, 20) for mean in (0, 1.5, 3, -2)]
    decided: set[int] = set()
    for seeds in range(1, 21):
        found = decide([[Sample(tuple(values[:seeds]))] for values in claims], 0.5, 20)
        now = {i for i, decision in enumerate(found) if decision.is_decided}
        assert decided <= now
        decided = now
    assert {2, 3} <= decided


def test_what_has_no_pairs_is_undecided_and_a_maximum_is_checked() -> None:
    (none,) = decide([[Sample(()), Sample((1.0, 1.1, 1.2))]], 0.5)
    assert none == Decision("undecided", 1, 1, 1)
    assert decide([], 0.5) == []
    with pytest.raises(InputError, match="max_seeds must be a whole number of at least 3, got 2"):
        decide([], 0.5, 2)
