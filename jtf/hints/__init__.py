"""What to write in place of names that TF.js and Keras have and jtf has not.

The table (`NAMESPACES`, `ABSENT`, `MEMBERS`, `ARGUMENTS`) says for every namespace, class and method of models what to
write, for which names. Names are in TF.js's spelling or Keras's and stand for all spellings (``oneHot``, ``one_hot``,
``OneHot``). In what to write,

- ``{}`` is the name as the module before it spells it: ``"jnp.{}": "isNaN"`` is ``jnp.isnan``;
- what ends in a full stop is a sentence; anything else is code, and follows "use".

A name that jtf has in another spelling, or elsewhere, needs no entry.
"""

from __future__ import annotations

import functools
import importlib
import re

from jtf.hints.absent import ABSENT
from jtf.hints.answers import INSIDE, KERAS_INSIDE
from jtf.hints.arguments import ARGUMENTS
from jtf.hints.members import MEMBERS
from jtf.hints.namespaces import NAMESPACES
from jtf.naming import folded, spelling


def hint(scope: str, name: str) -> str | None:
    """What to write for a name, as a sentence; None if the table does not have it.

    Args:
        scope: a namespace of jtf's (``""`` is jtf itself, ``"layers"``), a class (``"LayersModel"``), or a method of
            models (``"fit()"``), whose argument the name is.
        name: in any spelling.
    """
    if scope == "" and name in ABSENT:
        shown = {write: names for write, names in ABSENT[name].items() if write not in (INSIDE, KERAS_INSIDE)}
        lines = (f"{names.replace(' ', ', ')}: {_filled(write, *names.split())}" for write, names in shown.items())
        return _with_import("\n    ".join(["for what is in it, use", *lines]))
    write = entries(scope).get(folded(name))
    if write is None and scope in ("Variable", "functional"):  # TF.js's tensors have its operations as methods
        write = entries("").get(folded(name))
    if write is None or write.endswith("."):
        return write
    return _with_import(f"use {_filled(write, name)}") + "."


@functools.cache
def entries(scope: str) -> dict[str, str]:
    """What to write in a namespace, for objects of a class or in a call, by folded name."""
    groups = {**NAMESPACES, **MEMBERS, **ARGUMENTS}.get(scope, {})
    return {folded(name): write for write, names in groups.items() for name in names.split()}


def _filled(write: str, *names: str) -> str:
    wildcard = re.search(r"([\w.]+)\.\{\}", write)
    if wildcard is None:
        return write
    module = importlib.import_module(wildcard[1].replace("jnp", "jax.numpy"))
    return ", ".join(write.replace("{}", spelling(name, dir(module)) or name) for name in names)


def _with_import(text: str) -> str:
    return f"{text} (import jax.numpy as jnp); tensors are jax arrays" if "jnp." in text else text
