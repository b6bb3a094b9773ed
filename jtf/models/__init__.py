"""Models: layers put together, with training and prediction."""

from jtf.io import model_from_json as model_from_json
from jtf.layers.core import input as input
from jtf.models.functional import Functional as Functional
from jtf.models.functional import ModelVariables as ModelVariables
from jtf.models.layers_model import LayersModel as LayersModel
from jtf.models.model import Model as Model
from jtf.models.model import model as model
from jtf.models.sequential import Sequential as Sequential
from jtf.models.sequential import sequential as sequential
