"""Tasks and recipes of command lines: one form in JSON and YAML, and one's own images by path."""

import json
from pathlib import Path

import pytest

from searchspace import InputError
from tests.trainers.tasks.test_folder import tree
from trainers import RECIPES, Folder, Synthetic, Torchvision
from trainers.arguments import parse_recipe, parse_task


@pytest.mark.parametrize("suffix", [".json", ".yaml", ".yml"])
def test_a_task_is_a_file_in_json_or_yaml(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"task{suffix}"
    file.write_text(json.dumps({"kind": "synthetic", "train_size": 24}))
    assert parse_task(str(file)) == (Synthetic(train_size=24), None)


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_ones_own_images_are_counted(suffix: str, tmp_path: Path) -> None:
    tree(tmp_path / "data")
    file = tmp_path / f"task{suffix}"
    file.write_text(json.dumps({"kind": "folder", "path": "data/set", "size": 8}))
    assert parse_task(str(file)) == (
        Folder(name="set", classes=2, images=15, size=8),
        (tmp_path / "data").resolve(),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "expected an object"),
        ("{kind: folder, path: none}", "none"),
        ("{kind: folder, path: data/set, size: 0}", "size must be a whole number of at least 1"),
        ("{kind: folder, path: data/set, size: 8, depth: 1}", "unknown field 'depth'"),
        ("{kind: none}", "unknown kind 'none'"),
        ("{kind: digits, kind: synthetic}", "'kind' is given twice"),
    ],
)
def test_mistakes_are_named(text: str, message: str, tmp_path: Path) -> None:
    tree(tmp_path / "data")
    file = tmp_path / "task.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=message):
        parse_task(str(file))


def test_a_folder_without_a_path_says_how_to_give_one() -> None:
    with pytest.raises(InputError, match="write {kind: folder, path: FOLDER} into"):
        parse_task("folder")


def test_a_recipe_is_a_file_in_yaml_too(tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text("{epochs: 3, batch_size: 8, lr: 1e-3}")
    recipe = parse_recipe(str(file), ["epochs=4"])
    assert (recipe.epochs, recipe.batch_size, recipe.lr) == (4, 8, 1e-3)
    for change in ("epochs=" + "9" * 5000, "lr=" + "9" * 300, "epochs=1e21", "lr=NaN"):
        with pytest.raises(InputError, match="recipe"):
            parse_recipe("quick", [change])
    assert parse_recipe("quick", []) == RECIPES["quick"]


def test_a_published_dataset_is_named_alone(tmp_path: Path) -> None:
    assert parse_task("FashionMNIST") == (Torchvision("FashionMNIST"), None)
    file = tmp_path / "task.yaml"
    file.write_text("{kind: KMNIST, train_size: 300}")
    assert parse_task(str(file)) == (Torchvision("KMNIST", train_size=300), None)
    with pytest.raises(InputError, match=r"no task 'Fashion'; known .* FashionMNIST, MNIST"):
        parse_task("Fashion")
