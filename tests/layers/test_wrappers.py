"""What Bidirectional and TimeDistributed do and refuse, beyond what TensorFlow.js has recorded."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

import jtf
from jtf.layers.scopes import collect_losses

L = jtf.layers


def numbers(*shape, seed=0):
    return np.random.default_rng((seed, *shape)).normal(size=shape).astype(np.float32)


X = numbers(2, 4, 3)


class TestBidirectional:
    def test_it_is_both_directions(self):
        layer = L.bidirectional(layer=L.gru(units=2, return_sequences=True, name="mine"), merge_mode=None)
        there, back = layer(X)
        assert [layer.forward_layer.name, layer.backward_layer.name] == ["forward_mine", "backward_mine"]
        np.testing.assert_allclose(layer.forward_layer(X), there, rtol=1e-6)
        np.testing.assert_allclose(layer.backward_layer(X)[:, ::-1], back, rtol=1e-6)
        turned = L.gru(units=2, return_sequences=True, weights=layer.backward_layer.get_weights())
        np.testing.assert_allclose(turned(X[:, ::-1])[:, ::-1], back, rtol=1e-5, atol=1e-6)
        assert layer.compute_output_shape((None, 4, 3)) == [(None, 4, 2), (None, 4, 2)]

    def test_its_layers_are_like_the_one_given_and_have_weights_of_their_own(self):
        cells = [L.lstm_cell(units=2, activation=lambda x: x), L.gru_cell(units=3)]
        pattern = L.rnn(cell=cells, name="mine")
        pattern(X)
        layer = L.bidirectional(layer=pattern)
        layer(X)
        assert len(layer.weights) == 12
        assert not {w.name for w in layer.weights} & {w.name for w in pattern.weights}
        forward, backward = layer.forward_layer, layer.backward_layer
        assert {cell.name for cell in forward.cell.cells} == {cell.name for cell in cells}
        assert forward.cell.cells[0].activation is backward.cell.cells[0].activation is cells[0].activation
        assert (forward.go_backwards, backward.go_backwards) == (False, True)

    def test_it_can_be_frozen_and_thawed(self):
        layer = L.bidirectional(layer=L.simple_rnn(units=2), trainable=False)
        layer(X)
        assert (len(layer.trainable_weights), len(layer.non_trainable_weights)) == (0, 6)
        layer.trainable = True
        assert len(layer.trainable_weights) == 6
        half = L.bidirectional(layer=L.simple_rnn(units=2, trainable=False))
        half(X)
        assert half.trainable_weights == []

    def test_masks(self):
        mask = jnp.ones((2, 4), bool)

        def masks(merge_mode="concat", **options):
            layer = L.bidirectional(layer=L.lstm(units=2, **options), merge_mode=merge_mode)
            return layer.compute_mask(X, mask)

        assert masks() is None
        assert masks(return_sequences=True) is mask
        assert masks(None) == [None, None]
        assert masks(None, return_sequences=True) == [mask, mask]
        assert masks(return_state=True) == [None] * 5
        assert masks(None, return_state=True) == [None] * 6

    def test_padding_counts_for_nothing(self):
        padded = np.concatenate([X, np.zeros((2, 3, 3), np.float32)], axis=1)
        layer = L.bidirectional(layer=L.lstm(units=2))
        model = jtf.sequential([L.masking(mask_value=0.0, input_shape=[None, 3]), layer])
        np.testing.assert_allclose(model.predict(padded), layer(X), rtol=1e-5, atol=1e-6)

    def test_states(self):
        layer = L.bidirectional(layer=L.lstm(units=2, return_state=True))
        _, *states = layer(X)
        assert len(states) == 4
        forward = layer.forward_layer(X, initial_state=states[:2])
        backward = layer.backward_layer(X, initial_state=states[2:])
        for result in (layer(X, initial_state=states), layer([X, *states])):
            np.testing.assert_allclose(result[0], np.concatenate([forward[0], backward[0]], -1), rtol=1e-5, atol=1e-6)
            for ours, theirs in zip(result[1:], [*forward[1:], *backward[1:]], strict=True):
                np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)

    def test_states_in_a_graph(self):
        layer = L.bidirectional(layer=L.gru(units=2))
        x, *states = (jtf.input(shape=shape) for shape in ([4, 3], [2], [2]))
        model = jtf.model(inputs=[x, *states], outputs=layer(x, initial_state=states))
        values = [numbers(2, 2), numbers(2, 2, seed=1)]
        expected = layer(X, initial_state=values)
        np.testing.assert_allclose(model.predict([X, *values]), expected, rtol=1e-5, atol=1e-6)

    def test_unknown_sizes(self):
        video = L.bidirectional(layer=L.conv_lstm2d(filters=2, kernel_size=2, data_format="channelsFirst"))
        assert video.compute_output_shape((None, None, 1, 5, None)) == (None, 2, 4, None)

    def test_a_stateful_one(self):
        layer = L.bidirectional(layer=L.gru(units=2, stateful=True), batch_input_shape=[2, 4, 3])
        model = jtf.sequential([layer])
        first, second = model.predict(X, batch_size=2), model.predict(X, batch_size=2)
        assert not np.allclose(first, second)
        layer.reset_states()
        np.testing.assert_allclose(model.predict(X, batch_size=2), first, rtol=1e-6)

    @pytest.mark.parametrize(
        ("call", "error", "message"),
        [
            (lambda: L.bidirectional(layer=L.dense(units=2)), TypeError, "takes a recurrent layer, such as an LSTM"),
            (lambda: L.bidirectional(layer=L.lstm), TypeError, "takes a layer; received"),
            (lambda: L.bidirectional(layer=L.LSTM), TypeError, r"Call it: LSTM\(...\)"),
            (
                lambda: L.bidirectional(layer=L.lstm(units=1), merge_mode="add"),
                ValueError,
                "'concat', 'sum', 'mul' or 'ave'",
            ),
            (
                lambda: L.bidirectional(layer=L.lstm(units=2))(X, initial_state=[numbers(2, 2)] * 3),
                ValueError,
                r"has 4 state\(s\), .*; received 3",
            ),
            (lambda: L.bidirectional(layer=L.lstm(units=2))(X[0]), ValueError, "3 dimensions"),
            (
                lambda: L.bidirectional(layer=L.rnn(cell=Forgetful(2, 5))),
                NotImplementedError,
                "takes 'secret', but there is no attribute",
            ),
        ],
    )
    def test_refusals(self, call, error, message):
        with pytest.raises(error, match=message):
            call()


class OfTheBatch(L.Layer):
    def call(self, x):
        return x / x.sum(axis=0, keepdims=True)


class Forgetful(L.Layer):
    def __init__(self, state_size, secret, **options):
        super().__init__(**options)
        self.state_size = state_size


class TestTimeDistributed:
    def test_it_is_the_layer_at_each_step(self):
        inner = L.lstm(units=2, return_sequences=True)
        layer = L.time_distributed(layer=inner)
        x = numbers(2, 3, 4, 5)
        np.testing.assert_allclose(layer(x), np.stack([inner(x[:, t]) for t in range(3)], axis=1), rtol=1e-5, atol=1e-6)

    def test_a_model(self):
        image = jtf.input(shape=[4, 4, 1])
        features = L.conv2d(filters=2, kernel_size=3, name="look")(image)
        model = jtf.model(inputs=image, outputs=L.flatten()(features))
        layer = L.time_distributed(layer=model)
        video = jtf.input(shape=[3, 4, 4, 1])
        whole = jtf.model(inputs=video, outputs=L.lstm(units=2)(layer(video)))
        x = numbers(2, 3, 4, 4, 1)
        expected = np.stack([model(x[:, t]) for t in range(3)], axis=1)
        np.testing.assert_allclose(layer(x), expected, rtol=1e-5, atol=1e-6)
        assert "look/kernel" in [w.name for w in whole.weights]
        whole.compile(optimizer="sgd", loss="meanSquaredError")
        before = np.asarray(model.weights[0])
        whole.fit(x, np.ones((2, 2)), verbose=0)
        assert not np.array_equal(before, model.weights[0])

    def test_a_layer_of_several_outputs(self):
        layer = L.time_distributed(layer=L.lstm(units=2, return_state=True))
        x = numbers(2, 3, 4, 5)
        assert [y.shape for y in layer(x)] == layer.compute_output_shape((2, 3, 4, 5)) == [(2, 3, 2)] * 3

    def test_every_step_is_dropped_for_itself(self):
        dropped = np.asarray(L.time_distributed(layer=L.dropout(rate=0.5))(np.ones((3, 4, 50)), training=True))
        assert len({row.tobytes() for row in dropped.reshape(12, 50)}) == 12

    def test_statistics_are_those_of_one_step_after_the_other(self):
        x = (np.arange(1, 13, dtype=np.float32) ** 2 / 10).reshape(2, 3, 2)
        layer = L.time_distributed(layer=L.batch_normalization(momentum=0.5))
        normalized = np.asarray(layer(x, training=True))
        # TF.js 4.22 and Keras 3
        np.testing.assert_allclose(
            normalized[0], [[-0.999913, -0.999945], [-0.999961, -0.999972], [-0.999978] * 2], atol=5e-6
        )
        mean, variance = layer.non_trainable_weights
        np.testing.assert_allclose(mean, [5.0875, 6.375], rtol=1e-6)
        np.testing.assert_allclose(variance, [15.605, 20.24], rtol=1e-6)
        at_rest = (x - np.asarray(mean)) / np.sqrt(np.asarray(variance) + 1e-3)
        np.testing.assert_allclose(layer(x), at_rest, rtol=1e-5)

    @pytest.mark.parametrize("nested", [False, True])
    def test_statistics_in_a_fit(self, nested):
        x = (np.arange(1, 13, dtype=np.float32) ** 2 / 10).reshape(2, 3, 2)
        inner = L.batch_normalization(momentum=0.5, input_shape=[2])
        inner = jtf.sequential([jtf.sequential([inner])]) if nested else inner
        head = L.dense(units=1, kernel_initializer="ones")
        model = jtf.sequential([L.time_distributed(layer=inner, input_shape=[3, 2]), head])
        model.compile(optimizer="sgd", loss="mse")
        history = model.fit(x, np.ones((2, 3, 1)), epochs=2, batch_size=2, shuffle=False, verbose=0)
        # Keras 3
        np.testing.assert_allclose(history.history["loss"], [4.9996696, 4.2837625], rtol=1e-6)
        expected = {
            "gamma": [0.924617, 0.92461586],
            "beta": [0.03807878, 0.03807877],
            "moving_mean": [5.7234373, 7.171875],
            "moving_variance": [17.430626, 22.645],
        }
        found = {w.name.split("/")[-1]: w for w in model.layers[0].weights}
        assert found.keys() == expected.keys()
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, rtol=2e-6, err_msg=name)

    def test_a_stateful_layer_remembers_the_step_before(self):
        x = np.sin(np.arange(48, dtype=np.float32)).reshape(2, 3, 4, 2)
        inner = L.simple_rnn(units=2, stateful=True, kernel_initializer="ones", recurrent_initializer="identity")
        model = jtf.sequential([L.time_distributed(layer=inner, batch_input_shape=[2, 3, 4, 2])])
        first, second = (np.asarray(model.predict(x, batch_size=2))[..., 0] for _ in range(2))
        # TF.js 4.22
        np.testing.assert_allclose(
            first, [[-0.2661784, 0.7664359, -0.1068677], [-0.7862773, 0.4599381, 0.8162946]], rtol=1e-5
        )
        np.testing.assert_allclose(
            second, [[-0.2701756, 0.7662289, -0.1068957], [-0.7259543, 0.4665845, 0.8166697]], rtol=1e-5
        )
        model.reset_states()
        np.testing.assert_allclose(model.predict(x, batch_size=2)[..., 0], first, rtol=1e-6)

    @pytest.mark.parametrize(
        "inner",
        [
            lambda: L.dense(units=2, activity_regularizer="l1_l2"),
            lambda: L.dense(units=2, activation=lambda x: x - x.mean(axis=0, keepdims=True)),
            lambda: L.layer_normalization(axis=[0, 1], center=False, scale=False),
            lambda: L.softmax(axis=0),
            lambda: jtf.sequential([L.activation(activation="tanh", input_shape=[3]), OfTheBatch()]),
            lambda: L.dropout(rate=0.5, noise_shape=[1, None]),
            lambda: L.alpha_dropout(rate=0.5, noise_shape=[2, None]),
        ],
    )
    def test_a_layer_that_looks_at_its_batch_sees_one_step_of_it(self, inner):
        inner = inner()
        layer = L.time_distributed(layer=inner)

        def run(call):
            jtf.set_seed(3)
            with collect_losses() as losses:
                return call(), sum(losses)

        whole, added = run(lambda: layer(X, training=True))
        steps, expected = run(lambda: jnp.stack([inner(X[:, t], training=True) for t in range(4)], axis=1))
        np.testing.assert_allclose(whole, steps, rtol=1e-6)
        np.testing.assert_allclose(added, expected, rtol=1e-6)

    def test_all_steps_are_one_batch_where_that_is_the_same(self):
        conv = L.conv1d(filters=2, kernel_size=2, activation="relu")
        inner = jtf.sequential([L.batch_normalization(input_shape=[3, 2]), conv, L.flatten(), L.dropout(rate=0.5)])
        for layer in (L.lstm(units=2, dropout=0.1), L.dense(units=2, kernel_regularizer="l1_l2"), inner):
            assert not layer.looks_at_batch(training=False)
        assert [layer.looks_at_batch(training=True) for layer in inner.layers] == [True, False, False, False]
        inner.layers[0].trainable = False
        assert not inner.looks_at_batch(training=True)

    def test_a_mask_of_steps_passes(self):
        layer, mask = L.time_distributed(layer=L.dense(units=2)), jnp.ones((2, 4), bool)
        assert layer.compute_mask(X, mask) is mask
        np.testing.assert_allclose(layer(X, mask=mask), layer(X), rtol=1e-6)

    def test_a_mask_within_steps_is_for_the_layer(self):
        x, mask = numbers(2, 3, 4, 5), np.random.default_rng(1).random((2, 3, 4)) < 0.7
        mask[0, 1] = False
        mask = jnp.asarray(mask)
        inner = L.gru(units=2)
        layer = L.time_distributed(layer=inner)
        expected = np.stack([inner(x[:, t], mask=mask[:, t]) for t in range(3)], axis=1)
        np.testing.assert_allclose(layer(x, mask=mask), expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(layer.compute_mask(x, mask), mask.any(axis=2))
        keeps = L.time_distributed(layer=L.gru(units=2, return_sequences=True))
        np.testing.assert_array_equal(keeps.compute_mask(x, mask), mask)
        with_states = L.time_distributed(layer=L.gru(units=2, return_sequences=True, return_state=True))
        outputs, (of_sequence, of_state) = with_states.call_with_mask(x, mask, False)
        assert len(outputs) == 2
        np.testing.assert_array_equal(of_sequence, mask)
        np.testing.assert_array_equal(of_state, mask.any(axis=2))

    def test_a_mask_that_is_made_inside_comes_out(self):
        ids = jnp.array([[[1, 0, 2], [0, 0, 0]], [[3, 3, 0], [4, 0, 0]]])
        words = L.time_distributed(layer=L.embedding(input_dim=5, output_dim=2, mask_zero=True), input_shape=[2, 3])
        np.testing.assert_array_equal(words.compute_mask(ids), ids != 0)
        np.testing.assert_array_equal(words.call_with_mask(ids, None, False)[1], ids != 0)
        steps = jnp.array([[True, True], [True, False]])
        np.testing.assert_array_equal(words.compute_mask(ids, steps), (ids != 0) & steps[:, :, None])
        # Words into sentences, sentences into a text, whatever is padded with zeros.
        sentences, text = L.time_distributed(layer=L.lstm(units=2)), L.lstm(units=2)
        model = jtf.sequential([words, sentences, text])
        whole = model.predict(np.asarray(ids))
        first = sentences.layer(words.layer(ids[:1, 0]), mask=ids[:1, 0] != 0)
        np.testing.assert_allclose(whole[:1], text(first[:, None]), rtol=1e-5, atol=1e-6)

    def test_a_layer_without_masking_uses_a_mask_up(self):
        x, mask = numbers(2, 3, 4, 5), jnp.ones((2, 3, 4), bool).at[0, 1].set(False)
        layer = L.time_distributed(layer=L.global_average_pooling1d())
        outputs, of_steps = layer.call_with_mask(x, mask, False)
        np.testing.assert_allclose(outputs, x.mean(axis=2), rtol=1e-5)
        np.testing.assert_array_equal(of_steps, mask.any(axis=2))

    def test_the_layer_is_run_once(self):
        class Counts(L.Layer):
            supports_masking = True
            calls = 0

            def looks_at_batch(self, training):
                return False

            def call(self, x, mask=None):
                self.calls += 1
                self.add_loss(jnp.float32(3))
                return x

            def compute_output_shape(self, input_shape):
                return input_shape

        inner = Counts(input_shape=[3, 2])
        model = jtf.sequential(
            [
                L.embedding(input_dim=5, output_dim=2, mask_zero=True, input_length=[4, 3]),
                L.time_distributed(layer=jtf.sequential([inner])),
            ]
        )
        ids = np.zeros((2, 4, 3), np.int32)
        inner.calls = 0
        model(ids)
        assert inner.calls == 1
        model.compile(optimizer="sgd", loss="meanSquaredError", mask_loss=False)
        without = float(jnp.mean(jnp.square(model(ids))))
        assert model.evaluate(ids, np.zeros((2, 4, 3, 2))) == pytest.approx(without + 3)

    @pytest.mark.parametrize(
        ("call", "error", "message"),
        [
            (lambda: L.time_distributed(layer=3), TypeError, "TimeDistributed takes a layer; received 3"),
            (
                lambda: L.time_distributed(layer=L.gru(units=1, stateful=True)).build((None, 2, 3, 4)),
                ValueError,
                "the batch's size must be known",
            ),
            (lambda: L.time_distributed(layer=L.dense(units=1))(X[0]), ValueError, "at least 3 dimensions"),
            (lambda: L.time_distributed(layer=L.conv1d(filters=1, kernel_size=2))(X), ValueError, "3 dimensions"),
        ],
    )
    def test_refusals(self, call, error, message):
        with pytest.raises(error, match=message):
            call()
