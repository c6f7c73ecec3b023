"""Every verb is a command that exists, and help needs no heavy package."""

import re
import subprocess
import sys

import pytest

from convfrontier.__main__ import VERBS, main
from tests.support.paths import ROOT

HEAVY = {"torch", "numpy", "ray", "optuna", "pandas", "plotly", "scipy", "torchvision"}


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["convfrontier", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_shows_its_options(
    verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, verb, "--help") == 0
    shown = capsys.readouterr().out
    assert f"Usage: convfrontier {verb}" in shown
    # Values are shown by name, never as a type of Python's.
    assert not re.search(r"typing\.|literal\[|<[a-z]+\[", shown, re.IGNORECASE)


def test_help_names_every_verb(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["convfrontier"])
    main()
    output = capsys.readouterr().out
    for name, verb in VERBS.items():
        assert f"  {name} " in output and verb.summary in output


def test_implied_options_are_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "list") == 0
    assert "coconv_experts" in capsys.readouterr().out


def test_an_unknown_verb_is_one_sentence_and_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "reprot") == 2
    assert capsys.readouterr().err == "error: there is no verb 'reprot'; did you mean report?\n"


def test_bad_input_of_a_verb_is_one_sentence_and_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "run", "coconv_expert") == 2
    assert "did you mean coconv_experts?" in capsys.readouterr().err


HELP = (
    "convfrontier --help",
    "convfrontier list",
    "studies.run --help",
    "studies.run --list",
    "studies.run search --help",
    "searchspace.describe --help",
    "trainers.train --help",
    "analysis.report --help",
    "analysis.pick --help",
    "analysis.summary --help",
    "analysis.results --help",
    "analysis.costs --help",
    "trainers.export --help",
    "studies.compare_searchers --help",
)


@pytest.mark.parametrize("command", HELP)
def test_help_imports_nothing_heavy(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", *command.split()],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert "searchspace.cli" in imported
    assert not imported & HEAVY
