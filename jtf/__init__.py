"""jtf: the TensorFlow.js training stack for Python, on JAX.

import jtf

model = jtf.sequential([
    jtf.layers.dense(units=32, input_shape=[784], activation="relu"),
    jtf.layers.dense(units=10, activation="softmax"),
])
model.compile(optimizer="adam", loss="categoricalCrossentropy", metrics=["accuracy"])
model.fit(images, labels, epochs=5, validation_split=0.1)
"""

import sys as _sys

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
from jtf import random as random
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

# Names that are not there.
from jtf.missing import teach as _teach
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

# What these do not have, they answer for.
_teach(
    {"jtf": _sys.modules[__name__]}
    | {
        f"jtf.{_name}": globals()[_name]
        for _name in (
            "layers train losses metrics callbacks data datasets initializers regularizers constraints models io "
            "random activations vis functional"
        ).split()
    }
    | {"jtf.functional.losses": functional.losses}
)
