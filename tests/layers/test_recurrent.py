"""What recurrent layers do and refuse, beyond what holds for all layers and what TensorFlow.js has recorded."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf

L = jtf.layers


def numbers(*shape, seed=0):
    return np.random.default_rng((seed, *shape)).normal(size=shape).astype(np.float32)


X = numbers(2, 4, 3)


# --- states -----------------------------------------------------------------------------------------


class TestStates:
    def test_one_sequence_is_its_parts_one_after_the_other(self):
        layer = L.lstm(units=2, return_state=True)
        whole, h, c = layer(X)
        _, *between = layer(X[:, :2])
        for parts in (
            layer(X[:, 2:], initial_state=between),
            layer([X[:, 2:], *between]),
            layer((X[:, 2:], *between)),
            layer.apply(X[:, 2:], initial_state=between),
        ):
            for part, expected in zip(parts, (whole, h, c), strict=True):
                np.testing.assert_allclose(part, expected, rtol=1e-5, atol=1e-6)

    def test_a_stateful_layer_goes_on_where_it_was(self):
        layer = L.gru(units=2, stateful=True)
        layer(X[:, :2])
        remembered = layer.state_variables[0].read()
        parts = layer(X[:, 2:])
        again = L.gru(units=2, weights=layer.get_weights())
        np.testing.assert_allclose(again(X), parts, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(again(X[:, :2]), remembered, rtol=1e-5, atol=1e-6)
        layer.reset_states()
        np.testing.assert_allclose(layer(X), parts, rtol=1e-5, atol=1e-6)
        layer.reset_states(remembered)
        np.testing.assert_allclose(layer(X[:, 2:]), parts, rtol=1e-5, atol=1e-6)
        layer.reset_states([np.asarray(remembered, np.float64)])
        np.testing.assert_allclose(layer(X[:, 2:]), parts, rtol=1e-5, atol=1e-6)
        # States that are given come before those remembered.
        np.testing.assert_allclose(layer(X[:, 2:], initial_state=remembered), parts, rtol=1e-5, atol=1e-6)

    def test_states_are_no_weights(self):
        layer = L.lstm(units=2, stateful=True, name="mine")
        layer(X)
        assert [state.name for state in layer.state_variables] == ["mine/state_0", "mine/state_1"]
        assert len(layer.weights) == 3

    def test_a_stateful_model(self):
        layer = L.simple_rnn(units=2, stateful=True, batch_input_shape=[2, 2, 3])
        model = jtf.sequential([layer, L.dense(units=1)])
        first, second = model.predict(X[:, :2], batch_size=2), model.predict(X[:, 2:], batch_size=2)
        model.reset_states()
        np.testing.assert_allclose(model.predict(X[:, :2], batch_size=2), first, rtol=1e-6)
        assert not np.allclose(first, second)
        np.testing.assert_allclose(model.predict(X[:, 2:], batch_size=2), second, rtol=1e-6)
        # Two batches of two, one after the other, in one call.
        model.reset_states()
        both = model.predict(np.concatenate([X[:, :2], X[:, 2:]]), batch_size=2)
        np.testing.assert_allclose(both, np.concatenate([first, second]), rtol=1e-5, atol=1e-6)

    def test_states_are_symbolic_in_a_graph(self):
        """An encoder whose states begin a decoder."""
        words, answer = jtf.input(shape=[4, 3]), jtf.input(shape=[2, 3])
        _, *states = L.lstm(units=2, return_state=True, name="encoder")(words)
        outputs = L.lstm(units=2, return_sequences=True, name="decoder")(answer, initial_state=states)
        model = jtf.model(inputs=[words, answer], outputs=outputs)
        y = numbers(2, 2, 3)
        _, *values = model.get_layer("encoder")(X)
        expected = model.get_layer("decoder")(y, initial_state=values)
        np.testing.assert_allclose(model.predict([X, y]), expected, rtol=1e-5, atol=1e-6)
        again = jtf.models.model_from_json(model.to_json())
        again.set_weights(model.get_weights())
        np.testing.assert_allclose(again.predict([X, y]), expected, rtol=1e-5, atol=1e-6)


# --- masks ------------------------------------------------------------------------------------------


class TestMasks:
    def test_padding_counts_for_nothing(self):
        padded = np.concatenate([X, np.zeros((2, 3, 3), np.float32)], axis=1)
        rnn, dense = L.lstm(units=2), L.dense(units=1)
        model = jtf.sequential([L.masking(mask_value=0.0, input_shape=[None, 3]), rnn, dense])
        np.testing.assert_allclose(model.predict(padded), dense(rnn(X)), rtol=1e-5, atol=1e-6)

    def test_a_mask_goes_on_where_all_outputs_do(self):
        mask = jnp.array([[True, False, True, True]] * 2)
        for options, expected in [
            ({}, None),
            ({"return_sequences": True}, mask),
            ({"return_sequences": True, "return_state": True}, [mask, None, None]),
            ({"return_state": True}, [None, None, None]),
        ]:
            layer = L.lstm(units=2, **options)
            for given in (mask, [mask]):
                assert (result := layer.compute_mask(X, given)) is expected or result == expected
        assert L.lstm(units=2, return_sequences=True).compute_mask(X, None) is None
        masks = L.rnn(cell=[L.lstm_cell(units=2), L.gru_cell(units=2)], return_state=True).compute_mask([X, X], [mask])
        assert masks == [None] * 4

    def test_a_convolutional_layer_takes_them(self):
        x, layer = numbers(2, 4, 3, 3, 1), L.conv_lstm2d(filters=1, kernel_size=2)
        ends = layer(x[:, :2])
        np.testing.assert_allclose(layer(x, mask=np.array([[1, 1, 0, 0]] * 2)), ends, rtol=1e-5, atol=1e-6)

    def test_another_shape(self):
        with pytest.raises(ValueError, match=r"Layer 'mine' \(GRU\): expected a mask .* \(2, 4\); received \(2, 3\)"):
            L.gru(units=2, name="mine")(X, mask=np.ones((2, 3), bool))


# --- dropout ----------------------------------------------------------------------------------------


IDENTITY = {
    "units": 3,
    "activation": "linear",
    "kernel_initializer": {"className": "Identity", "config": {}},
    "recurrent_initializer": "zeros",
    "return_sequences": True,
}


class TestDropout:
    @pytest.mark.parametrize("wrapped", [False, True], ids=["layer", "cell-beside-an-own-one"])
    def test_the_input_loses_the_same_at_all_steps(self, wrapped):
        options = {**IDENTITY, "dropout": 0.5}
        layer = L.simple_rnn(**options)
        if wrapped:
            del options["return_sequences"]
            layer = L.rnn(cell=[L.simple_rnn_cell(**options), Plain(3)], return_sequences=True)
        x = np.ones((40, 4, 3), np.float32)
        dropped = np.asarray(layer(x, training=True))
        assert set(dropped.ravel()) == {0.0, 2.0}
        assert (dropped == dropped[:, :1]).all()
        assert not np.array_equal(dropped, layer(x, training=True))
        np.testing.assert_array_equal(layer(x), x)

    def test_the_state_loses_the_same_at_all_steps(self):
        options = {**IDENTITY, "recurrent_initializer": IDENTITY["kernel_initializer"]}
        layer = L.simple_rnn(**options, recurrent_dropout=0.5)
        sums = np.asarray(layer(np.ones((40, 4, 3), np.float32), training=True))
        # Dropped at every step it is the input; kept, it is doubled at every step.
        kept = sums[:, -1] != 1
        assert 30 < kept.sum() < 90
        units = np.moveaxis(sums, 1, -1)
        np.testing.assert_array_equal(units[kept], [[1, 3, 7, 15]] * kept.sum())
        np.testing.assert_array_equal(units[~kept], np.ones((120 - kept.sum(), 4)))

    def test_a_unit_that_a_gru_carries_over_does_not_grow(self):
        always = {"recurrent_activation": lambda x: x * 0 + 1}  # the update gate keeps everything
        layer = L.gru(units=3, recurrent_dropout=0.5, **always)
        ends = layer(np.zeros((2, 50, 3), np.float32), initial_state=np.ones((2, 3), np.float32), training=True)
        np.testing.assert_array_equal(ends, np.ones((2, 3)))

    @pytest.mark.parametrize("rate", [0, 1, None])
    def test_at_its_ends_nothing_is_dropped(self, rate):
        layer = L.lstm(units=2, dropout=rate, recurrent_dropout=rate)
        np.testing.assert_array_equal(layer(X, training=True), layer(X))


# --- cells of one's own -----------------------------------------------------------------------------


class Plain(L.Layer):
    """Gives on what it gets, and forgets it."""

    def __init__(self, state_size, **options):
        super().__init__(**options)
        self.state_size = state_size

    def call(self, inputs):
        return [inputs[0], inputs[0]]


class Busy(L.Layer):
    """Layers inside, random numbers, a count of the steps, a penalty for each."""

    def __init__(self, units, **options):
        super().__init__(**options)
        self.units = self.state_size = units
        self.dense = L.dense(units=units)
        self.dropout = L.dropout(rate=0.5)

    def build(self, input_shape):
        self.steps = self.add_weight("steps", (), initializer="zeros", trainable=False)

    def call(self, inputs, training=False):
        x, h = inputs
        self.steps.assign(self.steps + 1)
        self.add_loss(self.steps)
        h = h + self.dropout(jnp.ones_like(h), training=training) + 0 * self.dense(x)
        return [h, h]


class Noise(L.Layer):
    state_size = 1

    def __init__(self, seed=None, **options):
        super().__init__(**options)
        self.seed = seed

    def call(self, inputs):
        drawn = jax.random.uniform(jtf.random.next_key(self.seed), inputs[0].shape)
        return [drawn, drawn]


class TestOwnCells:
    def test_a_cell_of_two_states(self):
        class Fibonacci(L.Layer):
            state_size = (1, 1)

            def call(self, inputs):
                x, last, before = inputs
                return x + last + before, x + last + before, last

        layer = L.rnn(cell=Fibonacci(), return_sequences=True, return_state=True)
        one = np.zeros((1, 6, 1), np.float32)
        one[:, 0] = 1
        outputs, last, before = layer(one)
        assert outputs.ravel().tolist() == [1, 1, 2, 3, 5, 8]
        assert (last.item(), before.item()) == (8, 5)
        assert layer.compute_output_shape((None, 6, 1)) == [(None, 6, 1), (None, 1), (None, 1)]
        back, *_ = L.rnn(cell=Fibonacci(), return_sequences=True, return_state=True, go_backwards=True)(one)
        assert back.ravel().tolist() == [0, 0, 0, 0, 0, 1]
        ends = L.rnn(cell=Fibonacci())(one, mask=np.array([[1, 1, 1, 0, 0, 0]]))
        assert ends.item() == 2

    def test_steps_of_any_rank(self):
        assert L.rnn(cell=Sum())(np.ones((2, 5, 3, 4), np.float32)).tolist() == np.full((2, 3, 4), 5.0).tolist()

    @pytest.mark.parametrize("how", [{}, {"unroll": True}, {"go_backwards": True}], ids=str)
    def test_what_it_assigns_goes_from_step_to_step(self, how):
        layer = L.rnn(cell=Busy(2, name="busy"), name="rnn", **how)
        layer(X)
        assert float(layer.cell.steps) == 4
        inner = layer.cell.dense.name
        assert [w.name for w in layer.weights] == [f"rnn/{inner}/kernel", f"rnn/{inner}/bias", "rnn/steps"]
        lifted = jtf.lift(layer, layer.weights)
        for run in (lifted, jax.jit(lifted)):
            assert float(run(jtf.values(layer.weights), X)[1][-1]) == 8
        assert float(layer.cell.steps) == 4

    def test_a_traced_loop_is_compiled_once_for_all_steps(self):
        layer = L.rnn(cell=Busy(2))
        layer(X)
        lifted = jtf.lift(lambda: layer(X), layer.weights)  # the input is no argument
        primitives = [e.primitive.name for e in jax.make_jaxpr(lifted)(jtf.values(layer.weights)).eqns]
        assert primitives.count("scan") == 1
        assert primitives.count("dot_general") == 0

    def test_without_lifting_an_assignment_does_not_leak(self):
        layer = L.rnn(cell=Busy(2))
        layer(X)
        with pytest.raises(ValueError, match="is assigned a value that is being traced"):
            jax.jit(layer)(X)
        layer(X)

    def test_its_penalties_are_added_up(self):
        model = jtf.sequential([L.rnn(cell=Busy(2), input_shape=[4, 3]), L.dense(units=1, kernel_initializer="zeros")])
        model.compile(optimizer="sgd", loss="meanSquaredError")
        assert model.train_on_batch(X, np.zeros((2, 1))) == pytest.approx(1 + 2 + 3 + 4)
        assert model.train_on_batch(X, np.zeros((2, 1))) == pytest.approx(5 + 6 + 7 + 8)

    def test_it_trains(self):
        model = jtf.sequential([L.rnn(cell=[L.gru_cell(units=3), Busy(2)], input_shape=[4, 3]), L.dense(units=1)])
        model.compile(optimizer="sgd", loss="meanSquaredError")
        model.fit(X, np.ones((2, 1)), epochs=2, verbose=0)
        assert float(model.layers[0].cell.cells[1].steps) == 8

    def test_random_numbers_differ_from_step_to_step_and_call_to_call(self):
        x = np.ones((1, 5, 1), np.float32)
        for seed in (None, 3):
            layer = L.rnn(cell=Noise(seed), return_sequences=True)
            one, other = layer(x), layer(x)
            assert len({*one.ravel().tolist(), *other.ravel().tolist()}) == 10
            lifted = jtf.lift(layer, [])
            eager, _ = lifted([], x, rng=jax.random.key(0))
            jitted, _ = jax.jit(lifted)([], x, rng=jax.random.key(0))
            np.testing.assert_array_equal(eager, jitted)
            assert len(set(eager.ravel().tolist())) == 5
            assert not np.array_equal(eager, lifted([], x, rng=jax.random.key(1))[0])
        nested = L.rnn(cell=[Noise(), Noise()], return_sequences=True)(x)
        assert len(set(nested.ravel().tolist())) == 5

    def test_a_key_is_missed_only_by_what_draws(self):
        x = np.ones((1, 5, 1), np.float32)
        with pytest.raises(ValueError, match="was given no key"):
            jtf.lift(L.rnn(cell=Noise()), [])([], x)
        jtf.lift(L.rnn(cell=Plain(1)), [])([], x)
        jtf.set_seed(0)
        L.rnn(cell=Plain(1))(x)
        assert jtf.random.position().draws == 0
        L.rnn(cell=Noise())(x)
        assert jtf.random.position().draws == 1

    def test_a_seeded_cell_differs_from_batch_to_batch_of_a_training(self):
        seen = []

        class Spy(L.Layer):
            def call(self, x, training=False):
                jax.debug.callback(lambda v: seen.append(v.ravel().tolist()), x)
                return x

        model = jtf.sequential([L.rnn(cell=Noise(3), return_sequences=True, input_shape=[2, 1]), Spy(), L.flatten()])
        model.compile(optimizer="sgd", loss="meanSquaredError")
        model.fit(np.ones((3, 2, 1)), np.ones((3, 2)), epochs=2, batch_size=1, verbose=0)
        jax.effects_barrier()
        assert len({number for pair in seen for number in pair}) == 2 * 6

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda x, h: x + h, r"1 \+ 1 arrays, \[output, \*states\]; it returned"),
            (lambda x, h: [x + h], r"must return a list of 1 \+ 1 arrays"),
            (lambda x, h: [x[:, :1], h], r"of shapes \(2, 3\), \(2, 3\); it returned \(2, 1\), \(2, 3\)"),
        ],
    )
    def test_what_it_must_return(self, call, message):
        class Wrong(L.Layer):
            state_size = 3

            def call(self, inputs):
                return call(*inputs)

        with pytest.raises(ValueError, match=message):
            L.rnn(cell=Wrong())(X)

    def test_it_may_be_one_of_the_packages_with_a_call_of_its_own(self):
        class Negative(L.LSTMCell):
            def call(self, inputs, training=False):
                output, *states = super().call(inputs, training)
                return [-output, *states]

        class Doubled(L.StackedRNNCells):
            def call(self, inputs, training=False):
                output, *states = super().call(inputs, training)
                return [2 * output, *states]

        layer, plain = L.rnn(cell=Negative(2)), L.lstm(units=2)
        plain(X)
        layer(X)
        layer.set_weights(plain.get_weights())
        np.testing.assert_allclose(layer(X), -plain(X), rtol=1e-5, atol=1e-6)
        assert [w.name.partition("/")[2] for w in layer.weights] == ["kernel", "recurrent_kernel", "bias"]
        stack = L.rnn(cell=Doubled([L.lstm_cell(units=2)]))
        stack(X)
        stack.set_weights(plain.get_weights())
        np.testing.assert_allclose(stack(X), 2 * plain(X), rtol=1e-5, atol=1e-6)

    def test_it_is_written_down_and_made_again(self):
        jtf.layers.register_class(Busy)
        layer = L.rnn(cell=[L.lstm_cell(units=2), Busy(2)])
        again = L.deserialize({"className": "RNN", "config": layer.get_config()})
        assert [type(cell) for cell in again.cell.cells] == [L.LSTMCell, Busy]


class Sum(L.Layer):
    state_size = ((3, 4),)

    def call(self, inputs):
        return [inputs[0] + inputs[1]] * 2


# --- options ----------------------------------------------------------------------------------------


class TestOptions:
    def test_the_forget_gate_may_begin_open(self):
        layer = L.lstm(
            units=2, unit_forget_bias=True, bias_initializer={"className": "Constant", "config": {"value": 3}}
        )
        layer(X)
        assert layer.weights[2].read().tolist() == [3, 3, 1, 1, 3, 3, 3, 3]
        conv = L.conv_lstm2d(filters=1, kernel_size=2, unit_forget_bias=True)
        conv(numbers(1, 2, 3, 3, 1))
        assert conv.weights[2].read().tolist() == [0, 1, 0, 0]
        plain = L.lstm(units=1)
        plain(X)
        assert plain.weights[2].read().tolist() == [0, 0, 0, 0]

    def test_penalties(self):
        layer = L.simple_rnn(
            units=2,
            input_shape=[4, 3],
            return_sequences=True,
            return_state=True,
            kernel_regularizer=lambda w: 1 + 0 * w.sum(),
            recurrent_regularizer=lambda w: 10 + 0 * w.sum(),
            bias_regularizer=lambda w: 100 + 0 * w.sum(),
            activity_regularizer=lambda y: 1000 * y.size + 0 * y.sum(),
        )
        sequence = jtf.input(shape=[4, 3])
        outputs, _ = layer(sequence)
        model = jtf.model(inputs=sequence, outputs=outputs)
        model.compile(optimizer="sgd", loss=lambda y, p: 0 * p.sum())
        # All 16 outputs, divided by the batch of 2; the states returned count for nothing.
        assert model.train_on_batch(X, np.zeros((2, 4, 2))) == pytest.approx(111 + 8000)

    def test_a_layer_and_its_cell_have_the_same_options(self):
        layer = L.gru(units=2, reset_after=True, recurrent_constraint="nonNeg", dropout=0.5, use_bias=False)
        assert (layer.cell.units, layer.cell.reset_after, layer.cell.dropout) == (2, True, 0.5)
        assert layer.cell.recurrent_constraint is layer.recurrent_constraint
        assert {"cell", "inputDim", "inputLength"}.isdisjoint(layer.get_config())
        layer(X)
        assert [w.constraint is not None for w in layer.weights] == [False, True]

    def test_input_dim(self):
        model = jtf.sequential([L.lstm(units=2, input_dim=3, input_length=4)])
        assert model.inputs[0].shape == (None, 4, 3)
        assert jtf.sequential([L.lstm(units=2, input_dim=3)]).predict(X).shape == (2, 2)

    def test_a_configuration_of_tfjs_has_the_options_of_the_cell_twice(self):
        config = L.rnn(cell=L.gru_cell(units=2), name="mine").get_config()
        assert config["units"] == config["cell"]["config"]["units"] == 2
        assert config["name"] == "mine"
        again = L.deserialize({"className": "RNN", "config": config})
        assert again.get_config() == config
        with pytest.raises(ValueError, match="has no option 'unitz'"):
            L.deserialize({"className": "RNN", "config": {**config, "unitz": 3}})

    def test_cells_may_be_configurations(self):
        cell = {"className": "LSTMCell", "config": {"units": 2}}
        assert L.rnn(cell=[cell, cell])(X).shape == (2, 2)

    def test_an_activation_may_look_at_a_variable(self):
        slope = jtf.variable(1.0)
        layer = L.lstm(units=2, activation=lambda x: slope * x)
        layer(X)
        state = {"weights": layer.weights, "slope": slope}
        lifted = jax.jit(jtf.lift(layer, state))
        once, _ = lifted({**jtf.values(state), "slope": 2.0}, X)
        assert not np.allclose(once, layer(X))
        slope.assign(2.0)
        np.testing.assert_allclose(layer(X), once, rtol=1e-5, atol=1e-6)

    def test_stacked_cells_keep_their_states_last_cell_first(self):
        cells = [L.lstm_cell(units=2), L.gru_cell(units=3)]
        stack = L.stacked_rnn_cells(cells=cells)
        assert stack.state_size == [3, 2, 2]
        x, h2, h1, c1 = numbers(2, 4), numbers(2, 3), numbers(2, 2), numbers(2, 2, seed=1)
        output, *states = stack([x, h2, h1, c1])
        between, *first = cells[0]([x, h1, c1])
        expected, *second = cells[1]([between, h2])
        for ours, theirs in zip((output, *states), (expected, *second, *first), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
        double = L.stacked_rnn_cells(cells=[stack, Plain(3)])
        assert [y.shape for y in double([x, h2, h2, h1, c1])] == [(2, 3), (2, 3), (2, 3), (2, 2), (2, 2)]

    def test_convolutional_cells_can_be_stacked(self):
        cells = [L.conv_lstm2d_cell(filters=n, kernel_size=2, data_format="channelsFirst") for n in (2, 3)]
        layer = L.rnn(cell=cells, return_state=True)
        x = numbers(2, 3, 1, 4, 4)
        assert [y.shape for y in layer(x)] == [(2, 3, 2, 2)] * 3 + [(2, 2, 3, 3)] * 2
        between = L.conv_lstm2d(
            filters=2, kernel_size=2, data_format="channelsFirst", return_sequences=True, weights=cells[0].get_weights()
        )
        behind = L.conv_lstm2d(filters=3, kernel_size=2, data_format="channelsFirst", weights=cells[1].get_weights())
        np.testing.assert_allclose(layer(x)[0], behind(between(x)), rtol=1e-5, atol=1e-6)

    def test_images_of_other_sizes(self):
        layer = L.conv_lstm2d(filters=1, kernel_size=2)
        assert layer(numbers(1, 2, 3, 3, 1)).shape == (1, 2, 2, 1)
        assert layer(numbers(1, 2, 5, 4, 1)).shape == (1, 4, 3, 1)
        with pytest.raises(ValueError, match="size 1 along axis 4"):
            layer(numbers(1, 2, 3, 3, 2))

    def test_equal_eager_calls_are_compiled_once(self):
        layer = L.lstm(units=7)
        layer(X)
        before = jtf.functional.recurrence._compiled._cache_size()
        layer(X)
        L.lstm(units=7)(X)
        assert jtf.functional.recurrence._compiled._cache_size() == before


# --- refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L.lstm(units=2.5), "LSTM's units is a positive integer; received 2.5"),
        (lambda: L.gru_cell(units=0), "GRUCell's units is a positive integer"),
        (
            lambda: L.simple_rnn(units=2, dropout=1.5),
            "SimpleRNN.s dropout is a fraction from 0 to 1 or None; received 1",
        ),
        (lambda: L.gru(units=2, recurrent_dropout=-1), "GRU's recurrent_dropout is a fraction"),
        (lambda: L.lstm(units=2, recurrent_activation="hard"), "Unknown activation 'hard'"),
        (lambda: L.lstm(units=2, return_sequence=True), "Did you mean 'return_sequences'"),
        (lambda: L.simple_rnn(units=2, recurrent_activation="tanh"), "has no option 'recurrent_activation'"),
        (lambda: L.conv_lstm2d(filters=0, kernel_size=2), "ConvLSTM2D's filters is a positive integer"),
        (lambda: L.conv_lstm2d(filters=1, kernel_size=[2, 2, 2]), "kernel_size"),
        (lambda: L.conv_lstm2d(filters=1, kernel_size=2, strides=0), "strides"),
        (
            lambda: L.conv_lstm2d(filters=1, kernel_size=2, padding="causal"),
            "ConvLSTM2D's padding is 'valid' or 'same'",
        ),
        (lambda: L.conv_lstm2d(filters=1, kernel_size=2, data_format="last"), "ConvLSTM2D's data_format is"),
        (lambda: L.stacked_rnn_cells(cells=[]), "takes a list of one cell or more"),
        (lambda: L.stacked_rnn_cells(cells=L.lstm_cell(units=1)), "takes a list of one cell or more"),
    ],
)
def test_options_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("cell", [None, L.dense(units=2), "LSTMCell", L.LSTMCell])
def test_what_is_no_cell(cell):
    with pytest.raises(TypeError, match=r"takes cells, such as jtf.layers.lstm_cell\(units=8\)"):
        L.rnn(cell=cell)
    with pytest.raises(TypeError, match="StackedRNNCells takes cells"):
        L.stacked_rnn_cells(cells=[cell])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: L.lstm(units=2)(X[0]), "3 dimensions; received shape"),
        (lambda: L.conv_lstm2d(filters=1, kernel_size=2)(X), "5 dimensions"),
        (lambda: L.rnn(cell=L.lstm_cell(units=2))(numbers(2, 3, 4, 5)), r"\(LSTMCell\) expects an input with 2 dim"),
        (lambda: L.rnn(cell=L.lstm_cell(units=2))(X[0]), "at least 3 dimensions"),
        (lambda: L.conv_lstm2d(filters=1, kernel_size=4)(numbers(1, 2, 3, 3, 1)), "does not fit"),
        (lambda: L.lstm(units=2)(X, initial_state=[numbers(2, 2)]), r"has 2 state\(s\), .*; received 1: \(2, 2\)"),
        (lambda: L.gru(units=2)(X, initial_state=numbers(3, 2)), r"of shape \(2, 2\); received 1: \(3, 2\)"),
        (lambda: L.gru(units=2)([X, numbers(2, 2)], initial_state=numbers(2, 2)), "give them once"),
        (lambda: L.gru(units=2, stateful=True).ensure_built((None, 4, 3)), "so the batch's size must be known"),
        (lambda: L.gru(units=2).reset_states(numbers(2, 2)), "make it with stateful=True"),
        (lambda: L.gru_cell(units=2)([X[:, 0]]), r"is called on a list of the input and the states, \[x, \*states\]"),
        (lambda: L.gru_cell(units=2)(X[:, 0]), "on a list of the input and the states"),
        (lambda: L.lstm_cell(units=2)([X, X, X]), "2 dimensions"),
    ],
)
def test_inputs_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_another_batch_is_refused_by_a_stateful_layer():
    layer = L.gru(units=2, stateful=True)
    layer(X)
    with pytest.raises(ValueError, match="size 2 along axis 0"):
        layer(X[:1])
    with pytest.raises(ValueError, match=r"has 1 state\(s\), of shape \(2, 2\); received 1: \(1, 2\)"):
        layer.reset_states(numbers(1, 2))
    model = jtf.sequential([L.gru(units=2, stateful=True, batch_input_shape=[2, 4, 3])])
    with pytest.raises(ValueError, match="batch"):
        model.predict(X, batch_size=1)
