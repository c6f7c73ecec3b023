"""The arms of all studies can be built, and those of quick designs priced and trained."""

import re
from functools import cache
from pathlib import Path

import pytest
import torch

from searchspace import Architecture, build, measure, named
from studies.papers.catalog import STUDIES
from studies.papers.quick import SETTINGS
from studies.spec.ablation import Arm, Design
from tests.support.idx_files import write_idx_set
from trainers import Job, Task
from trainers.training import Training

PAPER = [
    (name, preset)
    for name, study in STUDIES.items()
    for preset in study.presets
    if preset not in SETTINGS
]
QUICK = [
    (name, preset)
    for name, study in STUDIES.items()
    for preset in study.presets
    if preset in SETTINGS
]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with enough made-up images in the form of Fashion-MNIST."""
    root = tmp_path_factory.mktemp("data")
    write_idx_set(root, train=10_000, test=50, compressed=False)
    return root


@pytest.mark.slow
@pytest.mark.parametrize(("name", "preset"), PAPER)
def test_arms_of_paper_designs_take_their_tasks_images(name: str, preset: str) -> None:
    design = STUDIES[name].presets[preset]
    for task in design.tasks:
        for arm in design.arms:
            assert logits_shape(arm.architecture, task) == (2, task.classes)


@cache
def logits_shape(architecture: Architecture, task: Task) -> tuple[int, ...]:
    """Of two images, on the meta device, where nothing is computed; many studies share arms."""
    with torch.device("meta"):
        network = build(architecture, task.classes, task.in_chs).train()
        # A network may be trained at smaller sizes than the task's own.
        sizes = architecture.resolutions
        side = sizes.sizes[0] if sizes else task.input_size
        images = torch.empty(2, task.in_chs, side, side)
        logits: torch.Tensor = network(images)
    return tuple(logits.shape)


@pytest.mark.parametrize(("name", "preset"), QUICK)
def test_arms_of_quick_designs_train(name: str, preset: str, images: Path) -> None:
    """A step of each arm with its own recipe, as augmentation is part of it."""
    design = STUDIES[name].presets[preset]
    keys = [take_a_step(first_job(design, arm), images) for arm in design.arms]
    assert len(set(keys)) == len(keys), "two arms are the same"


@cache
def take_a_step(job: Job, images: Path) -> str:
    training = Training(job, data_root=images)
    training.learner.network.train()
    before = [parameter.clone() for parameter in training.learner.network.parameters()]
    batches = training.batches.in_pass(0, 0)
    loss = training.learner.learn(next(batches), 0.1)
    batches.close()
    assert 0 < loss < float("inf")
    after = list(training.learner.network.parameters())
    assert all(parameter.isfinite().all() for parameter in after)
    assert not any(map(torch.equal, before[:1], after[:1]))
    return job.key


def first_job(design: Design, arm: Arm) -> Job:
    return Job(arm.architecture, design.tasks[0], arm.recipe or design.recipe, 0)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "preset"), QUICK)
def test_arms_of_quick_designs_have_a_price(name: str, preset: str) -> None:
    design = STUDIES[name].presets[preset]
    assert all(priced(arm.architecture, design.tasks[0]) > 0 for arm in design.arms)


@cache
def priced(architecture: Architecture, task: Task) -> int:
    return measure(architecture, task.input_size, num_classes=task.classes, in_chs=task.in_chs).macs


@pytest.mark.parametrize("name", STUDIES)
def test_quick_designs_compare_arms_of_the_papers(name: str) -> None:
    """Each stands for an arm of a paper design, if with other input sizes or widths."""
    arms = {
        preset: {re.sub(r"\d+(\.\d+)?", "#", arm.name) for arm in design.arms}
        for preset, design in STUDIES[name].presets.items()
    }
    quick = set().union(*(arms.pop(preset) for preset in SETTINGS if preset in arms))
    assert quick <= set().union(*arms.values())


def test_multiceptions_mobilenets_stand_beside_resnet_on_stl10() -> None:
    study = STUDIES["multiception_vs_depthwise"]
    arms = {arm.name: arm.architecture for arm in study.presets["paper_stl10"].arms}
    mobile = {name: a for name, a in arms.items() if "MobileNet-V2" in name}
    assert list(mobile) == ["dsconv, MobileNet-V2", "multiception, MobileNet-V2"]
    for name, architecture in mobile.items():
        same = named(f"mobilenetv2-{name.split(',')[0]}-stl10")
        assert architecture.key == same.key
    printed = {p.arm: p.accuracy for p in study.published if p.task == "stl10"}
    assert printed["dsconv, MobileNet-V2"] == 76.58
    assert printed["multiception, MobileNet-V2"] == 80.3
