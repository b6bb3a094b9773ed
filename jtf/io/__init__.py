"""Files: models in TF.js's own format, both ways, without TensorFlow."""

from jtf.io.layers_model import ModelFormatError as ModelFormatError
from jtf.io.layers_model import load_layers_model as load_layers_model
from jtf.io.layers_model import save_layers_model as save_layers_model
from jtf.io.topology import model_from_json as model_from_json
