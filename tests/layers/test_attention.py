"""What MultiHeadAttention and EinsumDense do and refuse."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

import jtf

L = jtf.layers


def noise(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


def heads(**options):
    jtf.set_seed(0)
    return L.multi_head_attention(**{"num_heads": 2, "key_dim": 3, **options})


Q, V, K = noise(2, 3, 4), noise(2, 5, 4, seed=1), noise(2, 5, 6, seed=2)


class TestEinsumDense:
    @pytest.mark.parametrize(
        ("equation", "output_shape", "bias_axes", "shape", "message"),
        [
            ("ab,bc->ac", [4], None, (None, 3, 2), "expects an input with 2 dimensions; received 3"),
            ("...ab,bc->...ac", [3, 4], None, (3,), "expects an input with 2 dimensions; received 1"),
            ("ab,bc->ac", [4, 5], None, (None, 3), r"output_shape \[4, 5\] expects an output_shape with 1 sizes"),
            ("...b,bc->...c", [4, 5], None, (None, 3), "expects an output_shape with 1 sizes"),
            ("abc,cd->abd", [7, 5], None, (None, 3, 2), "expects equal sizes of 'b'; received 7 for the output"),
            ("ab,zc->ac", [4], None, (None, 3), "has an axis 'z' of the kernel that it has nowhere else"),
            ("ab,bc->ac", [4], "b", (None, 3), "has an axis 'b' of the bias that it has nowhere else"),
            ("ab,bc->xc", [4], None, (None, 3), "has an axis 'x' of the output that it has nowhere else"),
            ("ab,bc->ac", [None], None, (None, 3), "has an unknown dimension"),
        ],
    )
    def test_what_does_not_fit(self, equation, output_shape, bias_axes, shape, message):
        layer = L.einsum_dense(equation=equation, output_shape=output_shape, bias_axes=bias_axes, name="layer")
        with pytest.raises(ValueError, match=message):
            layer.ensure_built(shape)

    @pytest.mark.parametrize("equation", ["ab->ac", "ab,bc", "...ab,bc->ac", "...ab...,bc->...ac...", "a1,bc->ac", ""])
    def test_equations(self, equation):
        with pytest.raises(ValueError, match=r"EinsumDense's equation is of the form 'ab,bc->ac'.*received"):
            L.einsum_dense(equation=equation, output_shape=4)

    def test_it_is_dense(self):
        dense, layer = L.dense(units=5), L.einsum_dense(equation="...x,xy->...y", output_shape=5, bias_axes="y")
        for x in (noise(2, 3), noise(2, 4, 3)):
            expected = dense(x)
            layer(x)
            layer.set_weights(dense.get_weights())
            np.testing.assert_allclose(layer(x), expected, rtol=1e-5)

    def test_a_built_layer_names_what_it_was_built_for(self):
        layer = L.einsum_dense(equation="ab...,bc->ac...", output_shape=2, name="mine")
        layer(noise(2, 3, 4))
        assert layer(noise(1, 3, 7)).shape == (1, 2, 7)
        with pytest.raises(ValueError, match=r"'mine' .* size 3 along axis 1"):
            layer(noise(2, 4, 4))

    def test_a_bias_before_axes_in_an_ellipsis(self):
        layer, x = L.einsum_dense(equation="ab...,bc->ac...", output_shape=5, bias_axes="c"), noise(2, 3, 4, 6)
        plain = layer(x)
        assert layer.bias.shape == (5, 1, 1)
        layer.bias.assign(jnp.arange(5.0).reshape(5, 1, 1))
        np.testing.assert_allclose(layer(x) - plain, np.tile(np.arange(5.0)[:, None, None], (2, 1, 4, 6)), atol=1e-5)

    def test_a_penalty_on_the_output_is_kept(self):
        layer = L.einsum_dense(equation="ab,bc->ac", output_shape=2, activity_regularizer="l1l2")
        assert layer.get_config()["activityRegularizer"]["className"] == "L1L2"
        assert "activityRegularizer" not in L.einsum_dense(equation="ab,bc->ac", output_shape=2).get_config()


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"num_heads": 0}, "MultiHeadAttention's num_heads is a positive integer; received 0"),
            ({"key_dim": 1.5}, "MultiHeadAttention's key_dim is a positive integer"),
            ({"value_dim": -1}, "MultiHeadAttention's value_dim is a positive integer"),
            ({"dropout": 1}, "dropout is a fraction from 0 to below 1; received 1"),
        ],
    )
    def test_options(self, options, message):
        with pytest.raises(ValueError, match=message):
            heads(**options)

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda: heads()(Q), r"takes a query and a value: layer\(query, value\), for self-attention layer\(x, x\)"),
            (lambda: heads()([Q]), "takes a query and a value"),
            (lambda: heads()(Q, V[..., 0]), r"expects query, value and key \[batch, steps, features\]"),
            (lambda: heads()(Q[..., 0], V[..., 0]), "expects query, value and key"),
            (lambda: heads()(Q, V, K[:, :4]), r"equally many steps, .* \(2, 3, 4\), \(2, 5, 4\) and \(2, 4, 6\)"),
            (lambda: heads()(Q, V[:1]), "equal sizes but for steps and features"),
            (lambda: heads(attention_axes=2)(Q, V), r"attends along attention_axes \[2\]: different ones between"),
            (lambda: heads(attention_axes=[0])(Q, V), r"attention_axes \[0\]"),
            (lambda: heads(attention_axes=[1, -2])(Q, V), r"attention_axes \[1, -2\]"),
            (lambda: heads().ensure_built((None, 3, 4)), "takes a query and a value, or"),
            (lambda: heads()(Q, V, attention_mask=jnp.ones((2, 5, 3))), "attention_scores: expected a mask that broad"),
            (
                lambda: heads()(noise(2, 2, 3, 4), noise(2, 2, 3, 4), use_causal_mask=True),
                r"a causal mask along one axis of steps; here there are 2: \[1, 2\]\. Give an attention_mask",
            ),
            (
                lambda: heads()(jtf.input(shape=[3, 4]), jtf.input(shape=[5, 4]), return_attention_scores=True),
                "returns its scores for arrays, not in a graph",
            ),
        ],
    )
    def test_calls(self, call, message):
        with pytest.raises(ValueError, match=message):
            call()

    def test_a_built_layer_looks_at_shapes(self):
        layer = heads()
        layer(Q, V)
        assert layer(Q[:1, :2], V[:1]).shape == (1, 2, 4)
        with pytest.raises(ValueError, match="size 4 along axis 2"):
            layer(Q, K)


class TestMultiHeadAttention:
    def test_the_ways_to_call_it(self):
        layer, mask = heads(), np.random.default_rng(0).random((2, 3, 5)) < 0.5
        expected = layer(Q, V, V, mask)
        for again in (
            layer([Q, V, V, mask]),
            layer([Q, V], attention_mask=mask),
            layer(Q, V, attention_mask=mask),
            layer.apply([Q, V, None, mask]),
            layer(Q, value=V, key=V, attention_mask=mask.astype(np.float32)),
        ):
            np.testing.assert_array_equal(again, expected)
        assert np.any(layer(Q, V) != expected)

    def test_a_key_of_its_own(self):
        layer = heads()
        assert layer(Q, V, K).shape == (2, 3, 4)
        assert layer.key_dense.kernel.shape == (6, 2, 3)
        np.testing.assert_array_equal(layer([Q, V], key=K), layer(Q, V, K))

    def test_scores(self):
        layer = heads()
        outputs, scores = layer(Q, V, return_attention_scores=True)
        np.testing.assert_array_equal(outputs, layer(Q, V))
        np.testing.assert_allclose(scores.sum(-1), np.ones((2, 2, 3)), rtol=1e-5)

    def test_each_mask_counts(self):
        layer = heads()
        of_query = jnp.array([[True, True, False]] * 2)
        of_value = jnp.array([[True, False, True, True, True]] * 2)
        of_key = jnp.array([[True, True, True, True, False]] * 2)
        given = np.random.default_rng(0).random((2, 3, 5)) < 0.7
        causal = jnp.tril(jnp.ones((2, 3, 5), bool))
        rows, values, keys = of_query[:, :, None], of_value[:, None], of_key[:, None]
        by_head = np.random.default_rng(1).random((2, 2, 3, 5)) < 0.7
        for options, together in (
            ({"mask": [of_query, of_value, of_key], "attention_mask": given}, rows & values & keys & given),
            ({"mask": [None, of_value, None], "use_causal_mask": True}, values & causal),
            ({"mask": [None, None, of_key, None], "attention_mask": by_head}, keys[:, None] & by_head),
            ({"use_causal_mask": True, "attention_mask": given[:1]}, causal & given[:1]),
            ({"mask": of_query}, jnp.broadcast_to(rows, (2, 3, 5))),
            ({"mask": [of_query, of_value]}, rows & values),
        ):
            np.testing.assert_array_equal(layer(Q, V, K, **options), layer(Q, V, K, together))

    def test_masks_along_another_axis(self):
        layer, x = heads(attention_axes=2), noise(2, 3, 4, 5)
        of_steps = np.random.default_rng(0).random((2, 3, 4)) < 0.6
        expected = layer(x, x, attention_mask=np.broadcast_to(of_steps[:, :, None], (2, 3, 4, 4)))
        np.testing.assert_array_equal(layer(x, x, mask=[None, of_steps]), expected)
        causal = np.broadcast_to(np.tri(4, dtype=bool), (2, 3, 4, 4))
        np.testing.assert_array_equal(layer(x, x, use_causal_mask=True), layer(x, x, attention_mask=causal))

    def test_the_mask_of_the_output_is_the_querys(self):
        of_query = jnp.ones((2, 3), bool)
        assert heads().compute_mask([Q, V, V], [of_query, None, None]) is of_query
        assert heads().compute_mask([Q, V, V], None) is None

    def test_dropout_acts_while_training(self):
        layer = heads(dropout=0.5)
        one, other = layer(Q, V, training=True), layer(Q, V, training=True)
        assert np.any(one != other)
        np.testing.assert_array_equal(layer(Q, V), layer(Q, V))
        _, scores = layer(Q, V, training=True, return_attention_scores=True)
        np.testing.assert_allclose(scores.sum(-1), np.ones((2, 2, 3)), rtol=1e-5)  # as in TF.js, before the dropout

    def test_its_weights_are_its_own_and_trained(self):
        query, value = jtf.input(shape=[3, 4]), jtf.input(shape=[5, 4])
        layer = L.multi_head_attention(num_heads=2, key_dim=3, name="heads")
        model = jtf.model(inputs=[query, value], outputs=L.flatten()(layer(query, value, use_causal_mask=True)))
        assert [w.name for w in model.weights][:2] == ["heads/query/kernel", "heads/query/bias"]
        assert len(model.trainable_weights) == 8
        expected = layer(Q, V, use_causal_mask=True).reshape(2, -1)
        np.testing.assert_allclose(model.predict([Q, V]), expected, rtol=1e-5, atol=1e-6)
        model.compile(optimizer="adam", loss="meanSquaredError")
        before = model.get_weights()
        model.fit([np.asarray(Q), np.asarray(V)], np.ones((2, 12)), verbose=0)
        changed = [np.any(a != b) for a, b in zip(before, model.get_weights(), strict=True)]
        # The bias of the keys shifts all scores of a query alike: it has no gradient.
        assert sum(changed) >= 7

    @pytest.mark.parametrize("causal", [False, True])
    def test_a_model_with_it_is_saved_and_opened(self, tmp_path, causal):
        x, mask = jtf.input(shape=[3, 4]), jtf.input(shape=[3, 3])
        model = jtf.model(
            inputs=[x, mask], outputs=heads(name="heads")(x, x, attention_mask=mask, use_causal_mask=causal)
        )
        allowed = np.random.default_rng(0).random((2, 3, 3)) < 0.7
        expected = model.predict([Q, allowed])
        model.save(str(tmp_path), target="jtf")
        again = jtf.load_layers_model(str(tmp_path / "model.json"))
        np.testing.assert_allclose(again.predict([Q, allowed]), expected, rtol=1e-6)

    def test_masks_of_a_graph_find_their_way(self):
        ids = jtf.input(shape=[4])
        embedded = L.embedding(input_dim=5, output_dim=3, mask_zero=True, name="words")(ids)
        layer = heads()
        model = jtf.model(inputs=ids, outputs=layer(embedded, embedded))
        given = np.array([[1, 2, 0, 0], [3, 4, 1, 0]])
        x = model.get_layer("words")(given)
        visible = given != 0
        expected = layer(x, x, attention_mask=visible[:, None] & visible[:, :, None])
        np.testing.assert_allclose(model.predict(given), expected, rtol=1e-5, atol=1e-6)

    def test_the_configuration_holds_the_shapes_it_was_built_for(self):
        assert heads().get_config()["queryShape"] is None
        layer = heads()
        layer(Q, V, K)
        config = layer.get_config()
        assert [config[f"{name}Shape"] for name in ("query", "value", "key")] == [[2, 3, 4], [2, 5, 4], [2, 5, 6]]
        again = L.deserialize({"className": "MultiHeadAttention", "config": config})
        assert [w.shape for w in again.weights] == [w.shape for w in layer.weights]
