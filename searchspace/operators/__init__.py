"""Every operator by name; a new one is a file here and a line in `OPERATORS`."""

from searchspace.choice import Choice
from searchspace.operators.acnet import ACNet
from searchspace.operators.coconv import CoConv
from searchspace.operators.condconv import CondConv
from searchspace.operators.depthwise_separable import DepthwiseSeparable
from searchspace.operators.dyconv import DyConv
from searchspace.operators.gather_excite import GatherExcite
from searchspace.operators.hierarchical_split import HierarchicalSplit
from searchspace.operators.mixconv import MixConv
from searchspace.operators.mssar import MultiScaleRecalibration
from searchspace.operators.multiception import Multiception
from searchspace.operators.res2net import Res2Net
from searchspace.operators.squeeze_excite import SqueezeExcite
from searchspace.operators.static import Static, Unchanged

OPERATORS: dict[str, type[Choice]] = {
    choice.kind: choice
    for choice in (
        Static,
        CoConv,
        CondConv,
        DyConv,
        ACNet,
        DepthwiseSeparable,
        MixConv,
        Multiception,
        HierarchicalSplit,
        Res2Net,
        Unchanged,
        SqueezeExcite,
        GatherExcite,
        MultiScaleRecalibration,
    )
}
# Choice.family is what the JSON reader looks kinds up in.
Choice.family = dict(OPERATORS)

__all__ = [
    "OPERATORS",
    "ACNet",
    "CoConv",
    "CondConv",
    "DepthwiseSeparable",
    "DyConv",
    "GatherExcite",
    "HierarchicalSplit",
    "MixConv",
    "MultiScaleRecalibration",
    "Multiception",
    "Res2Net",
    "SqueezeExcite",
    "Static",
    "Unchanged",
]
