"""Pure functions: arrays and pytrees in, arrays out. Nothing here knows of layers, models or Variables."""

# The module `linear` first: importing it binds its name here, and the activation of that name must win.
from jtf.functional.linear import dense

# isort: split
from jtf.functional import (
    constraints,
    initializers,
    losses,
    metrics,
    optimizers,
    regularizers,
    weighted_losses,
)
from jtf.functional.activations import (
    elu,
    gelu,
    gelu_new,
    hard_sigmoid,
    leaky_relu,
    linear,
    log_softmax,
    mish,
    prelu,
    relu,
    relu6,
    selu,
    sigmoid,
    softmax,
    softplus,
    softsign,
    swish,
    tanh,
    thresholded_relu,
)
from jtf.functional.regularization import dropout

__all__ = [  # noqa: RUF022 - grouped by what they are
    # modules
    "constraints",
    "initializers",
    "losses",
    "metrics",
    "optimizers",
    "regularizers",
    "weighted_losses",
    # activations
    "elu",
    "gelu",
    "gelu_new",
    "hard_sigmoid",
    "leaky_relu",
    "linear",
    "log_softmax",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
    "thresholded_relu",
    # layers
    "dense",
    "dropout",
]
