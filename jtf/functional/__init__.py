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
    hard_sigmoid_relu6,
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
from jtf.functional.attention import attend, attention_scores, causal_mask, einsum_dense
from jtf.functional.conv_lstm import conv_lstm2d, conv_lstm2d_cell
from jtf.functional.convolution import conv, conv_transpose, depthwise_conv, separable_conv
from jtf.functional.embedding import embedding, mask_timesteps, position_embedding
from jtf.functional.images import resize_bilinear, resize_nearest_neighbor
from jtf.functional.merging import add, average, concatenate, dot, maximum, minimum, multiply
from jtf.functional.noise import alpha_dropout, gaussian_dropout, gaussian_noise
from jtf.functional.normalization import batch_normalization, layer_normalization, moments
from jtf.functional.pooling import avg_pool, max_pool
from jtf.functional.preprocessing import category_encoding, center_crop, rescale
from jtf.functional.recurrent import gru, gru_cell, lstm, lstm_cell, simple_rnn, simple_rnn_cell
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
    "hard_sigmoid_relu6",
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
    # convolution and pooling
    "avg_pool",
    "conv",
    "conv_transpose",
    "depthwise_conv",
    "max_pool",
    "separable_conv",
    # images
    "resize_bilinear",
    "resize_nearest_neighbor",
    # merging
    "add",
    "average",
    "concatenate",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    # normalization and noise
    "batch_normalization",
    "layer_normalization",
    "moments",
    "alpha_dropout",
    "gaussian_dropout",
    "gaussian_noise",
    # sequences
    "embedding",
    "mask_timesteps",
    "position_embedding",
    "attend",
    "attention_scores",
    "causal_mask",
    "einsum_dense",
    # preprocessing
    "category_encoding",
    "center_crop",
    "rescale",
    # recurrent networks
    "conv_lstm2d",
    "conv_lstm2d_cell",
    "gru",
    "gru_cell",
    "lstm",
    "lstm_cell",
    "simple_rnn",
    "simple_rnn_cell",
]
