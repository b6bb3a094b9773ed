"""Models in TF.js's ``layers-model`` format, both ways.

What is written here ``tf.loadLayersModel`` opens in TF.js, and the other way round: topology, weights and, if wanted,
what belongs to training, with the same numbers.

References:
    TF.js: tfjs-layers/src/models.ts, tfjs-layers/src/engine/training.ts (save), tfjs-core/src/io/
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jtf.io.artifacts import ModelArtifacts, from_document
from jtf.io.buffers import Pieces
from jtf.io.errors import ModelFormatError
from jtf.io.handlers import LoadSource, SaveTarget, load_handler, save_handler
from jtf.io.manifest import WeightSpec, arrays, decoded, dtype_of_each, quantized, stored
from jtf.io.matching import matched, matched_in_part
from jtf.io.optimizer_state import GROUP, optimizer_weights, restore
from jtf.io.tfjs_limits import refuse_what_tfjs_cannot_open
from jtf.io.topology import model_from_json, topology
from jtf.io.training_config import compile_as_saved, training_config
from jtf.layers.scopes import weights_are_given
from jtf.naming import look_up

#: Takes the fraction that has been read.
OnProgress = Callable[[float], Any]


class SaveResult(NamedTuple):
    """What became of a model that was saved.

    Attributes:
        weights: how many there are.
        weight_bytes: what they take.
        full_bytes: what they would take unquantized.
        largest_error: by how much a value differs at most from the one in memory, through quantization.
        worst_weight: where that is; None if nothing was quantized.
    """

    weights: int
    weight_bytes: int
    full_bytes: int
    largest_error: float = 0.0
    worst_weight: str | None = None


def save_layers_model(
    model: Any,
    path: SaveTarget,
    *,
    include_optimizer: bool = False,
    trainable_only: bool = False,
    dtype: str | Mapping[str, str] | None = None,
    target: str = "tfjs",
    shard_bytes: int | None = None,
    overwrite: bool = False,
) -> SaveResult:
    """Write a built model; see `LayersModel.save`."""
    target = look_up(target, {"tfjs": "tfjs", "jtf": "jtf"}, "target")
    handler = save_handler(path, shard_bytes, overwrite)
    artifacts, result = artifacts_of(model, include_optimizer, trainable_only, dtype, target)
    handler.save(artifacts)
    return result


def artifacts_of(
    model: Any,
    include_optimizer: bool = False,
    trainable_only: bool = False,
    dtype: str | Mapping[str, str] | None = None,
    target: str = "tfjs",
) -> tuple[ModelArtifacts, SaveResult]:
    """What a model's file consists of, and what that says of it."""
    if not model.built:
        raise ValueError(f"Model {model.name!r} is not built yet, so it has no weights to save. Fit or predict first.")
    if include_optimizer and model.optimizer is None:
        raise ValueError(f"Model {model.name!r} is not compiled, so it has no optimizer to save. Compile it first.")
    if target == "tfjs":
        refuse_what_tfjs_cannot_open(model)
    chosen = model.trainable_weights if trainable_only else model.weights
    exact = [stored(weight.name, np.asarray(weight)) for weight in chosen]
    kept_as = dtype_of_each([w.spec.name for w in exact if w.spec.dtype == "float32"], dtype)
    kept = [
        w if kept_as.get(w.spec.name, "float32") == "float32" else quantized(w, kept_as[w.spec.name]) for w in exact
    ]
    errors = {
        k.spec.name: float(np.max(np.abs(k.values - e.array)))
        for k, e in zip(kept, exact, strict=True)
        if k.spec.quantization is not None
    }
    training = None
    if include_optimizer:
        training = training_config(model.optimizer, model.compiled_with, target)
        kept += optimizer_weights(model.optimizer, model.trained_weights)
    result = SaveResult(
        len(exact),
        sum(w.spec.bytes for w in kept[: len(exact)]),
        sum(w.spec.bytes for w in exact),
        max(errors.values(), default=0.0),
        max(errors, key=lambda name: errors[name], default=None),
    )
    return (
        ModelArtifacts(
            topology(model),
            [w.spec for w in kept],
            Pieces(w.array for w in kept),
            training,
            model.get_user_defined_metadata(),
            source=f"model {model.name!r}",
        ),
        result,
    )


def load_layers_model(
    path: LoadSource,
    *,
    strict: bool = True,
    weight_path_prefix: str | os.PathLike[str] | None = None,
    on_progress: OnProgress | None = None,
) -> Any:
    """Open a model that jtf or TF.js has saved, or that was converted from Keras for TF.js.

    The weights are matched by their names, and where those differ in a known way (a prefix, a cell's name, Keras 3's
    numbers) or are those of layers inside of layers of one's own, so that there is no doubt, in that way.

    A model file is data: nothing in it is run, and classes are only found if they are jtf's or made known by
    `jtf.register_class`.

    Args:
        path: the directory, or the ``model.json`` in it, also as a ``file://`` URL; a ``.zip`` or ``.safetensors``
            file that ``model.save`` has written; a dict, the contents of a ``model.json``; or a handler, an object
            with ``load()``, such as `jtf.io.from_memory`.
        strict: whether the file must have just the model's weights. Otherwise those of the same name and shape are
            taken over, and the others begin as in a new model.
        weight_path_prefix: the directory of the weights, if they are not beside the ``model.json``.
        on_progress: called with the fraction that has been read, from 0 to 1.

    Returns:
        The model; compiled, and with the optimizer's state, if these were saved with it.

    Raises:
        FileNotFoundError: there is no such file.
        ModelFormatError: the file is damaged, or describes something that jtf does not know.

    Example:
        >>> import jtf, tempfile
        >>> model = jtf.sequential([jtf.layers.dense(units=2, input_shape=[3])])
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     result = model.save(f"{directory}/model")
        ...     again = jtf.load_layers_model(f"{directory}/model")
        >>> bool((again.predict([[1.0, 2.0, 3.0]]) == model.predict([[1.0, 2.0, 3.0]])).all())
        True
    """
    loaded = load_handler(path, weight_path_prefix).load()
    artifacts = loaded if isinstance(loaded, ModelArtifacts) else from_document(loaded, "the handler's dict", _no_files)
    specs = list(artifacts.weight_specs or [])
    stored_arrays = list(zip(specs, arrays(specs, artifacts.weights), strict=True))
    of_model = [(spec, array) for spec, array in stored_arrays if spec.group != GROUP]
    of_optimizer = [(spec.name, decoded(spec, array)) for spec, array in stored_arrays if spec.group == GROUP]

    model = _built(artifacts, [spec for spec, _ in of_model], strict)
    if artifacts.weight_specs is not None:
        _assign(model, of_model, artifacts.source, strict, on_progress)
    if artifacts.training_config is not None:
        compile_as_saved(model, artifacts.training_config, artifacts.source)
        restore(model.optimizer, model.trained_weights, of_optimizer, artifacts.source)
    if artifacts.user_defined_metadata is not None:
        model.set_user_defined_metadata(artifacts.user_defined_metadata)
    return model


def _built(artifacts: ModelArtifacts, specs: Sequence[WeightSpec], strict: bool) -> Any:
    try:
        described = _with_depths(artifacts.model_topology, {spec.name: spec.shape for spec in specs})
        if artifacts.weight_specs is None or not strict:
            return model_from_json(described)
        with weights_are_given(sum(spec.size for spec in specs)):
            return model_from_json(described)
    except Exception as error:  # a damaged file may ask for anything
        raise ModelFormatError(artifacts.source, "modelTopology", "a model that can be made", str(error)) from error


def _assign(
    model: Any,
    saved: Sequence[tuple[WeightSpec, np.ndarray]],
    source: str,
    strict: bool,
    on_progress: OnProgress | None,
) -> None:
    """Give a model the weights of a file."""
    weights = model.weights
    theirs = [(spec.name, spec.shape) for spec, _ in saved]
    ours = [(weight.name, weight.shape) for weight in weights]
    indices: Sequence[int | None] = matched(theirs, ours, source) if strict else matched_in_part(theirs, ours)
    total, done = sum(spec.bytes for spec, _ in saved) or 1, 0
    for weight, index in zip(weights, indices, strict=True):
        if index is not None:
            spec, array = saved[index]
            weight.assign(decoded(spec, array).astype(weight.dtype, copy=False))
            done += spec.bytes
            if on_progress is not None:
                on_progress(min(done / total, 1.0))


def _with_depths(topology: Any, shapes: Mapping[str, tuple[int, ...]]) -> Any:
    """A topology in which SeparableConv2D's say their depth multiplier, which TF.js forgets: their kernels tell it."""
    if isinstance(topology, list):
        return [_with_depths(item, shapes) for item in topology]
    if not isinstance(topology, Mapping):
        return topology
    topology = {name: _with_depths(value, shapes) for name, value in topology.items()}
    config = topology.get("config")
    if topology.get("class_name") == "SeparableConv2D" and isinstance(config, Mapping):
        kernel = shapes.get(f"{config.get('name')}/depthwise_kernel", ())
        if len(kernel) == 4:
            topology["config"] = {"depth_multiplier": kernel[-1], **config}
    return topology


def _no_files(path: str, _: int) -> Any:
    raise ModelFormatError("the handler's dict", f"weights file {path[:200]!r}", "weightSpecs and weightData", "none")
