"""Layers and models exported by jax.export for inputs of any size."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

import jtf
from tests.layers.catalogue import ROWS
from tests.layers.test_catalogue import assert_close, built, pure

L = jtf.layers
#: What the quick tests export; the other rows are exported beside them.
QUICK = ("dense", "conv2d", "lstm", "batch-norm", "attention", "embedding", "time-distributed-rnn")
#: Rows whose open sizes cannot be symbols: images are resized from a known size.
OF_KNOWN_SIZE = ("up-sampling", "resizing")


def cases():
    """Every row at any batch size; where more may be open, for any size of that as well."""
    for row in ROWS:
        marks = () if row.id in QUICK else pytest.mark.slow
        if not row.fixed_batch:
            yield pytest.param(row, row.shape, id=row.id, marks=marks)
            for number, shape in enumerate(row.open_shapes, start=1):
                if row.id not in OF_KNOWN_SIZE and None in jax.tree.leaves(shape, is_leaf=lambda n: n is None):
                    yield pytest.param(row, shape, id=f"{row.id}-{number}", marks=marks)


def sizes_of_any(also_others):
    """A symbol for the batch's size, and one for other sizes, in which the catalogue's windows fit."""
    if also_others:
        return export.symbolic_shape("batch, n", constraints=["n >= 6"])
    return (*export.symbolic_shape("batch"), None)


def test_every_quick_row_is_there():
    assert set(QUICK) <= {row.id for row in ROWS}


@pytest.mark.parametrize(("row", "shape"), list(cases()))
def test_a_layer_at_any_size(row, shape):
    layer = built(row)
    apply, values = jax.jit(pure(layer)), [np.asarray(value) for value in layer.get_weights()]
    dtype = "float32" if row.integers is None else "int32"
    batch, n = sizes_of_any(any(size is None for size in jax.tree.leaves(shape, is_leaf=lambda n: n is None)))

    def argument(shape):
        return jax.ShapeDtypeStruct((batch, *(n if size is None else size for size in shape)), dtype)

    is_shape = lambda given: isinstance(given, tuple)  # noqa: E731
    exported = export.export(apply)(values, jax.tree.map(argument, shape, is_leaf=is_shape))
    for batch, n in ((2, 6), (3, 7)):
        numbers = np.random.default_rng(n)

        def example(shape, batch=batch, n=n, numbers=numbers):
            sizes = (batch, *(n if size is None else size for size in shape))
            return numbers.uniform(0.1, row.integers or 1.4, sizes).astype(dtype)

        x = jax.tree.map(example, shape, is_leaf=is_shape)
        assert_close(exported.call(values, x), apply(values, x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("in_a_file", [False, True])
def test_a_model_at_any_size(in_a_file):
    if in_a_file:
        pytest.importorskip("flatbuffers")
    x = jtf.input(shape=[4])
    hidden = L.batch_normalization()(L.dense(units=3, activation="relu")(x))
    model = jtf.model(inputs=x, outputs=L.dense(units=2)(L.dropout(rate=0.5)(hidden)))
    _, apply = model.functional()
    (batch,) = export.symbolic_shape("batch")
    # The weights may be arguments, under their names, and come back.
    exported = export.export(jax.jit(apply))(model.variables, jax.ShapeDtypeStruct((batch, 4), "float32"))
    again = export.deserialize(exported.serialize()) if in_a_file else exported
    for size in (1, 5):
        numbers = np.random.default_rng(size).normal(size=(size, 4)).astype(np.float32)
        outputs, variables = again.call(model.variables, numbers)
        np.testing.assert_allclose(outputs, model.predict(numbers), rtol=1e-5, atol=1e-6)
        assert type(variables) is type(model.variables)
        assert variables.trainable.keys() == model.variables.trainable.keys()


def test_a_layer_is_built_without_the_symbols():
    layers = [L.conv2d(filters=2, kernel_size=2), L.bidirectional(layer=L.gru(units=2)), L.dense(units=2)]
    batch, n = sizes_of_any(also_others=True)
    for layer, shape in zip(layers, [(batch, n, n, 3), (batch, n, 3), (batch, n, 3)], strict=True):
        export.export(jax.jit(layer))(jax.ShapeDtypeStruct(shape, "float32"))
        other = tuple(2 if export.is_symbolic_dim(size) else size for size in shape)
        assert layer(jnp.ones(other)).shape[0] == 2
    with pytest.raises(ValueError, match="unknown dimension"):
        export.export(jax.jit(L.dense(units=2)))(jax.ShapeDtypeStruct((2, n), "float32"))


def test_what_needs_to_know_a_size_says_so():
    batch, n = export.symbolic_shape("batch, n")
    steps = L.time_distributed(layer=L.batch_normalization())
    steps.build((None, 3, 2))
    with pytest.raises(ValueError, match="step by step: export it for a known number of steps"):
        export.export(jax.jit(lambda x: steps(x, training=True)))(jax.ShapeDtypeStruct((batch, n, 2), "float32"))
    for layer in (L.up_sampling2d(), L.resizing(height=2, width=2)):
        with pytest.raises(ValueError, match="images are resized from a known height and width"):
            export.export(jax.jit(layer))(jax.ShapeDtypeStruct((batch, n, 2, 1), "float32"))
