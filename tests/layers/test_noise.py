"""What single noise layers do and refuse."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

import jtf

L = jtf.layers
MAKE = {
    "gaussian_noise": lambda **options: L.gaussian_noise(stddev=1, **options),
    "gaussian_dropout": lambda **options: L.gaussian_dropout(rate=0.5, **options),
    "alpha_dropout": lambda **options: L.alpha_dropout(rate=0.5, **options),
    "spatial_dropout1d": lambda **options: L.spatial_dropout1d(rate=0.5, **options),
}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L.gaussian_noise(stddev=-1), "GaussianNoise's stddev is a number of at least 0; received -1"),
        (lambda: L.gaussian_dropout(rate=1.5), "GaussianDropout's rate is a fraction from 0 to 1; received 1.5"),
        (lambda: L.alpha_dropout(rate=-0.1), "AlphaDropout's rate is a fraction from 0 to 1"),
        (lambda: L.spatial_dropout1d(rate=2), "SpatialDropout1D's rate is a fraction"),
        (lambda: L.spatial_dropout1d(rate=0.5)(jnp.ones((2, 3))), "expects an input with 3 dimensions"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("name", MAKE)
def test_a_seed_fixes_the_sequence_and_not_each_draw(name):
    x = jnp.ones((4, 5, 16))

    def draws(global_seed, **options):
        jtf.set_seed(global_seed)
        layer = MAKE[name](**options)
        return [layer(x, training=True) for _ in range(2)]

    first, second = draws(1, seed=3)
    assert np.any(first != second)
    for one, other in zip(draws(1, seed=3), draws(2, seed=3), strict=True):
        np.testing.assert_array_equal(one, other)
    assert np.any(draws(1)[0] != draws(2)[0])


@pytest.mark.parametrize("name", MAKE)
def test_what_tfjs_does_not_write_is_written_when_given(name):
    assert "seed" not in MAKE[name]().get_config()
    assert MAKE[name](seed=3).get_config()["seed"] == 3
    if name == "spatial_dropout1d":  # which writes all that a dropout does
        assert MAKE[name]().get_config()["noiseShape"] is None
    else:
        assert "noiseShape" not in MAKE[name]().get_config()
    assert L.alpha_dropout(rate=0.5, noise_shape=(None, 1)).get_config()["noiseShape"] == [None, 1]


def test_spatial_dropout_drops_whole_features():
    jtf.set_seed(0)
    y = np.asarray(L.spatial_dropout1d(rate=0.5)(jnp.ones((8, 5, 16)), training=True))
    assert (y == y[:, :1]).all()
    assert set(np.unique(y)) == {0.0, 2.0}
    assert 0.3 < (y == 0).mean() < 0.7
    assert not (y == y[:1]).all()
