"""What users do with graphs: data for some outputs, calls with options, layers of their own, models that change."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

import jtf

L = jtf.layers
ONES = np.ones((4, 3), np.float32)


def two_heads(**options):
    x = jtf.input(shape=[3], name="x")
    model = jtf.model(inputs=x, outputs=[L.dense(units=1, name="o1")(x), L.dense(units=2, name="o2")(x)])
    model.compile(optimizer="sgd", **options)
    return model


class TestOutputsWithoutALoss:
    @pytest.mark.parametrize("loss", [{"o1": "mse"}, ["mse", None]])
    @pytest.mark.parametrize("y", [{"o1": np.ones((4, 1))}, np.ones((4, 1)), [np.ones((4, 1)), None]])
    def test_they_need_no_targets(self, loss, y):
        model = two_heads(loss=loss)
        before = model.get_layer("o2").get_weights()
        history = model.fit(ONES, y, epochs=2, batch_size=2, validation_split=0.5, verbose=0)
        assert list(history.history) == ["val_loss", "val_o1_loss", "loss", "o1_loss"]
        np.testing.assert_array_equal(model.get_layer("o2").get_weights()[0], before[0])
        assert np.isfinite(model.evaluate(ONES, y)).all()

    def test_unless_they_have_a_metric(self):
        model = two_heads(loss={"o1": "mse"}, metrics={"o2": "mae"})
        with pytest.raises(ValueError, match="lack 'o2'"):
            model.fit(ONES, {"o1": np.ones((4, 1))}, verbose=0)
        assert len(model.evaluate(ONES, [np.ones((4, 1)), np.ones((4, 2))])) == 3


def test_outputs_of_one_name_are_told_apart_by_place_only():
    a, b = jtf.input(shape=[3]), jtf.input(shape=[3])
    shared = L.dense(units=1, name="shared")
    model = jtf.model(inputs=[a, b], outputs=[shared(a), shared(b)])
    with pytest.raises(ValueError, match=r"Several outputs of the model have one name \(shared, shared\)"):
        model.compile(optimizer="sgd", loss={"shared": "mse"})
    model.compile(optimizer="sgd", loss=["mse", "mae"])
    assert model.metrics_names == ["loss", "shared_loss_0", "shared_loss_1"]
    with pytest.raises(ValueError, match="Several targets of the model have one name"):
        model.train_on_batch([ONES, ONES], {"shared": np.ones((4, 1))})


def test_validation_batches_in_a_list():
    model = jtf.sequential([L.dense(units=1, input_shape=[3])])
    model.compile(optimizer="sgd", loss="mse")
    batches = [(ONES, np.ones((4, 1)))] * 2
    history = model.fit_dataset(batches, epochs=1, validation_data=batches, verbose=0)
    as_arrays = model.fit(ONES, np.ones((4, 1)), validation_data=[ONES, np.ones((4, 1))], verbose=0)
    assert len(history.history["val_loss"]) == len(as_arrays.history["val_loss"]) == 1


class TestModelsThatChange:
    def test_a_graph_around_a_model_that_has_changed_says_so(self):
        inner = jtf.sequential([L.dense(units=4, input_shape=[3])], name="inner")
        x = jtf.input(shape=[3])
        model = jtf.model(inputs=x, outputs=inner(x), name="outer")
        model.predict(ONES)
        inner.add(L.activation("relu"))
        with pytest.raises(ValueError, match="A model inside of 'outer' has got or lost layers"):
            model.predict(ONES)

    def test_a_sequence_of_models_follows(self):
        inner = jtf.sequential([L.dense(units=4, input_shape=[3])])
        model = jtf.sequential([L.time_distributed(layer=inner, input_shape=[2, 3])])
        model.predict(np.ones((1, 2, 3)))
        inner.add(L.dense(units=7))
        assert model.predict(np.ones((1, 2, 3))).shape == (1, 2, 7)

    def test_what_is_frozen_is_settled_when_it_is_compiled(self):
        norm = L.batch_normalization(input_shape=[3])
        model = jtf.sequential([norm, L.dense(units=1)])
        model.compile(optimizer="sgd", loss="mse")
        norm.trainable = False
        x = np.random.default_rng(0).normal(size=(6, 3))
        for size in (6, 3):  # one step compiled before, one compiled now
            before = np.asarray(norm.moving_mean)
            with pytest.warns(UserWarning, match="no effect before it is compiled again"):
                model.fit(x, np.ones(6), batch_size=size, verbose=0)
            assert not np.array_equal(norm.moving_mean, before)
        model.compile(optimizer="sgd", loss="mse")
        before = np.asarray(norm.moving_mean)
        model.fit(x, np.ones(6), verbose=0)
        np.testing.assert_array_equal(norm.moving_mean, before)


class TestLayersOfOnesOwn:
    def test_options_of_a_call_count_for_the_shape(self):
        class Repeat(L.Layer):
            def call(self, x, times=1, scale=2.0):
                return jnp.concatenate([x] * times, axis=-1) * (1.0 if scale is None else scale)

        x = jtf.input(shape=[3])
        y = Repeat()(x, times=2, scale=None)
        assert y.shape == (None, 6)
        np.testing.assert_array_equal(jtf.model(inputs=x, outputs=y).predict(ONES), np.ones((4, 6)))

    def test_the_dtype_of_an_input_is_that_of_the_trace(self):
        class LookUp(L.Layer):
            def call(self, ids):
                return jnp.arange(10.0)[ids]

        ids = jtf.input(shape=[2], dtype="int32")
        assert jtf.model(inputs=ids, outputs=LookUp()(ids)).predict([[3, 4]]).tolist() == [[3, 4]]

    def test_a_tuple_of_outputs_is_a_list(self):
        class Both(L.Layer):
            def call(self, x):
                return x, x * 2

        x = jtf.input(shape=[3])
        one, two = Both()(x)
        assert jtf.model(inputs=x, outputs=[two, one]).predict(ONES)[0][0, 0] == 2

    def test_a_dict_is_refused(self):
        class Named(L.Layer):
            def call(self, x):
                return {"x": x}

        with pytest.raises(TypeError, match=r"must return an array or a list of arrays.*returned dict"):
            Named(name="named")(jtf.input(shape=[3]))

    def test_constants_made_while_building_are_constants(self):
        class Inner(L.Layer):
            def build(self, input_shape):
                self.table = jnp.arange(3.0)

            def call(self, x):
                return x + jnp.broadcast_to(self.table, x.shape)

        class Outer(L.Layer):
            def __init__(self, **options):
                super().__init__(**options)
                self.inner = Inner()

            def call(self, x):
                return self.inner(x)

        x = jtf.input(shape=[3])
        model = jtf.model(inputs=x, outputs=Outer()(x))
        assert model.predict(ONES)[0].tolist() == [1, 2, 3]

    def test_a_list_of_one_is_the_one(self):
        x = jtf.input(shape=[3])
        layer = L.dense(units=2)
        assert layer([x]).shape == (None, 2)
        np.testing.assert_array_equal(layer([ONES]), layer(ONES))

    def test_a_call_that_fails_names_the_layer(self):
        class Wrong(L.Layer):
            def call(self, x):
                return x.reshape(7)

        with pytest.raises(TypeError) as caught:
            Wrong(name="wrong")(jtf.input(shape=[3]))
        notes = "".join(caught.value.__notes__)
        assert "layer 'wrong' (Wrong) makes of shape (None, 3), with 120 in place" in notes


class TestMistakes:
    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            (lambda: L.concatenate()(ONES, ONES), r"several of them as a list, layer\(\[a, b\]\).*received 2"),
            (lambda: two_heads(loss="mse")(ONES, True), "everything else by keyword; received 2"),
            (lambda: L.dense(units=1)(None), "called on arrays.*received NoneType"),
            (lambda: L.dense(units=1)(L.Dense), "received Dense"),
            (lambda: L.dense(units=1)(np.array([["a"]])), "arrays.*of numbers; received <U1"),
            (lambda: two_heads(loss="mse").fit(ONES, ONES, 2, 3), "fit takes x, y by position.*received 4"),
            (lambda: two_heads(loss="mse").predict(jtf.input(shape=[3])), "is a symbolic tensor, which has no numbers"),
            (lambda: jtf.sequential([jtf.input(shape=[3])]), "input_shape=.* or by jtf.layers.input_layer"),
        ],
    )
    def test_what_is_said(self, wrong, message):
        with pytest.raises(TypeError, match=message):
            wrong()

    def test_nested_lists_are_arrays(self):
        model = jtf.sequential([L.dense(units=2, input_shape=[2])])
        np.testing.assert_allclose(model([[1.0, 2.0], [3.0, 4.0]]), model.predict([[1.0, 2.0], [3.0, 4.0]]), rtol=1e-6)

    def test_the_name_stays_once_weights_are_called_after_it(self):
        layer = L.dense(units=1, name="first")
        layer.name = "second"
        layer.ensure_built((None, 3))
        with pytest.raises(AttributeError, match="such as 'second/kernel': its name stays"):
            layer.name = "third"
        assert layer.name == "second"


def test_a_penalty_counts_once_for_a_layer_in_two_places():
    layer = L.dense(units=3, kernel_regularizer="l1_l2")
    x = jtf.input(shape=[3])
    inner = jtf.sequential([L.input_layer(input_shape=[3]), layer])
    model = jtf.model(inputs=x, outputs=L.add()([layer(x), inner(x)]))
    assert len(model.losses) == 1
