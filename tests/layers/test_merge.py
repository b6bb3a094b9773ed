"""What single layers of the merging family do and refuse."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

import jtf

L = jtf.layers
ELEMENTWISE = ["add", "average", "maximum", "minimum", "multiply"]


def zeros(*shapes):
    return [jnp.zeros(shape) for shape in shapes]


@pytest.mark.parametrize(
    ("layer", "inputs", "message"),
    [
        (
            L.add(name="sum"),
            jnp.zeros((2, 3)),
            r"Layer 'sum' \(Add\) takes a list of at least two inputs; received \(2, 3",
        ),
        (L.add(), zeros((2, 3)), r"received \(2, 3\)\. Call it as layer\(\[a, b\]\)"),
        (L.average(), zeros((2, 3), (1, 3)), r"expects inputs with one batch and sizes .* \(2, 3\), \(1, 3\)"),
        (L.maximum(), zeros((2, 3), (2, 4)), r"that are equal, or 1, everywhere else; received shapes \(2, 3\)"),
        (L.minimum(), zeros((2, 3, 4), (2, 3)), "one batch and sizes"),
        (L.concatenate(), jnp.zeros((2, 3)), "Concatenate.* takes a list of at least two"),
        (L.concatenate(), zeros((2, 3)), "takes a list of at least two"),
        (L.concatenate(), zeros((2, 3), (3, 3)), "expects inputs of equal shapes but for axis -1; received"),
        (L.concatenate(), zeros((2, 3), (2, 3, 1)), "equally many dimensions, axis -1 among them"),
        (L.concatenate(axis=2), zeros((2, 3), (2, 3)), "equally many dimensions, axis 2 among them"),
        (L.dot(axes=1), jnp.zeros((2, 3)), "Dot.* takes a list of at least two"),
        (L.dot(axes=1), zeros((2, 3), (2, 3), (2, 3)), "expects inputs in a list of two"),
        (L.dot(axes=2), zeros((2, 3, 4), (2, 3)), "that have the axes 2"),
        (L.dot(axes=-2), zeros((2, 3), (2, 3)), "that have the axes -2"),
        (L.dot(axes=[1, 2]), zeros((2, 3), (2, 3, 4)), r"equal sizes along the axes \[1, 2\]; received shapes"),
        (L.dot(axes=1), zeros((2, 3), (1, 3)), "one batch and equal sizes"),
    ],
)
def test_inputs(layer, inputs, message):
    with pytest.raises(ValueError, match=message):
        layer(inputs)


@pytest.mark.parametrize("axes", [0, [0, 1], [1], [1, 2, 3], 1.5, True])
def test_axes_of_dot(axes):
    with pytest.raises(ValueError, match=r"Dot's axes is an axis or a list of two, not the batch \(0\); received"):
        L.dot(axes=axes)


def test_a_layer_that_is_built_still_looks_at_shapes():
    layer = L.add()
    layer(zeros((2, 3), (2, 3)))
    assert layer(zeros((5, 4), (5, 1))).shape == (5, 4)
    with pytest.raises(ValueError, match=r"Add.* expects inputs with one batch"):
        layer(zeros((2, 3), (2, 2)))


def test_a_tuple_does_as_well():
    pair = (jnp.ones((2, 3)), jnp.ones((2, 3)))
    for layer in (L.add(), L.concatenate(), L.dot(axes=1)):
        np.testing.assert_array_equal(layer(pair), layer(list(pair)))


@pytest.mark.parametrize(
    ("layer", "shapes", "expected"),
    [
        (L.add(), [(None, 3), (None, 3)], (None, 3)),
        (L.add(), [(None, None, 1), (None, 4, 3)], (None, 4, 3)),  # whatever is unknown can only be 1 or 4
        (L.add(), [(None, None, 1), (7, 1, None)], (7, None, None)),
        (L.multiply(), [(None, 2, 3), (None, 3), (None, 5, 1, 1)], (None, 5, 2, 3)),
        (L.concatenate(), [(None, None, 2), (4, 5, 3)], (4, 5, 5)),
        (L.concatenate(axis=1), [(None, None, 2), (None, 5, 2)], (None, None, 2)),
        (L.dot(axes=-1), [(None, 4, 3), (8, None)], (8, 4)),
    ],
)
def test_unknown_sizes(layer, shapes, expected):
    assert layer.compute_output_shape(shapes) == expected


class TestMasks:
    a, b = jnp.array([[True, True, False]]), jnp.array([[False, True, False]])

    @pytest.mark.parametrize("factory", ELEMENTWISE)
    def test_elementwise(self, factory):
        """TensorFlow.js leaves the last mask out and adds an axis."""
        layer, x = getattr(L, factory)(), zeros((1, 3, 2), (1, 3, 2), (1, 3, 2))
        np.testing.assert_array_equal(layer.compute_mask(x, [self.a, None, self.b]), self.a & self.b)
        np.testing.assert_array_equal(layer.compute_mask(x, [None, None, self.b]), self.b)
        assert layer.compute_mask(x, [None, None, None]) is None

    def test_masks_of_inputs_with_different_ranks(self):
        x = zeros((1, 2, 3, 5), (1, 3, 5))
        of_both = jnp.array([[[True, True, False], [False, True, True]]])
        np.testing.assert_array_equal(L.add().compute_mask(x, [of_both, self.a]), of_both & self.a[:, None])

    def test_concatenation_along_the_features(self):
        x = zeros((1, 3, 2), (1, 3, 5))
        np.testing.assert_array_equal(L.concatenate().compute_mask(x, [self.a, self.b]), self.a & self.b)
        np.testing.assert_array_equal(L.concatenate().compute_mask(x, [None, self.b]), self.b)

    def test_concatenation_along_the_steps(self):
        x, one = zeros((1, 3, 2), (1, 1, 2)), jnp.ones((1, 1), bool)
        expected = jnp.concatenate([self.a, one], axis=1)
        np.testing.assert_array_equal(L.concatenate(axis=1).compute_mask(x, [self.a, one]), expected)
        np.testing.assert_array_equal(L.concatenate(axis=1).compute_mask(x, [self.a, None]), expected)
        np.testing.assert_array_equal(L.concatenate(axis=-2).compute_mask(x, [self.a, None]), expected)

    def test_a_dot_product_has_none(self):
        assert L.dot(axes=-1).compute_mask(zeros((1, 3, 2), (1, 3, 2)), [self.a, self.b]) is None

    @pytest.mark.parametrize(("mask", "received"), [(a, "one mask"), ([a], "1 masks"), ([a, b, a], "3 masks")])
    def test_they_are_a_list_parallel_to_the_inputs(self, mask, received):
        for layer in (L.add(), L.concatenate()):
            with pytest.raises(
                ValueError, match=f"a list of masks, one or None for each of its 2 inputs; .* {received}"
            ):
                layer.compute_mask(zeros((1, 3, 2), (1, 3, 2)), mask)

    def test_in_a_graph(self):
        x = jtf.input(shape=[4, 1])
        both = L.add()([L.masking()(x), L.masking(mask_value=1)(x)])
        model = jtf.model(inputs=x, outputs=L.simple_rnn(units=2, return_sequences=True)(both))
        steps = model.predict(np.array([[[2], [0], [1], [3]]], np.float32))[0]
        np.testing.assert_array_equal(steps[1], steps[0])  # a masked step hands on what was before
        np.testing.assert_array_equal(steps[2], steps[0])
        assert np.any(steps[3] != steps[0])
