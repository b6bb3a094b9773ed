"""Every test runs on the CPU, with warnings as errors and without silent rank promotion."""

import gc
import os
from collections import Counter

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import numpy as np
import pytest

jax.config.update("jax_numpy_rank_promotion", "raise")

# What jax keeps of compiled programs makes full collections slow, and more of them with every test.
gc.set_threshold(50_000, 20, 100)


@pytest.fixture
def weights_are_given(monkeypatch):
    """For tests that assign recorded weights: the initial ones are zeros, since drawing them compiles programs."""
    import jtf

    def zeros(self, shape, dtype="float32"):
        return jax.numpy.asarray(np.zeros(tuple(shape), dtype))

    monkeypatch.setattr(jtf.initializers.Initializer, "__call__", zeros)


@pytest.fixture(scope="module")
def compiled_in_a_hurry():
    """For tests of many small programs, each of which runs once: compiling them is all that takes time."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


#: Folders whose tests are made of such programs. A module there that is about what XLA's optimizations do says
#: ``optimized = True``.
IN_A_HURRY = ("functional", "layers", "models")


@pytest.fixture(autouse=True, scope="module")
def _in_a_hurry(request):
    if request.path.parent.name in IN_A_HURRY and not getattr(request.module, "optimized", False):
        request.getfixturevalue("compiled_in_a_hurry")


#: Modules of few tests that take long. They are begun first, so that no worker has one of them left at the end.
LONG = ("test_notebooks", "test_training_guide", "test_in_tfjs", "test_demo", "test_readme")


#: Modules of many cases of a kind, of which every other one is left to the slow tests.
HALVED = (
    *("test_recorded", "test_recurrent_recorded", "test_tfjs_layers", "test_oracle", "test_in_tfjs", "test_corpus"),
    *("test_catalogue", "test_convolution", "test_pooling", "test_losses", "test_recurrent", "test_dtypes"),
    *("test_damaged_files", "test_metric_states", "test_trained_models", "test_gradients", "test_optimizers"),
    *("test_random", "test_variable", "test_model"),
)


@pytest.hookimpl(tryfirst=True)  # before the slow ones are left out
def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))
    seen: Counter[object] = Counter()
    for item in items:
        if item.path.stem in HALVED and hasattr(item, "callspec"):
            seen[item.path, item.originalname] += 1
            if seen[item.path, item.originalname] % 2 == 0:
                item.add_marker(pytest.mark.slow)
