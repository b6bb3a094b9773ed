"""Models as graphs: symbolic tensors, several inputs and outputs, shared layers, models inside models."""

from __future__ import annotations

import copy
import json
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf
from tests.models.doubles import two_by_two_data

L = jtf.layers


def two_by_two(**options):
    """Two inputs, one shared layer, a model inside, two outputs."""
    left, right = jtf.input(shape=[3], name="left"), jtf.input(shape=[3], name="right")
    shared = L.dense(units=3, activation="tanh", name="shared", **options)
    inner = jtf.sequential([L.dense(units=4, input_shape=[3], name="within")], name="inner")
    size = L.dense(units=1, name="size")(inner(shared(left)))
    kind = L.dense(units=3, activation="softmax", name="kind")(shared(right))
    return jtf.model(inputs=[left, right], outputs=[size, kind], name="two")


def data(n=6):
    _, ys = two_by_two_data(n)
    rng = np.random.default_rng(3)
    return [rng.normal(size=(n, 3)).astype(np.float32) for _ in range(2)], ys


class TestSymbolicTensors:
    def test_input(self):
        x = jtf.input(shape=[None, 3], dtype="int32", name="words")
        assert (x.shape, x.dtype, x.name, x.ndim) == ((None, None, 3), "int32", "words", 3)
        assert repr(x) == "<SymbolicTensor 'words': shape (None, None, 3), int32>"
        assert jtf.input(batch_shape=[4, 2]).shape == (4, 2)
        first, second = jtf.input(shape=[1]).name, jtf.input(shape=[1]).name
        assert int(second.removeprefix("input")) == int(first.removeprefix("input")) + 1

    @pytest.mark.parametrize("options", [{}, {"shape": [2], "batch_shape": [None, 2]}])
    def test_one_shape(self, options):
        with pytest.raises(ValueError, match=r"takes shape=.* or batch_shape="):
            jtf.input(**options)

    def test_layers_are_called_or_applied(self):
        layer = L.dense(units=2)
        x = jtf.input(shape=[3])
        assert layer(x).shape == layer.apply(x).shape == (None, 2)
        assert [node.index for node in layer.inbound_nodes] == [0, 1]

    @pytest.mark.parametrize(
        "wrong",
        [
            lambda x: x + 1,
            lambda x: 2 * x,
            lambda x: x[:, 0],
            jnp.sin,
            lambda x: jnp.concatenate([x, x]),
            np.asarray,
            lambda x: jax.jit(lambda y: y)(x),
            bool,
            list,
        ],
    )
    def test_there_are_no_numbers_in_it(self, wrong):
        with pytest.raises(TypeError, match=r"has no numbers to compute with.*Join tensors with layers"):
            wrong(jtf.input(shape=[3]))

    def test_not_mixed_with_arrays(self):
        with pytest.raises(TypeError, match=r"symbolic tensors and something else \(ndarray\)"):
            L.add()([jtf.input(shape=[3]), np.ones((2, 3))])

    def test_masks_are_not_given(self):
        x = jtf.input(shape=[3])
        with pytest.raises(TypeError, match="was given 'mask' in a graph"):
            L.dense(units=1)(x, mask=np.ones(2))

    def test_a_refused_call_changes_nothing(self):
        layer = L.dense(units=2)
        with pytest.raises(ValueError, match="at least 2 dimensions"):
            layer(jtf.input(shape=[]))
        assert not layer.built
        assert layer.inbound_nodes == []
        pool = L.max_pooling1d(pool_size=4)
        with pytest.raises(ValueError, match=pool.name):
            pool(jtf.input(shape=[3, 2]))
        assert (pool.built, pool.inbound_nodes) == (False, [])

    def test_no_kernel_runs_for_a_shape(self):
        big = jtf.input(shape=[10**6, 10**6])
        assert L.activation("relu")(big).shape == (None, 10**6, 10**6)

    def test_input_and_output_of_a_layer(self):
        x = jtf.input(shape=[3])
        layer = L.dense(units=2, name="once")
        with pytest.raises(AttributeError, match="connected in no model yet"):
            _ = layer.output
        y = layer(x)
        assert (layer.input, layer.output) == (x, y)
        layer(x)
        with pytest.raises(AttributeError, match=r"2 calls; choose one of layer.inbound_nodes"):
            _ = layer.input


class TestModel:
    def test_layers_in_the_order_of_tfjs(self):
        model = two_by_two()
        assert [layer.name for layer in model.layers] == ["left", "shared", "right", "inner", "size", "kind"]
        assert [w.name.split("/")[0] for w in model.trainable_weights[::2]] == ["shared", "within", "size", "kind"]
        assert (model.input_names, model.output_names) == (["left", "right"], ["size", "kind"])
        assert model.get_layer("shared").units == 3

    def test_data_in_all_forms(self):
        model = two_by_two()
        (left, right), _ = data()
        expected = model.predict([left, right])
        assert [e.shape for e in expected] == [(6, 1), (6, 3)]
        for given in ([left, right], {"right": right, "left": left}, (left, right)):
            for outputs in (model.predict(given, batch_size=4), model(given)):
                jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), list(outputs), expected)
        with pytest.raises(ValueError, match="has the inputs left, right; received left"):
            model({"left": left})

    def test_it_computes_what_its_layers_compute(self):
        model = two_by_two()
        (left, right), _ = data()
        shared, inner, size, kind = (model.get_layer(name) for name in ("shared", "inner", "size", "kind"))
        expected = [size(inner(shared(left))), kind(shared(right))]
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), model([left, right]), expected)

    def test_training_moves_every_weight_and_a_shared_one_by_both_its_uses(self):
        model = two_by_two()
        xs, ys = data()
        before = model.get_weights()
        shared = model.get_layer("shared").trainable_weights

        def loss(values):
            with_values = jtf.lift(lambda: model(xs), shared)
            (size, kind), _ = with_values(values)
            entropy = -jnp.mean(jnp.sum(ys[1] * jnp.log(kind), axis=-1))
            return jnp.mean((size - ys[0]) ** 2) + 2 * entropy

        gradients = jax.grad(loss)(jtf.values(shared))
        model.compile(
            optimizer=jtf.train.sgd(0.5),
            loss={"size": "mse", "kind": "categoricalCrossentropy"},
            loss_weights={"kind": 2.0},
        )
        values = model.train_on_batch(xs, ys)
        assert len(values) == 3
        assert values[0] == pytest.approx(values[1] + 2 * values[2], rel=1e-5)
        for weight, gradient, old in zip(shared, gradients, before[:2], strict=True):
            np.testing.assert_allclose(weight, old - 0.5 * gradient, rtol=1e-4, atol=1e-6)
        assert all(not np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))

    def test_metrics_of_outputs_are_where_their_names_are(self):
        model = two_by_two()
        xs, ys = data()
        model.compile(
            optimizer="sgd", loss=["mse", "categoricalCrossentropy"], metrics={"kind": ["accuracy"], "size": "mae"}
        )
        names = ["loss", "size_loss", "kind_loss", "size_mae", "kind_acc"]
        assert model.metrics_names == names
        evaluated = dict(zip(names, model.evaluate(xs, ys), strict=True))
        size, kind = model.predict(xs)
        assert evaluated["size_mae"] == pytest.approx(float(jnp.abs(size - ys[0]).mean()), rel=1e-5)
        assert evaluated["kind_acc"] == pytest.approx(float((kind.argmax(-1) == ys[1].argmax(-1)).mean()))
        assert evaluated["loss"] == pytest.approx(evaluated["size_loss"] + evaluated["kind_loss"], rel=1e-5)
        weights = {"kind": np.array([1, 0, 0, 0, 0, 0])}
        only_first = dict(zip(names, model.evaluate(xs, ys, sample_weight=weights), strict=True))
        entropy = float(-jnp.sum(ys[1][0] * jnp.log(kind[0])))
        assert only_first["kind_loss"] == pytest.approx(entropy / 6, rel=1e-4)

    def test_a_penalty_on_a_shared_layer_counts_once(self):
        model = two_by_two(kernel_regularizer="l1_l2")
        assert len(model.losses) == 1

    def test_pure_functions(self):
        model = two_by_two()
        xs, _ = data()
        init, apply = model.functional()
        outputs, _ = jax.jit(apply)(model.variables, xs)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), outputs, model.predict(xs))
        ensemble = jax.vmap(init)(jax.random.split(jax.random.key(0), 3))
        assert jax.vmap(lambda v: apply(v, xs)[0][0])(ensemble).shape == (3, 6, 1)

    def test_an_output_inside_of_the_graph(self):
        x = jtf.input(shape=[2])
        hidden = L.dense(units=3)(x)
        model = jtf.model(inputs=x, outputs=[L.dense(units=1)(hidden), hidden, x])
        ones = np.ones((4, 2), np.float32)
        last, inside, same = model.predict(ones)
        np.testing.assert_allclose(model.layers[-1](inside), last, rtol=1e-6)
        np.testing.assert_array_equal(same, ones)

    def test_training_can_be_settled_for_one_call(self):
        x = jtf.input(shape=[50])
        always = jtf.model(inputs=x, outputs=L.dropout(rate=0.5)(x, training=True))
        never = jtf.model(inputs=x, outputs=L.dropout(rate=0.5)(x, training=False))
        again = jtf.models.model_from_json(always.to_json())
        ones = np.ones((2, 50), np.float32)
        for model in (always, again):
            assert (model.predict(ones) == 0).any()
        np.testing.assert_array_equal(never(ones, training=True), ones)

    def test_deep(self):
        x = y = jtf.input(shape=[2])
        for _ in range(1500):
            y = L.activation("linear")(y)
        model = jtf.model(inputs=x, outputs=y)
        again = pickle.loads(pickle.dumps(model))
        assert len(again.layers) == 1501
        assert len(copy.deepcopy(model).layers) == 1501


class TestRefusals:
    def test_a_missing_input(self):
        a, b = jtf.input(shape=[2], name="a"), jtf.input(shape=[2], name="b")
        both = L.add(name="both")([L.dense(units=2, name="first")(a), b])
        with pytest.raises(ValueError, match=r"depend on 'b', which is not among the inputs \(a\).*reached.*a, first"):
            jtf.model(inputs=a, outputs=both)

    def test_an_input_for_nothing(self):
        a, b = jtf.input(shape=[2], name="a"), jtf.input(shape=[2], name="b")
        with pytest.raises(ValueError, match=r"no output depends on the input 'b'.*depend on a"):
            jtf.model(inputs=[a, b], outputs=L.dense(units=2)(a))

    def test_two_layers_of_one_name(self):
        x = jtf.input(shape=[2])
        y = L.dense(units=2, name="same")(L.dense(units=2, name="same")(x))
        with pytest.raises(ValueError, match="2 layers called 'same'"):
            jtf.model(inputs=x, outputs=y, name="twins")

    def test_what_is_no_tensor(self):
        x = jtf.input(shape=[2])
        with pytest.raises(TypeError, match=r"inputs are symbolic tensors.*received list"):
            jtf.model(inputs=[[2]], outputs=x)
        with pytest.raises(TypeError, match=r"outputs are symbolic tensors.*received Dense"):
            jtf.model(inputs=x, outputs=L.dense(units=1))
        with pytest.raises(ValueError, match="has no outputs"):
            jtf.model(inputs=x, outputs=[])
        with pytest.raises(ValueError, match="is listed twice among the outputs"):
            jtf.model(inputs=x, outputs=[x, x])

    def test_an_input_from_the_middle(self):
        x = jtf.input(shape=[2])
        y = L.dense(units=2, name="middle")(x)
        with pytest.raises(TypeError, match="the output of layer 'middle'"):
            jtf.model(inputs=y, outputs=L.dense(units=2)(y))

    def test_a_cycle_in_a_file(self):
        config = two_by_two().get_config()
        by_name = {layer["name"]: layer for layer in config["layers"]}
        by_name["shared"]["inboundNodes"][0][0][:2] = ["inner", 1]
        with pytest.raises(ValueError, match=r"cycle.*'shared' waits for 'inner'.*'inner' waits for 'shared'"):
            L.deserialize({"className": "Model", "config": config})

    def test_a_layer_that_is_not_in_the_file(self):
        config = two_by_two().get_config()
        config["layers"][1]["inboundNodes"][0][0][0] = "lefd"
        with pytest.raises(ValueError, match=r"has no layer 'lefd'. Did you mean 'left'"):
            L.deserialize({"className": "Model", "config": config})
        config = two_by_two().get_config()
        config["outputLayers"][0][1] = 5
        with pytest.raises(ValueError, match="no tensor 0 of call 5 of layer 'size'"):
            L.deserialize({"className": "Functional", "config": config})

    def test_a_model_in_itself(self):
        model = jtf.sequential([L.dense(units=2, input_shape=[2])], name="ring")
        around = jtf.sequential([model])
        for inner in (model, around):
            with pytest.raises(ValueError, match="'ring' cannot be put into itself"):
                model.add(inner)


class TestCopies:
    @pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
    def test_copies_stand_alone(self, copied):
        model = two_by_two()
        xs, ys = data()
        model.compile(optimizer="adam", loss=["mse", "categoricalCrossentropy"])
        again = copied(model)
        assert again.get_config() == model.get_config()
        before = model.predict(xs)
        again.compile(optimizer="adam", loss=["mse", "categoricalCrossentropy"])
        again.fit(xs, ys, verbose=0)
        jax.tree.map(np.testing.assert_array_equal, model.predict(xs), before)
        # The copy's layers are connected as the original's, so one can build on them.
        more = jtf.model(
            inputs=again.inputs[0], outputs=L.dense(units=2)(again.get_layer("inner").inbound_nodes[1].outputs[0])
        )
        assert more.predict(xs[0]).shape == (6, 2)

    def test_a_copied_sequential_goes_on(self):
        model = jtf.sequential([L.dense(units=3, input_shape=[2])])
        again = copy.deepcopy(model)
        again.add(L.dense(units=1))
        again.pop()
        again.add(L.dense(units=5))
        assert (model.output.shape, again.output.shape) == ((None, 3), (None, 5))

    def test_json(self):
        model = two_by_two()
        again = jtf.models.model_from_json(model.to_json())
        assert again.to_json() == model.to_json()
        described = json.loads(model.to_json())
        assert jtf.models.model_from_json({"modelTopology": {"model_config": described}}).to_json() == model.to_json()
        again.set_weights(model.get_weights())
        xs, _ = data()
        jax.tree.map(np.testing.assert_array_equal, again.predict(xs), model.predict(xs))

    def test_not_json(self):
        with pytest.raises(ValueError, match="is JSON; this is not"):
            jtf.models.model_from_json("{")
        with pytest.raises(ValueError, match="is a JSON object; received list"):
            jtf.models.model_from_json("[1]")
        with pytest.raises(ValueError, match="describes a Dense layer, not a model"):
            jtf.models.model_from_json({"class_name": "Dense", "config": {"units": 1}})

    def test_saved(self, tmp_path):
        model = two_by_two()
        xs, _ = data()
        model.save(tmp_path / "model")
        again = jtf.load_layers_model(tmp_path / "model")
        jax.tree.map(np.testing.assert_array_equal, again.predict(xs), model.predict(xs))

    def test_a_layer_used_along_its_own_outputs(self):
        """A(B(A(B(x)))): each call depends on one of the other layer's."""
        a, b = L.dense(units=2, name="a"), L.dense(units=2, name="b")
        x = jtf.input(shape=[2], name="x")
        model = jtf.model(inputs=x, outputs=a(b(a(b(x)))))
        again = jtf.models.model_from_json(model.to_json())
        again.set_weights(model.get_weights())
        ones = np.ones((1, 2), np.float32)
        np.testing.assert_array_equal(again.predict(ones), model.predict(ones))
        assert again.to_json() == model.to_json()

    def test_an_input_layer_in_the_middle(self):
        x = jtf.input(shape=[2], name="x")
        model = jtf.model(inputs=x, outputs=L.dense(units=1)(L.input_layer(input_shape=[2], name="again")(x)))
        assert jtf.models.model_from_json(model.to_json()).to_json() == model.to_json()


class TestTransfer:
    def trained_base(self):
        base = jtf.sequential(
            [
                L.dense(units=4, activation="tanh", input_shape=[3], name="low"),
                L.batch_normalization(name="norm"),
                L.dense(units=2, name="high"),
            ],
        )
        x = np.random.default_rng(0).normal(size=(16, 3)).astype(np.float32)
        base.compile(optimizer="adam", loss="mse")
        base.fit(x, np.ones((16, 2)), verbose=0)
        return base, x

    def test_on_the_same_weights(self):
        base, x = self.trained_base()
        features = jtf.model(inputs=base.inputs, outputs=base.get_layer("low").output)
        expected = base.layers[0](x)
        np.testing.assert_allclose(features.predict(x), expected, rtol=1e-6)
        assert features.weights[0] is base.weights[0]

    @pytest.mark.parametrize("nested", [True, False])
    def test_a_frozen_base_stays_as_it_is(self, nested):
        base, x = self.trained_base()
        base.trainable = False
        assert not base.layers[0].trainable
        before = base.get_weights()
        if nested:
            entry = jtf.input(shape=[3])
            hidden = base(entry)
        else:
            entry, hidden = base.input, base.output
        model = jtf.model(inputs=entry, outputs=L.dense(units=1, name="head")(hidden))
        assert [w.name for w in model.trainable_weights] == ["head/kernel", "head/bias"]
        model.compile(optimizer="adam", loss="mse")
        head = model.get_layer("head").get_weights()
        model.fit(x, np.zeros((16, 1)), epochs=2, verbose=0)
        jax.tree.map(np.testing.assert_array_equal, base.get_weights(), before)  # statistics included
        assert not np.array_equal(model.get_layer("head").get_weights()[0], head[0])
        base.trainable = True
        model.compile(optimizer="adam", loss="mse")
        model.fit(x, np.zeros((16, 1)), verbose=0)
        assert all(not np.array_equal(a, b) for a, b in zip(base.get_weights(), before, strict=True))

    def test_thawed_in_part(self):
        base, _ = self.trained_base()
        base.trainable = False
        base.get_layer("high").trainable = True
        assert base.trainable_weights == []  # as long as the model itself is frozen
        base.trainable = True
        base.get_layer("low").trainable = False
        base.trainable = True  # as it is
        assert [w.name for w in base.trainable_weights] == ["norm/gamma", "norm/beta", "high/kernel", "high/bias"]

    def test_layers_of_one_model_in_another(self):
        base, x = self.trained_base()
        other = jtf.sequential([*base.layers[:2], L.dense(units=7)])
        assert other.predict(x).shape == (16, 7)
        assert other.layers[0] is base.layers[0]


class TestMasks:
    def test_masks_find_their_way(self):
        """Through layers that pass them on, into models inside, and to those that use them."""
        words = jtf.input(shape=[4], name="words")
        inner = jtf.sequential([L.dropout(rate=0.1, input_shape=[None, 3]), L.dense(units=3, activation="tanh")])
        hidden = inner(L.embedding(input_dim=5, output_dim=3, mask_zero=True)(words))
        model = jtf.model(inputs=words, outputs=L.lstm(units=2)(hidden))
        short = model.predict(np.array([[1, 2, 0, 0]]))
        np.testing.assert_allclose(short, model.predict(np.array([[1, 2, 0, 0], [1, 1, 1, 1]]))[:1], rtol=1e-4)
        lstm, embedding = model.layers[-1], model.layers[1]
        np.testing.assert_allclose(short, lstm(inner(embedding(np.array([[1, 2]])))), rtol=1e-5)

    def test_a_layer_without_masking_drops_it(self):
        model = jtf.sequential([L.masking(input_shape=[3, 2]), L.flatten(), L.dense(units=1)])
        assert model.predict(np.zeros((1, 3, 2))).shape == (1, 1)
        assert model.compute_mask(np.zeros((1, 3, 2), np.float32)) is None

    def test_a_mask_does_not_reach_what_is_behind_its_end(self):
        """TensorFlow.js hands a mask on to every layer that comes later, whether it is theirs or not."""
        model = jtf.sequential(
            [L.masking(input_shape=[3, 2]), L.lstm(units=2), L.repeat_vector(n=3), L.lstm(units=2, name="second")]
        )
        x = np.array([[[1.0, 2.0], [0, 0], [0, 0]]], np.float32)
        _, lstm, repeat, second = model.layers
        expected = second(repeat(lstm(x, mask=jnp.array([[True, False, False]]))))
        np.testing.assert_allclose(model.predict(x), expected, rtol=1e-6)


class TestSummary:
    def lines(self, model, **options):
        lines = []
        model.summary(print_fn=lines.append, **options)
        return lines

    def test_shared_layers_and_models_inside(self):
        lines = self.lines(two_by_two())
        assert len(lines[0]) == 115
        (shared,) = (i for i, line in enumerate(lines) if line.startswith("shared (Dense)"))
        assert lines[shared].split() == ["shared", "(Dense)", "[[None,3]],[[None,3]]", "[None,3]", "12", "left[0][0]"]
        assert lines[shared + 1].split() == ["right[0][0]"]
        assert any(line.split()[-1:] == ["inner[1][0]"] for line in lines)
        assert lines[-4:-1] == ["Total params: 45", "Trainable params: 45", "Non-trainable params: 0"]

    def test_a_chain_needs_no_connections(self):
        x = jtf.input(shape=[2])
        lines = self.lines(jtf.model(inputs=x, outputs=L.dense(units=1)(x)))
        assert len(lines[0]) == 90
        assert "Receives inputs" not in lines[1]


class TestAddLoss:
    def test_terms_of_layers_inside_count(self):
        class Push(jtf.layers.Layer):
            def call(self, inputs):
                self.add_loss(jnp.mean(inputs**2))
                return inputs

            def compute_output_shape(self, input_shape):
                return input_shape

        x = jtf.input(shape=[2])
        inner = jtf.sequential([L.dense(units=2, input_shape=[2], activity_regularizer="l1_l2")])
        model = jtf.model(inputs=x, outputs=Push()(inner(x)))
        model.compile(optimizer="sgd", loss="mse")
        ones = np.ones((4, 2), np.float32)
        out = np.asarray(model.predict(ones))
        expected = ((out - ones) ** 2).mean() + (out**2).mean() + 0.01 * (np.abs(out) + out**2).sum() / 4
        assert model.evaluate(ones, ones) == pytest.approx(expected, rel=1e-5)


def test_an_option_that_a_call_does_not_take_is_refused():
    x = jtf.input(shape=[3])
    add = jtf.layers.add(name="sum")
    with pytest.raises(TypeError, match=r"'sum' \(Add\) was called with scale=..., which its call does not take"):
        add([x, x], scale=2)
    assert not add.inbound_nodes
    with pytest.raises(TypeError, match=r"trianing=.*Did you mean 'training'"):
        jtf.layers.dropout(rate=0.5)(x, trianing=True)
