"""List Keras's public names by module ("" is keras) and by class: ``KERAS_BACKEND=jax list_names.py OUT.json``."""

from __future__ import annotations

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
members = {name: names(cls) for name, cls in classes.items()}
Path(sys.argv[1]).write_text(
    f'{{\n  "version": {json.dumps(keras.__version__)},\n'
    f'  "namespaces": {{\n{lines(namespaces)}\n  }},\n  "classes": {{\n{lines(members)}\n  }}\n}}\n'
)
