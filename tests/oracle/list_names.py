"""List Keras's public names by module ("" is keras) and class, and the arguments of a model's methods.

``KERAS_BACKEND=jax list_names.py OUT.json``
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from pathlib import Path
from types import ModuleType

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras


def names(owner) -> list[str]:
    return sorted(name for name in dir(owner) if not name.startswith("_"))


modules = {name: getattr(keras, name) for name in names(keras) if name != "src"}
modules = {name: module for name, module in modules.items() if isinstance(module, ModuleType)}
classes = {
    "Callback": keras.callbacks.Callback,
    "History": keras.callbacks.History,
    "Layer": keras.Layer,
    "LayersModel": keras.Model,
    "Optimizer": keras.optimizers.Optimizer,
    "Sequential": keras.Sequential,
    "Variable": keras.Variable,
}


def lines(lists: dict[str, list[str]]) -> str:
    return ",\n".join(f"    {json.dumps(name)}: {json.dumps(lists[name])}" for name in sorted(lists))


namespaces = {"": [name for name in names(keras) if name != "src"]} | {n: names(m) for n, m in modules.items()}
methods = [getattr(keras.Model, name) for name in "compile evaluate fit predict train_on_batch".split()]
options = {m.__name__: sorted(set(inspect.signature(m).parameters) - {"self", "kwargs"}) for m in methods}
members = {name: names(cls) for name, cls in classes.items()}
sections = {"namespaces": namespaces, "classes": members, "options": options}
text = "".join(f',\n  "{name}": {{\n{lines(lists)}\n  }}' for name, lists in sections.items())
Path(sys.argv[1]).write_text(f'{{\n  "version": "{keras.__version__}"{text}\n}}\n')
