import json
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from searchspace import Architecture, InputError, ResNetCifar
from searchspace.schema import from_json, to_json
from searchspace.serialization import user_code
from tests.support.paths import ROOT
from trainers import RECIPES, Job, PythonData, Task, train
from trainers.arguments import parse_task

HEAD = """
import numpy as np, torch
from pathlib import Path
from PIL import Image
from torch.utils.data import Dataset, IterableDataset, TensorDataset

class Pairs(Dataset):
    def __init__(self, items):
        self.items = items
    def __len__(self):
        return len(self.items)
    def __getitem__(self, i):
        return self.items[i]

def grey(i, side=8):
    return torch.full((1, side, side), i % 3 * 80, dtype=torch.uint8)

def images(count, labels=3):
    return [(grey(i), i % labels) for i in range(count)]
"""


def task(tmp_path: Path, body: str, **fields: Any) -> Task:
    """The task of a function `make` whose body is the expression."""
    (tmp_path / "my_data.py").write_text(f"{HEAD}\ndef make():\n    return {body}\n")
    form = {"kind": "python", "source": "my_data.py:make", **fields}
    (tmp_path / "task.json").write_text(json.dumps(form))
    parsed, root = parse_task(str(tmp_path / "task.json"))
    assert root == tmp_path.resolve()
    return parsed


@pytest.mark.parametrize(
    ("body", "sizes"),
    [
        ("Pairs(images(60))", [36, 12, 12]),
        ("(Pairs(images(60)), Pairs(images(9)))", [48, 12, 9]),
        ("[Pairs(images(6)), Pairs(images(7)), Pairs(images(8))]", [6, 7, 8]),
        (
            "TensorDataset(torch.linspace(0, 1, 3840).view(20, 3, 8, 8), torch.arange(20) % 2)",
            [12, 4, 4],
        ),
        ("type('S', (IterableDataset,), {'__iter__': lambda s: iter(images(30))})()", [18, 6, 6]),
        (
            "Pairs([(np.zeros((8, 8, 3), np.uint8), np.int64(i % 2)) for i in range(20)])",
            [12, 4, 4],
        ),
        ("Pairs([(Image.new('L', (8, 8)), torch.tensor([i % 2])) for i in range(20)])", [12, 4, 4]),
    ],
)
def test_datasets_of_every_kind_are_read_and_divided(
    body: str, sizes: list[int], tmp_path: Path
) -> None:
    parsed = task(tmp_path, body)
    splits = parsed.load(tmp_path)
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == sizes
    (images, _), *_ = splits.train.batches(2)
    assert images.shape[1:] == (parsed.in_chs, 8, 8)
    assert images.dtype == (torch.float32 if "linspace" in body else torch.uint8)
    assert parsed.in_chs == (3 if "linspace" in body or "(8, 8, 3)" in body else 1)
    assert from_json(Task, to_json(parsed)) == parsed  # type: ignore[type-abstract]


def test_grey_images_among_colour_ones_get_three_channels_and_sizes_are_fitted(
    tmp_path: Path,
) -> None:
    body = "Pairs([(Image.new('L' if i else 'RGB', (9 + i, 12), 7), i % 2) for i in range(20)])"
    parsed = task(tmp_path, body, size=6)
    assert (parsed.in_chs, parsed.input_size, parsed.classes) == (3, 6, 2)
    images = parsed.load(tmp_path).test.images  # type: ignore[attr-defined]
    assert images.shape == (4, 3, 6, 6)
    padded = task(tmp_path, body, size=30, fit="pad").load(tmp_path).test.images  # type: ignore
    assert int((padded[0, 0] > 0).any(1).sum()) == 12


def test_the_function_may_take_the_folder_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "count.txt").write_text("20")
    (tmp_path / "d.py").write_text(
        f"{HEAD}\ndef make(root):\n"
        "    return Pairs(images(int((root / 'count.txt').read_text())))\n"
    )
    (tmp_path / "t.json").write_text('{"kind": "python", "source": "d.py:make"}')
    parsed, root = parse_task(str(tmp_path / "t.json"))
    assert isinstance(parsed, PythonData)
    assert (parsed.images, root) == (20, tmp_path.resolve())


@pytest.mark.parametrize(
    ("classes", "names"),
    [
        ("['cat', 'dog', 'bird', 'fish']", ("cat", "dog", "bird")),
        ("('cat', 'dog', 'bird')", ("cat", "dog", "bird")),
        ("['cat', 'dog']", ("0", "1", "2")),
        ("[5, 6, 7]", ("0", "1", "2")),
        ("3", ("0", "1", "2")),
    ],
)
def test_the_attribute_classes_names_them(
    classes: str, names: tuple[str, ...], tmp_path: Path
) -> None:
    body = f"type('Named', (Pairs,), {{'classes': {classes}}})(images(60))"
    assert task(tmp_path, body).class_names(tmp_path) == names


def test_a_part_of_a_dataset_has_the_classes_of_the_whole(tmp_path: Path) -> None:
    whole = "type('Named', (Pairs,), {'classes': ['cat', 'dog', 'bird']})(images(60))"
    body = f"torch.utils.data.random_split({whole}, [40, 20], torch.Generator().manual_seed(0))"
    assert task(tmp_path, body).class_names(tmp_path) == ("cat", "dog", "bird")


def test_an_error_of_the_attribute_classes_is_one_sentence(tmp_path: Path) -> None:
    failing = "type('Named', (Pairs,), {'classes': property(lambda self: 1 / 0)})(images(60))"
    parsed = task(tmp_path, failing)
    with pytest.raises(InputError, match="my_data.py:make raised ZeroDivisionError"):
        parsed.class_names(tmp_path)


@pytest.mark.slow
def test_a_network_learns_from_it(tmp_path: Path) -> None:
    parsed = task(tmp_path, "Pairs(images(120))")
    recipe = replace(RECIPES["quick"], epochs=2, batch_size=8)
    job = Job(Architecture(ResNetCifar(8, width=4)), parsed, recipe, 0)
    assert train(job, data_root=tmp_path).points[0].test_accuracy > 0.6


def test_the_file_goes_with_the_task_to_other_processes(tmp_path: Path) -> None:
    parsed = task(tmp_path, "Pairs(images(20))")
    (tmp_path / "pickle").write_bytes(pickle.dumps(parsed))
    (tmp_path / "my_data.py").unlink()
    code = (
        "import pickle, pathlib, sys; "
        "task = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes()); "
        "print(len(task.load(None).train))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "pickle"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout == "12\n", done.stderr


MISTAKES = {
    "raises": ("1 / 0", "my_data.py:make raised ZeroDivisionError: division by zero"),
    "none": ("None", "must return datasets, got None"),
    "four": ("[Pairs(images(9))] * 4", "must return one to three datasets, got 4"),
    "empty": ("Pairs([])", "train has no images"),
    "text": ("Pairs(['a'] * 20)", r"train\[0\] must be an image and a label, got 'a'"),
    "text image": ("Pairs([('a', 1)] * 20)", r"train\[0\]: an image must be a tensor, an array"),
    "fraction": ("Pairs([(grey(1), 0.5)] * 20)", r"train\[0\]: a label must be a whole .* 0.5"),
    "float label": ("Pairs([(grey(1), torch.tensor(1.))] * 20)", "a label must be a whole number"),
    "true": ("Pairs([(grey(1), True)] * 20)", "a label must be a whole number .* got True"),
    "negative": ("Pairs([(grey(1), -1)] * 20)", "a label must be a whole number from 0 .* -1"),
    "huge": ("Pairs([(grey(1), 10**9)] * 20)", "a label must be a whole number .* got 1000000000"),
    "one class": (
        "Pairs(images(20, 1))",
        "must be of two classes or more, and all have the label 0",
    ),
    "three": ("Pairs(images(3))", "has 3 training images; 10 are needed"),
    "sizes": (
        "Pairs([(grey(i, 8 + i // 19), i % 2) for i in range(20)])",
        r"train\[19\] has 9x9 pixels, and others 8x8; images must be square and of one size: give",
    ),
    "not square": (
        "Pairs([(torch.zeros(1, 8, 9), i % 2) for i in range(20)])",
        r"train\[0\] has 9x8 pixels; images must be square",
    ),
    "channels": (
        "Pairs([(torch.zeros(1 + i % 2, 8, 8), i % 2) for i in range(20)])",
        r"must have as many channels, got \[1, 2\]",
    ),
    "kinds": (
        "Pairs([(grey(i) if i else grey(i).float(), i % 2) for i in range(20)])",
        r"train\[1\] has pixels of torch.uint8 and others of torch.float32",
    ),
    "whole pixels": ("Pairs([(grey(1).long(), 1)] * 20)", "pixels must be uint8 or finite floats"),
    "infinite": ("Pairs([(grey(1) / 0, 1)] * 20)", "pixels must be uint8 or finite floats, got so"),
    "flat": ("Pairs([(torch.zeros(9), 1)] * 20)", r"channels, height and width, got the shape \(9"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_sentence(name: str, tmp_path: Path) -> None:
    body, message = MISTAKES[name]
    with pytest.raises(InputError, match=message) as caught:
        task(tmp_path, body)
    assert "\n" not in str(caught.value)


def test_labels_beyond_the_classes_that_are_given(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="labels must be from 0 to 1, as there are 2 classes, got"):
        task(tmp_path, "Pairs(images(20))", classes=2)
    assert task(tmp_path, "Pairs(images(20))", classes=7).classes == 7


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("my_data:make", "source must be FILE.py:FUNCTION, got"),
        ("my_data.py", "source must be FILE.py:FUNCTION, got"),
        ("none.py:make", "none.py: cannot be read: No such file"),
        ("my_data.py:other", "my_data.py has no function 'other'"),
        ("bad.py:make", "bad.py cannot be run: SyntaxError"),
    ],
)
def test_files_and_functions_that_are_not_there(source: str, message: str, tmp_path: Path) -> None:
    task(tmp_path, "Pairs(images(20))")
    (tmp_path / "bad.py").write_text("def make(:\n")
    (tmp_path / "task.json").write_text(json.dumps({"kind": "python", "source": source}))
    with pytest.raises(InputError, match=message):
        parse_task(str(tmp_path / "task.json"))


def test_other_images_or_another_file_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "side.txt").write_text("1")
    text = "Pairs([(grey(i + int(Path(__file__).with_name('side.txt').read_text())), i % 2)"
    parsed = task(tmp_path, f"{text} for i in range(20)])")
    (tmp_path / "side.txt").write_text("2")
    with pytest.raises(InputError, match="are not those that the run was begun with"):
        parsed.load(tmp_path)
    monkeypatch.setattr(user_code, "FILES", {})
    with pytest.raises(InputError, match="the file of my_data.py:make is not there as it was"):
        parsed.load(tmp_path)


def test_a_name_alone_says_how_to_name_a_file() -> None:
    for kind in ("python", "huggingface", "webdataset"):
        with pytest.raises(InputError, match=f"write {{kind: {kind}, "):
            parse_task(kind)
