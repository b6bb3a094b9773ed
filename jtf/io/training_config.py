"""What a model was compiled with, as files have it: ``trainingConfig``.

References:
    TF.js: tfjs-layers/src/engine/training.ts (getTrainingConfig, loadTrainingConfig)
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from jtf.engine.loop import users_level
from jtf.engine.objective import LOSSES, METRICS, name_of
from jtf.io.errors import ModelFormatError
from jtf.io.optimizer_state import SLOTS
from jtf.naming import look_up, snake_case
from jtf.train.optimizer import Optimizer, registry

#: TF.js's names of metrics that have longer ones here; others in files are those that it knows as they are.
_SHORT_METRICS = {
    "mean_squared_error": "mse",
    "mean_absolute_error": "mae",
    "mean_absolute_percentage_error": "mape",
    "cosine_proximity": "cosine",
}
_TFJS_METRICS = {
    *("acc", "accuracy", "ce", "crossentropy", "binary_accuracy", "categorical_accuracy", "precision"),
    *("categorical_crossentropy", "sparse_categorical_crossentropy", *_SHORT_METRICS.values()),
}


def training_config(optimizer: Optimizer, compiled_with: Mapping[str, Any], target: str) -> dict[str, Any]:
    """What goes into a file.

    Args:
        optimizer: the model's.
        compiled_with: ``loss``, ``metrics`` and ``loss_weights``, as given to ``compile``.
        target: ``"tfjs"`` for a file that TF.js can open, or ``"jtf"``.

    Raises:
        ValueError: something has no name that could be written down, or that TF.js would understand.
    """
    config = {
        "loss": _each(compiled_with["loss"], _loss),
        "metrics": _each(compiled_with["metrics"] or {}, lambda metric: _metric(metric, target)),
        "optimizer_config": _optimizer_config(optimizer, target),
    }
    if compiled_with["loss_weights"] is not None:
        config["loss_weights"] = compiled_with["loss_weights"]
    if target == "tfjs":
        _refuse_for_tfjs(config)
    return config


def compile_as_saved(model: Any, config: Mapping[str, Any], source: str) -> None:
    """Compile a model as a file says.

    Raises:
        ModelFormatError: it says something that jtf does not know; names it.
    """
    try:
        described = config["optimizer_config"]
        optimizer = registry.deserialize(described)
        model.compile(optimizer, config["loss"], config.get("metrics"), config.get("loss_weights"))
    except Exception as error:  # of all that a damaged file can say
        found = f"{json.dumps(dict(config), default=str)[:200]}: {error!r}"
        raise ModelFormatError(source, "trainingConfig", "a loss, metrics and an optimizer of jtf", found) from error
    known = ("optimizer_config", "loss", "metrics", "loss_weights")
    others = {key: value for key, value in config.items() if key not in known and value}
    if others:
        warnings.warn(
            f"{source}: compiled without {json.dumps(others)[:200]}, which jtf does not know in a trainingConfig.",
            UserWarning,
            stacklevel=users_level(),
        )


def _each(given: Any, name: Callable[[Any], Any]) -> Any:
    if isinstance(given, Mapping):
        return {key: _each(value, name) for key, value in given.items()}
    return [_each(item, name) for item in given] if isinstance(given, list | tuple) else name(given)


def _loss(given: Any) -> str | None:
    if given is None:
        return None
    name = name_of(look_up(given, LOSSES, "loss") if isinstance(given, str) else given)
    if name is None:
        raise ValueError(
            f"The loss {getattr(given, '__name__', given)!r} is a function that no name stands for, so it cannot be "
            "saved. Save without include_optimizer and compile again after loading, or use a loss by its name."
        )
    return name


def _metric(given: Any, target: str) -> str:
    known = isinstance(given, str)
    name = given if known else name_of(given)
    if name is None:
        raise ValueError(
            f"The metric {getattr(given, '__name__', given)!r} is a function that no name stands for, so it cannot be "
            "saved. Save without include_optimizer and compile again after loading, or use a metric by its name."
        )
    if target == "jtf":
        return name
    name = snake_case(name)
    found = name_of(METRICS[name]) if name in METRICS and name not in _TFJS_METRICS else name
    return _SHORT_METRICS.get(found or name, found or name)


def _optimizer_config(optimizer: Optimizer, target: str) -> dict[str, Any]:
    if optimizer.class_name not in SLOTS:
        raise ValueError(
            f"{optimizer.class_name} cannot be written into a model's file; those that can: {', '.join(SLOTS)}. Save "
            "without include_optimizer, or train with one of these."
        )
    if optimizer.has_schedule:
        raise ValueError(
            f"{optimizer.class_name}'s learning rate is a schedule, a function, which a file cannot hold. Save without "
            "include_optimizer, or set the number to go on with: optimizer.learning_rate = optimizer.learning_rate."
        )
    if target == "tfjs" and optimizer.class_name == "Adamax":
        raise ValueError(
            "TF.js cannot save or load the state of Adamax. Save without include_optimizer, or with target='jtf'."
        )
    return {"class_name": optimizer.class_name, "config": optimizer.get_config()}


def _refuse_for_tfjs(config: Mapping[str, Any]) -> None:
    losses, metrics = config["loss"], config["metrics"]
    all_losses = losses.values() if isinstance(losses, Mapping) else losses if isinstance(losses, list) else [losses]
    if None in all_losses:
        raise ValueError("TF.js cannot load a model with outputs that have no loss. Save it with target='jtf'.")
    if "loss_weights" in config:
        raise ValueError("TF.js has no loss weights. Save the model with target='jtf', or without include_optimizer.")
    flat = metrics.values() if isinstance(metrics, Mapping) else metrics if isinstance(metrics, list) else [metrics]
    for metric in flat:
        if metric not in _TFJS_METRICS:
            raise ValueError(
                f"TF.js cannot load a model with the metric {metric!r}; it knows {', '.join(sorted(_TFJS_METRICS))}, "
                "and has a list of them for all outputs or one an output. Save the model with target='jtf', or compile "
                "it with other metrics."
            )
