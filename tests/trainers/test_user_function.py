"""A loss and an augmentation of the user's own, as functions in a file."""

import pickle
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from searchspace import Architecture, InputError, ResNetCifar
from searchspace.serialization import user_code
from trainers import RECIPES, Digits, Job, Recipe, train
from trainers.arguments import parse_recipe
from trainers.learning.losses import criterion
from trainers.user_function import UserFunction, find_function

TEXT = """
import torch
import torch.nn.functional as F


def double(logits, targets):
    return 2 * F.cross_entropy(logits, targets)


def each(logits, targets):
    return F.cross_entropy(logits, targets, reduction="none")


def noisy(images, generator):
    return images + torch.randn(images.shape, generator=generator)


def cut(images, generator):
    return images[:, :, 1:]
"""
NETWORK = Architecture(ResNetCifar(8, width=2))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(TEXT, encoding="utf-8")
    return path


def recipe(*changes: str) -> Recipe:
    return replace(parse_recipe("quick", list(changes)), epochs=1, batch_size=256)


def test_a_loss_of_ones_own_trains_and_is_part_of_the_key(file: Path) -> None:
    named = recipe(f"loss={file}:double")
    assert isinstance(named.loss, UserFunction) and named.loss.name == "mine.py:double"
    logits, labels = torch.randn(5, 3), torch.tensor([0, 1, 2, 0, 1])
    expected = 2 * torch.nn.functional.cross_entropy(logits, labels)
    assert torch.equal(criterion(named.loss)(logits, labels), expected)
    job = Job(NETWORK, Digits(), named, 0)
    assert Job.from_json(job.to_json()) == job
    ours = replace(named, loss="cross_entropy")
    first, second = train(job).curve[0], train(replace(job, recipe=ours)).curve[0]
    assert first.train_loss > 1.5 * second.train_loss
    file.write_text(TEXT + "# changed\n", encoding="utf-8")
    assert Job(NETWORK, Digits(), recipe(f"loss={file}:double"), 0).key != job.key
    assert RECIPES["quick"].loss == "cross_entropy"


def test_an_augmentation_of_ones_own_repeats(file: Path) -> None:
    named = recipe(f"augmentation={file}:noisy", "mixup=0.2")
    job = Job(NETWORK, Digits(), named, 0)
    assert train(job).curve == train(job).curve
    assert train(job).curve != train(replace(job, recipe=replace(named, augmentation=None))).curve


def test_functions_travel_with_the_recipe(file: Path) -> None:
    function = find_function(f"{file}:double")
    data = pickle.dumps(function)
    del user_code.FILES[function.source.split()[-1]]
    del sys.modules[f"convfrontier_file_{function.source.split()[-1]}"]
    assert callable(pickle.loads(data).load())


def test_unusable_functions_are_told_in_a_sentence(file: Path) -> None:
    with pytest.raises(InputError, match="mine.py has no function 'focal'"):
        recipe(f"loss={file}:focal")
    with pytest.raises(InputError, match="nothing.py: cannot be read"):
        recipe("loss=nothing.py:focal")
    with pytest.raises(InputError, match=r"mine.py:each must return one number .*, got \(3,\)"):
        criterion(find_function(f"{file}:each"))(torch.zeros(3, 2), torch.tensor([0, 1, 0]))
    with pytest.raises(InputError, match=r"mine.py:cut must return images of shape"):
        train(Job(NETWORK, Digits(), recipe(f"augmentation={file}:cut"), 0))
    with pytest.raises(InputError, match="FILE.py:FUNCTION"):
        UserFunction("focal", "x")
