"""Every operator by name; a new one is a file here and a line in `OPERATORS`."""

from searchspace.choice import Choice
from searchspace.operators.coconv import CoConv
from searchspace.operators.static import Static, Unchanged

OPERATORS: dict[str, type[Choice]] = {
    choice.kind: choice
    for choice in (
        Static,
        CoConv,
        Unchanged,
    )
}
# Choice.family is what the JSON reader looks kinds up in.
Choice.family = dict(OPERATORS)

__all__ = ["OPERATORS", "CoConv", "Static", "Unchanged"]
