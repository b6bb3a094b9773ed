"""Configurations as Keras 2 writes them: they say more than TF.js's, in snake_case."""

from __future__ import annotations

import numpy as np
import pytest

import jtf

GLOROT = {"class_name": "GlorotUniform", "config": {"seed": None}}
ZEROS = {"class_name": "Zeros", "config": {}}
ONES = {"class_name": "Ones", "config": {}}
KERNEL = {
    "use_bias": True,
    "kernel_initializer": GLOROT,
    "bias_initializer": ZEROS,
    "kernel_regularizer": {"class_name": "L2", "config": {"l2": 0.01}},
    "bias_regularizer": None,
    "activity_regularizer": None,
    "kernel_constraint": None,
    "bias_constraint": None,
}
RECURRENT = {
    **KERNEL,
    "return_sequences": True,
    "return_state": False,
    "go_backwards": False,
    "stateful": False,
    "unroll": False,
    "time_major": False,
    "units": 3,
    "activation": "tanh",
    "recurrent_activation": "sigmoid",
    "recurrent_initializer": {"class_name": "Orthogonal", "config": {"gain": 1.0, "seed": None}},
    "recurrent_regularizer": None,
    "recurrent_constraint": None,
    "dropout": 0.0,
    "recurrent_dropout": 0.0,
    "implementation": 2,
}
CONVOLUTION = {
    **KERNEL,
    "kernel_size": [2, 2],
    "strides": [1, 1],
    "padding": "same",
    "data_format": "channels_last",
    "dilation_rate": [1, 1],
    "groups": 1,
    "activation": "relu",
}
POOLING = {"pool_size": [2, 2], "padding": "valid", "strides": [2, 2], "data_format": "channels_last"}
NORMALIZED = {"beta_initializer": ZEROS, "gamma_initializer": ONES, "beta_regularizer": None, "gamma_regularizer": None}

IMAGE, SEQUENCE, FEATURES = (6, 6, 2), (4, 3), (5,)
#: class, options, shape of an example
LAYERS = [
    ("Dense", {"units": 3, "activation": "linear", **KERNEL}, FEATURES),
    ("Conv2D", {"filters": 3, **CONVOLUTION}, IMAGE),
    ("Conv1D", {"filters": 3, **CONVOLUTION, "kernel_size": [2], "strides": [1], "dilation_rate": [1]}, SEQUENCE),
    ("Conv2DTranspose", {"filters": 3, **CONVOLUTION, "output_padding": None}, IMAGE),
    (
        "SeparableConv2D",
        {
            "filters": 3,
            **{k: v for k, v in CONVOLUTION.items() if not k.startswith("kernel_") or k == "kernel_size"},
            "depth_multiplier": 1,
            **{f"{part}_{what}": None for part in ("depthwise", "pointwise") for what in ("regularizer", "constraint")},
            "depthwise_initializer": GLOROT,
            "pointwise_initializer": GLOROT,
        },
        IMAGE,
    ),
    (
        "DepthwiseConv2D",
        {
            **{k: v for k, v in CONVOLUTION.items() if not k.startswith("kernel_") or k == "kernel_size"},
            "depth_multiplier": 2,
            "depthwise_initializer": GLOROT,
            "depthwise_regularizer": None,
            "depthwise_constraint": None,
        },
        IMAGE,
    ),
    ("MaxPooling2D", POOLING, IMAGE),
    ("AveragePooling2D", POOLING, IMAGE),
    ("GlobalAveragePooling2D", {"data_format": "channels_last", "keepdims": False}, IMAGE),
    ("ZeroPadding2D", {"padding": [[1, 1], [1, 1]], "data_format": "channels_last"}, IMAGE),
    ("UpSampling2D", {"size": [2, 2], "data_format": "channels_last", "interpolation": "nearest"}, IMAGE),
    ("Cropping2D", {"cropping": [[1, 0], [0, 1]], "data_format": "channels_last"}, IMAGE),
    ("Flatten", {"data_format": "channels_last"}, IMAGE),
    (
        "BatchNormalization",
        {
            "axis": [3],
            "momentum": 0.99,
            "epsilon": 0.001,
            "center": True,
            "scale": True,
            **NORMALIZED,
            "moving_mean_initializer": ZEROS,
            "moving_variance_initializer": ONES,
            "beta_constraint": None,
            "gamma_constraint": None,
        },
        IMAGE,
    ),
    (
        "LayerNormalization",
        {
            "axis": [2],
            "epsilon": 0.001,
            "center": True,
            "scale": True,
            **NORMALIZED,
            "beta_constraint": None,
            "gamma_constraint": None,
        },
        SEQUENCE,
    ),
    ("LSTM", {**RECURRENT, "unit_forget_bias": True}, SEQUENCE),
    ("GRU", {**RECURRENT, "reset_after": True}, SEQUENCE),
    (
        "SimpleRNN",
        {k: v for k, v in RECURRENT.items() if k not in ("recurrent_activation", "implementation")},
        SEQUENCE,
    ),
    (
        "Bidirectional",
        {
            "layer": {
                "class_name": "LSTM",
                "config": {"name": "lstm", "dtype": "float32", **RECURRENT, "unit_forget_bias": True},
            },
            "merge_mode": "concat",
        },
        SEQUENCE,
    ),
    (
        "TimeDistributed",
        {"layer": {"class_name": "Dense", "config": {"name": "dense", "units": 2, "activation": "linear", **KERNEL}}},
        SEQUENCE,
    ),
    (
        "Embedding",
        {
            "input_dim": 9,
            "output_dim": 3,
            "embeddings_initializer": {
                "class_name": "RandomUniform",
                "config": {"minval": -0.05, "maxval": 0.05, "seed": None},
            },
            "embeddings_regularizer": None,
            "activity_regularizer": None,
            "embeddings_constraint": None,
            "mask_zero": True,
            "input_length": None,
        },
        FEATURES,
    ),
    ("Dropout", {"rate": 0.5, "noise_shape": None, "seed": None}, FEATURES),
    ("SpatialDropout1D", {"rate": 0.5, "noise_shape": None, "seed": None}, SEQUENCE),
    ("GaussianNoise", {"stddev": 0.1, "seed": None}, FEATURES),
    ("ReLU", {"max_value": 6.0, "negative_slope": 0.0, "threshold": 0.0}, FEATURES),
    ("LeakyReLU", {"alpha": 0.3}, FEATURES),
    (
        "PReLU",
        {"alpha_initializer": ZEROS, "alpha_regularizer": None, "alpha_constraint": None, "shared_axes": [1, 2]},
        IMAGE,
    ),
    ("Softmax", {"axis": -1}, FEATURES),
    ("Rescaling", {"scale": 0.5, "offset": 0.0}, IMAGE),
    ("Resizing", {"height": 3, "width": 4, "interpolation": "bilinear", "crop_to_aspect_ratio": False}, IMAGE),
    ("CenterCrop", {"height": 3, "width": 4}, IMAGE),
    ("RepeatVector", {"n": 2}, FEATURES),
    ("Permute", {"dims": [2, 1]}, SEQUENCE),
    ("Masking", {"mask_value": 0.0}, SEQUENCE),
]


@pytest.mark.parametrize(("class_name", "options", "shape"), [pytest.param(*each, id=each[0]) for each in LAYERS])
def test_a_model_of_keras(class_name, options, shape):
    described = {
        "class_name": "Functional",
        "config": {
            "name": "model",
            "trainable": True,
            "layers": [
                {
                    "class_name": "InputLayer",
                    "config": {
                        "batch_input_shape": [None, *shape],
                        "dtype": "float32",
                        "sparse": False,
                        "ragged": False,
                        "name": "input_1",
                    },
                    "name": "input_1",
                    "inbound_nodes": [],
                },
                {
                    "class_name": class_name,
                    "config": {"name": "it", "trainable": True, "dtype": "float32", **options},
                    "name": "it",
                    "inbound_nodes": [[["input_1", 0, 0, {}]]],
                },
            ],
            "input_layers": [["input_1", 0, 0]],
            "output_layers": [["it", 0, 0]],
        },
        "keras_version": "2.15.0",
        "backend": "tensorflow",
    }
    model = jtf.models.model_from_json(described)
    assert model.layers[1].class_name == class_name
    outputs = model.predict(np.ones((2, *shape)))
    assert outputs.shape == (2, *model.output.shape[1:])
    again = jtf.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(np.ones((2, *shape))), outputs)


def test_a_sequential_of_keras():
    model = jtf.models.model_from_json(
        {
            "class_name": "Sequential",
            "config": {
                "name": "sequential",
                "layers": [
                    {
                        "class_name": "InputLayer",
                        "config": {"batch_input_shape": [None, 5], "dtype": "float32", "ragged": False, "name": "in"},
                    },
                    {
                        "class_name": "Dense",
                        "config": {"name": "d", "dtype": "float32", "units": 2, "activation": "relu", **KERNEL},
                    },
                ],
                "build_input_shape": [None, 5],
            },
        }
    )
    assert model.predict(np.ones((3, 5))).shape == (3, 2)


@pytest.mark.parametrize(
    ("class_name", "options", "message"),
    [
        ("InputLayer", {"batch_input_shape": [None, 2], "ragged": True}, "saved with ragged=True"),
        ("ReLU", {"negative_slope": 0.2}, "negative_slope=0.2.*only negative_slope=0.0 means the same"),
        ("LSTM", {"units": 2, "time_major": True}, "time_major=True"),
    ],
)
def test_what_would_mean_something_else_is_refused(class_name, options, message):
    with pytest.raises(ValueError, match=message):
        jtf.layers.deserialize({"class_name": class_name, "config": options})
