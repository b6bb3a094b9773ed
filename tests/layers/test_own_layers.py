"""Layers as a user writes them in a notebook."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf
from jtf.layers import Layer
from tests.models.doubles import line_data


class Scale(Layer):
    def __init__(self, factor=1.0, **options):
        super().__init__(**options)
        self.factor = factor

    def build(self, input_shape):
        self.gain = self.add_weight("gain", input_shape[-1:], initializer="ones", regularizer="l1_l2")

    def call(self, x):
        return x * jnp.broadcast_to(self.gain, x.shape) * self.factor


class Block(Layer):
    """Layers inside, in an attribute and in nested containers, built by nobody before the call."""

    def __init__(self, units=3, **options):
        super().__init__(**options)
        self.units = units
        self.first = jtf.layers.dense(units=units, activation="tanh")
        self.rest = {"deep": [[jtf.layers.dense(units=units)], (jtf.layers.dropout(rate=0.5), Scale(2.0))]}

    def call(self, x, training=False):
        x = self.first(x)
        for group in self.rest["deep"]:
            for layer in group:
                x = layer(x, training=training)
        return x


class BlockWithShape(Block):
    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)


class RunningMean(Layer):
    """State that is assigned in every call, also where shapes are inferred."""

    def build(self, input_shape):
        self.mean = self.add_weight("mean", input_shape[1:], initializer="zeros", trainable=False)
        self.calls = self.add_weight("calls", (), dtype="int32", initializer="zeros", trainable=False)

    def call(self, x):
        self.mean.assign(0.9 * self.mean + 0.1 * x.mean(axis=0))
        self.calls.assign(self.calls + 1)
        return x - self.mean.read()[None]


class Noise(Layer):
    def call(self, x, training=False):
        if not training:
            return x
        return x + jax.random.normal(jtf.random.next_key(), x.shape)


class Penalized(Layer):
    def call(self, x):
        self.add_loss(3.0 * jnp.abs(x))
        return x


class MadeInInit(Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.gain = self.add_weight("gain", (1,), initializer="ones")

    def call(self, x):
        return x * self.gain[0]


def fitted(*layers, epochs=2, **options):
    x, y = line_data()
    model = jtf.sequential([*layers, jtf.layers.dense(units=1)])
    model.compile(optimizer=jtf.train.sgd(0.05), loss="mse", **options)
    model.fit(x, y, epochs=epochs, batch_size=5, verbose=0)
    return model


def test_weights():
    model = fitted(Scale(2.0, input_shape=[2], name="scale"))
    assert [(w.name, w.shape) for w in model.layers[0].weights] == [("scale/gain", (2,))]
    assert not np.array_equal(model.weights[0], np.ones(2))
    assert Scale(3.0).get_config()["factor"] == 3.0
    assert Scale.from_config({"factor": 4.0, "name": "s"}).factor == 4.0


@pytest.mark.parametrize("block", [Block, BlockWithShape])
def test_layers_inside(block):
    model = fitted(block(input_shape=[2], name="block"))
    stems = [w.name.replace("block/", "", 1) for w in model.layers[0].weights]
    assert [name.split("/")[-1] for name in stems] == ["kernel", "bias", "kernel", "bias", "gain"]
    assert all(w.name.startswith("block/") for w in model.layers[0].weights)
    assert len(model.trainable_weights) == 7
    assert model.output_shapes == [(None, 1)]
    before = model.get_weights()
    x, y = line_data()
    model.fit(x, y, verbose=0)
    assert all(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)), "all are trained"


def test_weights_inside_follow_the_seed():
    def first(seed):
        jtf.set_seed(seed)
        return jtf.sequential([Block(input_shape=[2])]).get_weights()[0]

    np.testing.assert_array_equal(first(1), first(1))
    assert not np.array_equal(first(1), first(2))


def test_penalties_of_layers_inside_count():
    model = jtf.sequential([Block(input_shape=[2])])
    (penalty,) = model.losses
    assert float(penalty) == pytest.approx(3 * 0.02)


def test_freezing_reaches_the_layers_inside():
    block = Block(input_shape=[2])
    block.trainable = False
    model = fitted(block)
    assert len(model.trainable_weights) == 2
    assert model.non_trainable_weights == block.weights


def test_state_that_is_assigned_in_call():
    x, _ = line_data()
    model = fitted(RunningMean(input_shape=[2]), epochs=2)
    mean = np.zeros(2)
    jtf_mean, calls = model.layers[0].get_weights()
    assert int(calls) == 4, "once a step, and never while shapes are inferred"
    assert not np.array_equal(jtf_mean, mean)
    # Evaluating and predicting leave the state alone.
    model.predict(x)
    model.evaluate(x, np.ones(10))
    assert int(model.layers[0].calls) == 4
    model.train_on_batch(x, np.ones(10))
    assert int(model.layers[0].calls) == 5


def test_state_by_hand():
    x, y = line_data()
    model = jtf.sequential([RunningMean(input_shape=[2]), jtf.layers.dense(units=1)])
    model.compile(optimizer="sgd", loss="mse")
    model.fit(x, y, batch_size=5, epochs=2, shuffle=False, verbose=0)
    mean = np.zeros(2)
    for batch in (x[:5], x[5:], x[:5], x[5:]):
        mean = 0.9 * mean + 0.1 * batch.mean(axis=0)
    np.testing.assert_allclose(model.layers[0].mean, mean, rtol=1e-5, atol=1e-6)


def test_randomness():
    def losses(seed):
        jtf.set_seed(seed)
        return fitted(Noise(input_shape=[2])).history.history["loss"]

    assert losses(1) == losses(1)
    assert losses(1) != losses(2)


def test_added_losses_are_in_training_and_evaluation():
    x, y = line_data()
    model = fitted(Penalized(input_shape=[2]))
    plain = jtf.sequential([jtf.layers.dense(units=1, input_shape=[2])])
    plain.set_weights(model.get_weights())
    plain.compile(optimizer="sgd", loss="mse")
    expected = plain.evaluate(x, y) + 3 * np.abs(x).mean()
    assert model.evaluate(x, y) == pytest.approx(expected, rel=1e-5)
    assert model.train_on_batch(x, y) == pytest.approx(expected, rel=1e-5)


def test_weights_made_in_init_belong_to_their_layer():
    model = fitted(MadeInInit(input_shape=[2], name="a"), MadeInInit(name="b"))
    assert [w.name for w in model.weights][:2] == ["a/gain", "b/gain"]
    assert float(model.weights[0][0]) != 1.0


def test_a_name_can_be_used_once():
    class Twice(Layer):
        def build(self, input_shape):
            self.a = self.add_weight("w", (1,))
            self.b = self.add_weight("w", (1,))

    with pytest.raises(ValueError, match="has a weight called 'w' already"):
        Twice().ensure_built((None, 1))


def test_what_is_forgotten_is_said():
    with pytest.raises(NotImplementedError, match=r"must define call\(self, inputs\)"):
        type("Empty", (Layer,), {})()(jnp.ones((1, 1)))

    class Forgetful(Layer):
        def __init__(self, factor, **options):
            super().__init__(**options)

        def call(self, x):
            return x

    with pytest.raises(NotImplementedError, match=r"there is no attribute self.factor"):
        Forgetful(2).get_config()


def test_a_layer_of_several_outputs_does_not_fit_into_a_sequential_model():
    class Split(Layer):
        def call(self, x):
            return [x, x]

    with pytest.raises(ValueError, match=r"has one output; layer .* has the shapes"):
        jtf.sequential([Split(input_shape=[2])])


def test_a_layer_that_leaves_nothing_is_refused():
    class Nothing(Layer):
        def call(self, x):
            return x[:, :0]

    with pytest.raises(ValueError, match=r"would turn shape .* nothing left in it"):
        jtf.sequential([Nothing(input_shape=[2])])


def test_several_inputs():
    class Add(Layer):
        def call(self, inputs):
            a, b = inputs
            return a + b

    shapes = [(None, 2), (None, 2)]
    assert Add().compute_output_shape(shapes) == (None, 2)
    assert Add()([jnp.ones((3, 2)), jnp.ones((3, 2))]).tolist() == [[2.0, 2.0]] * 3


def test_a_call_that_cannot_be_traced_says_so_where_the_model_is_made():
    class Branches(Layer):
        def call(self, x):
            return x if x.sum() > 0 else -x

    assert Branches()(-jnp.ones((1, 1))).tolist() == [[1.0]]
    with pytest.raises(jax.errors.TracerBoolConversionError):
        jtf.sequential([Branches(input_shape=[2])])


def test_called_inside_jit_a_layer_is_built_with_real_numbers():
    layer = Block()
    traced = jax.jit(lambda x: layer(x))(jnp.ones((2, 2)))
    np.testing.assert_allclose(layer(jnp.ones((2, 2))), traced, rtol=1e-6)


def test_training_reaches_only_layers_that_ask():
    seen = []

    class Asks(Layer):
        def call(self, x, training=None):
            seen.append(training)
            return x

    x, y = line_data()
    model = jtf.sequential([Asks(input_shape=[2]), Scale(), jtf.layers.dense(units=1)])
    model.compile(optimizer="sgd", loss="mse")
    seen.clear()
    model.predict(x)
    assert set(seen) == {False}
    seen.clear()
    model.fit(x, y, verbose=0)
    assert set(seen) == {True}
    layer = Asks()
    seen.clear()
    layer(jnp.ones(1))
    layer.apply(jnp.ones(1), training=True)
    assert seen == [None, True]


class TestWrittenAsInTfjs:
    def test_a_shape_may_be_a_list(self):
        class Two(Layer):
            def compute_output_shape(self, input_shape):
                return [input_shape[0], 2]

            def call(self, x):
                return x[:, :2]

        class Both(Layer):
            def compute_output_shape(self, input_shape):
                return [[input_shape[0], 1], [input_shape[0], 2]]

            def call(self, x):
                return [x[:, :1], x[:, :2]]

        assert Two().compute_output_shape((None, 3)) == (None, 2)
        model = jtf.sequential([Two(input_shape=[3]), jtf.layers.dense(units=4)])
        assert model.predict(np.ones((5, 3))).shape == (5, 4)
        assert [tensor.shape for tensor in Both()(jtf.input(shape=[3]))] == [(None, 1), (None, 2)]

    @pytest.mark.parametrize("wrong", [3, None, "2", [2.5], {"shape": 2}])
    def test_what_is_no_shape_is_refused(self, wrong):
        class Wrong(Layer):
            def compute_output_shape(self, input_shape):
                return wrong

        with pytest.raises(TypeError, match="compute_output_shape returns a shape"):
            Wrong()(jtf.input(shape=[3]))

    def test_options_in_one_object(self):
        seen = []

        class Tfjs(Layer):
            supports_masking = True

            def call(self, inputs, kwargs):
                seen.append(kwargs)
                return inputs * (2 if kwargs["training"] else 1)

        layer, x = Tfjs(), jnp.ones((2, 3))
        assert layer(x).sum() == 6
        assert layer(x, training=True, mode="other").sum() == 12
        assert seen == [{"training": None, "mask": None}, {"training": True, "mask": None, "mode": "other"}]
        masked = jtf.sequential([jtf.layers.masking(input_shape=[4, 3]), layer])
        masked(jnp.ones((2, 4, 3)))
        assert seen[-1]["mask"].shape == (2, 4)
        model = jtf.sequential([Tfjs(input_shape=[3]), jtf.layers.dense(units=1)])
        model.compile(optimizer="sgd", loss="mse")
        model.fit(np.ones((2, 3)), np.ones((2, 1)), verbose=0)
        assert seen[-1]["training"] is True
        model.predict(np.ones((2, 3)))
        assert seen[-1]["training"] is False

    def test_options_without_defaults_are_given(self):
        class Needs(Layer):
            def call(self, x, training, mask):
                return x * (2 if training else 1)

        assert Needs()(jnp.ones(2)).tolist() == [1, 1]
        assert Needs()(jnp.ones(2), training=True).tolist() == [2, 2]
