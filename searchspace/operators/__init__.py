"""Every operator by name; a new one is a file here and a line in `OPERATORS`."""

from searchspace.choice import Choice
from searchspace.operators.coconv import CoConv
from searchspace.operators.depthwise_separable import DepthwiseSeparable
from searchspace.operators.hierarchical_split import HierarchicalSplit
from searchspace.operators.mixconv import MixConv
from searchspace.operators.mssar import MultiScaleRecalibration
from searchspace.operators.multiception import Multiception
from searchspace.operators.res2net import Res2Net
from searchspace.operators.static import Static, Unchanged

OPERATORS: dict[str, type[Choice]] = {
    choice.kind: choice
    for choice in (
        Static,
        CoConv,
        DepthwiseSeparable,
        MixConv,
        Multiception,
        HierarchicalSplit,
        Res2Net,
        Unchanged,
        MultiScaleRecalibration,
    )
}
# Choice.family is what the JSON reader looks kinds up in.
Choice.family = dict(OPERATORS)

__all__ = [
    "OPERATORS",
    "CoConv",
    "DepthwiseSeparable",
    "HierarchicalSplit",
    "MixConv",
    "MultiScaleRecalibration",
    "Multiception",
    "Res2Net",
    "Static",
    "Unchanged",
]
