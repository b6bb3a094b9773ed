"""Keras's files, read without Keras: ``.keras``, ``.h5``, ``.weights.h5``."""

from jtf.io.keras.model import load_keras_model as load_keras_model
from jtf.io.keras.model import load_keras_weights as load_keras_weights
