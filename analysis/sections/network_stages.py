"""Drawings of a run's networks, stage by stage."""

from collections.abc import Iterator

from analysis.data.network_stages import NetworkStages, network_stages
from analysis.data.runs import Run
from analysis.render.network_drawing import NetworkDrawing, StageContent, network_drawing
from analysis.stats.fronts import front_info
from searchspace import Architecture

MOST = 24
"""Networks of a run that are drawn; each is traced for its costs."""


def stage_drawings(run: Run) -> dict[int, NetworkDrawing]:
    """The drawing of each arm, or of a search's best networks, by its number in a page."""
    drawn = {}
    numbers = {arm: number for number, arm in enumerate(run.architectures)}
    for arm in list(dict.fromkeys(_arms(run)))[:MOST]:
        architecture = Architecture.from_json(run.architectures[arm])
        drawn[numbers[arm]] = stages_drawing(network_stages(architecture, run.tasks[0]))
    return drawn


def stages_drawing(network: NetworkStages) -> NetworkDrawing:
    """The drawing of a network's stages."""
    contents = [
        StageContent(stage.name, stage.channels, stage.operators, stage.macs, stage.params)
        for stage in network.stages
    ]
    return network_drawing(contents, network.macs, network.params)


def _arms(run: Run) -> Iterator[str]:
    if run.is_ablation:
        yield from run.architectures
        return
    front = front_info(run.points, run.main_cost)
    # Those on the front, then the most accurate of the others.
    yield from front.sort_values(["on_front", "mean"], ascending=False, kind="stable")["arm"]
