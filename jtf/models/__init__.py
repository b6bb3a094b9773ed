"""Models: layers put together, with training and prediction."""

from jtf.models.functional import Functional as Functional
from jtf.models.functional import ModelVariables as ModelVariables
from jtf.models.layers_model import LayersModel as LayersModel
from jtf.models.sequential import Sequential as Sequential
from jtf.models.sequential import sequential as sequential
