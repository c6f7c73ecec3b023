"""Training from a file of weights: keys, freezing, rates, and files that cannot be used."""

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from searchspace import (
    Architecture,
    CoConv,
    EfficientChannelAttention,
    Graft,
    InputError,
    build,
)
from searchspace.backbones.graft.sources import files_beside
from searchspace.schema import from_json, to_json
from tests.support.paths import ROOT
from trainers import RECIPES, Digits, Job, Recipe, train
from trainers.arguments import parse_recipe
from trainers.loop import start_training
from trainers.start_weights import PATHS, find_weights, read_weights
from trainers.training import Training

GRAFT = Graft(f"{ROOT}/tests/support/user_models.py:residual")
CHOICES = {"blocks.0.conv1": CoConv(2), "*.bn2.recalibration": EfficientChannelAttention()}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Weights of the plain network for the digits, as another training would leave them."""
    torch.manual_seed(7)
    path = tmp_path / "start.safetensors"
    save_file(build(Architecture(GRAFT), 10, 3).state_dict(), path)
    return path


def recipe(file: Path, **settings: Any) -> Recipe:
    base = replace(RECIPES["fine_tune"], epochs=1, batch_size=256, warmup_epochs=0)
    return replace(base, weights=find_weights(str(file)), **settings)


def training(recipe: Recipe, **choices: Any) -> Training:
    started = start_training(Job(Architecture(GRAFT, choices), Digits(), recipe, 0))
    assert isinstance(started, Training)
    return started


def test_it_starts_as_the_network_of_the_file(file: Path) -> None:
    plain = build(Architecture(GRAFT), 10, 3)
    plain.load_state_dict(dict(read_weights(file)))
    images = torch.randn(4, 3, 8, 8)
    expected = plain.eval()(images)
    for choices in ({}, CHOICES):
        network = training(recipe(file), **choices).network.eval()
        torch.testing.assert_close(network(images), expected, rtol=1e-5, atol=1e-5)


def test_the_hash_is_part_of_the_key_and_the_path_is_not(file: Path, tmp_path: Path) -> None:
    other, changed = tmp_path / "b" / "start.safetensors", tmp_path / "changed.safetensors"
    other.parent.mkdir()
    other.write_bytes(file.read_bytes())
    save_file({"a": torch.zeros(1)}, changed)
    keys = [
        Job(Architecture(GRAFT), Digits(), recipe(path), 0).key for path in (file, other, changed)
    ]
    assert keys[0] == keys[1] != keys[2]
    stored = recipe(file)
    assert from_json(Recipe, to_json(stored)) == stored
    data = pickle.dumps(stored)
    key = stored.weights.hash
    del PATHS[key]
    assert PATHS.get(key) is None and pickle.loads(data).weights.load()
    del PATHS[key]
    with pytest.raises(InputError, match="start.safetensors with hash .* are not at hand"):
        from_json(Recipe, to_json(stored)).weights.load()


def test_training_repeats_and_what_is_frozen_stays(file: Path) -> None:
    frozen = recipe(file, freeze=("stem.*", "norm.*", "blocks.0.*"))
    job = Job(Architecture(GRAFT, CHOICES), Digits(), frozen, 1)
    assert train(job).points == train(job).points
    run = training(frozen, **CHOICES)
    before = {name: value.clone() for name, value in run.network.state_dict().items()}
    run.epoch()
    after = run.network.state_dict()
    same = {name for name in before if torch.equal(before[name], after[name])}
    assert {"stem.weight", "norm.running_mean", "norm.num_batches_tracked"} <= same
    assert "blocks.0.bn1.weight" in same and "blocks.0.bn1.running_var" in same
    moved = {"blocks.1.conv1.weight", "head.weight", "blocks.0.conv1.weight"}
    assert not same & moved
    assert "blocks.0.bn2.recalibration.conv.weight" not in same


def test_kept_weights_have_a_rate_of_their_own(file: Path) -> None:
    run = training(recipe(file, kept_rate=0.1), **CHOICES)
    run.learner.learn(next(run.batches.in_pass(0, 0)), 0.5)
    by_share = {group.get("share", 1.0): group for group in run.learner.optimizer.param_groups}
    assert {share: group["lr"] for share, group in by_share.items()} == {0.1: 0.05, 1.0: 0.5}
    named = {id(p): n for n, p in run.network.named_parameters()}
    shares = {
        named[id(p)]: group.get("share", 1.0)
        for group in run.learner.optimizer.param_groups
        for p in group["params"]
    }
    assert shares["stem.weight"] == 0.1 and shares["blocks.0.conv1.weight"] == 1.0


def test_freeze_needs_something_to_freeze_and_something_to_train(file: Path) -> None:
    with pytest.raises(InputError, match="no weight that is kept matches 'layer9.*'"):
        training(recipe(file, freeze=("layer9.*",)))
    with pytest.raises(InputError, match="freeze leaves no parameter to train"):
        training(recipe(file, freeze=("*",)))
    # With another number of classes it is linear probing.
    with pytest.raises(InputError, match="are for networks that start from weights"):
        replace(RECIPES["quick"], freeze=("*",))


def test_linear_probing_where_the_classes_differ(tmp_path: Path) -> None:
    path = tmp_path / "more.pth"
    torch.save({"state_dict": build(Architecture(GRAFT), 17, 3).state_dict()}, path)
    run = training(recipe(path, freeze=("*",)))
    trained = [name for name, p in run.network.named_parameters() if p.requires_grad]
    assert trained == ["head.weight", "head.bias"]


def test_files_that_cannot_be_used_are_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing.pth: cannot be read"):
        find_weights(str(tmp_path / "missing.pth"))
    bad = tmp_path / "bad.pth"
    bad.write_bytes(b"no weights at all")
    with pytest.raises(InputError, match=r"bad.pth cannot be read as weights"):
        find_weights(str(bad)).load()
    torch.save([1, 2], bad)
    with pytest.raises(InputError, match="must hold tensors by name"):
        find_weights(str(bad)).load()
    torch.save({"a": torch.zeros(2)}, bad)
    weights = find_weights(str(bad))
    torch.save({"a": torch.ones(2)}, bad)
    with pytest.raises(InputError, match=r"bad.pth have changed"):
        weights.load()


def test_weights_of_libraries_are_found_on_disk_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    named = "torchvision/resnet18.IMAGENET1K_V1"
    with pytest.raises(InputError, match=r"resnet18-f37072fd.pth is not there; fetch it with"):
        find_weights(named)
    (tmp_path / "checkpoints").mkdir()
    path = tmp_path / "checkpoints/resnet18-f37072fd.pth"
    torch.save(torchvision.models.resnet18().state_dict(), path)
    assert find_weights(named).name == named and len(find_weights(named).load()) == 122
    with pytest.raises(InputError, match="torchvision has no weights 'resnet18.V9'"):
        find_weights("torchvision/resnet18.V9")
    with pytest.raises(InputError, match="timm/resnet18.a1_in1k are not in the cache; fetch"):
        find_weights("timm/resnet18.a1_in1k")


def test_recipes_name_weights_by_their_path(file: Path) -> None:
    named = parse_recipe("fine_tune", [f"weights={file}"])
    assert named.weights == find_weights(str(file))
    written = file.with_name("recipe.json")
    written.write_text(json.dumps({**to_json(RECIPES["fine_tune"]), "weights": file.name}))
    assert parse_recipe(str(written), []) == named
    with files_beside(file.parent):
        assert find_weights(file.name) == named.weights
