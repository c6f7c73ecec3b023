"""Every operator, one file each; importing a file registers its operator."""

from searchspace.choice import OPERATORS as OPERATORS
from searchspace.choice import Choice as Choice
from searchspace.choice import register as register
from searchspace.operators.acnet import ACNet as ACNet
from searchspace.operators.cbam import CBAM as CBAM
from searchspace.operators.coconv import CoConv as CoConv
from searchspace.operators.condconv import CondConv as CondConv
from searchspace.operators.coordinate_attention import CoordinateAttention as CoordinateAttention
from searchspace.operators.dense_mixconv import DenseMixConv as DenseMixConv
from searchspace.operators.depthwise_separable import DepthwiseSeparable as DepthwiseSeparable
from searchspace.operators.dyconv import DyConv as DyConv
from searchspace.operators.eca import EfficientChannelAttention as EfficientChannelAttention
from searchspace.operators.gather_excite import GatherExcite as GatherExcite
from searchspace.operators.hierarchical_split import HierarchicalSplit as HierarchicalSplit
from searchspace.operators.mixconv import MixConv as MixConv
from searchspace.operators.mssar import MultiScaleRecalibration as MultiScaleRecalibration
from searchspace.operators.multiception import Multiception as Multiception
from searchspace.operators.partial_conv import PartialConv as PartialConv
from searchspace.operators.res2net import Res2Net as Res2Net
from searchspace.operators.simam import SimAM as SimAM
from searchspace.operators.squeeze_excite import SqueezeExcite as SqueezeExcite
from searchspace.operators.static import Static as Static
from searchspace.operators.static import Unchanged as Unchanged
from searchspace.operators.strip_pooling import StripPooling as StripPooling
