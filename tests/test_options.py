"""Options: every constructor takes what its annotations say, and nothing else."""

from __future__ import annotations

import inspect
import itertools
import math
import types
import typing
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Union

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf
from jtf.configurable import option_names
from jtf.options import Fraction, NotNegative, PositiveInt, Range, Seed, checked

L = jtf.layers

CLASSES = [
    *dict.fromkeys(
        cls
        for module in (jtf.layers.base, jtf.train, jtf.initializers, jtf.regularizers, jtf.constraints)
        for cls in module.registry.classes.values()
        if cls.__module__.startswith("jtf.")
    ),
    jtf.callbacks.EarlyStopping,
]
#: What constructors cannot do without.
REQUIRED = {
    "activation": "relu",
    "axes": 1,
    "cell": lambda: L.lstm_cell(units=2),
    "cells": lambda: [L.lstm_cell(units=2)],
    "cropping": 1,
    "dims": [2, 1],
    "equation": "ab,bc->ac",
    "factor": 0.5,
    "filters": 2,
    "height": 2,
    "input_dim": 3,
    "key_dim": 2,
    "kernel_size": 1,
    "layer": lambda: L.lstm(units=2),
    "learning_rate": 0.1,
    "momentum": 0.5,
    "n": 2,
    "num_heads": 2,
    "num_tokens": 3,
    "output_dim": 2,
    "output_shape": 2,
    "rate": 0.5,
    "scale": 1.0,
    "sequence_length": 4,
    "shape": [2],
    "stddev": 1.0,
    "target_shape": [2],
    "units": 2,
    "value": 1.0,
    "width": 2,
}
#: Options that take a name, a description or an object, which a look-up checks, and what is checked elsewhere.
LOOKED_UP = {"activation", "recurrent_activation", "cell", "cells", "layer", "initializer"}
LOOKED_UP_ENDINGS = ("_initializer", "_regularizer", "_constraint")
CHECKED_ELSEWHERE = {"learning_rate", "dtype", "input_dtype", "weights", "inputs", "outputs", "layers"}


def hints_of(cls: type) -> dict[str, Any]:
    """The annotation of each option."""
    found: dict[str, Any] = {}
    for base in cls.__mro__:
        if base is not object and "__init__" in vars(base):
            hints = typing.get_type_hints(vars(base)["__init__"], include_extras=True)
            found = {name: hint for name, hint in hints.items() if name in option_names(cls)} | found
    return found


def make(cls: type, **options: Any) -> Any:
    parameters = [p for base in cls.__mro__ if "__init__" in vars(base) for p in _parameters(base)]
    needed = {p.name for p in parameters if p.default is p.empty and p.name in option_names(cls)}
    if cls is L.InputLayer:
        needed.add("input_shape")
    given = {name: REQUIRED["shape"] if name == "input_shape" else REQUIRED[name] for name in needed - options.keys()}
    return cls(**{name: value() if callable(value) else value for name, value in given.items()}, **options)


def _parameters(base: type) -> list[inspect.Parameter]:
    parameters = inspect.signature(vars(base)["__init__"]).parameters.values()
    return [p for p in parameters if p.name != "self" and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]


def wrong(hint: Any) -> list[Any]:
    """Values of another kind than an annotation allows, and just out of its range."""
    allowed = kinds(hint)
    values: list[Any] = [] if allowed & {str, Literal} else ["no"]
    values += [] if allowed & {int, float, bool} else [3]
    values += [] if allowed & {float, Sequence} else [1.5]
    values += [object()]
    values += [] if bool in allowed else [True] if not allowed & {str, Literal} else []
    values += ["no such choice"] if Literal in allowed else []
    for kind, numbers in ranges(hint):
        step = 1 if kind is int else 1e-3
        values += [numbers.low - step, *([] if math.isinf(numbers.high) else [numbers.high + step]), math.nan]
        values += ([] if numbers.with_low else [numbers.low]) + ([] if numbers.with_high else [numbers.high])
    return values


def right(hint: Any) -> list[Any]:
    """The bounds of an annotation's ranges that belong to them, and its choices."""
    bounds = [(kind, bound) for kind, r in ranges(hint) for bound in [r.low] * r.with_low + [r.high] * r.with_high]
    choices = [typing.get_args(part) for part in parts(hint) if typing.get_origin(part) is Literal]
    return [bound for kind, bound in bounds if kind is float or bound < math.inf] + [*itertools.chain(*choices)]


def parts(hint: Any) -> list[Any]:
    """The members of a union, one by one."""
    if typing.get_origin(hint) is Annotated and not isinstance(typing.get_args(hint)[1], Range):
        hint = typing.get_args(hint)[0]
    if typing.get_origin(hint) in (Union, types.UnionType):
        return [part for each in typing.get_args(hint) for part in parts(each)]
    return [hint]


def kinds(hint: Any) -> set[Any]:
    found = set()
    for part in parts(hint):
        part = typing.get_args(part)[0] if typing.get_origin(part) is Annotated else part
        origin = typing.get_origin(part)
        found.add(Sequence if origin is not None and origin is not Literal else origin or part)
    return found


def ranges(hint: Any) -> list[tuple[Any, Range]]:
    several = [typing.get_args(part) for part in parts(hint) if typing.get_origin(part) is Annotated]
    return [(kind, more[0]) for kind, *more in several if isinstance(more[0], Range)]


OPTIONS = [
    pytest.param(cls, name, hint, id=f"{cls.__name__}-{name}")
    for cls in CLASSES
    for name, hint in hints_of(cls).items()
    if hint is not Any
    and name not in CHECKED_ELSEWHERE | {"cells"}
    # What all layers have is tried with one of them.
    and (cls is L.Dense or not issubclass(cls, L.Layer) or name not in option_names(L.Layer))
]


@pytest.mark.parametrize(("cls", "name", "hint"), OPTIONS)
def test_an_option_takes_what_its_annotation_says(cls, name, hint):
    assert wrong(hint)
    for value in wrong(hint):
        with pytest.raises(ValueError, match=rf"^{cls.__name__}'s {name} is .*; received "):
            make(cls, **{name: value})
    for value in right(hint):
        make(cls, **{name: value})


def test_every_option_has_an_annotation():
    for cls in CLASSES:
        hints = hints_of(cls)
        assert hints.keys() == set(option_names(cls)), cls
        for name, hint in hints.items():
            looked_up = name in LOOKED_UP | CHECKED_ELSEWHERE or name.endswith(LOOKED_UP_ENDINGS)
            assert (hint is Any) <= looked_up, (cls, name)


# --- what is refused, and how ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: jtf.train.adam(beta1=2.0), "Adam's beta1 is a fraction from 0 to below 1; received 2.0."),
        (lambda: jtf.train.momentum(0.1, "a"), "Momentum's momentum is a fraction from 0 to 1; received 'a'."),
        (lambda: jtf.train.adam(epsilon=-1), "Adam's epsilon is a number of at least 0; received -1."),
        (lambda: jtf.functional.optimizers.adam(0.1, beta2=1.0), "adam's beta2 is a fraction from 0 to below 1"),
        (lambda: jtf.regularizers.l2(-1.0), "l2's l2 is a number of at least 0; received -1.0."),
        (
            lambda: jtf.losses.huber_loss([1.0], [2.0], delta=-1),
            "huber_loss's delta is a positive number; received -1.",
        ),
        (lambda: jtf.losses.log_loss([1.0], [0.5], epsilon=-1), "log_loss's epsilon is a number of at least 0"),
        (
            lambda: jtf.losses.softmax_cross_entropy([[1.0, 0.0]], [[1.0, 0.0]], label_smoothing=5),
            "softmax_cross_entropy's label_smoothing is a fraction from 0 to 1; received 5.",
        ),
        (
            lambda: jtf.functional.losses.binary_crossentropy([1.0], [0.5], from_logits="no"),
            "binary_crossentropy's from_logits is True or False; received 'no'.",
        ),
        (
            lambda: jtf.random_normal([-1]),
            r"random_normal's shape is a list of integers of at least 0; received \[-1\].",
        ),
        (lambda: jtf.random_normal(3), r"received 3. Write shape=\[3\]."),
        (lambda: jtf.random_normal([2], stddev=-1), "random_normal's stddev is a number of at least 0; received -1."),
        (
            lambda: jtf.random_normal([2], stddev=np.array([1.0, -1.0])),
            "random_normal's stddev is a number of at least 0",
        ),
        (lambda: jtf.truncated_normal([2], seed=-1), r"truncated_normal's seed is an integer from 0 to 2\*\*32 - 1"),
        (
            lambda: jtf.random_uniform([2], 3.0, 1.0),
            "random_uniform's minval is at most its maxval; received 3.0 and 1.0",
        ),
        (
            lambda: jtf.random_uniform_int([2], 1, 1),
            "random_uniform_int's minval is below its maxval; received 1 and 1",
        ),
        (lambda: jtf.random_gamma([2], -1.0), "random_gamma's alpha is a positive number; received -1.0."),
        (lambda: jtf.random_gamma([2], 1.0, 0), "random_gamma's beta is a positive number; received 0."),
        (lambda: jtf.multinomial([0.5, 0.5], -1), "multinomial's num_samples is an integer of at least 0"),
        (lambda: jtf.initializers.random_uniform(1.0, 0.0), "RandomUniform's minval is at most its maxval"),
        (lambda: jtf.constraints.min_max_norm(2.0, 1.0), "MinMaxNorm's min_value is at most its max_value"),
        (lambda: jtf.variable(1.0, trainable="no"), "Variable's trainable is True or False; received 'no'."),
        (
            lambda: jtf.input(shape=784),
            r"input's shape is a list of sizes, such as .* Write shape=\[784\].",
        ),
        (lambda: L.conv2d(2, 3, data_format="channel_last"), "received 'channel_last'. Did you mean 'channelsLast'?"),
        (lambda: setattr(L.dense(units=2), "trainable", "no"), "trainable's value is True or False; received 'no'."),
        (
            lambda: setattr(jtf.train.adam(), "beta1", 3.0),
            "Adam's beta1 is a fraction from 0 to below 1; received 3.0.",
        ),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_saving_takes_bools(tmp_path):
    model = jtf.sequential([L.dense(units=1, input_shape=[2])])
    for options in ({"overwrite": "no"}, {"include_optimizer": "yes"}, {"shard_bytes": "4M"}):
        with pytest.raises(ValueError, match=f"save's {next(iter(options))} is "):
            model.save(tmp_path / "model", **options)
    assert not list(tmp_path.iterdir())


def test_a_refused_hyperparameter_changes_nothing():
    optimizer = jtf.train.adam(beta1=0.5)
    with pytest.raises(ValueError, match="beta1"):
        optimizer.beta1 = 1
    assert optimizer.beta1 == 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: L.dense({"units": 3, "useBias": False}), r"Dense\(units=3, use_bias=False\)"),
        (lambda: L.Dense({"units": 3}), r"Dense\(units=3\)"),
        (lambda: L.max_pooling2d({"poolSize": [2, 2]}), r"MaxPooling2D\(pool_size=...\)"),
        (lambda: L.rnn({"cell": None, "name": "r"}), r"RNN\(cell=None, name='r'\)"),
        (lambda: L.add({"name": "sum"}), r"Add\(name='sum'\)"),
        (lambda: jtf.train.adam({"learningRate": 0.1}), r"Adam\(learning_rate=0.1\)"),
        (lambda: jtf.initializers.glorot_normal({"seed": 1}), r"GlorotNormal\(seed=1\)"),
        (lambda: jtf.regularizers.l2({"l2": 0.01}), r"l2\(l2=0.01\)"),
        (lambda: jtf.regularizers.l1_l2({"l1": 0.01}), r"L1L2\(l1=0.01\)"),
        (lambda: jtf.constraints.max_norm({"maxValue": 1}), r"MaxNorm\(max_value=1\)"),
        (lambda: jtf.callbacks.early_stopping({"patience": 3}), r"EarlyStopping\(patience=3\)"),
        (lambda: jtf.input({"shape": [3]}), r"input\(shape=...\)"),
        (lambda: jtf.sequential({"layers": []}), r"sequential\(layers=...\)"),
        (lambda: jtf.model({"inputs": 1, "outputs": 2}), r"model\(inputs=1, outputs=2\)"),
    ],
)
def test_an_options_object_becomes_keywords(call, message):
    with pytest.raises(TypeError, match=f"TF.js's options object becomes keyword arguments here: {message}"):
        call()


# --- what is not -------------------------------------------------------------------------------------


def test_numbers_of_numpy_and_jax_become_pythons_own():
    layer = L.dense(units=np.int64(3), use_bias=np.bool_(False), trainable=jnp.array(True))
    assert (type(layer.units), type(layer.use_bias), type(layer.trainable)) == (int, bool, bool)
    for rate in (np.float32(0.5), np.array(0.5), jnp.float32(0.5), jnp.bfloat16(0.5)):
        assert type(L.dropout(rate).rate) is float
    assert L.conv2d(2, np.array([3, 3])).kernel_size == [3, 3]
    optimizer, v = jtf.train.adam(beta1=jnp.float32(0.5)), jtf.variable(1.0)
    optimizer.minimize(lambda: v * v)  # which needs something that can be hashed
    assert float(v) < 1


def test_files_may_have_whole_numbers_and_null():
    assert L.Dense.from_config({"units": 2, "useBias": 0}).use_bias is False  # TF.js writes what it was given
    assert L.Embedding.from_config({"inputDim": 2, "outputDim": 2, "maskZero": None}).mask_zero is False
    assert L.LSTM.from_config({"units": 2, "dropout": None, "recurrent_dropout": 0}).dropout == 0.0
    assert L.Bidirectional.from_config({"layer": L.lstm(units=1), "mergeMode": None}).merge_mode is None
    assert L.Dense.from_config({"units": 2, "useBias": None}).use_bias is True
    with pytest.raises(ValueError, match=r"Dropout's rate is a fraction from 0 to 1; received 2\."):
        L.Dropout.from_config({"rate": 2})


def test_choices_are_kept_in_the_spelling_of_tfjs():
    assert L.conv2d(2, 3, data_format="channels_first").data_format == "channelsFirst"
    assert L.category_encoding(num_tokens=3, output_mode="one_hot").output_mode == "oneHot"
    assert jtf.initializers.variance_scaling(mode="fan_avg").mode == "fanAvg"


def test_traced_numbers_and_variables_pass():
    def loss(stddev, beta):
        noise = jtf.random_normal([3], 0.0, stddev, seed=1)
        penalty = jtf.regularizers.l2(stddev)(jnp.ones(3))
        return noise.sum() + penalty + jtf.losses.huber_loss(jnp.zeros(3), noise, delta=beta)

    assert all(jnp.isfinite(g) for g in jax.jit(jax.grad(loss, argnums=(0, 1)))(1.0, 1.0))
    sigma = jtf.variable(0.5)
    layer = L.gaussian_noise(sigma)
    sigma.assign(0.0)
    assert (layer(jnp.ones((2, 3)), training=True) == 1).all()
    assert jtf.random_normal([3], jnp.arange(3.0), sigma).tolist() == [0.0, 1.0, 2.0]
    update = jax.jit(lambda rate, beta: jtf.functional.optimizers.momentum(rate, beta).update(1.0, 0.0)[0])
    with pytest.raises(Exception, match="trace"):  # of optax: the state is none, the options are taken
        update(0.1, 0.9)


def test_bounds_may_be_open():
    assert L.relu(max_value=math.inf).max_value == math.inf
    assert jtf.constraints.max_norm(math.inf).max_value == math.inf
    w = np.ones((2, 2, 1, 1), np.float32)
    assert jtf.constraints.max_norm(1.0, axis=[0, 1, 2])(w).ravel().tolist() == pytest.approx([0.5] * 4)


# --- classes and functions of one's own --------------------------------------------------------------


def test_classes_of_ones_own_keep_their_annotations_to_themselves():
    class Scale(L.Layer):
        def __init__(self, factor: int, how: "Missing" = None, flag: bool = False, **options):  # noqa: F821, UP037
            super().__init__(**options)
            self.factor, self.how, self.flag = factor, how, flag

        def call(self, x):
            return x * self.factor

    assert Scale(2.5, flag="maybe")(jnp.ones((1, 1))).item() == 2.5
    with pytest.raises(ValueError, match="Scale's trainable is True or False"):
        Scale(2, trainable="no")

    class Wide(L.Dense):
        def __init__(self, width):
            super().__init__(units=width)

    with pytest.raises(ValueError, match=r"Wide's units is a positive integer; received 0\."):
        Wide(0)

    class Every(jtf.callbacks.Callback):
        def __init__(self, epochs: int):
            self.epochs = epochs

    assert Every("2").epochs == "2"


def test_a_function_of_ones_own():
    @checked
    def f(
        x,
        rate: Fraction,
        *others: int,
        at: PositiveInt | Sequence[PositiveInt | None] = 1,
        seed: Seed = None,
        unknown: Nowhere = 1,  # noqa: F821
        name: str | None = "f",
        least: NotNegative | Literal["auto"] = "auto",
        **options: int,
    ):
        return x, rate, others, at, seed, unknown, name, least, options

    assert f("x", 0.5, "y", at=(2, None), unknown="z", more="w") == (
        *("x", 0.5, ("y",), (2, None), None, "z", "f", "auto"),
        {"more": "w"},
    )
    with pytest.raises(ValueError, match="f's at is a positive integer or a list of positive integers or None"):
        f(1, 0.5, at=[0])
    with pytest.raises(ValueError, match=r"f's least is a number of at least 0 or 'auto'; received 'aoto'\. Did you"):
        f(1, 0.5, least="aoto")
    with pytest.raises(ValueError, match="f's rate is a fraction from 0 to 1; received nan"):
        f(1, math.nan)
    with pytest.raises(ValueError, match="f's rate is a fraction from 0 to 1; received None"):
        f(1, None)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'rate'"):
        f(1)
