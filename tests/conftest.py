"""Every test runs on the CPU, with warnings as errors and without silent rank promotion."""

import gc
import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax

jax.config.update("jax_numpy_rank_promotion", "raise")

# What jax keeps of compiled programs makes full collections slow, and more of them with every test.
gc.set_threshold(50_000, 20, 100)
