"""What ``import jtf`` costs: nothing optional is imported, and no device is touched."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata, resources

import jtf


def in_a_new_process(code, **environment):
    environment = {**{k: v for k, v in os.environ.items() if k != "JAX_PLATFORMS"}, **environment}
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_nothing_optional_is_imported():
    optional = [
        "tqdm",
        "matplotlib",
        "scipy",
        "h5py",
        "pandas",
        "IPython",
        "orbax",
        "tensorflow",
        "keras",
        "flax",
    ]
    alone = in_a_new_process(f"import sys, jax, optax; print([m for m in {optional} if m in sys.modules])")
    ours = in_a_new_process(f"import sys, jtf; print([m for m in {optional} if m in sys.modules])")
    assert ours == alone
    assert not {"tqdm", "matplotlib", "h5py"} & set(eval(ours))


def test_no_device_is_touched():
    # A platform that does not exist is an error as soon as a backend is made; until then another can be chosen.
    assert (
        in_a_new_process(
            "import jtf, jax; jax.config.update('jax_platforms', 'cpu'); print(jtf.random_normal([2]).shape)",
            JAX_PLATFORMS="no_such_platform",
        )
        == "(2,)"
    )


def test_models_of_a_new_process_are_counted_from_one():
    assert (
        in_a_new_process(
            "import jtf; m = jtf.sequential([jtf.layers.dense(units=1, input_shape=[2])]); print(m.weights[0].name)",
            JAX_PLATFORMS="cpu",
        )
        == "dense_Dense1/kernel"
    )


def test_the_package_is_typed():
    assert resources.files("jtf").joinpath("py.typed").is_file()


def test_every_public_name_is_there():
    for name in ("sequential", "layers", "train", "variable", "lift", "grad", "set_seed", "data", "losses", "metrics"):
        assert hasattr(jtf, name)
    assert jtf.__version__.count(".") >= 2
    for distribution in metadata.packages_distributions().get("jtf", []):  # where it is installed
        assert metadata.version(distribution) == jtf.__version__
