"""The operators of `operators_at_equal_cost` cost the same, by widths that nothing betters."""

import pytest

from searchspace import Architecture, ResNetCifar
from studies.papers import equal_cost
from studies.papers.catalog import STUDIES
from studies.papers.equal_cost import deployed_macs, nearest_width
from studies.papers.quick import SETTINGS
from trainers import Synthetic

QUICK = STUDIES["operators_at_equal_cost"].presets["quick"]
PAPER = STUDIES["operators_at_equal_cost"].presets["paper"]


@pytest.mark.parametrize("name", [arm.name for arm in QUICK.arms])
@pytest.mark.parametrize("preset", SETTINGS)
def test_quick_networks_have_the_nearest_width(preset, name) -> None:
    task, macs = SETTINGS[preset].task, equal_cost.QUICK_MACS[preset]
    designed = STUDIES["operators_at_equal_cost"].presets[preset].arms
    architecture = {arm.name: arm.architecture for arm in designed}[name]
    assert deployed_macs(architecture, task) == pytest.approx(macs, rel=equal_cost.QUICK_TOLERANCE)
    width = equal_cost.QUICK_WIDTHS[preset][name]
    width_again = nearest_width(lambda w: equal_cost.quick_network(name, w), task, macs, width)
    assert width_again == width


@pytest.mark.slow
@pytest.mark.parametrize("arm", PAPER.arms, ids=lambda arm: arm.name)
def test_large_networks_cost_the_same_within_the_tolerance(arm) -> None:
    macs = deployed_macs(arm.architecture, equal_cost.PAPER_TASK)
    assert macs == pytest.approx(equal_cost.PAPER_MACS, rel=equal_cost.PAPER_TOLERANCE)


def test_all_operators_are_in_the_large_design_and_the_same_places() -> None:
    names = {equal_cost.STATIC, *equal_cost.OPERATORS, *equal_cost.SPLIT}
    assert {arm.name for arm in PAPER.arms} == names
    assert {arm.name for arm in QUICK.arms} == names - set(equal_cost.SPLIT)
    for design, places in ((QUICK, 6), (PAPER, 16)):
        for arm in design.arms:
            filled = arm.architecture.choices
            recalibrated = any(name.endswith("recalibration") for name in filled)
            blocks = {6: 3, 16: 16}[places]
            assert len(filled) == (
                0 if arm.name == equal_cost.STATIC else blocks if recalibrated else places
            )


def test_the_nearest_width_is_found_from_afar() -> None:
    def network(width: int) -> Architecture:
        return Architecture(ResNetCifar(depth=8, width=width))

    task = Synthetic()
    for macs, expected in ((deployed_macs(network(5), task), 5), (1, 1)):
        assert nearest_width(network, task, macs, start=8) == expected
