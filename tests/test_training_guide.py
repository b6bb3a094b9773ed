"""The TensorFlow.js training guide, row by row: what each of its statements must come to in Python."""

from __future__ import annotations

import asyncio
import math
import subprocess
import sys
import textwrap

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jtf


@pytest.fixture(autouse=True)
def _as_users_run_it():
    """The guide's code broadcasts biases over batches, as everybody's does."""
    with jax.numpy_rank_promotion("allow"):
        jtf.set_seed(0)
        yield


def two_layers(inputs: int = 784, hidden: int = 32, classes: int = 10) -> jtf.Sequential:
    return jtf.sequential(
        [
            jtf.layers.dense(units=hidden, input_shape=[inputs], activation="relu"),
            jtf.layers.dense(units=classes, activation="softmax"),
        ]
    )


@pytest.fixture(scope="module")
def compiled() -> jtf.Sequential:
    """One small compiled model, whose steps are compiled once for all tests that only need some training."""
    jtf.set_seed(0)
    model = two_layers(inputs=8, hidden=4, classes=3)
    model.compile(optimizer="sgd", loss="categoricalCrossentropy", metrics=["accuracy"])
    return model


@pytest.fixture(scope="module")
def dummy() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(100, 8)).astype(np.float32), np.eye(3, dtype=np.float32)[rng.integers(0, 3, 100)]


def test_row_1_sequential_builds_at_once_and_layer_by_layer():
    model = two_layers()
    assert model.built
    assert [layer.class_name for layer in model.layers] == ["Dense", "Dense"]
    grown = jtf.sequential()
    grown.add(jtf.layers.dense(units=32, input_shape=[784], activation="relu"))
    assert grown.built
    grown.add(jtf.layers.dense(units=10, activation="softmax"))
    assert grown.count_params() == model.count_params() == 25450


def test_row_2_weight_names_in_a_new_process():
    program = """
        import jtf
        model = jtf.sequential([
            jtf.layers.dense(units=32, input_shape=[784], activation="relu"),
            jtf.layers.dense(units=10, activation="softmax"),
        ])
        for w in model.weights:
            print(w.name, w.shape)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.splitlines() == [
        "dense_Dense1/kernel (784, 32)",
        "dense_Dense1/bias (32,)",
        "dense_Dense2/kernel (32, 10)",
        "dense_Dense2/bias (10,)",
    ]


@pytest.mark.parametrize("option", ["use_bias", "useBias"])
def test_row_3_without_bias_there_is_one_weight(option):
    layer = jtf.layers.dense(units=32, input_shape=[784], **{option: False})
    assert [w.shape for w in jtf.sequential([layer]).weights] == [(784, 32)]


def test_row_4_summary():
    model = two_layers()
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    first, second = (layer.name for layer in model.layers)
    assert lines[1].split("  ")[0] == "Layer (type)"
    assert [title for title in ("Input Shape", "Output shape", "Param #") if title in lines[1]] != []
    rows = [line.split() for line in lines if "(Dense)" in line]
    assert rows == [
        [first, "(Dense)", "[[None,784]]", "[None,32]", "25120"],
        [second, "(Dense)", "[[None,32]]", "[None,10]", "330"],
    ]
    assert lines[-4:-1] == ["Total params: 25450", "Trainable params: 25450", "Non-trainable params: 0"]


def test_row_5_assign_changes_predictions_and_refuses_what_does_not_fit(compiled, dummy):
    x, _ = dummy
    before = compiled.predict(x)
    for w in compiled.weights:
        w.val.assign(jtf.random_normal(w.shape))
    assert not np.allclose(before, compiled.predict(x))
    kernel = compiled.weights[0]
    kept = np.array(kernel)
    with pytest.raises(ValueError, match=r"shape \(8, 4\).*cannot be assigned shape \(4, 8\)"):
        kernel.assign(np.zeros((4, 8), np.float32))
    with pytest.raises(ValueError, match=r"dtype float32.*dtype int32"):
        kernel.assign(np.zeros((8, 4), np.int32))
    np.testing.assert_array_equal(kernel, kept)


@pytest.mark.parametrize(
    "optimizer",
    ["sgd", "adam", "rmsprop", "adagrad", "adamax", jtf.train.adam(0.01), optax.adamw(0.01)],
    ids=lambda o: o if isinstance(o, str) else type(o).__name__,
)
def test_row_6_optimizers_by_name_instance_and_optax_train(optimizer):
    x = np.linspace(-1, 1, 64, dtype=np.float32)[:, None]
    model = jtf.sequential([jtf.layers.dense(units=1, input_shape=[1], kernel_initializer="zeros")])
    model.compile(optimizer=optimizer, loss="meanSquaredError")
    history = model.fit(x, 3 * x + 1, epochs=3, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]


@pytest.mark.parametrize(
    "loss",
    [
        "categoricalCrossentropy",
        "categorical_crossentropy",
        lambda y_true, y_pred: jnp.mean((y_true - y_pred) ** 2, axis=-1),
    ],
    ids=["camel", "snake", "function"],
)
def test_row_7_losses_by_name_and_function_train(loss, dummy):
    model = two_layers(8, 4, 3)
    model.compile(optimizer=jtf.train.adam(0.05), loss=loss)
    history = model.fit(*dummy, epochs=3, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]


def test_row_8_metrics_by_name_and_function(dummy):
    def confidence(y_true, y_pred):
        return jnp.max(y_pred, axis=-1)

    model = two_layers(8, 4, 3)
    model.compile(optimizer="sgd", loss="categoricalCrossentropy", metrics=["accuracy", confidence])
    history = model.fit(*dummy, epochs=1, verbose=0, validation_split=0.2)
    assert list(history.history) == ["val_loss", "val_acc", "val_confidence", "loss", "acc", "confidence"]
    assert 1 / 3 <= history.history["confidence"][0] <= 1


def test_row_9_compile_validates_its_options():
    model = two_layers(8, 4, 3)
    with pytest.raises(ValueError, match=r"Unknown optimizer 'adm'. Did you mean 'adam'\?.*Choices: adadelta"):
        model.compile(optimizer="adm", loss="meanSquaredError")
    with pytest.raises(ValueError, match=r"Unknown loss 'meanSquareError'\. Did you mean 'mean_squared_error'"):
        model.compile(optimizer="sgd", loss="meanSquareError")
    with pytest.raises(ValueError, match=r"Unknown metric 'acuracy'\. Did you mean 'accuracy'"):
        model.compile(optimizer="sgd", loss="meanSquaredError", metrics=["acuracy"])
    with pytest.raises(ValueError, match="metrics has 2 entries for a model with 1 outputs"):
        model.compile(optimizer="sgd", loss="meanSquaredError", metrics=[["acc"], ["acc"]])
    single = jtf.sequential([jtf.layers.dense(units=1, input_shape=[8])])
    with pytest.raises(ValueError, match=r"needs one output a class.*\(None, 1\).*binaryCrossentropy"):
        single.compile(optimizer="sgd", loss="categoricalCrossentropy")


@pytest.mark.parametrize("convert", [np.asarray, jnp.asarray, np.ndarray.tolist], ids=["numpy", "jax", "lists"])
def test_row_10_fit_takes_arrays_of_all_kinds(compiled, dummy, convert):
    x, y = dummy
    seen = []
    info = compiled.fit(
        convert(x),
        convert(y),
        epochs=5,
        batch_size=32,
        verbose=0,
        callbacks={"on_batch_end": lambda batch, logs: seen.append((batch, logs["acc"]))},
    )
    assert len(info.history["acc"]) == 5
    assert [batch for batch, _ in seen] == [0, 1, 2, 3] * 5
    assert all(0 <= accuracy <= 1 for _, accuracy in seen)


def test_row_10_fit_takes_a_dict_of_named_inputs(compiled, dummy):
    x, y = dummy
    info = compiled.fit({compiled.input_names[0]: x}, {compiled.output_names[0]: y}, verbose=0)
    assert len(info.history["loss"]) == 1
    with pytest.raises(ValueError, match="The inputs lack"):
        compiled.fit({"wrong": x}, y, verbose=0)


def test_row_11_the_tail_is_validated_with_and_never_trained_on():
    # Any update from a sample of the tail would move the second weight, whose input is 0 elsewhere.
    x = np.zeros((10, 2), np.float32)
    x[:8, 0] = x[8:, 1] = 1
    model = jtf.sequential([jtf.layers.dense(units=1, input_shape=[2], use_bias=False, kernel_initializer="ones")])
    model.compile(optimizer=jtf.train.sgd(0.1), loss="meanSquaredError")
    history = model.fit(x, np.full(10, 5.0), epochs=3, batch_size=3, validation_split=0.2, verbose=0)
    kernel = np.asarray(model.weights[0])[:, 0]
    assert kernel[0] > 1
    assert kernel[1] == 1
    np.testing.assert_allclose(history.history["val_loss"], 16.0)
    with_data = model.fit(x[:8], np.full(8, 5.0), validation_data=(x[8:], np.full(2, 5.0)), verbose=0)
    np.testing.assert_allclose(with_data.history["val_loss"], 16.0)


def test_row_12_six_hooks_in_order(compiled, dummy):
    calls: list[tuple] = []

    class Recorder(jtf.callbacks.Callback):
        def on_train_begin(self, logs):
            calls.append(("train_begin",))

        def on_epoch_end(self, epoch, logs):
            calls.append(("epoch_end", epoch, sorted(logs)))

    hooks = {
        "on_epoch_begin": lambda epoch, logs: calls.append(("epoch_begin", epoch)),
        "on_batch_begin": lambda batch, logs: calls.append(("batch_begin", batch)),
        "onBatchEnd": lambda batch, logs: calls.append(("batch_end", batch, sorted(logs))),
        "on_train_end": lambda logs: calls.append(("train_end",)),
    }
    compiled.fit(*dummy, epochs=2, batch_size=50, verbose=0, callbacks=[hooks, Recorder()])
    batch_keys, epoch_keys = ["acc", "batch", "loss", "size"], ["acc", "loss"]
    assert calls == [
        ("train_begin",),
        *(
            call
            for epoch in range(2)
            for call in [
                ("epoch_begin", epoch),
                ("batch_begin", 0),
                ("batch_end", 0, batch_keys),
                ("batch_begin", 1),
                ("batch_end", 1, batch_keys),
                ("epoch_end", epoch, epoch_keys),
            ]
        ),
        ("train_end",),
    ]


def test_row_13_fit_async_lets_other_tasks_run(compiled, dummy):
    async def main() -> tuple[int, jtf.callbacks.History]:
        ticks = 0

        async def ticker() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        other = asyncio.create_task(ticker())
        history = await compiled.fit_async(*dummy, epochs=2, batch_size=10, verbose=0)
        other.cancel()
        return ticks, history

    ticks, history = asyncio.run(main())
    assert ticks >= 20  # at least once a batch
    assert len(history.history["loss"]) == 2


def test_row_13_a_cancelled_task_leaves_the_model_usable(compiled, dummy):
    async def main() -> None:
        def cancel(batch, logs):
            if batch == 3:
                task.cancel()

        task = asyncio.create_task(
            compiled.fit_async(*dummy, epochs=50, batch_size=10, verbose=0, callbacks={"on_batch_end": cancel})
        )
        with pytest.raises(asyncio.CancelledError):
            await task

    before = np.array(compiled.weights[0])
    asyncio.run(main())
    assert not np.array_equal(before, compiled.weights[0])
    compiled.fit(*dummy, verbose=0)


def test_row_14_fit_dataset_on_zipped_generators_holds_no_more_than_the_buffer(compiled):
    alive = most = 0

    def xs():
        nonlocal alive, most
        for _ in range(500):
            alive += 1
            most = max(most, alive)
            yield np.random.default_rng(0).normal(size=8).astype(np.float32)

    def ys():
        for i in range(500):
            yield np.eye(3, dtype=np.float32)[i % 3]

    def leave(batch, logs):
        nonlocal alive
        alive -= logs["size"]

    ds = jtf.data.zip({"xs": jtf.data.generator(xs), "ys": jtf.data.generator(ys)}).shuffle(40).batch(16)
    info = compiled.fit_dataset(ds, epochs=2, verbose=0, callbacks={"on_batch_begin": leave})
    assert len(info.history["acc"]) == 2
    assert most <= 40 + 16 + 1


def test_row_15_predict_and_print(capsys):
    model = two_layers()
    prediction = model.predict(jtf.random_normal([3, 784]))
    assert prediction.shape == (3, 10)
    np.testing.assert_allclose(prediction.sum(axis=1), 1.0, rtol=1e-6)
    jtf.print(prediction)
    assert capsys.readouterr().out == f"{np.asarray(prediction)}\n"
    with pytest.raises(ValueError, match=r"must have shape \(None, 784\); received \(3, 100\)"):
        model.predict(jtf.random_normal([3, 100]))


class Core:
    """The guide's four variables and its model function."""

    def __init__(self, inputs: int = 784, hidden: int = 32, classes: int = 10) -> None:
        self.w1 = jtf.variable(jtf.random_normal([inputs, hidden]))
        self.b1 = jtf.variable(jtf.random_normal([hidden]))
        self.w2 = jtf.variable(jtf.random_normal([hidden, classes]))
        self.b2 = jtf.variable(jtf.random_normal([classes]))

    def model(self, x):
        return jtf.relu(x @ self.w1 + self.b1) @ self.w2 + self.b2


def test_row_16_variables_work_in_expressions_on_either_side():
    core = Core(8, 4, 3)
    x = np.ones((2, 8), np.float32)
    expected = np.maximum(x @ np.asarray(core.w1) + np.asarray(core.b1), 0) @ np.asarray(core.w2) + np.asarray(core.b2)
    np.testing.assert_allclose(core.model(x), expected, rtol=1e-5)
    np.testing.assert_allclose(core.b1 + 1, 1 + core.b1)
    np.testing.assert_allclose(jnp.dot(x, core.w1), x @ core.w1, rtol=1e-6)
    np.testing.assert_allclose(jax.nn.softmax(core.b2), jax.nn.softmax(core.b2.read()))


def test_row_17_minimize_lowers_the_loss_with_exact_gradients(dummy):
    xs, ys = dummy
    core, optimizer = Core(8, 4, 3), jtf.train.sgd(0.1)

    def loss():
        return jtf.losses.softmax_cross_entropy(ys, core.model(xs))

    def pure(w1, b1, w2, b2):
        logits = jax.nn.relu(xs @ w1 + b1) @ w2 + b2
        return -jnp.mean(jnp.sum(ys * jax.nn.log_softmax(logits), axis=-1))

    variables = [core.w1, core.b1, core.w2, core.b2]
    expected = jax.grad(pure, argnums=(0, 1, 2, 3))(*(v.read() for v in variables))
    found = jtf.variable_grads(loss).grads
    for v, gradient in zip(variables, expected, strict=True):
        np.testing.assert_allclose(found[v.name], gradient, rtol=1e-5, atol=1e-7)
    costs = [float(optimizer.minimize(loss, return_cost=True)) for _ in range(20)]
    assert costs[-1] < costs[0]


GLOBAL_TARGET = 1.0


def test_row_17_closures_see_what_they_capture_as_it_is_now():
    global GLOBAL_TARGET
    w, optimizer = jtf.variable(0.0), jtf.train.sgd(0.5)  # one step of (w - t)^2 lands on t
    for target in (3.0, -2.0):
        optimizer.minimize(lambda target=target: (w - target) ** 2)  # a default
        assert float(w) == target
    cell = 7.0
    optimizer.minimize(lambda: (w - cell) ** 2)
    assert float(w) == 7.0
    cell = jnp.asarray(5.0)  # the same closure variable, another value

    def closure():
        return (w - cell) ** 2

    optimizer.minimize(closure)
    cell = 4.0
    optimizer.minimize(closure)
    assert float(w) == 4.0
    for GLOBAL_TARGET in (10.0, 20.0):
        optimizer.minimize(lambda: (w - GLOBAL_TARGET) ** 2)  # noqa: B023  (what it is now is the point)
        assert float(w) == GLOBAL_TARGET
    items = [1.0]
    for items[0] in (6.0, 8.0):
        optimizer.minimize(lambda: (w - items[0]) ** 2)
        assert float(w) == items[0]


def test_row_18_for_each_and_a_second_fresh_pass():
    ds = jtf.data.array(list(range(50))).shuffle(50)
    first: list[int] = []
    ds.for_each(lambda x: first.append(int(x)))
    second = [int(x) for x in ds]
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second


def test_row_18_the_guides_core_loop(dummy):
    x, y = dummy
    xs, ys = jtf.data.generator(lambda: iter(x)), jtf.data.generator(lambda: iter(y))
    ds = jtf.data.zip({"xs": xs, "ys": ys}).shuffle(100).batch(32)
    core, optimizer, costs = Core(8, 4, 3), jtf.train.sgd(0.1), []

    def step(batch):
        cost = optimizer.minimize(
            lambda: jtf.losses.softmax_cross_entropy(batch["ys"], core.model(batch["xs"])), return_cost=True
        )
        costs.append(float(cost))

    for _ in range(5):
        ds.for_each(step)
    assert len(costs) == 20
    assert np.mean(costs[-4:]) < np.mean(costs[:4])


def test_row_19_every_core_loss_with_weights_and_reductions():
    labels, predictions = np.eye(3, dtype=np.float32), np.full((3, 3), 0.25, np.float32)
    weights = np.array([[1.0], [0.0], [2.0]], np.float32)
    losses = jtf.losses
    by_name = {
        "absolute_difference": losses.absolute_difference,
        "hinge_loss": losses.hinge_loss,
        "huber_loss": losses.huber_loss,
        "log_loss": losses.log_loss,
        "mean_squared_error": losses.mean_squared_error,
        "sigmoid_cross_entropy": losses.sigmoid_cross_entropy,
        "compute_weighted_loss": lambda y, p, w=None, **o: losses.compute_weighted_loss((y - p) ** 2, w, **o),
    }
    for name, loss in by_name.items():
        unreduced = np.asarray(loss(labels, predictions, reduction=losses.Reduction.NONE))
        assert unreduced.shape == (3, 3), name
        weighted = unreduced * weights
        expected = {
            losses.Reduction.NONE: weighted,
            losses.Reduction.SUM: weighted.sum(),
            losses.Reduction.MEAN: weighted.sum() / weights.sum() / 3,
            losses.Reduction.SUM_BY_NONZERO_WEIGHTS: weighted.sum() / 6,
        }
        for reduction, value in expected.items():
            np.testing.assert_allclose(
                loss(labels, predictions, weights, reduction=reduction), value, rtol=1e-6, err_msg=f"{name} {reduction}"
            )
    cosine = losses.cosine_distance(labels, predictions, 1)
    np.testing.assert_allclose(cosine, 0.75)
    logits = np.array([[2.0, 0.0, 0.0]], np.float32)
    smooth = losses.softmax_cross_entropy(labels[:1], logits, label_smoothing=0.3)
    expected = -(np.array([0.8, 0.1, 0.1]) * (logits - np.log(np.exp(logits).sum()))).sum()
    np.testing.assert_allclose(smooth, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "options", "mean", "std"),
    [
        ("random_normal", {"mean": 1.0, "stddev": 2.0}, 1.0, 2.0),
        ("random_uniform", {"minval": 0, "maxval": 1}, 0.5, math.sqrt(1 / 12)),
        ("truncated_normal", {"stddev": 1.0}, 0.0, 0.8796),
        ("glorot_normal", {}, 0.0, 0.8796 * math.sqrt(2 / 500)),
        ("glorot_uniform", {}, 0.0, math.sqrt(2 / 500)),
        ("he_normal", {}, 0.0, 0.8796 * math.sqrt(2 / 300)),
        ("he_uniform", {}, 0.0, math.sqrt(2 / 300)),
        ("lecun_normal", {}, 0.0, 0.8796 * math.sqrt(1 / 300)),
        ("lecun_uniform", {}, 0.0, math.sqrt(1 / 300)),
        ("variance_scaling", {"scale": 3.0, "mode": "fanOut", "distribution": "uniform"}, 0.0, math.sqrt(3 / 200)),
        ("zeros", {}, 0.0, 0.0),
        ("ones", {}, 1.0, 0.0),
        ("constant", {"value": 4.0}, 4.0, 0.0),
    ],
)
def test_row_20_initializers_have_the_documented_distributions(name, options, mean, std):
    make = getattr(jtf.initializers, name)
    values = np.asarray(make(**options)((300, 200)))
    assert values.mean() == pytest.approx(mean, abs=6 * std / math.sqrt(values.size))
    assert values.std() == pytest.approx(std, rel=0.02)
    if std:
        again = make(**options, seed=5)
        np.testing.assert_array_equal(again((4, 3)), make(**options, seed=5)((4, 3)))
        assert not np.array_equal(make(**options)((4, 3)), make(**options)((4, 3)))


def test_row_20_orthogonal_and_identity():
    q = np.asarray(jtf.initializers.orthogonal(gain=2.0)((6, 4)))
    np.testing.assert_allclose(q.T @ q, 4 * np.eye(4), atol=1e-5)
    np.testing.assert_array_equal(jtf.initializers.identity(gain=3.0)((4, 4)), 3 * np.eye(4))


def test_row_21_saving_loading_and_safety(tmp_path, compiled, dummy, capsys):
    x, y = dummy
    compiled.save(tmp_path / "model")
    again = jtf.load_layers_model(tmp_path / "model")
    np.testing.assert_array_equal(again.predict(x), compiled.predict(x))
    kept = [np.array(w) for w in compiled.weights]
    with pytest.raises(ValueError, match=r"must have shape \(None, 8\); received \(100, 7\)"):
        compiled.fit(x[:, :7], y, verbose=0)
    with pytest.raises(ValueError, match="100 inputs and 99 targets"):
        compiled.fit(x, y[:-1], verbose=0)
    for weight, value in zip(compiled.weights, kept, strict=True):
        np.testing.assert_array_equal(weight, value)
    poisoned = x.copy()
    poisoned[40, 0] = np.nan
    again.compile(optimizer="sgd", loss="categoricalCrossentropy")
    with pytest.warns(RuntimeWarning, match="became NaN or infinite in epoch 1, batch 2"):
        again.fit(poisoned, y, epochs=2, shuffle=False, verbose=0)
    compiled.fit(x, y, epochs=1, verbose=2)
    assert capsys.readouterr().out.startswith("Epoch 1/1 - ")


def test_row_22_the_pure_function_equals_the_facade_bit_for_bit(compiled, dummy):
    x, y = dummy
    init, apply = compiled.functional()
    variables = jax.jit(init)(jax.random.key(0))
    for w in compiled.weights:
        w.assign(variables.trainable[w.name])
    np.testing.assert_array_equal(jax.jit(apply)(variables, x)[0], compiled.predict(x, batch_size=100))

    def loss(trainable, x, y):
        predicted, _ = apply(variables._replace(trainable=trainable), x)
        return jnp.mean(jtf.functional.losses.categorical_crossentropy(y, predicted))

    gradients = jax.grad(loss)(variables.trainable, x, y)
    facade = jtf.variable_grads(
        lambda: jnp.mean(jtf.functional.losses.categorical_crossentropy(y, compiled(x))), compiled.weights
    )
    for name, gradient in gradients.items():
        np.testing.assert_array_equal(gradient, facade.grads[name])
    per_sample = jax.vmap(lambda row: apply(variables, row[None])[0][0])(jnp.asarray(x))
    np.testing.assert_allclose(per_sample, compiled.predict(x), rtol=1e-5)


def test_row_22_functional_layers():
    layer = jtf.layers.dense(units=3, activation="relu", input_shape=[5])
    jtf.sequential([layer])
    x = jtf.random_normal([4, 5])
    params = {"kernel": layer.kernel.read(), "bias": layer.bias.read()}
    np.testing.assert_array_equal(jtf.functional.dense(params, x, activation=jtf.functional.relu), layer(x))


@pytest.mark.parametrize("seed", range(2))
def test_the_guides_model_learns_real_digits(seed):
    """The numbers behind the README's first example."""
    jtf.set_seed(seed)
    digits = jtf.datasets.mnist()
    model = two_layers()
    model.compile(optimizer=jtf.train.adam(0.003), loss="categoricalCrossentropy", metrics=["accuracy"])
    model.fit(digits.train.flat, digits.train.one_hot, epochs=5, verbose=0)
    _, accuracy = model.evaluate(digits.test.flat, digits.test.one_hot)
    assert accuracy >= 0.95
