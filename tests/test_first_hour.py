"""What users of TF.js, Keras and JAX try in their first hour: it works, or the answer says how it is meant."""

from __future__ import annotations

import asyncio
import copy
import functools
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jtf

X, Y = np.ones((4, 2), np.float32), np.ones((4, 1), np.float32)


def model(**options) -> jtf.Sequential:
    made = jtf.sequential([jtf.layers.dense(units=1, input_shape=[2], **options)])
    made.compile(optimizer="sgd", loss="meanSquaredError")
    return made


@pytest.fixture(scope="module")
def compiled() -> jtf.Sequential:
    return model()


class TestSpelling:
    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda m: m.fit(X, Y, batchSize=2), r"fit has no argument 'batchSize'\. Did you mean 'batch_size'\?"),
            (lambda m: m.predict(X, verbos=0), r"predict has no argument 'verbos'.*Arguments: x, batch_size"),
            (lambda m: asyncio.run(m.fit_async(X, Y, batchSize=2)), r"fit_async has no argument 'batchSize'"),
            (lambda m: m.fit(X, Y, {"epochs": 2}), r"keyword arguments here: fit\(\.\.\., epochs=2\)"),
            (lambda m: m.compile({"optimizer": "sgd", "loss": "mse"}), r"compile\(optimizer='sgd', loss='mse'\)"),
            (lambda m: m.fit([(X, Y)]), "fit: missing a required argument: 'y'. For a dataset.*use fit_dataset"),
            (lambda m: m.set_weights({"kernel": X}), r"takes a list.*model\.variables = "),
        ],
    )
    def test_arguments(self, compiled, call, message):
        with pytest.raises(TypeError, match=message):
            call(compiled)

    def test_attributes(self, compiled):
        with pytest.raises(AttributeError, match="'stopTraining'; it is called 'stop_training'"):
            compiled.stopTraining = True
        with pytest.raises(AttributeError, match="'learningRate'; it is called 'learning_rate'"):
            compiled.optimizer.learningRate = 1.0
        with pytest.raises(AttributeError, match="SGD has no 'lr': use learning_rate"):
            compiled.optimizer.lr = 1.0

    @pytest.mark.parametrize(
        ("look_up", "message"),
        [
            (lambda: jtf.randomNormal, "jtf has no 'randomNormal'; it is called 'random_normal' here"),
            (lambda: jtf.tensor2d, "tensors are jax arrays"),
            (lambda: jtf.tidy, "nothing has to be tidied up"),
            (lambda: jtf.layers.leakyReLU, "jtf.layers has no 'leakyReLU'; it is called 'leaky_relu' here"),
            (lambda: jtf.losses.softmaxCrossEntropy, "it is called 'softmax_cross_entropy' here"),
        ],
    )
    def test_names(self, look_up, message):
        with pytest.raises(AttributeError, match=message):
            look_up()

    @pytest.mark.parametrize("shape", [784, "784", [0], [2.5]])
    def test_input_shapes(self, shape):
        with pytest.raises(ValueError, match=r"Dense's input_shape is a list of sizes, such as \[784\]; received"):
            jtf.layers.dense(units=1, input_shape=shape)


class TestLosses:
    @pytest.mark.parametrize(
        ("loss", "found"), [(lambda t, p: jnp.zeros(7) + p.sum(), r"shape \(7,\)"), (lambda t, p: None, "None")]
    )
    def test_a_loss_returns_a_scalar_or_one_number_a_sample(self, loss, found):
        made = model()
        made.compile(optimizer="sgd", loss=loss)
        kept = made.get_weights()
        with pytest.raises(ValueError, match=f"one number for each sample, 4 here; it returned {found}"):
            made.fit(X, Y, verbose=0)
        np.testing.assert_array_equal(kept[0], made.get_weights()[0])

    def test_a_loss_with_bound_arguments_is_still_known(self):
        loss = functools.partial(jtf.functional.losses.sparse_categorical_crossentropy, from_logits=True)
        made = jtf.sequential([jtf.layers.dense(units=3, input_shape=[2])])
        made.compile(optimizer="sgd", loss=loss, metrics=["accuracy"])
        assert list(made.fit(X, np.ones(4), verbose=0).history) == ["loss", "acc"]

    def test_a_metric_that_reads_the_optimizer_is_told_where_to(self):
        made, optimizer = model(), jtf.train.adam(optax.constant_schedule(0.1))
        made.compile(optimizer, "mse", metrics=[lambda t, p: jnp.asarray(optimizer.learning_rate)])
        with pytest.raises(RuntimeError, match="Read it in a callback"):
            made.fit(X, Y, verbose=0)
        assert made.get_weights()[0].shape == (2, 1)

    def test_optax_rules_that_ask_for_the_loss(self):
        made = model()
        made.compile(optax.chain(optax.sgd(0.1), optax.contrib.reduce_on_plateau()), "mse")
        history = made.fit(X, Y, epochs=3, verbose=0).history["loss"]
        assert history[-1] < history[0]


class Noise(jtf.layers.Layer):
    def call(self, x):
        return x + jtf.random_normal(x.shape)


class TestLayersThatDraw:
    def test_predict_and_evaluate_draw_anew_and_leave_the_generator_alone(self):
        made = jtf.sequential([Noise(input_shape=[2])])
        made.compile(optimizer="sgd", loss="mse", metrics=[])
        before = jtf.random.position()
        first, second = made.predict(X), made.predict(X)
        assert not np.array_equal(first, second)
        assert made.evaluate(X, X) > 0
        assert jtf.random.position() == before
        jtf.set_seed(before.seed)
        assert jtf.random.position() == (before.seed, 0)

    def test_validation(self):
        made = jtf.sequential([Noise(input_shape=[2]), jtf.layers.dense(units=1)])
        made.compile(optimizer="sgd", loss="mse")
        assert "val_loss" in made.fit(X, Y, verbose=0, validation_split=0.5).history

    def test_a_saved_model_with_a_layer_of_ones_own(self, tmp_path):
        class Own(Noise):
            pass

        jtf.sequential([Own(input_shape=[2])]).save(tmp_path / "model", target="jtf")
        with pytest.raises(jtf.io.ModelFormatError, match=r"jtf\.register_class\(YourLayer\)"):
            jtf.load_layers_model(tmp_path / "model")
        try:
            jtf.register_class(Own)
            assert isinstance(jtf.load_layers_model(tmp_path / "model").layers[0], Own)
        finally:
            del jtf.layers.base.registry.classes["Own"]


class TestModels:
    def test_trained_weights_go_out_to_apply_and_back(self):
        made = model()
        _, apply = made.functional()
        doubled = jax.tree.map(lambda a: a * 2, made.variables)
        made.variables = doubled
        np.testing.assert_array_equal(made(X), apply(doubled, X)[0])
        with pytest.raises(ValueError, match=r"The trainable weights are dense.*; received none"):
            made.variables = doubled._replace(trainable={})
        np.testing.assert_array_equal(made(X), apply(doubled, X)[0])

    def test_a_nested_model_may_change_after_the_outer_was_used(self):
        inner = jtf.sequential([jtf.layers.dense(units=3, input_shape=[2])])
        outer = jtf.sequential([inner])
        outer.compile(optimizer="sgd", loss="mse")
        assert outer.predict(X).shape == (4, 3)
        inner.add(jtf.layers.dense(units=1))
        assert outer.predict(X).shape == (4, 1)
        late = np.array(inner.weights[-2])
        outer.fit(X, Y, verbose=0)
        assert not np.array_equal(late, inner.weights[-2])

    def test_a_build_that_fails_leaves_the_model_to_be_built(self):
        made = jtf.sequential([jtf.layers.dense(8), jtf.layers.permute([2, 1])])
        with pytest.raises(ValueError, match="expects an input with 3 dimensions"):
            made.predict(np.ones((3, 4)))
        assert made.predict(np.ones((3, 4, 5))).shape == (3, 8, 4)

    @pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
    def test_copies_are_independent(self, compiled, duplicate):
        compiled.predict(X)
        other = duplicate(compiled)
        np.testing.assert_array_equal(other.predict(X), compiled.predict(X))
        other.fit(X, 5 * Y, verbose=0)
        assert not np.array_equal(other.predict(X), compiled.predict(X))

    def test_names_go_on_from_those_in_a_file(self, tmp_path):
        made = jtf.sequential([jtf.layers.dense(units=1, input_shape=[2], name="dense_Dense900000")])
        made.save(tmp_path / "model")
        again = jtf.load_layers_model(tmp_path / "model")
        again.add(jtf.layers.dense(units=1))
        assert again.layers[1].name == "dense_Dense900001"

    def test_freezing_after_compile_warns(self):
        made = model()
        made.layers[0].trainable = False
        with pytest.warns(UserWarning, match="has no effect before") as caught:
            made.fit(X, Y, verbose=0)
        assert caught[0].filename == __file__

    def test_predict_inside_jit_points_to_the_model(self, compiled):
        with pytest.raises(TypeError, match=r"Inside of jax's transformations call the model itself"):
            jax.jit(compiled.predict)(X)

    def test_keras_file_names_are_refused(self, compiled, tmp_path):
        with pytest.raises(ValueError, match=r"saved as directories in TF.js's format"):
            compiled.save(tmp_path / "model.h5")


def test_a_dataset_may_fill_its_buffer_anew():
    # Large enough for the device to be still reading when the generator goes on.
    buffer = np.empty((256, 2000), np.float32)

    def batches():
        for i in range(8):
            buffer[:] = i
            yield buffer, np.zeros((256, 1), np.float32)

    made = jtf.sequential([jtf.layers.dense(units=1, input_shape=[2000])])
    made.compile(jtf.train.sgd(0.0), "mse", metrics=[lambda t, p: p.mean()])
    made.weights[0].assign(np.full((2000, 1), 1 / 2000, np.float32))
    seen = []
    made.fit_dataset(batches, epochs=1, verbose=0, callbacks={"on_batch_end": lambda b, logs: seen.append(logs)})
    np.testing.assert_allclose([logs["<lambda>"] for logs in seen], range(8), rtol=1e-5)
