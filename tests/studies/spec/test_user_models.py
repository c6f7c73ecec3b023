"""Runs keep the files of the user's models and the weights that they start from."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from analysis.data.training_command import training_command
from searchspace import Architecture, Graft, InputError, build
from searchspace.backbones.graft.graft import anatomy
from searchspace.serialization import user_code
from studies.cli.start_preview import start_text
from studies.rundir.store import RunStore
from studies.spec.search_file import read_search
from studies.spec.study_file import read_study
from tests.support.paths import ROOT
from trainers import RECIPES
from trainers.loop import start_training
from trainers.start_weights import PATHS
from trainers.training import Training
from trainers.training_folder import job_from_files

STUDY = """
backbone: {kind: graft, model: net.py:residual}
arms:
  scratch: {recipe: quick}
  static: {}
  coconv: {"*.conv1": {kind: coconv, experts: 2}}
  multiception: {"*.conv1": multiception}
task: digits
recipe: {base: fine_tune, epochs: 1, weights: start.safetensors, kept_rate: 0.1}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    text = (ROOT / "tests/support/user_models.py").read_text(encoding="utf-8")
    (tmp_path / "net.py").write_text(f"{text}\nMARK = {str(tmp_path)!r}\n", encoding="utf-8")
    torch.manual_seed(0)
    network = build(Architecture(Graft(f"{tmp_path}/net.py:residual")), 10, 3)
    save_file(network.state_dict(), tmp_path / "start.safetensors")
    (tmp_path / "ours.yaml").write_text(STUDY, encoding="utf-8")
    return tmp_path


def test_a_run_is_read_without_the_files_it_was_made_from(folder: Path) -> None:
    ablation = read_study(folder / "ours.yaml").study.ablation("custom")
    RunStore(folder / "run").ask(ablation, {})
    graft, weights = ablation.design.arms[0].architecture.backbone, ablation.recipe.weights
    assert isinstance(graft, Graft) and weights is not None
    key = graft.source.split()[-1]
    assert (folder / "run/models" / f"{key}.py").exists()
    assert (folder / "run/weights" / weights.hash).exists()
    # As in another process, on a machine without the files.
    del user_code.FILES[graft.source.split()[-1]], PATHS[weights.hash]
    del sys.modules[f"convfrontier_file_{key}"]
    anatomy.cache_clear()
    for name in ("net.py", "start.safetensors"):
        (folder / name).unlink()
    read = RunStore(folder / "run").experiment()
    assert read == ablation and len(read.recipe.weights.load()) == len(weights.load()) > 10
    kept = folder / "run/models" / f"{key}.py"
    kept.write_text("# another\n", encoding="utf-8")
    with pytest.raises(InputError, match="has changed since the run was made; restore it"):
        RunStore(folder / "run").experiment()


def test_a_network_of_a_run_is_trained_without_the_files_it_was_made_from(folder: Path) -> None:
    ablation = read_study(folder / "ours.yaml").study.ablation("custom")
    RunStore(folder / "run").ask(ablation, {})
    graft, weights = ablation.design.arms[2].architecture.backbone, ablation.recipe.weights
    assert isinstance(graft, Graft) and weights is not None
    picked = folder / "run/pick/key/architecture.json"
    picked.parent.mkdir(parents=True)
    architecture = ablation.design.arms[2].architecture
    picked.write_text(json.dumps(architecture.to_json()), encoding="utf-8")
    command = training_command(ablation.tasks[0], ablation.recipe)
    changes = [word for word in command.options if "=" in word]
    del user_code.FILES[graft.source.split()[-1]], PATHS[weights.hash]
    for name in ("net.py", "start.safetensors"):
        (folder / name).unlink()
    job, _ = job_from_files(picked, "digits", "fine_tune", changes, 0)
    assert job.architecture == architecture and job.recipe == ablation.recipe
    assert isinstance(start_training(job), Training)


def test_the_plan_says_what_starts_anew(folder: Path) -> None:
    lines = start_text(read_study(folder / "ours.yaml").study.ablation("custom")).splitlines()
    assert lines == [
        "static starts from start.safetensors: before training it computes what the plain "
        "network does.",
        "coconv starts from start.safetensors: before training it computes what the plain "
        "network does.",
        "multiception starts from start.safetensors: 2 slots start anew, as multiception has no "
        "start that computes the same (blocks.0.conv1 to blocks.1.conv1).",
    ]


def test_weights_that_are_missing_are_named(folder: Path) -> None:
    (folder / "start.safetensors").unlink()
    with pytest.raises(InputError, match=r"ours.yaml: recipe: .*start.safetensors: cannot"):
        read_study(folder / "ours.yaml")


def test_weights_and_teachers_that_do_not_fit_are_told_before_training(folder: Path) -> None:
    text = (folder / "ours.yaml").read_text(encoding="utf-8")
    (folder / "ours.yaml").write_text(
        text.replace("net.py:residual", "torchvision/resnet18"), encoding="utf-8"
    )
    with pytest.raises(InputError, match="arms.static: the weights are not those of torchvision"):
        read_study(folder / "ours.yaml")
    (folder / "config.json").write_text(
        json.dumps({"job": {"architecture": Architecture(Graft()).to_json()}}), encoding="utf-8"
    )
    shutil.copy(folder / "start.safetensors", folder / "weights.safetensors")
    taught = text.replace("weights: start.safetensors, kept_rate: 0.1", "teacher: .")
    (folder / "ours.yaml").write_text(taught, encoding="utf-8")
    with pytest.raises(InputError, match=r"arms.static: the teacher .* does not fit 10 classes"):
        read_study(folder / "ours.yaml")


def yaml_of_the_guide(key: str) -> str:
    text = (ROOT / "docs/any_network.md").read_text(encoding="utf-8")
    return next(block for block in re.findall(r"```yaml\n(.*?)```", text, re.S) if key in block)


def test_the_guides_ablation_is_read(tmp_path: Path) -> None:
    text = yaml_of_the_guide("arms:")
    assert len(text.splitlines()) <= 12
    (tmp_path / "first").mkdir()
    state = build(Architecture(Graft()), 10, 1).state_dict()
    save_file(state, tmp_path / "first/weights.safetensors")
    (tmp_path / "ours.yaml").write_text(text, encoding="utf-8")
    design = read_study(tmp_path / "ours.yaml").study.ablation("custom").design
    assert [len(arm.architecture.choices) for arm in design.arms] == [0, 8, 4, 4, 0]
    assert design.recipe.weights is not None and design.arms[-1].recipe == RECIPES["quick"]


def test_the_guides_search_is_read(tmp_path: Path) -> None:
    (tmp_path / "mobile.yaml").write_text(yaml_of_the_guide("space:"), encoding="utf-8")
    search = read_search(tmp_path / "mobile.yaml").search
    assert search.space.size() > 10**12 and search.space.in_chs == 1
