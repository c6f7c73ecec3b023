"""Every operator by name; a new one is a file here and a line in `OPERATORS`."""

from searchspace.choice import Choice
from searchspace.operators.acnet import ACNet
from searchspace.operators.coconv import CoConv
from searchspace.operators.condconv import CondConv
from searchspace.operators.dyconv import DyConv
from searchspace.operators.gather_excite import GatherExcite
from searchspace.operators.squeeze_excite import SqueezeExcite
from searchspace.operators.static import Static, Unchanged

OPERATORS: dict[str, type[Choice]] = {
    choice.kind: choice
    for choice in (
        Static,
        ACNet,
        CoConv,
        CondConv,
        DyConv,
        Unchanged,
        GatherExcite,
        SqueezeExcite,
    )
}
# Choice.family is what the JSON reader looks kinds up in.
Choice.family = dict(OPERATORS)

__all__ = [
    "OPERATORS",
    "ACNet",
    "CoConv",
    "CondConv",
    "DyConv",
    "GatherExcite",
    "SqueezeExcite",
    "Static",
    "Unchanged",
]
