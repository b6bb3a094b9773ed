"""jtf: the TensorFlow.js training stack for Python, on JAX.

import jtf

model = jtf.sequential([
    jtf.layers.dense(units=32, input_shape=[784], activation="relu"),
    jtf.layers.dense(units=10, activation="softmax"),
])
model.compile(optimizer="adam", loss="categoricalCrossentropy", metrics=["accuracy"])
model.fit(images, labels, epochs=5, validation_split=0.1)
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

# Models and layers.
from jtf import activations as activations
from jtf import callbacks as callbacks
from jtf import constraints as constraints
from jtf import data as data
from jtf import datasets as datasets
from jtf import functional as functional
from jtf import initializers as initializers
from jtf import io as io
from jtf import layers as layers
from jtf import losses as losses
from jtf import models as models
from jtf import regularizers as regularizers
from jtf import train as train
from jtf import vis as vis
from jtf.functional import elu as elu
from jtf.functional import leaky_relu as leaky_relu
from jtf.functional import log_softmax as log_softmax
from jtf.functional import metrics as metrics
from jtf.functional import prelu as prelu
from jtf.functional import relu as relu
from jtf.functional import relu6 as relu6
from jtf.functional import selu as selu
from jtf.functional import sigmoid as sigmoid
from jtf.functional import softmax as softmax
from jtf.functional import softplus as softplus
from jtf.functional import tanh as tanh
from jtf.io import load_keras_model as load_keras_model
from jtf.io import load_layers_model as load_layers_model
from jtf.layers import register_class as register_class
from jtf.models import LayersModel as LayersModel
from jtf.models import Sequential as Sequential
from jtf.models import input as input
from jtf.models import model as model
from jtf.models import sequential as sequential

# Looking at values.
from jtf.printing import print as print

# Random tensors.
from jtf.random import multinomial as multinomial
from jtf.random import random_gamma as random_gamma
from jtf.random import random_normal as random_normal
from jtf.random import random_standard_normal as random_standard_normal
from jtf.random import random_uniform as random_uniform
from jtf.random import random_uniform_int as random_uniform_int
from jtf.random import set_seed as set_seed
from jtf.random import truncated_normal as truncated_normal

# Variables and gradients.
from jtf.train import custom_grad as custom_grad
from jtf.train import grad as grad
from jtf.train import grads as grads
from jtf.train import value_and_grad as value_and_grad
from jtf.train import value_and_grads as value_and_grads
from jtf.train import variable_grads as variable_grads
from jtf.variable import Variable as Variable
from jtf.variable import lift as lift
from jtf.variable import values as values
from jtf.variable import variable as variable
from jtf.version import __version__ as __version__

if not _TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        from jtf.naming import missing_attribute

        if name.startswith("tensor") or name in ("tidy", "dispose", "keep", "scalar"):
            raise AttributeError(
                f"jtf has no {name!r}: tensors are jax arrays. Make them with jax.numpy (jnp.array([[1.0, 2.0]])) or "
                "pass numpy arrays and lists; nothing has to be tidied up."
            )
        raise missing_attribute(__name__, name, globals())
