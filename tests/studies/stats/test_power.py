from dataclasses import replace
from math import inf, sqrt

import numpy as np
import pytest

from studies.spec.claims import Claim, exceeds
from studies.stats.decisions import Sample, decide
from studies.stats.power import design_difference, first_level, power, smallest_difference
from studies.stats.t_tests import one_sided
from tests.support.helpers import TASK, study
from trainers import Digits


def test_power_is_what_a_simulation_finds() -> None:
    generator = np.random.default_rng(0)
    values = generator.normal(0.9, 1, size=(4000, 6))
    t = values.mean(1) / (values.std(1, ddof=1) / sqrt(6))
    # t(0.99, 5) = 3.36493; the standard error of the share is below 0.008.
    assert power(0.9, 6, 0.01) == pytest.approx((t > 3.36493).mean(), abs=0.025)


def test_power_without_effect_is_the_level_and_grows_to_one() -> None:
    assert power(0.0, 8, 0.03) == pytest.approx(0.03)
    chances = [power(0.4, n, 0.01) for n in (3, 5, 10, 20, 50, 100, 300, 1000)]
    assert chances == sorted(chances)
    assert chances[-1] == 1
    assert power(-1.0, 50, 0.01) < 1e-6
    assert power(25.0, 1000, 1e-4) == 1


def test_the_smallest_difference_is_found_with_the_power_that_is_promised() -> None:
    smallest = smallest_difference(0.4, 6, 0.005)
    assert power(smallest / 0.4, 6, 0.005) == pytest.approx(0.8)
    draws = np.random.default_rng(0).normal(smallest, 0.4, size=(4000, 6))
    found = np.mean([one_sided(values)[0] <= 0.005 for values in draws])
    assert found == pytest.approx(0.8, abs=0.02)
    assert smallest_difference(0.4, 2, 0.005) == inf
    assert smallest_difference(0.0, 6, 0.005) == 0
    assert smallest_difference(0.8, 6, 0.005) == pytest.approx(2 * smallest)


def test_a_design_is_corrected_over_all_that_it_compares() -> None:
    design = study(seeds=6).presets["quick"]
    claim = Claim("it helps", "", exceeds("coconv", "static"))
    # One arm beside the baseline, in two directions.
    assert first_level(design) == 0.05 / 2
    assert first_level(replace(design, claims=(claim,) * 3)) == 0.05 / 6
    two_tasks = replace(design, claims=(claim,) * 3, tasks=(TASK, Digits(train_size=60)))
    assert first_level(two_tasks) == 0.05 / 12
    assert design_difference(two_tasks, 1.0) == smallest_difference(1.0, 6, 0.05 / 12)


def test_looking_after_every_seed_costs_a_little_of_what_a_design_can_tell() -> None:
    fixed = replace(study(seeds=20).presets["quick"])
    looking = replace(fixed, seeds=5, max_seeds=20)
    smallest = design_difference(looking, 1.0)
    assert 1 < smallest / design_difference(fixed, 1.0) < 1.15
    # The last look alone would do.
    draws = np.random.default_rng(0).normal(smallest, 1.0, size=(400, 20))
    found = [decide([[Sample(tuple(x))]], 0.01, 20)[0].conclusion == "supported" for x in draws]
    assert np.mean(found) > 0.76
