"""The guide to search spaces does what it says: its examples are run."""

import re
from pathlib import Path
from random import Random

import numpy as np

from searchspace import Space, measure, parse_space, spaces
from tests.support.paths import ROOT

GUIDE = (ROOT / "docs" / "space.md").read_text()


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


def test_the_examples_run(tmp_path, monkeypatch) -> None:
    (yaml,) = examples("yaml")
    monkeypatch.chdir(tmp_path)
    Path("space.yaml").write_text(yaml)
    names: dict[str, object] = {}
    code = "\n".join(examples("python"))
    exec(compile(code, "docs/space.md", "exec"), names)
    space, small = names["space"], names["small"]
    assert isinstance(space, Space) and small.limits is not None
    # A stage's conv1 has 5 options, each recalibration 3.
    assert space.size() == 2 * (5**3 * 3**3 + 5**3 * 3**6)
    assert 0 < small.size() < space.size() and names["network"] in small
    assert isinstance(names["macs"], np.ndarray) and names["macs"].shape == (100_000,)
    network = space.sample(Random(1))
    assert space.cost(network) == measure(network, 32)
    assert Path("latency.json").exists()


def test_the_equivalence_it_names_is_one() -> None:
    options = [{"kind": "multiception", "kernels": [3]}, "depthwise_separable"]
    rules = [{"slots": "layer1.0.conv1", "options": options}]
    assert parse_space({"backbone": "resnet_cifar", "rules": rules}).size() == 1


def test_the_names_it_lists_are_those_there_are() -> None:
    listed = GUIDE.split("named spaces as well:")[1].split("each also")[0]
    found = set(re.findall(r"`(\w+)`", listed))
    assert {name for name in spaces() if "-" not in name} == found
