"""Tasks in words."""

import pytest

from analysis.render.task_words import task_words
from trainers import Task
from trainers.tasks.synthetic import Synthetic
from trainers.tasks.torchvision_set import Torchvision


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (Torchvision(), "Fashion-MNIST"),
        (
            Torchvision(size=14, train_size=2000, validation=2000, fingerprint="f"),
            "Fashion-MNIST at 14 px, 2,000 training images, 2,000 validation images",
        ),
        (Torchvision("KMNIST", fit="pad", size=32), "KMNIST at 32 px, fit pad"),
        (
            Torchvision("MNIST", splits="resampled"),
            "MNIST, splits resampled for each seed",
        ),
    ],
)
def test_a_task_is_told_in_words(task: Task, words: str) -> None:
    assert task_words(task) == words


def test_a_task_without_a_published_name_has_its_kind() -> None:
    assert task_words(Synthetic()) == Synthetic().short_name
