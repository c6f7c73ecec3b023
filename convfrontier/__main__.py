"""`convfrontier VERB ...`, or `python -m convfrontier VERB ...`: the commands by name.

A verb is the function behind a `python -m` command, whose module is imported only when the verb is
called.
"""

import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NamedTuple

from searchspace.cli import fail, one_sentence, run_command

PROGRAM = "convfrontier"


class Verb(NamedTuple):
    """Where a command is, what it does in one line, and options that the verb implies.

    The function is the command or, if it `dispatches`, gives the command for the arguments.
    """

    module: str
    function: str
    summary: str
    options: tuple[str, ...] = ()
    dispatches: bool = False

    def command(self, arguments: Sequence[str]) -> Callable[..., Any]:
        """The function with the options of the command line."""
        function: Callable[..., Any] = getattr(import_module(self.module), self.function)
        command: Callable[..., Any] = function(arguments) if self.dispatches else function
        return command


EXPERIMENT = ("studies.run", "command_for")
VERBS = {
    "list": Verb(*EXPERIMENT, "Show all studies and their questions.", ("--list",), True),
    "plan": Verb(*EXPERIMENT, "Show what a study would train.", ("--plan",), True),
    "run": Verb(*EXPERIMENT, "Run a named study or a study file, or continue it.", (), True),
    "search": Verb("studies.cli.search_command", "search", "Search a space of networks."),
    "report": Verb("analysis.report", "report", "Print runs and write a page about them."),
    "watch": Verb("analysis.watch", "watch", "Show runs live in a browser while they go on."),
    "pick": Verb("analysis.pick", "pick", "Name the best network of a run within limits."),
    "train": Verb("trainers.command", "main", "Train one network."),
    "export": Verb("trainers.export.command", "main", "Export a trained network as files."),
    "dense": Verb("trainers.dense.__main__", "main", "Price and train a detector on a network."),
    "describe": Verb("searchspace.describe", "command", "Show what is in a search space."),
    "reference": Verb(
        "convfrontier.reference", "reference", "List operators, backbones, tasks, ... with fields."
    ),
    "costs": Verb("analysis.costs", "costs", "Compare the papers' printed costs with ours."),
    "summary": Verb("analysis.summary", "summary", "Print the verdicts of several studies."),
    "results": Verb("analysis.results", "results", "Write what studies found as Markdown."),
    "tensorboard": Verb("analysis.tensorboard", "main", "Write a run for TensorBoard."),
    "compare-searchers": Verb(
        "studies.compare_searchers", "compare", "Compare samplers on a tabular benchmark."
    ),
    "ground-truth": Verb(
        "studies.ground_truth", "ground_truth", "Train the networks of that benchmark."
    ),
}  # fmt: skip


def usage() -> str:
    """The verbs with what each does."""
    width = max(map(len, VERBS))
    lines = [f"  {name:<{width}}  {verb.summary}" for name, verb in VERBS.items()]
    return "\n".join(
        [
            f"Usage: {PROGRAM} VERB [OPTIONS]\n",
            *lines,
            f"\n`{PROGRAM} VERB --help` shows the options of a verb.",
        ]
    )


def main() -> None:
    """Run the verb that the command line names."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in ("--help", "-h"):
        print(usage())
    elif name == "describe" and not arguments:
        VERBS["reference"].command([])()
    elif name in VERBS:
        verb = VERBS[name]
        with one_sentence():
            run_command(verb.command(arguments), f"{PROGRAM} {name}", [*verb.options, *arguments])
    else:
        close = get_close_matches(name, VERBS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"{PROGRAM} --help shows them all"
        fail(f"there is no verb {name!r}; {hint}")


if __name__ == "__main__":
    main()
