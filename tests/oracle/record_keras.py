"""Record models saved by the real Keras, with what they predict: ``record_keras.py DIRECTORY [NAME ...]``.

Runs with Keras 3 (on jax; needs keras and h5py) and with Keras 2.15 (tensorflow-cpu 2.15), and writes
``keras-<version>.zip``: for each model ``<name>.keras`` or ``<name>.h5``, and ``<name>.npz`` with its inputs
(``x0``, ``x1``) and outputs (``y0``, ``y1``). Models called ``trained_...`` were saved in the middle of their training:
there are the further batches (``x``, ``y0``) and what the model predicts for ``x0`` behind them (``p0``).
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import zipfile
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras
import numpy as np

L = keras.layers
MAJOR = int(keras.__version__[0])
IMAGE, SEQUENCE, FEATURES = (6, 7, 4), (5, 3), (6,)
ACTIVATIONS = "elu gelu hard_sigmoid linear relu selu sigmoid softmax softplus softsign swish tanh".split()
ACTIVATIONS += "relu6 log_softmax silu mish".split() if MAJOR == 3 else []
TRUNCATED = keras.initializers.VarianceScaling(2.0, "fan_out", "truncated_normal", seed=3)


def words(shape, rng):
    """Integers from 1 to 8, and 0 at the end of some."""
    x = rng.integers(1, 9, shape)
    x[0, -2:] = 0
    return x.astype(np.float32)


#: name: the layers behind the input, and the shape of one example.
LAYERS = {
    "dense": (lambda: [L.Dense(3, activation="relu", kernel_regularizer="l2", bias_constraint="non_neg")], FEATURES),
    "dense_options": (
        lambda: [
            L.Dense(
                3,
                use_bias=False,
                kernel_initializer=TRUNCATED,
                kernel_regularizer=keras.regularizers.L1L2(0.1, 0.2),
                kernel_constraint=keras.constraints.MaxNorm(2, axis=0),
                activity_regularizer="l1",
            )
        ],
        SEQUENCE,
    ),
    **{f"activation_{name}": (lambda name=name: [L.Activation(name)], FEATURES) for name in ACTIVATIONS},
    "relu": (lambda: [L.ReLU(max_value=0.5)], FEATURES),
    "leaky_relu": (lambda: [L.LeakyReLU(0.2)], FEATURES),
    "prelu": (lambda: [L.PReLU(shared_axes=[1, 2])], IMAGE),
    "elu": (lambda: [L.ELU(0.7)], FEATURES),
    "softmax": (lambda: [L.Softmax(axis=1)], SEQUENCE),
    "conv1d": (lambda: [L.Conv1D(4, 3, padding="causal", dilation_rate=2)], SEQUENCE),
    "conv1d_same": (lambda: [L.Conv1D(4, 2, padding="same", strides=2)], SEQUENCE),
    "conv2d": (lambda: [L.Conv2D(4, (3, 2), strides=2, padding="same", activation="elu")], IMAGE),
    "conv2d_groups": (lambda: [L.Conv2D(4, 2, groups=2, dilation_rate=2)], IMAGE),
    "conv3d": (lambda: [L.Conv3D(2, 2, padding="same")], (3, 4, 3, 2)),
    "conv2d_transpose": (lambda: [L.Conv2DTranspose(3, (4, 3), strides=2, padding="same")], IMAGE),
    "conv2d_transpose_valid": (lambda: [L.Conv2DTranspose(3, 2, strides=3)], IMAGE),
    "conv3d_transpose": (lambda: [L.Conv3DTranspose(2, 2, strides=2)], (2, 3, 2, 2)),
    "separable_conv2d": (lambda: [L.SeparableConv2D(3, 2, depth_multiplier=2, padding="same")], IMAGE),
    "depthwise_conv2d": (lambda: [L.DepthwiseConv2D(3, depth_multiplier=2, strides=2, padding="same")], IMAGE),
    "max_pooling1d": (lambda: [L.MaxPooling1D(2, padding="same")], SEQUENCE),
    "max_pooling2d": (lambda: [L.MaxPooling2D((2, 3), strides=2, padding="same")], IMAGE),
    "max_pooling3d": (lambda: [L.MaxPooling3D(2)], (3, 4, 5, 2)),
    "average_pooling1d": (lambda: [L.AveragePooling1D(2, padding="same")], SEQUENCE),
    "average_pooling2d": (lambda: [L.AveragePooling2D((2, 3), strides=2, padding="same")], IMAGE),
    "average_pooling3d": (lambda: [L.AveragePooling3D(2)], (3, 4, 5, 2)),
    "global_average_pooling1d": (lambda: [L.GlobalAveragePooling1D(keepdims=True)], SEQUENCE),
    "global_average_pooling2d": (lambda: [L.GlobalAveragePooling2D()], IMAGE),
    "global_max_pooling1d": (lambda: [L.GlobalMaxPooling1D()], SEQUENCE),
    "global_max_pooling2d": (lambda: [L.GlobalMaxPooling2D(keepdims=True)], IMAGE),
    "flatten": (lambda: [L.Flatten()], IMAGE),
    "flatten_channels_first": (lambda: [L.Flatten(data_format="channels_first")], IMAGE),
    "channels_first": (lambda: [L.GlobalMaxPooling2D(data_format="channels_first")], IMAGE),
    "reshape": (lambda: [L.Reshape((2, -1)), L.Permute((2, 1))], IMAGE),
    "repeat_vector": (lambda: [L.RepeatVector(3)], FEATURES),
    "cropping2d": (lambda: [L.Cropping2D(((1, 0), (2, 1)))], IMAGE),
    "zero_padding2d": (lambda: [L.ZeroPadding2D(((1, 0), (2, 1)))], IMAGE),
    "up_sampling2d": (lambda: [L.UpSampling2D((2, 3))], IMAGE),
    "batch_normalization": (lambda: [L.BatchNormalization(momentum=0.9, epsilon=0.01)], IMAGE),
    "batch_normalization_axis": (lambda: [L.BatchNormalization(axis=1, center=False)], IMAGE),
    "layer_normalization": (lambda: [L.LayerNormalization(epsilon=0.01)], SEQUENCE),
    "layer_normalization_axes": (lambda: [L.LayerNormalization(axis=[1, 2], scale=False)], SEQUENCE),
    "lstm": (lambda: [L.LSTM(3)], SEQUENCE),
    "lstm_sequences": (lambda: [L.LSTM(3, return_sequences=True, go_backwards=True, dropout=0.1)], SEQUENCE),
    "lstm_hard_sigmoid": (lambda: [L.LSTM(3, recurrent_activation="hard_sigmoid", use_bias=False)], SEQUENCE),
    "gru": (lambda: [L.GRU(3, return_sequences=True)], SEQUENCE),
    "gru_reset_before": (lambda: [L.GRU(3, reset_after=False)], SEQUENCE),
    "simple_rnn": (lambda: [L.SimpleRNN(3, activation="relu")], SEQUENCE),
    "rnn_of_cells": (lambda: [L.RNN([L.LSTMCell(2), L.GRUCell(3), L.SimpleRNNCell(2)])], SEQUENCE),
    "rnn_of_a_cell": (lambda: [L.RNN(L.GRUCell(3), return_sequences=True)], SEQUENCE),
    "bidirectional": (lambda: [L.Bidirectional(L.LSTM(2, return_sequences=True))], SEQUENCE),
    "bidirectional_sum": (lambda: [L.Bidirectional(L.GRU(2), merge_mode="sum")], SEQUENCE),
    "conv_lstm2d": (lambda: [L.ConvLSTM2D(2, 2, padding="same", return_sequences=True)], (2, 4, 3, 2)),
    "time_distributed": (lambda: [L.TimeDistributed(L.Dense(2))], SEQUENCE),
    "einsum_dense": (lambda: [L.EinsumDense("abc,cd->abd", (None, 4), bias_axes="d")], SEQUENCE),
    "noise": (
        lambda: [
            L.Dropout(0.5, noise_shape=(None, 1, 3), seed=3),
            L.GaussianNoise(0.1),
            L.GaussianDropout(0.1),
            L.AlphaDropout(0.1),
            L.SpatialDropout1D(0.1),
            L.Dense(2),
        ],
        SEQUENCE,
    ),
    "rescaling": (lambda: [L.Rescaling(0.5, offset=-1)], IMAGE),
    "center_crop": (lambda: [L.CenterCrop(3, 4)], IMAGE),
    "embedding": (lambda: [L.Embedding(9, 3)], (5,)),
    "category_encoding": (lambda: [L.CategoryEncoding(9, output_mode="multi_hot")], (5,)),
    "masked_lstm": (lambda: [L.Embedding(9, 4, mask_zero=True), L.LSTM(3, return_sequences=True), L.GRU(2)], (5,)),
    "masking": (lambda: [L.Masking(0.25), L.SimpleRNN(3)], SEQUENCE),
    "frozen": (lambda: [L.Dense(4, trainable=False), L.BatchNormalization(trainable=False), L.Dense(2)], FEATURES),
}


def graph_of_everything():
    """Shared layers, models inside, several inputs and outputs, states."""
    words, state = keras.Input((5,), name="words"), keras.Input((3,), name="state")
    x = L.Embedding(9, 3)(words)
    x, last = L.GRU(3, return_sequences=True, return_state=True, name="with_state")(x, initial_state=state)
    shared = L.Dense(3, name="shared", activation="tanh")
    x = shared(shared(x))
    x = L.Add()([x, L.MultiHeadAttention(2, 3, name="attention")(x, x, use_causal_mask=True)])
    x = L.MultiHeadAttention(2, 3, name="cross")(query=x, value=L.Dense(3, name="values")(x), key=x)
    inner = keras.Sequential(
        [keras.Input((5, 3)), L.Flatten(), L.Dense(4, name="in_1"), L.BatchNormalization(), L.Dense(3, name="in_2")],
        name="inner",
    )
    one = keras.Input((3,), name="one")
    pair = keras.Model(one, [L.Dense(2, name="p")(one), L.Dense(2, name="q", trainable=False)(one)], name="pair")
    a, b = pair(inner(x))
    c, d = pair(last)
    near = L.Dot(axes=1, normalize=True, name="near")([a, c])
    joined = L.Concatenate(axis=-1)(
        [L.Average()([a, c]), L.Multiply()([b, d]), L.Maximum()([a, d]), L.Minimum()([b, c])]
    )
    return keras.Model([words, state], [L.Dense(2, name="first")(joined), near])


def nested_frozen():
    """Layers of one shape inside of a model, some of them frozen."""
    inner = keras.Sequential(
        [
            keras.Input((4,)),
            L.Dense(4, name="a", trainable=False),
            L.Dense(4, name="b"),
            L.BatchNormalization(name="n"),
            L.Dense(4, name="c"),
        ],
        name="inner",
    )
    base = keras.Sequential([keras.Input((4,)), L.Dense(4, name="d"), L.BatchNormalization(name="m")], name="base")
    base.trainable = False
    x = keras.Input((4,))
    return keras.Model(x, L.Dense(2, name="head")(base(inner(x))))


def masked_graph():
    """Two masks that go different ways."""
    ids, other = keras.Input((5,), name="ids"), keras.Input((5, 3), name="other")
    x = L.Dropout(0.5)(L.Embedding(9, 4, mask_zero=True)(ids))
    x = L.LayerNormalization()(L.LSTM(3, return_sequences=True)(x))
    x = L.GRU(2)(L.TimeDistributed(L.Dense(3))(x))
    y = L.Bidirectional(L.SimpleRNN(2))(L.Masking(0.25)(other))
    return keras.Model([ids, other], L.Dense(2)(L.Concatenate()([x, y])))


GRAPHS = {"graph": graph_of_everything, "nested_frozen": nested_frozen, "masked_graph": masked_graph}


def randomized(model, rng):
    """Weights that differ everywhere, so that none can be mistaken for another."""
    names = [weight.name if MAJOR == 2 else weight.path for weight in model.weights]
    values = [rng.uniform(-0.6, 0.6, value.shape).astype(value.dtype) for value in model.get_weights()]
    model.set_weights([abs(v) + 0.5 if "variance" in n else v for n, v in zip(names, values, strict=True)])


def inputs_of(model, rng, integers):
    shapes = [[4, *tensor.shape[1:]] for tensor in model.inputs]
    xs = [words(s, rng) if integers and s[1:] == [5] else rng.normal(size=s).astype(np.float32) for s in shapes]
    for x in xs:
        if x.ndim == 3:
            x[1, 2:] = 0.25  # what Masking leaves out
    return xs


def saved(model, suffix):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / f"model{suffix}"
        model.save_weights(path) if suffix == ".weights.h5" else model.save(path)
        return path.read_bytes()


def arrays(**named):
    stream = io.BytesIO()
    np.savez(stream, **named)
    return stream.getvalue()


def record(archive, name, model, rng, integers, suffixes):
    randomized(model, rng)
    xs = inputs_of(model, rng, integers)
    ys = model.predict(xs if len(xs) > 1 else xs[0], verbose=0)
    ys = ys if isinstance(ys, list) else [ys]
    numbered = {f"x{n}": x for n, x in enumerate(xs)} | {f"y{n}": np.asarray(y) for n, y in enumerate(ys)}
    archive.writestr(f"{name}.npz", arrays(**numbered))
    for suffix in suffixes:
        try:
            archive.writestr(f"{name}{suffix}", saved(model, suffix))
        except ValueError as error:  # Keras 3.0 cannot save some models as .h5
            print(f"{name}{suffix} is left out: {error}")


def network(output="softmax"):
    """A small model with statistics, a frozen layer, a penalty and a constraint."""
    return keras.Sequential(
        [
            keras.Input((5,)),
            L.Dense(6, activation="tanh", kernel_regularizer="l2", kernel_constraint="max_norm"),
            L.BatchNormalization(),
            L.Dense(4, trainable=False),
            L.Dense(3, activation=output, bias_regularizer=keras.regularizers.L1(0.01)),
        ]
    )


def two_outputs():
    x = keras.Input((5,))
    h = L.Dense(4, activation="tanh")(x)
    return keras.Model(x, [L.Dense(3, name="a")(h), L.Dense(1, name="b", activation="sigmoid")(h)])


OPT, LOSS = keras.optimizers, keras.losses
BATCHES, STEPS = 3, 3

#: name: the model, the optimizer, the other options of compile, and what targets are.
TRAINED = {
    "adam": (network, lambda: OPT.Adam(0.01), {"loss": "categorical_crossentropy", "metrics": ["accuracy"]}, "classes"),
    "adam_sparse": (
        lambda: network(None),
        lambda: "adam",
        {"loss": LOSS.SparseCategoricalCrossentropy(from_logits=True), "metrics": ["acc"]},
        "numbers",
    ),
    "sgd": (network, lambda: OPT.SGD(0.1), {"loss": "mse", "metrics": ["mae"]}, "classes"),
    "momentum": (network, lambda: OPT.SGD(0.05, momentum=0.9), {"loss": LOSS.MeanSquaredError()}, "classes"),
    "nesterov": (network, lambda: OPT.SGD(0.05, momentum=0.9, nesterov=True), {"loss": "mae"}, "classes"),
    "rmsprop": (network, lambda: OPT.RMSprop(0.01), {"loss": "mse"}, "classes"),
    "rmsprop_all": (
        network,
        lambda: OPT.RMSprop(0.01, rho=0.8, momentum=0.5, centered=True),
        {"loss": "mse"},
        "classes",
    ),
    "adagrad": (network, lambda: OPT.Adagrad(0.05), {"loss": "kl_divergence"}, "classes"),
    "adamax": (network, lambda: OPT.Adamax(0.02, beta_1=0.8), {"loss": "poisson"}, "classes"),
    "two_outputs": (
        two_outputs,
        lambda: OPT.Adam(0.01),
        {
            "loss": {"a": "mse", "b": LOSS.BinaryCrossentropy()},
            "loss_weights": {"a": 0.5, "b": 2.0},
            "metrics": {"a": ["mae"], "b": ["accuracy"]},
        },
        "both",
    ),
}


def targets(kind, rng):
    classes = rng.integers(0, 3, (BATCHES + STEPS, 8))
    one_hot = np.eye(3, dtype=np.float32)[classes]
    if kind == "both":
        return [
            rng.normal(size=(BATCHES + STEPS, 8, 3)).astype(np.float32),
            (classes[..., None] > 1).astype(np.float32),
        ]
    return [classes.astype(np.int32) if kind == "numbers" else one_hot]


def record_training(archive, name, make, optimizer, options, kind):
    """Train for some steps, save, train on; the losses and the predictions afterwards are what is to come out."""
    rng = np.random.default_rng(0)
    model = make()
    model.compile(optimizer(), **options)
    randomized(model, rng)
    x = rng.normal(size=(BATCHES + STEPS, 8, 5)).astype(np.float32)
    ys = targets(kind, rng)

    def step(n):
        y = [each[n] for each in ys]
        return np.asarray(model.train_on_batch(x[n], y if len(y) > 1 else y[0])).ravel()[0]

    for n in range(BATCHES):
        step(n)
    for suffix in (".keras", ".h5"):
        archive.writestr(f"trained_{name}{suffix}", saved(model, suffix))
    for n in range(BATCHES, BATCHES + STEPS):
        step(n)
    predicted = model.predict(x[0], verbose=0)
    predicted = predicted if isinstance(predicted, list) else [predicted]
    more = {f"y{n}": y[BATCHES:] for n, y in enumerate(ys)} | {f"p{n}": p for n, p in enumerate(predicted)}
    archive.writestr(f"trained_{name}.npz", arrays(x=x[BATCHES:], x0=x[0], **more))


def main(directory, *only):
    suffixes = (".keras", ".h5")
    path = Path(directory) / f"keras-{keras.__version__}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, (layers, shape) in LAYERS.items():
            if only and name not in only:
                continue
            keras.utils.set_random_seed(0)
            keras.backend.clear_session()
            rng = np.random.default_rng(len(name))
            model = keras.Sequential([keras.Input(shape), *layers()])
            record(archive, name, model, rng, shape == (5,), suffixes)
        for name, make in GRAPHS.items():
            if not only or name in only:
                keras.backend.clear_session()
                record(archive, name, make(), np.random.default_rng(0), True, (*suffixes, ".weights.h5"))
        for name, options in TRAINED.items():
            if not only or name in only:
                keras.backend.clear_session()
                record_training(archive, name, *options)


if __name__ == "__main__":
    main(*sys.argv[1:])
