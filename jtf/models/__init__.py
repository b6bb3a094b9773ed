"""Models: layers put together, with training and prediction."""

from jtf.models.layers_model import Functional as Functional
from jtf.models.layers_model import LayersModel as LayersModel
from jtf.models.layers_model import ModelVariables as ModelVariables
from jtf.models.sequential import Sequential as Sequential
from jtf.models.sequential import sequential as sequential
