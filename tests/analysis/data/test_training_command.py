"""The command that a report shows trains the very job."""

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.data.training_command import training_command
from searchspace.schema import to_json
from tests.support.helpers import RECIPE, STATIC, TASK
from trainers import RECIPES, TASKS, Job, Recipe, Task, arguments

CASES = [
    (TASK, RECIPE),
    (TASKS["digits"](), RECIPES["quick"]),
    (TASKS["imagenet"](), RECIPES["hs_300"]),
    (TASKS["cifar10"](), replace(RECIPES["mssar_resnet"], milestones=(1, 2), schedule="step")),
]


@pytest.mark.parametrize(("task", "recipe"), CASES)
def test_command_names_the_job(
    task: Task, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = training_command(task, recipe, seed=3)
    monkeypatch.chdir(tmp_path)
    for name, data in {**shown.files, "net.json": to_json(STATIC)}.items():
        Path(name).write_text(json.dumps(data))
    words = shlex.split(shown.line("net"))
    assert words[:4] == ["python", "-m", "trainers.train", "net.json"]
    pairs = list(zip(words[4::2], words[5::2], strict=True))
    options = dict(pairs)
    changes = [value for option, value in pairs if option == "--set"]
    asked = Job(
        STATIC,
        arguments.parse_task(options["--task"])[0],
        arguments.parse_recipe(options["--recipe"], changes),
        int(options["--seed"]),
    )
    assert asked == Job(STATIC, task, recipe, 3)
    assert options["--out"] == "net"
