from .deployed import DeployedClassifier as DeployedClassifier
from .deployed import load as load
from .exporting import export as export
from .formats import FORMATS as FORMATS
from .manifest import ExportManifest as ExportManifest
from .trained import TrainedModel as TrainedModel
from .trained import read_trained as read_trained
