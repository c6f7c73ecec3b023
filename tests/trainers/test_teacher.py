"""Knowledge distillation: the loss, where teachers come from, and those that do not fit."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from searchspace import Architecture, CoConv, Graft, InputError, ResNetCifar, Resolutions, build
from searchspace.schema import from_json, to_json
from trainers import RECIPES, Digits, Job, Recipe, train
from trainers.arguments import parse_recipe
from trainers.learning.losses import Batch, DistilledLoss, criterion
from trainers.loop import start_training
from trainers.teacher import Teacher, find_teacher
from trainers.training import Training

TEACHER = Architecture(ResNetCifar(8, width=4), {"*": CoConv(2)})
STUDENT = Architecture(ResNetCifar(8, width=2))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a finished training, as far as a teacher needs it."""
    made = tmp_path / "first"
    made.mkdir()
    (made / "config.json").write_text(json.dumps({"job": {"architecture": TEACHER.to_json()}}))
    save_file(build(TEACHER, 10, 3).state_dict(), made / "weights.safetensors")
    return made


def recipe(folder: Path, **settings: float) -> Recipe:
    found = find_teacher({"from": str(folder), **settings})
    base = replace(RECIPES["quick"], epochs=1, batch_size=256)
    return replace(base, teacher=from_json(Teacher, found))


def test_the_loss_is_the_definition() -> None:
    logits = torch.randn(6, 4, dtype=torch.double, requires_grad=True)
    wanted, labels = torch.randn(6, 4, dtype=torch.double), torch.tensor([0, 1, 2, 3, 0, 1])
    teacher = Teacher.__new__(Teacher)
    vars(teacher).update(share=0.3, temperature=2.0)
    own = criterion("cross_entropy")
    loss = DistilledLoss(lambda x: logits, own, teacher, lambda x: wanted)
    batch = Batch((torch.zeros(6, 1, 1, 1),), (labels,))
    value = loss.backward(batch, lambda total: total)
    p, q = ((z.float() / 2).softmax(1) for z in (wanted, logits.detach()))
    apart = (p * (p / q).log()).sum(1).mean()
    expected = 0.7 * own(logits.detach().float(), labels) + 0.3 * 4 * apart
    torch.testing.assert_close(value, expected)
    assert logits.grad is not None and logits.grad.abs().sum() > 0


def test_a_job_with_a_teacher_repeats_and_differs(folder: Path) -> None:
    taught = Job(STUDENT, Digits(), recipe(folder, share=0.9), 0)
    plain = replace(taught, recipe=replace(taught.recipe, teacher=None))
    result = train(taught)
    assert result.points == train(taught).points and result.status == "finished"
    assert result.curve != train(plain).curve and taught.key != plain.key
    assert Job.from_json(taught.to_json()) == taught
    # The student's first weights are those without a teacher.
    first, second = (start_training(job) for job in (taught, plain))
    assert isinstance(first, Training) and isinstance(second, Training)
    states = first.network.state_dict(), second.network.state_dict()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_teachers_are_named_by_folder_or_library(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = parse_recipe("quick", [f"teacher={folder}"]).teacher
    assert named is not None and named.architecture == TEACHER and named.share == 0.5
    written = folder.parent / "taught.json"
    written.write_text(
        json.dumps({**to_json(RECIPES["quick"]), "teacher": {"from": "first", "share": 0.2}})
    )
    assert parse_recipe(str(written), []).teacher == replace(named, share=0.2)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    torch.save(
        torchvision.models.resnet18().state_dict(), tmp_path / "checkpoints/resnet18-f37072fd.pth"
    )
    found = from_json(Teacher, find_teacher("torchvision/resnet18.IMAGENET1K_V1"))
    assert found.architecture == Architecture(Graft("torchvision/resnet18"))
    with pytest.raises(InputError, match="does not fit 10 classes and images of 3 channels"):
        found.network(10, 3)


def test_unusable_teachers_are_told_in_a_sentence(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="config.json: cannot be read"):
        find_teacher(str(tmp_path / "nothing"))
    (folder / "config.json").write_text("{}")
    with pytest.raises(InputError, match="first is not the folder of a training"):
        find_teacher(str(folder))
    (folder / "config.json").write_text(json.dumps({"job": {"architecture": TEACHER.to_json()}}))
    with pytest.raises(InputError, match="share must be at most 1"):
        recipe(folder, share=2)
    switched = replace(STUDENT, resolutions=Resolutions((8, 4)))
    with pytest.raises(InputError, match="a teacher is for networks of one input size"):
        start_training(Job(switched, Digits(), recipe(folder), 0))
