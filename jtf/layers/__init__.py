"""Layers: TF.js's classes under their own names, and a snake_case factory for each.

``jtf.layers.dense(units=32)`` and ``jtf.layers.Dense(units=32)`` are the same; a layer of your own derives from
`Layer`.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from jtf.layers.activations import ELU as ELU
from jtf.layers.activations import LeakyReLU as LeakyReLU
from jtf.layers.activations import PReLU as PReLU
from jtf.layers.activations import ReLU as ReLU
from jtf.layers.activations import Softmax as Softmax
from jtf.layers.activations import ThresholdedReLU as ThresholdedReLU
from jtf.layers.activations import elu as elu
from jtf.layers.activations import leaky_relu as leaky_relu
from jtf.layers.activations import prelu as prelu
from jtf.layers.activations import relu as relu
from jtf.layers.activations import softmax as softmax
from jtf.layers.activations import thresholded_relu as thresholded_relu
from jtf.layers.base import Layer as Layer
from jtf.layers.base import deserialize as deserialize
from jtf.layers.base import register_class as register_class
from jtf.layers.core import Activation as Activation
from jtf.layers.core import Dense as Dense
from jtf.layers.core import Dropout as Dropout
from jtf.layers.core import InputLayer as InputLayer
from jtf.layers.core import activation as activation
from jtf.layers.core import dense as dense
from jtf.layers.core import dropout as dropout
from jtf.layers.core import input_layer as input_layer
from jtf.layers.reshaping import Flatten as Flatten
from jtf.layers.reshaping import Permute as Permute
from jtf.layers.reshaping import RepeatVector as RepeatVector
from jtf.layers.reshaping import Reshape as Reshape
from jtf.layers.reshaping import flatten as flatten
from jtf.layers.reshaping import permute as permute
from jtf.layers.reshaping import repeat_vector as repeat_vector
from jtf.layers.reshaping import reshape as reshape
from jtf.layers.spec import InputSpec as InputSpec
from jtf.naming import missing_attribute as _missing_attribute

if not _TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        raise _missing_attribute(__name__, name, globals())
