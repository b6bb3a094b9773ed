"""What single layers do and refuse, beyond what holds for all of them."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

import jtf

L = jtf.layers


class TestErrors:
    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: L.dense(units=0), "Dense's units is a positive integer; received 0"),
            (lambda: L.dense(units=2.0), "Dense's units is a positive integer; received 2.0"),
            (lambda: L.dense(units=True), "positive integer; received True"),
            (lambda: L.dense(units=2, activation="rellu"), "Unknown activation 'rellu'. Did you mean 'relu'"),
            (lambda: L.dense(units=2, kernel_initializer="glorot"), "Unknown initializer 'glorot'"),
            (lambda: L.dense(units=2, kernel_regularizer="l3"), "Unknown regularizer 'l3'"),
            (lambda: L.dense(units=2, kernel_constraint="nonNegative"), "Did you mean 'NonNeg'"),
            (lambda: L.dropout(rate=1.5), "a fraction from 0 to 1; received 1.5"),
            (lambda: L.dropout(rate=-0.1), "a fraction from 0 to 1"),
            (lambda: L.reshape(target_shape=[-1, None]), "may leave one size open"),
            (lambda: L.repeat_vector(n=0), "RepeatVector's n is a positive integer"),
            (lambda: L.permute(dims=[1, 3]), "a permutation of 1, 2"),
            (lambda: L.permute(dims=2), r"a list of integers; received 2\. Write dims=\[2\]"),
            (lambda: L.input_layer(), "InputLayer needs input_shape"),
            (lambda: L.input_layer(input_shape=[2], sparse=True), "takes dense arrays only"),
            (lambda: L.input_layer(batch_input_shape=[1], batch_size=5), "give only that"),
            (
                lambda: L.deserialize({"className": "Dence", "config": {}}),
                "Unknown layer 'Dence'. Did you mean 'Dense'",
            ),
            (lambda: L.deserialize({"config": {}}), "described by 'className' and 'config'"),
            (lambda: L.dense(units=2, use_bais=True), "has no option 'use_bais'. Did you mean 'use_bias'"),
        ],
    )
    def test_options(self, make, message):
        with pytest.raises(ValueError, match=message):
            make()

    @pytest.mark.parametrize(
        ("layer", "shape", "message"),
        [
            (L.dense(units=2), (4,), "expects an input with at least 2 dimensions; received shape"),
            (L.flatten(), (2, 3), "at least 3 dimensions"),
            (L.repeat_vector(n=2), (2, 3, 4), "2 dimensions"),
            (L.permute(dims=[2, 1]), (2, 3), "3 dimensions"),
            (L.reshape(target_shape=[4]), (2, 3), r"cannot turn examples of shape \(3,\) \(3 numbers\) into \[4\]"),
            (L.reshape(target_shape=[2, -1]), (2, 3), "2 numbers times an integer"),
            (L.input_layer(input_shape=[3]), (2, 4), "size 3 along axis 1"),
        ],
    )
    def test_inputs(self, layer, shape, message):
        with pytest.raises(ValueError, match=message):
            layer(jnp.zeros(shape))
        assert not layer.weights

    def test_a_built_layer_names_what_it_was_built_for(self):
        dense, prelu = L.dense(units=2, name="mine"), L.prelu(name="slopes", shared_axes=[1])
        dense(jnp.zeros((1, 3)))
        prelu(jnp.zeros((1, 4, 3)))
        with pytest.raises(ValueError, match=r"Layer 'mine' \(Dense\) expects an input with size 3 along axis -1"):
            dense(jnp.zeros((1, 4)))
        with pytest.raises(ValueError, match=r"'slopes' .* size 3 along axis 2"):
            prelu(jnp.zeros((1, 9, 4)))
        assert prelu(jnp.zeros((1, 9, 3))).shape == (1, 9, 3)

    def test_several_inputs_for_a_layer_of_one(self):
        with pytest.raises(ValueError, match="takes one input; received 2"):
            L.dense(units=1)([jnp.zeros((1, 2)), jnp.zeros((1, 2))])

    def test_unknown_sizes(self):
        with pytest.raises(ValueError, match="needs every dimension but the batch"):
            L.flatten().compute_output_shape((None, None, 3))
        with pytest.raises(ValueError, match="has an unknown dimension"):
            L.dense(units=2).ensure_built((None, None))
        with pytest.raises(ValueError, match="has an unknown dimension"):
            L.prelu().ensure_built((None, None, 3))
        assert L.reshape(target_shape=[-1, 2]).compute_output_shape((None, None, 3)) == (None, None, 2)

    def test_counting_before_building(self):
        with pytest.raises(ValueError, match="not built yet, so it has no weights to count"):
            L.dense(units=2).count_params()


class TestValues:
    def test_flatten_channels_first_is_the_order_of_channels_last(self):
        x = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype(np.float32)
        first = L.flatten(data_format="channelsFirst")(np.moveaxis(x, -1, 1))
        np.testing.assert_array_equal(first, L.flatten()(x))

    def test_softmax_masks_out(self):
        x, mask = jnp.array([[1.0, 2.0, 3.0]]), jnp.array([[True, True, False]])
        expected = np.exp([1.0, 2.0]) / np.exp([1.0, 2.0]).sum()
        np.testing.assert_allclose(L.softmax()(x, mask=mask)[0], [*expected, 0.0], rtol=1e-6, atol=1e-9)

    def test_softmax_over_no_axis_given_is_over_the_last(self):
        x = jnp.array([[1.0, 2.0, 3.0]])
        np.testing.assert_array_equal(L.softmax(axis=[])(x), L.softmax(axis=-1)(x))

    def test_activity_regularizer_is_a_mean_over_the_batch(self):
        layer = L.dense(
            units=1,
            use_bias=False,
            input_shape=[2],
            kernel_initializer="ones",
            activity_regularizer=jtf.regularizers.l2(l2=0.5),
        )
        model = jtf.sequential([layer])
        model.compile(optimizer="sgd", loss="mse")
        x = np.array([[1.0, 2.0], [0.0, 1.0], [2.0, 2.0]])
        outputs = x.sum(axis=1)
        expected = np.mean((outputs - 1) ** 2) + 0.5 * np.mean(outputs**2)
        assert model.evaluate(x, np.ones(3)) == pytest.approx(expected, rel=1e-6)
        # In batches of two and one, weighted by their sizes, it is the same.
        assert model.evaluate(x, np.ones(3), batch_size=2) == pytest.approx(expected, rel=1e-6)

    def test_penalties_on_weights(self):
        layer = L.dense(units=1, kernel_regularizer=jtf.regularizers.l1(l1=0.1), bias_regularizer=lambda b: 7 + b.sum())
        layer.ensure_built((None, 2))
        layer.set_weights([[[1.0], [-3.0]], [0.5]])
        np.testing.assert_allclose(layer.losses, [0.4, 7.5], rtol=1e-6)

    @pytest.mark.parametrize("rate", [0.0, 1.0])
    def test_dropout_at_its_ends_drops_nothing(self, rate):
        x = jnp.ones((3, 4))
        np.testing.assert_array_equal(L.dropout(rate=rate)(x, training=True), x)

    def test_dropout_keeps_the_expectation(self):
        jtf.set_seed(0)
        dropped = L.dropout(rate=0.3)(jnp.ones((200, 100)), training=True)
        np.testing.assert_allclose(np.unique(dropped), [0.0, 1 / 0.7], rtol=1e-6)
        assert float(dropped.mean()) == pytest.approx(1.0, abs=0.02)

    def test_dropout_shares_its_mask_where_told(self):
        jtf.set_seed(0)
        dropped = np.asarray(L.dropout(rate=0.5, noise_shape=[None, 1, 8])(jnp.ones((4, 5, 8)), training=True))
        assert (dropped == dropped[:, :1]).all()
        assert not (dropped == dropped[:1]).all()

    def test_an_activation_of_your_own(self):
        layer = L.dense(units=1, activation=lambda x: x * 0 + 5)
        assert layer(jnp.ones((1, 2))).tolist() == [[5.0]]

    def test_a_layer_called_twice_shares_its_weights(self):
        layer = L.dense(units=2)
        layer(jnp.ones((1, 2)))
        first = layer.get_weights()
        layer(jnp.ones((4, 2)))
        assert len(layer.weights) == 2
        assert layer.get_weights()[0] is first[0]


def test_the_seed_fixes_initial_weights():
    def weights(seed):
        jtf.set_seed(seed)
        return jtf.sequential([L.dense(units=3, input_shape=[4]), L.dense(units=2)]).get_weights()

    for one, same, other in zip(weights(1), weights(1), weights(2), strict=True):
        np.testing.assert_array_equal(one, same)
        assert one.ndim == 1 or not np.array_equal(one, other)
