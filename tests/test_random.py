"""Random numbers: one seed fixes all of them, and each function has its distribution.

The statistical tests have fixed seeds, so they do not fail by chance; a wrong distribution fails them by far.
"""

from __future__ import annotations

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jtf
from jtf import random

N = 10_000
#: Far below what a right distribution gives for the seeds here, far above what a wrong one gives.
P = 1e-3

DRAWS = {
    "random_normal": lambda shape=(8,), **options: jtf.random_normal(shape, **options),
    "random_standard_normal": lambda shape=(8,), **options: jtf.random_standard_normal(shape, **options),
    "truncated_normal": lambda shape=(8,), **options: jtf.truncated_normal(shape, **options),
    "random_uniform": lambda shape=(8,), **options: jtf.random_uniform(shape, **options),
    "random_uniform_int": lambda shape=(8,), **options: jtf.random_uniform_int(shape, 0, 1_000_000, **options),
    "random_gamma": lambda shape=(8,), **options: jtf.random_gamma(shape, 2.0, **options),
    "multinomial": lambda shape=(8,), **options: jtf.multinomial(jnp.zeros(1000), shape[0], **options),
    "initializer": lambda shape=(8,), **options: jtf.initializers.random_normal(**options)(shape),
    "host_rng": lambda: random.host_rng().random(8),
}


def everything():
    return [np.asarray(draw()) for draw in DRAWS.values()]


# --- distributions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draw", "distribution"),
    [
        (lambda: jtf.random_normal([N]), stats.norm()),
        (lambda: jtf.random_normal([N], 3.0, 0.5), stats.norm(3, 0.5)),
        (lambda: jtf.random_standard_normal([N]), stats.norm()),
        (lambda: jtf.truncated_normal([N]), stats.truncnorm(-2, 2)),
        (lambda: jtf.truncated_normal([N], mean=1.0, stddev=3.0), stats.truncnorm(-2, 2, 1, 3)),
        (lambda: jtf.random_uniform([N]), stats.uniform()),
        (lambda: jtf.random_uniform([N], -3.0, 0.0), stats.uniform(-3, 3)),
        (lambda: jtf.random_gamma([N], 0.5), stats.gamma(0.5)),
        (lambda: jtf.random_gamma([N], 4.0, 2.0), stats.gamma(4, scale=0.5)),
    ],
    ids="normal normal(3,0.5) standard truncated truncated(1,3) uniform uniform(-3,0) gamma(0.5) gamma(4,2)".split(),
)
def test_continuous_distributions(draw, distribution):
    jtf.set_seed(0)
    values = np.asarray(draw(), np.float64)
    assert stats.kstest(values, distribution.cdf).pvalue > P
    np.testing.assert_allclose(values.mean(), distribution.mean(), atol=5 * distribution.std() / N**0.5)
    low, high = distribution.support()
    assert low <= values.min()
    assert values.max() <= high


def test_uniform_integers():
    jtf.set_seed(0)
    values = np.asarray(jtf.random_uniform_int([N], -2, 3))
    assert values.dtype == np.int32
    counts = np.bincount(values + 2, minlength=5)
    assert len(counts) == 5
    assert stats.chisquare(counts).pvalue > P


@pytest.mark.parametrize("normalized", [True, False])
def test_multinomial(normalized):
    jtf.set_seed(0)
    probabilities = np.array([[0.1, 0.2, 0.0, 0.7], [0.25, 0.25, 0.25, 0.25]], np.float32)
    with np.errstate(divide="ignore"):
        scores = probabilities if normalized else np.log(probabilities) + 5
    draws = jtf.multinomial(scores, N, normalized=normalized)
    assert draws.shape == (2, N)
    assert draws.dtype == jnp.int32
    for row, expected in zip(np.asarray(draws), probabilities, strict=True):
        counts = np.bincount(row, minlength=4)
        possible = expected > 0
        assert counts[~possible].sum() == 0
        assert stats.chisquare(counts[possible], N * expected[possible].astype(float) / expected.sum()).pvalue > P
    assert jtf.multinomial(scores[1], 7, normalized=normalized).shape == (7,)


# --- dtypes and shapes ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["random_normal", "random_standard_normal", "truncated_normal", "random_uniform"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int32"])
def test_dtypes(name, dtype):
    values = DRAWS[name]((2, 3), dtype=dtype)
    assert values.shape == (2, 3)
    assert values.dtype == dtype


def test_integer_dtypes_truncate_towards_zero():
    exact = np.asarray(jtf.random_normal([N], 0.0, 3.0, seed=1))
    np.testing.assert_array_equal(jtf.random_normal([N], 0.0, 3.0, "int32", seed=1), np.trunc(exact))
    whole = np.asarray(jtf.random_uniform([N], 0, 4, "int32", seed=2))
    assert set(whole) == {0, 1, 2, 3}


def test_shapes_may_be_lists_tuples_and_scalars():
    assert jtf.random_normal([]).shape == ()
    assert jtf.random_uniform((2, 0)).shape == (2, 0)
    assert jtf.random_gamma(np.array([2, 3]), 1.0).shape == (2, 3)
    assert jtf.random_normal([jtf.variable(4)]).shape == (4,)


# --- seeds ------------------------------------------------------------------------------------------


def test_set_seed_fixes_everything():
    jtf.set_seed(7)
    first, second = everything(), everything()
    jtf.set_seed(7)
    for a, b in zip(everything(), first, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(second, first, strict=True):
        assert not np.array_equal(a, b)
    jtf.set_seed(8)
    for a, b in zip(everything(), first, strict=True):
        assert not np.array_equal(a, b)


def test_set_seed_fixes_a_training_run():
    def run():
        jtf.set_seed(3)
        model = jtf.sequential(
            [
                jtf.layers.dense(units=8, input_shape=[4], activation="relu"),
                jtf.layers.dropout(rate=0.5),
            ]
        )
        model.compile(optimizer="sgd", loss="meanSquaredError")
        xs, ys = jtf.random_normal([64, 4]), jtf.random_normal([64, 8])
        history = model.fit(xs, ys, epochs=2, batch_size=16, verbose=0)
        return history.history["loss"], [np.asarray(w) for w in model.weights]

    (losses, weights), (again, same_weights) = run(), run()
    assert losses == again
    for a, b in zip(weights, same_weights, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", [name for name in DRAWS if name != "host_rng"])
def test_a_seed_of_its_own_fixes_a_draw(name):
    draw = DRAWS[name]
    jtf.set_seed(1)
    first = np.asarray(draw(seed=5))
    expected = np.asarray(draw())
    np.testing.assert_array_equal(draw(seed=5), first)
    assert not np.array_equal(draw(seed=6), first)
    # It takes nothing from the global generator.
    jtf.set_seed(1)
    np.testing.assert_array_equal(draw(), expected)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "7", True, None, np.float32(1)])
def test_invalid_seeds_are_refused(seed):
    jtf.set_seed(4)
    jtf.random_normal([1])
    before = random.position()
    with pytest.raises(ValueError, match="set_seed's seed is an integer from 0 to 2\\*\\*32 - 1; received"):
        jtf.set_seed(seed)
    assert random.position() == before
    if seed is not None:
        with pytest.raises(ValueError, match="random_normal's seed is an integer"):
            jtf.random_normal([2], seed=seed)


@pytest.mark.parametrize("seed", [0, 2**32 - 1, np.int64(5), np.uint8(3)])
def test_valid_seeds(seed):
    jtf.set_seed(seed)
    first = jtf.random_normal([4])
    jtf.set_seed(int(seed))
    np.testing.assert_array_equal(jtf.random_normal([4]), first)


def test_neighbouring_seeds_and_draws_are_unrelated():
    def start(seed):
        jtf.set_seed(seed)
        return [float(jtf.random_uniform([])) for _ in range(20)]

    values = np.array([start(seed) for seed in range(20)])
    assert len(np.unique(values)) == 400
    assert stats.kstest(values.ravel(), "uniform").pvalue > P
    assert abs(np.corrcoef(values[:-1].ravel(), values[1:].ravel())[0, 1]) < 0.2
    assert abs(np.corrcoef(values[:, :-1].ravel(), values[:, 1:].ravel())[0, 1]) < 0.2


def test_position_says_where_the_generator_stands():
    jtf.set_seed(9)
    assert random.position() == (9, 0)
    jtf.random_normal([1])
    random.host_rng()
    assert random.position() == (9, 2)


def test_host_generators_are_fresh():
    jtf.set_seed(0)
    a, b = random.host_rng(), random.host_rng()
    assert not np.array_equal(a.random(4), b.random(4))
    jtf.set_seed(0)
    np.testing.assert_array_equal(random.host_rng().permutation(10), np.random.default_rng((0, 1)).permutation(10))


# --- key streams ------------------------------------------------------------------------------------


def stream(key, *path, seeds=(None, None, None)):
    with random.key_stream(key, *path):
        return [jax.random.key_data(random.next_key(seed)).tolist() for seed in seeds]


def distinct(*streams):
    keys = [tuple(key) for keys in streams for key in keys]
    return len(set(keys)) == len(keys)


def test_a_stream_depends_on_its_key_and_path_alone():
    key = jax.random.key(0)
    jtf.set_seed(1)
    first = stream(key)
    jtf.set_seed(2)
    assert stream(key) == first
    assert distinct(first, stream(jax.random.key(1)), stream(key, 1), stream(key, 2), stream(key, 1, 2))
    assert jax.jit(lambda key, step: jnp.stack([random_bits(key, step)]))(key, 5).tolist() == [stream(key, 5)[0]]


def random_bits(key, step):
    with random.key_stream(key, step):
        return jax.random.key_data(random.next_key())


def test_a_seed_in_a_stream_with_a_path_replaces_the_key():
    a, b = jax.random.key(0), jax.random.key(1)
    assert stream(a, 5, seeds=[3, 3]) == stream(b, 5, seeds=[3, 3])
    assert distinct(stream(a, 5, seeds=[3, 3, 4]), stream(a, 6, seeds=[3, 3, 4]), stream(a, 5))
    assert stream(a, 5, seeds=[None, 3, None])[2] == stream(a, 5)[2]


def test_a_seed_in_a_stream_without_a_path_joins_the_key():
    # Nothing else would tell one call from the next.
    a, b = jax.random.key(0), jax.random.key(1)
    assert stream(a, seeds=[3, 3]) == stream(a, seeds=[3, 3])
    assert distinct(stream(a, seeds=[3, 3, 4]), stream(b, seeds=[3, 3, 4]), stream(a))


def test_a_seed_outside_of_streams_fixes_the_sequence_and_not_each_draw():
    jtf.set_seed(1)
    first = [jax.random.key_data(random.next_key(3)).tolist() for _ in range(2)]
    jtf.set_seed(2)
    assert [jax.random.key_data(random.next_key(3)).tolist() for _ in range(2)] == first
    assert distinct(first)


def test_streams_end_with_their_context():
    jtf.set_seed(1)
    expected = np.asarray(jtf.random_normal([2]))
    jtf.set_seed(1)
    with pytest.raises(KeyError), random.key_stream(jax.random.key(0)):
        raise KeyError
    np.testing.assert_array_equal(jtf.random_normal([2]), expected)


def test_a_draw_in_jit_is_no_tracer_of_the_global_state():
    jtf.set_seed(1)
    drawn = jax.jit(lambda: jtf.random_normal([2]))()
    following = jtf.random_normal([2])
    assert not np.array_equal(drawn, following)
    assert np.isfinite(following).all()


# --- threads ----------------------------------------------------------------------------------------


def test_draws_in_threads_do_not_collide():
    jtf.set_seed(0)
    drawn, failures = [], []

    def work():
        try:
            drawn.extend(float(jtf.random_uniform([])) for _ in range(25))
            drawn.extend(random.host_rng().random() for _ in range(25))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(set(drawn)) == 200
    assert random.position().draws == 200


def test_a_stream_belongs_to_its_thread():
    jtf.set_seed(1)
    expected = np.asarray(jtf.random_normal([2]))
    jtf.set_seed(1)
    elsewhere = []
    with random.key_stream(jax.random.key(0)):
        thread = threading.Thread(target=lambda: elsewhere.append(jtf.random_normal([2])))
        thread.start()
        thread.join()
    np.testing.assert_array_equal(elsewhere[0], expected)


class TestPasses:
    """Streams for the passes of a loop."""

    @staticmethod
    def bits(passes, *numbers, seed=None):
        drawn = []
        for number in numbers:
            with passes.at(number):
                drawn += [int(jax.random.bits(random.next_key(seed))) for _ in range(2)]
        return drawn

    @pytest.mark.parametrize("seed", [None, 7])
    def test_every_draw_differs(self, seed):
        with random.key_stream(jax.random.key(0), 5):
            both = [self.bits(random.Passes(), 0, 1, 2, seed=seed) for _ in range(2)]
        with random.key_stream(jax.random.key(0), 6):
            other = self.bits(random.Passes(), 0, 1, 2, seed=seed)
        outside = [self.bits(random.Passes(), 0, 1, 2, seed=seed) for _ in range(2)]
        assert len({*both[0], *both[1], *other, *outside[0], *outside[1]}) == 5 * 6

    def test_a_pass_is_fixed_by_its_number(self):
        with random.key_stream(jax.random.key(0)):
            passes = random.Passes()
            assert self.bits(passes, 3) == self.bits(passes, 3) == self.bits(passes, 2, 3)[2:]
        passes = random.Passes()
        assert self.bits(passes, 3) == self.bits(passes, 3)

    def test_a_seed_joins_the_key_where_there_is_no_path(self):
        def drawn(key, seed):
            with random.key_stream(jax.random.key(key)):
                return self.bits(random.Passes(), 0, seed=seed)

        assert drawn(0, 7) == drawn(0, 7)
        assert not {*drawn(0, 7)} & {*drawn(1, 7)}
        assert not {*drawn(0, 7)} & {*drawn(0, 8)}

    def test_a_loop_is_one_draw_and_none_where_nothing_is_drawn(self):
        def after(body):
            with random.key_stream(jax.random.key(0)):
                passes = random.Passes()
                for number in range(3):
                    with passes.at(number):
                        body()
                return int(jax.random.bits(random.next_key()))

        with random.key_stream(jax.random.key(0)):
            first, second = (int(jax.random.bits(random.next_key())) for _ in range(2))
        assert after(lambda: None) == first
        assert after(random.next_key) == second
        before = random.position()
        self.bits(random.Passes(), 0, 1)
        assert random.position().draws == before.draws + 1

    def test_loops_in_loops(self):
        drawn = []
        outer = random.Passes()
        for number in range(3):
            with outer.at(number):
                drawn += self.bits(random.Passes(), 0, 1) + self.bits(random.Passes(), 0, 1)
        assert len(set(drawn)) == 3 * 8

    def test_only_a_draw_needs_a_key(self):
        with random.key_stream(None):
            passes = random.Passes()
            with passes.at(0):
                pass
            with passes.at(0), pytest.raises(ValueError, match="was given no key"):
                random.next_key()
