"""What the documents tell a reader to type exists, and their example of an operator works."""

import argparse
import re
import runpy
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import typer
import yaml

import searchspace.cli
from benchmarks.gpu import __main__ as gpu_command
from convfrontier.__main__ import VERBS
from searchspace import OPERATORS, Architecture, Space, Static, build
from searchspace.schema import from_json, to_json
from tests.support.paths import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OURS = "analysis", "benchmarks", "searchspace", "studies", "trainers"
COMMAND = re.compile(
    rf"(?:^|\s|/)(?:python -m ((?:{'|'.join(OURS)})[\w.]*)|convfrontier ([a-z][\w-]*))(.*)"
)
LINK = re.compile(r"\]\(([^)#:]+[^)#:/])(?:#[^)]*)?\)")


def lines(text: str) -> Iterator[str]:
    """The commands of a page: indented lines and those in fences, continuations joined."""
    joined = re.sub(r" *\\\n\s*", " ", text)
    fenced = False
    for line in joined.splitlines():
        fenced ^= line.startswith("```")
        if (fenced or line.startswith("    ")) and COMMAND.search(line):
            yield line.strip()


def inline(text: str) -> Iterator[str]:
    """The commands in running text."""
    for code in re.findall(r"`([^`]+)`", text.replace("\n", " ")):
        if COMMAND.match(code):
            yield code


def parser_of(
    module: str | None, verb: str | None, args: list[str], monkeypatch: pytest.MonkeyPatch
) -> Any:
    """The command line of a module or verb, as it is for these arguments, and what is left."""
    if verb is not None:
        assert verb in VERBS, verb
        command, args = VERBS[verb].command(args), [*VERBS[verb].options, *args]
    else:
        assert module is not None
        if module == "benchmarks.gpu":
            return OfArgparse(gpu_command.command_line()), args
        command, args = command_of(module, args, monkeypatch)
    app = typer.Typer(add_completion=False)
    app.command()(command)
    return typer.main.get_command(app), args


class OfArgparse:
    """A command line of argparse, with what is asked here of one of typer's."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser
        self.params = [SimpleNamespace(opts=action.option_strings) for action in parser._actions]

    @contextmanager
    def make_context(self, name: str, args: list[str]) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(params=vars(self.parser.parse_args(args)))


def command_of(
    module: str, args: list[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[Callable[..., Any], list[str]]:
    """The function that `python -m MODULE` makes its command line of, and what is left."""
    calls: list[tuple[Callable[..., Any], list[str]]] = []

    def run_command(
        command: Callable[..., Any], prog: str, arguments: list[str] | None = None
    ) -> None:
        calls.append((command, sys.argv[1:] if arguments is None else arguments))

    monkeypatch.setattr(searchspace.cli, "run_command", run_command)
    monkeypatch.setattr(sys, "argv", [module, *args])
    with warnings.catch_warnings():
        # It may have been imported before.
        warnings.simplefilter("ignore", RuntimeWarning)
        runpy.run_module(module, run_name="__main__")
    return calls[0]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_understood(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for line in lines(page.read_text()):
        assert_understood(line, monkeypatch)


def test_files_for_clusters_hold_the_same_command(monkeypatch: pytest.MonkeyPatch) -> None:
    job = yaml.safe_load((ROOT / "docs" / "rayjob.yaml").read_text())
    script = (ROOT / "docs" / "slurm.sh").read_text()
    [batch] = lines(re.sub("^srun", "    srun", script, flags=re.MULTILINE))
    for line in (job["spec"]["entrypoint"], batch):
        assert_understood(line, monkeypatch)


def assert_understood(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    match = COMMAND.search(line)
    assert match is not None
    # `RUN...` stands for several.
    args = shlex.split(match[3].replace("...", ""), comments=True)
    command, args = parser_of(match[1], match[2], args, monkeypatch)
    with command.make_context(match[1] or match[2], list(args)) as context:
        assert context.params, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_the_text_exist(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for code in inline(page.read_text()):
        match = COMMAND.match(code)
        assert match is not None
        if match[1] and match[1].endswith(".NAME"):
            continue
        given = {word.split("=")[0] for word in match[3].split() if word.startswith("--")}
        command, _ = parser_of(match[1], match[2], match[3].split(), monkeypatch)
        options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
        assert given <= options, code


def test_commands_and_links_are_seen() -> None:
    readme = (ROOT / "README.md").read_text()
    assert {match[2] for match in map(COMMAND.search, lines(readme)) if match} >= {
        "list", "plan", "run", "search", "report", "pick", "describe"
    }  # fmt: skip
    assert "docs/tutorial.md" in LINK.findall(readme)
    assert any("python -m analysis.report" in code for code in inline(readme))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


def test_a_wrong_option_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, verb in ((None, "pick"), ("analysis.pick", None)):
        command, args = parser_of(module, verb, ["RUN", "--max-mac", "5M"], monkeypatch)
        with pytest.raises(Exception, match="--max-mac"):
            command.make_context("pick", list(args))


def test_the_operator_of_the_guide(monkeypatch: pytest.MonkeyPatch) -> None:
    guide = (ROOT / "docs" / "operator.md").read_text()
    code, use = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    names: dict[str, Any] = {"__name__": __name__}
    # What the guide registers is forgotten after the test.
    monkeypatch.setitem(OPERATORS, "shuffled", Static)
    del OPERATORS["shuffled"]
    exec(compile(code, "shuffled.py", "exec"), names)
    shuffled = names["Shuffled"]
    assert OPERATORS["shuffled"] is shuffled
    exec(compile(use, "docs/operator.md", "exec"), names)
    space, network = names["space"], names["network"]
    assert isinstance(space, Space) and space.size() == 3
    assert from_json(Architecture, to_json(network), "network") == network
    assert network in space
    static = Architecture(network.backbone)
    (slot,) = [slot for slot in static.slots() if slot.name == "layer2.0.conv1"]
    assert shuffled(groups=1).canonical(slot) == Static()
    assert "do not divide" in str(shuffled(groups=3).illegal(slot))
    weights = build(static, num_classes=10).get_parameter("layer2.0.conv1.weight").numel()
    mine = build(network, num_classes=10).get_parameter("layer2.0.conv1.0.weight").numel()
    assert 4 * mine == weights
    check_one_step(names["model"])
    x = torch.arange(8.0).reshape(1, 8, 1, 1)
    shuffled_channels = names["Shuffle"](2)(x).flatten().tolist()
    assert shuffled_channels == [0, 4, 1, 5, 2, 6, 3, 7]


def check_one_step(model: torch.nn.Module) -> None:
    before = [parameter.detach().clone() for parameter in model.parameters()]
    model(torch.randn(4, 3, 32, 32)).square().mean().backward()
    torch.optim.SGD(model.parameters(), lr=1.0).step()
    moved = [not torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True)]
    assert all(moved)
