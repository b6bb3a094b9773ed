"""Sequential: building, adding, popping, nesting, looking."""

from __future__ import annotations

import json
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest

import jtf
from jtf.models.graph import Graph
from tests.corpus import cases
from tests.layers.replay import layer_of, params
from tests.models.doubles import dataset_of, line_data

dense = jtf.layers.dense
SUMMARIES = cases("corpus_layer_summaries.jsonl.gz")


def test_weights_have_the_names_of_tfjs_in_a_new_process():
    program = (
        "import jtf\n"
        "model = jtf.sequential([jtf.layers.dense(units=4, input_shape=[3]), jtf.layers.dense(units=2)])\n"
        "for w in model.weights: print(w.name, w.shape)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.splitlines() == [
        "dense_Dense1/kernel (3, 4)",
        "dense_Dense1/bias (4,)",
        "dense_Dense2/kernel (4, 2)",
        "dense_Dense2/bias (2,)",
    ]


@pytest.mark.parametrize("case", params(SUMMARIES, {}))
def test_summary_as_recorded(case):
    lines: list[str] = []
    layer_of(case).summary(case["lineLength"], case["positions"], print_fn=lines.append)
    assert lines == [line.replace("null", "None") for line in case["lines"]]


def test_summary_of_more_layers():
    model = jtf.sequential([dense(units=4, input_shape=[3]), jtf.layers.dropout(rate=0.5), dense(units=1)])
    model.layers[0].trainable = False
    lines: list[str] = []
    model.summary(line_length=80, positions=[0.3, 0.6, 0.85, 1.0], print_fn=lines.append)
    assert {len(line) for line in lines if line[0] in "_="} == {80}
    assert [line for line in lines if "params" in line] == [
        "Total params: 21",
        "Trainable params: 5",
        "Non-trainable params: 16",
    ]
    with pytest.raises(ValueError, match="is not built yet"):
        jtf.sequential([dense(units=1)]).summary()


class TestBuilding:
    def test_at_once(self):
        model = jtf.sequential()
        model.add(dense(units=4, input_shape=[3]))
        assert [w.shape for w in model.weights] == [(3, 4), (4,)]
        model.add(dense(units=2))
        assert [w.shape for w in model.weights] == [(3, 4), (4,), (4, 2), (2,)]
        assert model.output_shapes == [(None, 2)]

    @pytest.mark.parametrize(
        "first",
        [{"input_shape": [3]}, {"batch_input_shape": [None, 3]}, {"input_dim": 3}, {"inputShape": [3]}],
        ids=str,
    )
    def test_ways_to_say_the_input_shape(self, first):
        assert jtf.sequential([dense(units=2, **first)]).input_shapes == [(None, 3)]

    def test_from_the_first_data(self):
        x, y = line_data()
        uses = "fit predict evaluate train_on_batch fit_dataset evaluate_dataset predict_on_batch"
        for use in uses.split():
            model = jtf.sequential([dense(units=3), dense(units=1)])
            model.compile(optimizer="sgd", loss="mse")
            assert (model.built, model.weights) == (False, [])
            dataset = dataset_of(x, y)
            arguments = {"predict": (x,), "predict_on_batch": (x,)}.get(use, (x, y))
            arguments = (dataset,) if use.endswith("dataset") else arguments
            options = {"fit": {"verbose": 0}, "fit_dataset": {"epochs": 1, "verbose": 0}}.get(use, {})
            getattr(model, use)(*arguments, **options)
            assert [w.shape for w in model.weights] == [(2, 3), (3,), (3, 1), (1,)]

    def test_a_dataset_that_can_be_read_once_loses_no_batch_to_building(self):
        x, y = line_data()
        model = jtf.sequential([dense(units=1)])
        model.compile(optimizer="sgd", loss="mse")
        batches = iter([(x[:5], y[:5]), (x[5:], y[5:])])
        seen = []
        model.fit_dataset(batches, epochs=1, verbose=0, callbacks={"on_batch_end": lambda b, logs: seen.append(b)})
        assert seen == [0, 1]

    def test_by_hand(self):
        model = jtf.sequential([dense(units=2)])
        model.build((None, 3))
        assert model.predict(np.ones((4, 3))).shape == (4, 2)
        with pytest.raises(ValueError, match="expects an input with size 3 along axis -1"):
            model.build((None, 5))
        assert model.input_shapes == [(None, 3)]

    def test_not_built(self):
        model = jtf.sequential([dense(units=2)])
        for use in (model.functional, model.count_params, model.summary):
            with pytest.raises(ValueError, match="not built yet"):
                use()
        with pytest.raises(ValueError, match="has no layers"):
            jtf.sequential().build((None, 2))
        with pytest.raises(ValueError, match="not built yet"):
            jtf.sequential().predict(np.ones((2, 2)))
        model.compile(optimizer="sgd", loss="mse")
        with pytest.raises(ValueError, match="not built yet"):
            _ = model.metrics_names

    def test_ragged_data_build_nothing(self):
        model = jtf.sequential([dense(units=2)])
        with pytest.raises(TypeError, match="cannot be made one array"):
            model.predict([[1.0, 2.0], [1.0]])
        assert not model.built

    def test_given_weights(self):
        kernel, bias = np.ones((3, 2)), np.array([1.0, 2.0])
        model = jtf.sequential([dense(units=2, input_shape=[3], weights=[kernel, bias])])
        assert model.predict(np.ones((1, 3))).tolist() == [[4.0, 5.0]]
        with pytest.raises(ValueError, match=r"expected .*shape|holds shape \(3, 2\)"):
            jtf.sequential([dense(units=2, input_shape=[3], weights=[bias, bias])])


class TestCalledOnOtherShapes:
    """As in TF.js: a call takes what the layers take, fit and predict what the model was made for."""

    @pytest.mark.parametrize(
        ("first", "shape", "expected"),
        [
            (lambda: dense(units=2, input_shape=[3]), (1, 1, 3), (1, 1, 2)),
            (lambda: dense(units=2, input_shape=[3]), (2, 4, 5, 3), (2, 4, 5, 2)),
            (lambda: dense(units=2, input_shape=[4, 3]), (2, 5, 3), (2, 5, 2)),
            (lambda: dense(units=2, input_shape=[4, 3]), (2, 3), (2, 2)),
            (lambda: jtf.layers.relu(input_shape=[3]), (1, 1, 3), (1, 1, 3)),
            (lambda: jtf.layers.flatten(input_shape=[4, 3]), (2, 2, 4, 3), (2, 24)),
        ],
    )
    def test_what_the_layers_take(self, first, shape, expected):
        model, x = jtf.sequential([first()]), np.ones(shape, np.float32)
        assert model(x).shape == model.layers[0](x).shape == expected
        assert model(jtf.input(shape=shape[1:])).shape == (None, *expected[1:])
        entry = jtf.input(shape=model.input_shapes[0][1:])
        assert jtf.model(inputs=entry, outputs=model.layers[0](entry))(x).shape == expected
        with pytest.raises(ValueError, match="shape"):
            model.predict(x)

    def test_what_they_do_not_take(self):
        model = jtf.sequential([jtf.layers.relu(input_shape=[3]), dense(units=2, name="two")])
        for wrong in (np.ones((2, 4), np.float32), jtf.input(shape=[4])):
            with pytest.raises(ValueError, match=r"'two'.* size 3 along axis -1"):
                model(wrong)
        with pytest.raises(ValueError, match="takes one input; received 2"):
            model([np.ones((2, 3)), np.ones((2, 3))])

    def test_an_embedding_scaled_by_a_vector(self):
        # TF.js's example of an auxiliary classifier GAN
        latent, number = jtf.input(shape=[4], name="latent"), jtf.input(shape=[1], name="number")
        words = jtf.layers.embedding(input_dim=3, output_dim=4)
        both = jtf.layers.multiply()([latent, words(number)])
        assert both.shape == (None, 1, 4)
        decoder = jtf.sequential([dense(units=8, input_shape=[4]), jtf.layers.reshape(target_shape=[2, 4])])
        model = jtf.model(inputs=[latent, number], outputs=decoder(both))
        x, ids = np.arange(8, dtype=np.float32).reshape(2, 4), np.array([[1], [2]])
        inner = decoder.layers[0]
        expected = (x * np.asarray(words.weights[0])[ids[:, 0]]) @ np.asarray(inner.kernel)
        np.testing.assert_allclose(model.predict([x, ids]).reshape(2, 8), expected, rtol=1e-5)


class TestAddAndPop:
    def test_refusals(self):
        model = jtf.sequential([dense(units=2, input_shape=[3], name="first")])
        for wrong, error, message in [
            (jtf.layers.Dense, TypeError, r"takes a layer; received .* Call it: Dense\(...\)"),
            ("dense", TypeError, "takes a layer; received 'dense'"),
            (dense(units=1, name="first"), ValueError, "has a layer called 'first' already"),
            (jtf.layers.flatten(), ValueError, "expects an input with at least 3 dimensions"),
            (jtf.layers.reshape(target_shape=[3]), ValueError, "cannot turn examples of shape"),
            (jtf.layers.reshape(target_shape=[0, 2]), ValueError, "cannot turn examples of shape"),
        ]:
            with pytest.raises(error, match=message):
                model.add(wrong)
            assert [layer.name for layer in model.layers] == ["first"]
            assert model.output_shapes == [(None, 2)]
        with pytest.raises(TypeError, match="put the layer into brackets"):
            jtf.sequential(dense(units=1))

    def test_a_built_layer_must_fit_where_it_is_put(self):
        built = dense(units=1, input_shape=[2])
        inner = jtf.sequential([built])
        for layer in (built, inner):
            model = jtf.sequential([dense(units=4, input_shape=[2])])
            with pytest.raises(ValueError, match=r"expects an input with size 2 along axis -?1"):
                model.add(layer)

    def test_what_a_new_layer_says_of_its_input_must_be_so(self):
        model = jtf.sequential([dense(units=2, input_shape=[3])])
        with pytest.raises(
            ValueError, match=r"made for an input of shape \(None, 5\); what comes .* gives \(None, 2\)"
        ):
            model.add(dense(units=2, input_shape=[5]))
        late = jtf.sequential([dense(units=2), dense(units=2, input_shape=[5])])
        with pytest.raises(ValueError, match=r"made for an input of shape \(None, 5\)"):
            late.predict(np.ones((1, 3)))
        assert len(model.layers) == 1
        model.add(dense(units=4, input_shape=[2]))
        graph = jtf.input(shape=[3])
        graph = jtf.model(inputs=graph, outputs=dense(units=2, name="here")(graph))
        for described in (model.to_json(), graph.to_json()):  # where TF.js and Keras do not look at it
            layers = json.loads(described)
            layers["config"]["layers"][1]["config"]["batch_input_shape"] = [None, 5]
            assert (
                jtf.models.model_from_json(layers).count_params()
                == jtf.models.model_from_json(described).count_params()
            )

    def test_a_layer_of_another_model_goes_where_it_fits(self):
        other = jtf.sequential([dense(units=2, input_shape=[3])])
        model = jtf.sequential([jtf.layers.embedding(input_dim=4, output_dim=3, input_length=5), *other.layers])
        assert model.output_shapes == [(None, 5, 2)]

    def test_the_graph_is_put_together_once_however_many_layers_are_added(self, monkeypatch):
        made, looked, make = [], [], Graph.__init__
        monkeypatch.setattr(Graph, "__init__", lambda *arguments: made.append(1) or make(*arguments))
        inside = jtf.layers.Layer.layers_inside
        counted = property(lambda self: looked.append(self) or inside.fget(self))
        monkeypatch.setattr(jtf.layers.Layer, "layers_inside", counted)
        model = jtf.sequential([dense(units=1, input_shape=[1]) for _ in range(20)])
        assert not made
        assert len(looked) <= 5 * 20
        assert model.count_params() == 40
        model.predict(np.ones((1, 1)))
        model.summary(print_fn=lambda line: None)
        assert len(made) == 1
        looked.clear()
        model.add(dense(units=1))
        assert len(looked) <= 5

    def test_no_layer_has_the_name_of_the_entry(self):
        with pytest.raises(ValueError, match="has a layer called 'first_input' already"):
            jtf.sequential([dense(units=1, input_shape=[1], name="first"), dense(units=1, name="first_input")])

    def test_pop(self):
        model = jtf.sequential([dense(units=2, input_shape=[3]), dense(units=1)])
        last = model.layers[-1]
        assert model.pop() is last
        assert model.predict(np.ones((1, 3))).shape == (1, 2)
        model.pop()
        assert (model.layers, model.weights, model.built) == ([], [], False)
        with pytest.raises(IndexError, match="has no layers to pop"):
            model.pop()
        model.add(dense(units=5, input_shape=[7]))
        assert model.predict(np.ones((1, 7))).shape == (1, 5)

    def test_a_compiled_model_stays_compiled(self):
        x, y = line_data()
        model = jtf.sequential([dense(units=3, input_shape=[2]), dense(units=1)])
        model.compile(optimizer="adam", loss="mse")
        model.fit(x, y, verbose=0)
        predicted = model.predict(x)
        model.pop()
        model.add(dense(units=1, kernel_initializer="zeros"))
        assert not np.array_equal(model.predict(x), predicted)
        before = model.get_weights()
        model.fit(x, y, verbose=0)
        assert all(not np.array_equal(a, b) for a, b in zip(before[2:], model.get_weights()[2:], strict=True))
        assert model.optimizer.iterations == 2

    def test_a_model_built_by_data_goes_on(self):
        model = jtf.sequential([dense(units=3)])
        model.predict(np.ones((1, 5)))
        model.add(dense(units=1))
        assert [w.shape for w in model.weights] == [(5, 3), (3,), (3, 1), (1,)]


class TestNested:
    def test_it_is_a_layer(self):
        inner = jtf.sequential([dense(units=3, input_shape=[2], activation="relu", name="a"), dense(units=2, name="b")])
        outer = jtf.sequential([inner, dense(units=1, name="c")])
        assert [w.name for w in outer.weights] == ["a/kernel", "a/bias", "b/kernel", "b/bias", "c/kernel", "c/bias"]
        x = np.ones((2, 2), np.float32)
        hidden = outer.layers[1](inner.predict(x))
        np.testing.assert_allclose(outer.predict(x), hidden, rtol=1e-6)
        again = jtf.layers.deserialize({"className": "Sequential", "config": outer.get_config()})
        again.set_weights(outer.get_weights())
        np.testing.assert_array_equal(again.predict(x), outer.predict(x))

    def test_unbuilt_inside(self):
        outer = jtf.sequential([dense(units=3, input_shape=[2]), jtf.sequential([dense(units=2)])])
        assert outer.count_params() == 3 * 3 + 4 * 2

    def test_a_frozen_model_inside(self):
        inner = jtf.sequential([dense(units=3, input_shape=[2])])
        inner.trainable = False
        outer = jtf.sequential([inner, dense(units=1)])
        assert [w.shape for w in outer.trainable_weights] == [(3, 1), (1,)]
        assert [w.shape for w in outer.weights] == [(2, 3), (3,), (3, 1), (1,)]


class TestLooking:
    def test_get_layer(self):
        model = jtf.sequential([dense(units=2, input_shape=[3], name="a"), dense(units=1, name="b")])
        assert model.get_layer("a") is model.get_layer(index=0) is model.layers[0]
        assert model.get_layer(index=-1).name == "b"
        for wrong, message in [({"name": "c"}, "of name 'c'; it has a, b"), ({"index": 2}, "of index 2"), ({}, "None")]:
            with pytest.raises(ValueError, match=message):
                model.get_layer(**wrong)

    def test_set_weights_is_all_or_nothing(self):
        model = jtf.sequential([dense(units=2, input_shape=[3], name="a")])
        before = model.get_weights()
        for values in ([np.ones((3, 2))], [np.ones((3, 2)), np.ones(3)], [np.ones((3, 2)), np.ones(2, np.int32)]):
            with pytest.raises(ValueError, match=r"has 2 weights; received 1|holds shape \(2,\) and dtype float32"):
                model.set_weights(values)
            for old, new in zip(before, model.get_weights(), strict=True):
                np.testing.assert_array_equal(old, new)

    def test_assigning_one_weight_changes_predictions(self):
        model = jtf.sequential([dense(units=1, input_shape=[2])])
        x = np.ones((1, 2))
        model.predict(x)
        model.weights[0].val.assign(jnp.full((2, 1), 3.0))
        model.weights[1].assign([1.0])
        assert model.predict(x).tolist() == [[7.0]]

    def test_names_and_repr(self):
        model = jtf.sequential([dense(units=2, input_shape=[3], name="a")], name="mine")
        assert (model.input_names, model.output_names) == (["a_input"], ["a"])
        assert repr(model.layers[0]) == "<Dense 'a': units=2, use_bias=True>"
        named = jtf.sequential([jtf.layers.input_layer(input_shape=[3], name="pixels"), dense(units=1)])
        assert named.input_names == ["pixels"]


class TestPredict:
    def test_batches_and_the_rest(self):
        x = np.random.default_rng(0).normal(size=(70, 3)).astype(np.float32)
        model = jtf.sequential([dense(units=2, input_shape=[3], activation="tanh")])
        whole = model.predict_on_batch(x)
        for size in (1, 7, 32, 70, 1000):
            np.testing.assert_allclose(model.predict(x, batch_size=size), whole, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(model.predict([x]), model.predict(x))
        np.testing.assert_array_equal(model.predict({model.input_names[0]: x}), model.predict(x))
        np.testing.assert_array_equal(model.predict(x.tolist()), model.predict(x))
        np.testing.assert_array_equal(model.predict(jnp.asarray(x)), model.predict(x.astype(np.float64)))

    @pytest.mark.parametrize(
        ("x", "message"),
        [
            (np.ones((2, 4)), r"must have shape \(None, 3\); received \(2, 4\)"),
            (np.ones((2, 3, 1)), r"must have shape \(None, 3\); received \(2, 3, 1\)"),
            (np.ones(3), r"received \(3,\). This looks like one sample; .* x\[None\]"),
            (np.ones((0, 3)), "has no samples"),
            (np.float32(1.0), "is a single number"),
            (np.array([["a", "b", "c"]]), "must hold numbers; received text"),
            ([[1.0, 2.0, 3.0], [1.0]], "cannot be made one array"),
            ({"wrong": np.ones((2, 3))}, "lack 'in_input'"),
            (np.full((1, 3), 2**40), "integers beyond 32 bits"),
        ],
    )
    def test_wrong_inputs(self, x, message):
        model = jtf.sequential([dense(units=2, input_shape=[3], name="in")])
        with pytest.raises((ValueError, TypeError), match=message):
            model.predict(x)

    @pytest.mark.parametrize("size", [0, -2, 3.14, "a", True])
    def test_wrong_batch_sizes(self, size):
        model = jtf.sequential([dense(units=2, input_shape=[3])])
        with pytest.raises(ValueError, match="batch_size is a positive integer"):
            model.predict(np.ones((2, 3)), batch_size=size)

    def test_the_dtype_of_the_model_is_that_of_its_inputs(self):
        images = np.full((2, 3), 200, np.uint8)
        model = jtf.sequential([jtf.layers.activation(activation="linear", input_shape=[3])])
        assert model.predict(images).dtype == jnp.float32
        half = jtf.sequential([jtf.layers.activation(activation="linear", input_shape=[3], dtype="bfloat16")])
        assert half.predict(images).dtype == jnp.bfloat16
