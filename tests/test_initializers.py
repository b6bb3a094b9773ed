"""Initializers as objects: seeds, the global generator, and what their constructors refuse.

Values and distributions of the numbers are tested with the functions that make them.
"""

from __future__ import annotations

import jax
import numpy as np
import pytest

import jtf
from jtf import functional

FIXED = {"zeros": {}, "ones": {}, "constant": {"value": 2.5}, "identity": {"gain": 3.0}}
RANDOM = (
    "random_uniform random_normal truncated_normal orthogonal variance_scaling glorot_uniform glorot_normal "
    "he_uniform he_normal lecun_uniform lecun_normal"
).split()
OPTIONS = {
    "random_uniform": {"minval": 0.0, "maxval": 2.0},
    "random_normal": {"mean": 3.0, "stddev": 0.5},
    "truncated_normal": {"mean": 3.0, "stddev": 0.5},
    "orthogonal": {"gain": 2.0},
    "variance_scaling": {"scale": 3.0, "mode": "fanOut", "distribution": "uniform"},
}


def make(name, **options):
    return getattr(jtf.initializers, name)(**options)


def test_every_initializer_is_here():
    classes = {type(make(name, **FIXED.get(name, {}))) for name in [*FIXED, *RANDOM]}
    assert classes == set(jtf.initializers.registry.classes.values())


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("with_options", [False, True])
def test_numbers_are_those_of_the_function(name, with_options):
    options = OPTIONS.get(name, {}) if with_options else {}
    ours = make(name, **options, seed=5)((4, 3))
    theirs = getattr(functional.initializers, name)(jax.random.key(5), (4, 3), **options)
    np.testing.assert_array_equal(ours, theirs, strict=True)


@pytest.mark.parametrize("name", FIXED)
def test_fixed_values(name):
    expected = {"zeros": np.zeros((2, 2)), "ones": np.ones((2, 2)), "constant": np.full((2, 2), 2.5)}
    values = make(name, **FIXED[name])((2, 2), "bfloat16")
    np.testing.assert_array_equal(values, expected.get(name, 3 * np.eye(2)))
    assert values.dtype == "bfloat16"


@pytest.mark.parametrize("name", RANDOM)
def test_without_a_seed_the_global_generator_goes_on(name):
    initializer = make(name)
    jtf.set_seed(1)
    first, second = initializer((3, 3)), initializer((3, 3))
    assert not np.array_equal(first, second)
    jtf.set_seed(1)
    np.testing.assert_array_equal(initializer([3, 3]), first)
    assert first.dtype == "float32"


@pytest.mark.parametrize("name", FIXED)
def test_fixed_values_draw_nothing(name):
    jtf.set_seed(1)
    before = jtf.random.position()
    make(name, **FIXED[name])((2, 2))
    assert jtf.random.position() == before


def test_a_seed_makes_equal_shapes_equal():
    initializer = jtf.initializers.glorot_uniform(seed=3)
    np.testing.assert_array_equal(initializer((4, 2)), initializer((4, 2)))
    kernels = [jtf.layers.dense(units=3, input_shape=[4], kernel_initializer=initializer) for _ in range(2)]
    models = [jtf.sequential([layer]) for layer in kernels]
    np.testing.assert_array_equal(models[0].weights[0], models[1].weights[0])


def test_zero_is_zero_and_not_the_default():
    assert float(jtf.initializers.random_uniform(minval=0.0, maxval=0.05)((1000,)).min()) >= 0
    np.testing.assert_array_equal(jtf.initializers.random_normal(mean=2.0, stddev=0.0)((3,)), [2, 2, 2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": -1.0}, "VarianceScaling's scale is a number of at least 0; received -1.0"),
        ({"mode": "fanin"}, "mode is 'fanIn', 'fanOut' or 'fanAvg'; received 'fanin'. Did you mean 'fanIn'?"),
        ({"distribution": "gauss"}, "distribution is 'normal', 'uniform' or 'truncatedNormal'; received 'gauss'"),
    ],
)
def test_variance_scaling_refuses_in_the_constructor(options, message):
    with pytest.raises(ValueError, match=message):
        jtf.initializers.variance_scaling(**options)
    with pytest.raises(ValueError, match=message):
        jtf.initializers.deserialize({"className": "VarianceScaling", "config": options})


def test_variance_scaling_is_written_down_in_the_spelling_of_tfjs():
    ours = jtf.initializers.variance_scaling(mode="fan_avg", distribution="truncated_normal", seed=1)
    assert ours.get_config() == {"scale": 1.0, "mode": "fanAvg", "distribution": "truncatedNormal", "seed": 1}
    theirs = jtf.initializers.variance_scaling(mode="fanAvg", distribution="truncatedNormal", seed=1)
    np.testing.assert_array_equal(ours((3, 4)), theirs((3, 4)))


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="square matrices"):
        jtf.initializers.identity()((2, 3))
    with pytest.raises(ValueError, match="at least two axes"):
        jtf.initializers.orthogonal()((2,))


def test_an_initializer_of_ones_own_must_make():
    class Mine(jtf.initializers.Initializer):
        pass

    with pytest.raises(NotImplementedError, match="Mine must define make"):
        Mine()((2,))

    class Ramp(jtf.initializers.Initializer):
        def make(self, key, shape, dtype):
            return jax.numpy.arange(np.prod(shape), dtype=dtype).reshape(shape)

    np.testing.assert_array_equal(Ramp()((2, 2)), [[0, 1], [2, 3]])


def test_inside_jit_the_shape_decides():
    initializer = jtf.initializers.he_normal(seed=2)
    np.testing.assert_allclose(jax.jit(lambda: initializer((3, 2)))(), initializer((3, 2)), rtol=1e-6)
