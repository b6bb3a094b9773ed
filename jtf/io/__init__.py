"""Files: models in TF.js's own format, both ways, and Keras's files, without TensorFlow."""

from jtf.io.artifacts import ModelArtifacts as ModelArtifacts
from jtf.io.errors import ModelFormatError as ModelFormatError
from jtf.io.handlers import from_memory as from_memory
from jtf.io.handlers import with_save_handler as with_save_handler
from jtf.io.keras import load_keras_model as load_keras_model
from jtf.io.layers_model import SaveResult as SaveResult
from jtf.io.layers_model import load_layers_model as load_layers_model
from jtf.io.layers_model import load_weights as load_weights
from jtf.io.layers_model import save_layers_model as save_layers_model
from jtf.io.page import export_page as export_page
from jtf.io.topology import model_from_json as model_from_json
