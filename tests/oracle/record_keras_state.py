"""Record the states of optimizers that earlier versions of Keras have saved.

``record_keras_state.py DIRECTORY`` runs with the Keras in TensorFlow: 1.15 (with ``h5py<3``), 2.6 and 2.15, of which it
records the optimizers in ``keras.optimizers.legacy``; ``record_keras_state.py DIRECTORY alone`` with Keras 2.2.4, which
was a package of its own. Writes ``state-<version>.zip``: for each optimizer ``<name>.h5``, saved in the middle of the
training, and ``<name>.npz`` with the further batches (``x``, ``y``) and what the model predicts for the first of them
after training on with these (``p``).
"""

import io
import os
import sys
import tempfile
import zipfile

import numpy as np

IS_ALONE = sys.argv[2:] == ["alone"]
if IS_ALONE:
    import keras
    import tensorflow

    tensorflow.compat.v1.enable_resource_variables()  # the others are read while they are being updated
    VERSION = "keras-" + keras.__version__
else:
    import tensorflow
    from tensorflow import keras

    VERSION = "tensorflow-" + tensorflow.__version__

L = keras.layers
OPT = getattr(keras.optimizers, "legacy", keras.optimizers)
BATCHES = 3


def equal_layers():
    """Layers of one shape, so that nothing but names and order tells their states apart."""
    layers = [L.Dense(3, activation="tanh", input_shape=(3,), name="b"), L.Dense(3, name="a"), L.Dense(3, name="c")]
    return keras.Sequential(layers)


def nested():
    """Names within names: a layer around a cell, a model inside."""
    inner = keras.Sequential([L.Dense(3, input_shape=(3,), name="z"), L.Dense(3, name="y")], name="inner")
    x = keras.Input((3,))
    h = L.Bidirectional(L.LSTM(3), merge_mode="sum")(L.RepeatVector(2)(x))
    return keras.Model(x, L.Dense(3, name="m")(inner(h)))


OPTIMIZERS = {
    "sgd": (equal_layers, lambda: OPT.SGD(0.1)),
    "momentum": (equal_layers, lambda: OPT.SGD(0.05, momentum=0.9)),
    "nesterov": (equal_layers, lambda: OPT.SGD(0.05, momentum=0.9, nesterov=True)),
    "adam": (equal_layers, lambda: OPT.Adam(0.01)),
    "adam_nested": (nested, lambda: OPT.Adam(0.01)),
    "adamax": (equal_layers, lambda: OPT.Adamax(0.02)),
    "adagrad": (equal_layers, lambda: OPT.Adagrad(0.05)),
    "rmsprop": (equal_layers, lambda: OPT.RMSprop(0.01)),
    "adadelta": (equal_layers, lambda: OPT.Adadelta(1.0)),
    "nadam": (equal_layers, lambda: OPT.Nadam(0.01)),
    "decay": (equal_layers, lambda: OPT.Adam(0.01, decay=0.1)),
}
if not IS_ALONE:
    OPTIMIZERS["rmsprop_all"] = (equal_layers, lambda: OPT.RMSprop(0.01, rho=0.8, momentum=0.5, centered=True))
    OPTIMIZERS["adam_thawed"] = (equal_layers, lambda: OPT.Adam(0.01))


def record(archive, name, make, optimizer):
    keras.backend.clear_session()
    rng = np.random.RandomState(0)
    model, optimizer = make(), optimizer()
    x, y = rng.normal(size=(2, 2 * BATCHES, 8, 3)).astype(np.float32)
    if (
        name == "adam_thawed"
    ):  # one optimizer for two parts of the training: it makes the state of the first layers last
        model.layers[0].trainable = model.layers[1].trainable = False
        model.compile(optimizer, "mse")
        model.train_on_batch(x[0], y[0])
        model.layers[0].trainable = model.layers[1].trainable = True
    model.compile(optimizer, "mse")
    if IS_ALONE:  # the count is read while it is being updated: there it does not matter by one
        keras.backend.set_value(optimizer.iterations, 10**6)
    model.set_weights([rng.uniform(-0.6, 0.6, w.shape).astype(np.float32) for w in model.get_weights()])
    for n in range(BATCHES):
        model.train_on_batch(x[n], y[n])
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "model.h5")
        model.save(path)
        archive.write(path, name + ".h5")
    for n in range(BATCHES, 2 * BATCHES):
        model.train_on_batch(x[n], y[n])
    stream = io.BytesIO()
    np.savez(stream, x=x[BATCHES:], y=y[BATCHES:], p=model.predict(x[BATCHES]))
    archive.writestr(name + ".npz", stream.getvalue())


def main(directory, *_):
    path = os.path.join(directory, "state-" + VERSION + ".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (make, optimizer) in OPTIMIZERS.items():
            record(archive, name, make, optimizer)


if __name__ == "__main__":
    main(*sys.argv[1:])
