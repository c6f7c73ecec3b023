"""Malformed input of all kinds, from a fixed seed: every reader and option ends in one sentence."""

import copy
import functools
import json
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from convfrontier.__main__ import VERBS
from searchspace import Architecture, CoConv, InputError, LatencyTable, ResNetCifar, read_space
from searchspace.cli import run_command
from searchspace.schema import to_json
from searchspace.serialization.files import read_json
from studies.rundir.store import RESULTS, STUDY, TRIALS, RunStore
from studies.spec.search_file import read_search
from studies.spec.study_file import read_study
from tests.support.helpers import write_search
from trainers import RECIPES, Job
from trainers.arguments import parse_recipe, parse_task

SPACE = {
    "backbone": {"kind": "resnet_cifar", "depth": 8, "width": 4},
    "rules": [{"slots": "layer1.*", "options": ["static", {"kind": "coconv", "experts": [2, 4]}]}],
    "input_size": 8,
    "num_classes": 10,
}
STUDY_FILE = {
    "name": "mine",
    "backbone": {"kind": "resnet_cifar", "depth": 8, "width": 4},
    "arms": {"a": {}, "b": {"*": {"kind": "mixconv", "kernels": [3, 5]}}},
    "task": {"kind": "digits", "noise": 0.5},
    "recipe": {"base": "quick", "epochs": 1, "lr": 0.1},
    "seeds": 2,
    "claims": ["b > a + 0.5"],
}
SEARCH_FILE = {
    "space": SPACE,
    "task": "digits",
    "recipe": {"epochs": 4},
    "trials": 5,
    "max_macs": "90M",
    "sampler": "tpe",
    "seed": 1,
    "objectives": ["accuracy", "macs"],
}
NETWORK = Architecture(ResNetCifar(8, width=4), {"*": CoConv(2)})
LATENCY = {
    "key": "a",
    "conditions": {
        "device": "cpu", "machine": "m", "batch": 1, "threads": 1, "size": 8, "form": "deployed"
    },
    "latency": {"median_ms": 1.0, "low_ms": 0.9, "high_ms": 1.1, "repeats": 3},
}  # fmt: skip
FORMS: dict[str, tuple[Any, Callable[[Path], Any]]] = {
    "space": (SPACE, read_space),
    "study": (STUDY_FILE, read_study),
    "search": (SEARCH_FILE, read_search),
    "task": ({"kind": "synthetic", "train_size": 24}, lambda path: parse_task(str(path))),
    "recipe": (to_json(RECIPES["quick"]), lambda path: parse_recipe(str(path), [])),
    "architecture": (NETWORK.to_json(), lambda path: Architecture.from_json(read_json(path))),
    "job": (
        Job(NETWORK, parse_task("digits")[0], RECIPES["quick"], 0).to_json(),
        lambda path: Job.from_json(read_json(path)),
    ),
    "latencies": ([LATENCY], LatencyTable.load),
}
VALUES: list[Any] = [
    None, True, -1, 0, 0.5, 2**31, 2**63, 10**21, 10**300, 1e39, 1e300, "", " ", "[/x]", "\0", "*",
    "x" * 5000, "../../x", "NaN", "</script>", "１", [], {}, [[]], [None], {"kind": []}, {"": {}},
    ["a"] * 99, {"kind": "coconv", "experts": 10**6}, "resnet_cifar", [1, 2, 3], "7" * 400,
]  # fmt: skip
TEXTS = [
    b"", b" ", b"\xff\xfe", b"\xef\xbb\xbf{}", b"\0", b"[" * 2000, b"{\"a\":" * 1000, b"NaN",
    b"[1,", b"9" * 5000, b"-", b"'", b'"', b"{a: 1, a: 2}", b"&a [*a]", b"\t-",
    b"!!python/name:os.system",
    b"1e999", b"--- 1\n--- 2", b"? [a]\n: 1", b"010", b"1:30", b"@", b"%YAML 9.9\n--- 1", b"null",
]  # fmt: skip
OPTIONS = [
    "", " ", "-1", "0", "+3", "１", "1.5", "1e9", "9" * 30, "9" * 5000, "nan", "inf", "[/x]", "\0",
    "x" * 300, "../x", "--", "-", "=", "a=", "=1", "epochs=9e99", "auto", "cuda:99", "\udcff",
]  # fmt: skip


def places(data: Any) -> list[tuple[Any, Any]]:
    """Every container in a JSON form with each of its keys."""
    items = data.items() if isinstance(data, dict) else enumerate(data)
    found = []
    for key, value in items:
        found.append((data, key))
        if isinstance(value, dict | list):
            found += places(value)
    return found


def malformed(form: Any, random: Random) -> bytes:
    """A text that differs from a JSON form in one or two places, or is something else."""
    way = random.randrange(10)
    if way == 0:
        return random.choice(TEXTS)
    data = copy.deepcopy(form)
    for _ in range(random.randint(1, 2)):
        container, key = random.choice(places(data) or [({"a": 0}, "a")])
        value = copy.deepcopy(random.choice(VALUES))
        if way == 1 and isinstance(container, dict):
            container[random.choice(["", "kind", "x" * 300, "[/x]", "path"])] = value
        elif way == 2:
            del container[key]
        else:
            container[key] = value
    text = json.dumps(data).encode()
    if way == 3:
        return text[: random.randrange(len(text))]
    if way == 4:
        at = random.randrange(len(text))
        return text[:at] + random.choice(TEXTS)[:20] + text[at:]
    return text


def attempt(call: Callable[[], Any], case: str, wrong: list[str]) -> None:
    """Note a case that ends in anything but a value or an InputError of readable length."""
    try:
        call()
    except InputError as error:
        if len(str(error)) > 12_000:
            wrong.append(f"{case}: a message of {len(str(error))} characters")
    except Exception as error:
        wrong.append(f"{case}: {type(error).__name__}: {str(error)[:200]}")


def fuzz_files(count: int, folder: Path) -> list[str]:
    wrong: list[str] = []
    random = Random(15)
    for number in range(count):
        name = random.choice(sorted(FORMS))
        form, read = FORMS[name]
        text = malformed(form, random)
        path = folder / f"file.{random.choice(['json', 'yaml'])}"
        path.write_bytes(text)
        attempt(lambda read=read, path=path: read(path), f"{number} {name} {text[:300]!r}", wrong)  # type: ignore[misc]
    return wrong


def fuzz_runs(count: int, folder: Path) -> list[str]:
    """A run directory of which one file is malformed."""
    wrong: list[str] = []
    random = Random(16)
    write_search(folder)
    contents = {name: (folder / name).read_bytes() for name in (STUDY, RESULTS, TRIALS)}
    for number in range(count):
        name = random.choice(sorted(contents))
        lines = contents[name].splitlines() if name != STUDY else [contents[name]]
        at = random.randrange(len(lines))
        lines[at] = malformed(json.loads(lines[at]), random)
        (folder / name).write_bytes(b"\n".join(lines) + b"\n")

        def read() -> None:
            store = RunStore(folder)
            store.experiment()
            store.trials()

        attempt(read, f"{number} {name} {lines[at][:300]!r}", wrong)
        (folder / name).write_bytes(contents[name])
    return wrong


def fuzz_options(count: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The options of every verb, whose bodies are not run."""
    wrong: list[str] = []
    random = Random(17)
    commands = {}
    for name, verb in VERBS.items():
        command = verb.command([])
        stub = functools.wraps(command)(lambda *arguments, **options: 0)
        names = [
            f"--{word.replace('_', '-')}" for word in command.__annotations__ if word != "return"
        ]
        commands[name] = (stub, [*names, "--set", "--none"])
    for number in range(count):
        name = random.choice(sorted(commands))
        stub, names = commands[name]
        words = [random.choice(OPTIONS)] if random.random() < 0.7 else []
        for _ in range(random.randint(1, 3)):
            words += [random.choice(names), random.choice(OPTIONS)]
        case = f"{number} {name} {words}"
        try:
            run_command(stub, name, words)
        except SystemExit as stopped:
            if stopped.code not in (0, 2):
                wrong.append(f"{case}: status {stopped.code}")
        except Exception as error:
            wrong.append(f"{case}: {type(error).__name__}: {str(error)[:200]}")
    return wrong


@pytest.mark.parametrize("count", [500, pytest.param(5000, marks=pytest.mark.slow)])
def test_malformed_inputs_end_in_a_sentence(
    count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    wrong = fuzz_files(count // 2, tmp_path)
    wrong += fuzz_runs(count // 5, tmp_path / "run")
    wrong += fuzz_options(3 * count // 10, monkeypatch)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", [STUDY, RESULTS, TRIALS])
@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_only_regular_files_of_a_run_are_read(name: str, kind: str, tmp_path: Path) -> None:
    write_search(tmp_path)
    (tmp_path / name).unlink()
    if kind == "folder":
        (tmp_path / name).mkdir()
    else:
        os.mkfifo(tmp_path / name)
    store = RunStore(tmp_path)
    with pytest.raises(InputError, match=f"{name}: cannot be read: "):
        store.experiment()
        store.trials()
