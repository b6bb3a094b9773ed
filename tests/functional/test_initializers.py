"""Initializers: exact values where there are any, else the distribution that TensorFlow.js draws from."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jtf.functional import initializers as init
from tests.functional.recorded import case_id, recorded

OURS = {
    "constant": init.constant,
    "glorotNormal": init.glorot_normal,
    "glorotUniform": init.glorot_uniform,
    "heNormal": init.he_normal,
    "heUniform": init.he_uniform,
    "identity": init.identity,
    "leCunNormal": init.lecun_normal,
    "leCunUniform": init.lecun_uniform,
    "ones": init.ones,
    "randomNormal": init.random_normal,
    "randomUniform": init.random_uniform,
    "truncatedNormal": init.truncated_normal,
    "varianceScaling": init.variance_scaling,
    "zeros": init.zeros,
}
RANDOM = [
    init.glorot_normal,
    init.glorot_uniform,
    init.he_normal,
    init.he_uniform,
    init.lecun_normal,
    init.lecun_uniform,
    init.orthogonal,
    init.random_normal,
    init.random_uniform,
    init.truncated_normal,
    init.variance_scaling,
]
KEY = jax.random.key(0)


@pytest.mark.parametrize("case", recorded("initializer"), ids=case_id)
def test_exact_values_of_tfjs(case):
    result = OURS[case["name"]](None, case["shape"], **case["config"])
    np.testing.assert_allclose(result, case["result"], rtol=1e-6, strict=True)


@pytest.mark.parametrize("case", recorded("randomInitializer"), ids=case_id)
def test_distribution_of_tfjs(case):
    shape, expected = case["shape"], case["stats"]
    values = np.asarray(OURS[case["name"]](KEY, shape, **case["config"]))
    assert values.shape == tuple(shape)
    assert values.dtype == np.float32
    # Both are samples of some 100,000 numbers: five times the standard error of the difference.
    error = 5 * np.sqrt(2 / values.size)
    np.testing.assert_allclose(values.mean(), expected["mean"], atol=error * expected["std"])
    np.testing.assert_allclose(values.std(), expected["std"], rtol=error / np.sqrt(2))
    if case["name"] != "randomNormal":  # the others have bounds, which so many numbers come close to
        np.testing.assert_allclose(values.min(), expected["min"], atol=0.01 * expected["std"])
        np.testing.assert_allclose(values.max(), expected["max"], atol=0.01 * expected["std"])


def test_every_initializer_is_tested():
    public = {
        value
        for name, value in vars(init).items()
        if getattr(value, "__module__", "") == init.__name__ and not name.startswith("_")
    }
    assert public - {*OURS.values()} == {init.orthogonal, init.compute_fans}
    recorded_names = {case["name"] for case in recorded("initializer") + recorded("randomInitializer")}
    assert recorded_names == OURS.keys()


@pytest.mark.parametrize(
    ("values", "distribution"),
    [
        (init.random_uniform(KEY, (20_000,), minval=0.0, maxval=2.0), stats.uniform(0, 2)),
        (init.random_normal(KEY, (20_000,), mean=-1.0, stddev=3.0), stats.norm(-1, 3)),
        (init.truncated_normal(KEY, (20_000,), mean=1.0, stddev=0.5), stats.truncnorm(-2, 2, 1, 0.5)),
        (init.variance_scaling(KEY, (100, 200)).ravel(), stats.truncnorm(-2, 2, 0, 0.1)),
        (init.he_uniform(KEY, (150, 200)).ravel(), stats.uniform(-0.2, 0.4)),
    ],
    ids=["uniform", "normal", "truncated_normal", "variance_scaling", "he_uniform"],
)
def test_distribution_function(values, distribution):
    assert stats.kstest(np.asarray(values, np.float64), distribution.cdf).pvalue > 1e-3


@pytest.mark.parametrize("initializer", RANDOM, ids=lambda f: f.__name__)
def test_seeds(initializer):
    one, again = initializer(KEY, (5, 4)), initializer(jax.random.key(0), [5, 4])
    other = initializer(jax.random.key(1), (5, 4))
    np.testing.assert_array_equal(one, again)
    assert not np.any(one == other)


def test_dtypes():
    for initializer in [*RANDOM, init.zeros, init.ones, init.identity]:
        made = jax.eval_shape(lambda key, f=initializer: f(key, (4, 4), jnp.bfloat16), KEY)
        assert made.dtype == jnp.bfloat16, initializer
    assert init.constant(None, (2,), jnp.int32, value=3).dtype == jnp.int32
    assert init.zeros(None, (2,), bool).dtype == bool


@pytest.mark.parametrize("shape", [(8, 3), (3, 8), (4, 4), (3, 2, 2, 5), (2, 2, 20)])
def test_orthogonal(shape):
    matrix = np.asarray(init.orthogonal(KEY, shape, gain=2.0)).reshape(-1, shape[-1])
    rows, columns = matrix.shape
    gram = matrix.T @ matrix if rows >= columns else matrix @ matrix.T
    np.testing.assert_allclose(gram, 4 * np.eye(min(rows, columns)), atol=1e-5)


def test_orthogonal_matrices_are_uniform():
    # Of a uniform rotation no entry prefers a sign; without the correction by R's diagonal the QR
    # decomposition does.
    many = jax.vmap(lambda key: init.orthogonal(key, (3, 3)))(jax.random.split(KEY, 2000))
    np.testing.assert_allclose(many.mean(0), 0, atol=5 * np.sqrt(1 / 3 / 2000))
    np.testing.assert_allclose(jnp.square(many).mean(0), 1 / 3, atol=0.05)


@pytest.mark.parametrize(
    ("shape", "fans"),
    [
        ((7, 2), (7, 2)),
        ((5, 3, 4), (15, 20)),
        ((2, 3, 4, 5), (24, 30)),
        ((2, 2, 2, 3, 4), (24, 32)),
        ((9,), (3, 3)),
        ((), (1, 1)),
        ((2, 2, 2, 2, 2, 2), (8, 8)),
    ],
)
def test_compute_fans(shape, fans):
    np.testing.assert_allclose(init.compute_fans(shape), fans)


@pytest.mark.parametrize(("mode", "fan"), [("in", 30), ("out", 300), ("avg", 165)])
def test_variance_scaling_spellings(mode, fan):
    shape, camel = (30, 300), f"fan{mode.capitalize()}"
    uniform = init.variance_scaling(KEY, shape, scale=2.0, mode=f"fan_{mode}", distribution="uniform")
    np.testing.assert_array_equal(
        uniform, init.variance_scaling(KEY, shape, scale=2.0, mode=camel, distribution="uniform")
    )
    np.testing.assert_allclose(np.abs(uniform).max(), np.sqrt(6 / fan), rtol=1e-2)
    normals = [
        init.variance_scaling(KEY, shape, scale=2.0, mode=camel, distribution=distribution)
        for distribution in ("normal", "truncated_normal", "truncatedNormal")
    ]
    np.testing.assert_allclose(np.abs(normals[0]).max(), 2 * np.sqrt(2 / fan), rtol=1e-2)
    np.testing.assert_array_equal(normals[0], normals[1])
    np.testing.assert_array_equal(normals[0], normals[2])


def test_scale_zero_gives_zeros():
    np.testing.assert_array_equal(init.variance_scaling(KEY, (3, 3), scale=0.0), np.zeros((3, 3)))


def test_jit_and_vmap_change_nothing():
    eager = init.glorot_normal(KEY, (4, 3))
    np.testing.assert_allclose(jax.jit(lambda key: init.glorot_normal(key, (4, 3)))(KEY), eager, rtol=1e-6)
    keys = jax.random.split(KEY, 2)
    np.testing.assert_allclose(
        jax.vmap(lambda key: init.he_uniform(key, (4, 3)))(keys)[1],
        init.he_uniform(keys[1], (4, 3)),
        rtol=1e-6,
    )


# --- errors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2, 3), (4,), (2, 2, 2)])
def test_identity_needs_a_square(shape):
    with pytest.raises(ValueError, match=r"square matrices, of shape \(n, n\); received shape \("):
        init.identity(None, shape)


def test_orthogonal_matrices_have_the_traces_of_uniform_ones():
    """Diaconis and Shahshahani, On the eigenvalues of random matrices, 1994: over O(n), n > 3."""
    many = np.asarray(jax.vmap(lambda key: init.orthogonal(key, (4, 4)))(jax.random.split(KEY, 5000)), np.float64)
    traces, squares = (np.trace(each, axis1=1, axis2=2) for each in (many, many @ many))
    moments = [traces.mean(), (traces**2).mean(), (traces**4).mean(), squares.mean(), np.linalg.det(many).mean()]
    np.testing.assert_allclose(moments, [0, 1, 3, 1, 0], atol=0.2)


def test_orthogonal_matrices_are_made_without_a_factorization():
    program = str(jax.make_jaxpr(lambda key: init.orthogonal(key, (6, 6)))(KEY))
    assert "householder_product" in program
    assert "geqrf" not in program
    assert " qr[" not in program


def test_orthogonal_needs_a_matrix():
    with pytest.raises(ValueError, match=r"at least two axes; received shape \(3,\)"):
        init.orthogonal(KEY, (3,))


def test_variance_scaling_checks_its_options():
    with pytest.raises(ValueError, match="scale is a number of at least 0; received -1"):
        init.variance_scaling(KEY, (2, 2), scale=-1.0)
    with pytest.raises(ValueError, match="mode is 'fanIn', 'fanOut' or 'fanAvg'; received 'fan'"):
        init.variance_scaling(KEY, (2, 2), mode="fan")
    with pytest.raises(ValueError, match="distribution is 'normal', 'uniform' or 'truncatedNormal'; received 'cauchy'"):
        init.variance_scaling(KEY, (2, 2), distribution="cauchy")
