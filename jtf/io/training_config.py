"""What a model was compiled with, as files have it: ``trainingConfig``.

References:
    TF.js: tfjs-layers/src/engine/training.ts (getTrainingConfig, loadTrainingConfig)
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from jtf.engine.objective import LOSSES, METRICS, name_of
from jtf.engine.warnings import warn
from jtf.functional import metrics
from jtf.functional.metrics import Metric
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


#: Options of ``compile`` that change what training does or shows, and that TF.js lacks.
_NOT_IN_TFJS = {
    "loss_weights": "loss weights",
    "weighted_metrics": "weighted metrics",
    "mask_loss": "masked losses",
}


def training_config(optimizer: Optimizer, compiled_with: Mapping[str, Any], target: str) -> dict[str, Any]:
    """What goes into a file.

    Args:
        optimizer: the model's.
        compiled_with: what was given to ``compile`` beside the optimizer.
        target: ``"tfjs"`` for a file that TF.js can open, or ``"jtf"``.

    Raises:
        ValueError: something has no name that could be written down, or that TF.js would understand.
    """
    config = {
        "loss": _each(compiled_with["loss"], _loss),
        "metrics": _each(compiled_with["metrics"] or {}, lambda metric: _metric(metric, target)),
        "optimizer_config": _optimizer_config(optimizer, target),
    }
    if compiled_with["weighted_metrics"]:
        config["weighted_metrics"] = _each(compiled_with["weighted_metrics"], lambda metric: _metric(metric, target))
    for option in ("loss_weights", "mask_loss"):
        if compiled_with[option] is not None:
            config[option] = compiled_with[option]
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
        metrics, weighted_metrics = (_described(config.get(key)) for key in ("metrics", "weighted_metrics"))
        loss_weights, mask_loss = config.get("loss_weights"), config.get("mask_loss")
        model.compile(optimizer, config["loss"], metrics, loss_weights, weighted_metrics, mask_loss)
    except Exception as error:  # of all that a damaged file can say
        found = f"{json.dumps(dict(config), default=str)[:200]}: {error!r}"
        raise ModelFormatError(source, "trainingConfig", "a loss, metrics and an optimizer of jtf", found) from error
    known = ("optimizer_config", "loss", "metrics", *_NOT_IN_TFJS)
    others = {key: value for key, value in config.items() if key not in known and value}
    if others:
        warn(f"{source}: compiled without {json.dumps(others)[:200]}, which jtf does not know in a trainingConfig.")


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


def _metric(given: Any, target: str) -> Any:
    known = isinstance(given, str)
    name = given if known else name_of(given)
    if name is None and isinstance(given, Metric) and (described := _description(given)) is not None:
        return described
    if name is None:
        raise ValueError(
            f"The metric {getattr(given, '__name__', given)!r} is none of jtf.metrics, so it cannot be written down. "
            "Save without include_optimizer and compile again after loading, or use a metric by its name."
        )
    if target == "jtf":
        return name
    name = snake_case(name)
    found = name_of(METRICS[name]) if name in METRICS and name not in _TFJS_METRICS else name
    return _SHORT_METRICS.get(found or name, found or name)


def _description(metric: Metric) -> dict[str, Any] | None:
    """A metric with options, as files of jtf have it; None for one of the user's own."""
    if not is_dataclass(metric) or getattr(metrics, type(metric).__name__, None) is not type(metric):
        return None
    config = {option.name: getattr(metric, option.name) for option in fields(metric)}
    if isinstance(metric, metrics.Mean):
        function = metric.function
        if not isinstance(function, functools.partial) or (name := name_of(function.func)) is None or function.args:
            return None
        config["function"] = {"name": name, "options": function.keywords}
    return {"class_name": type(metric).__name__, "config": config}


def _described(given: Any) -> Any:
    """Metrics as files have them, for ``compile``.

    Raises:
        ValueError: there is no such class of metrics.
    """
    if isinstance(given, list):
        return [_described(each) for each in given]
    if not isinstance(given, Mapping):
        return given
    if "class_name" not in given:
        return {output: _described(of_output) for output, of_output in given.items()}
    cls, config = getattr(metrics, str(given["class_name"]), None), dict(given["config"])
    if not isinstance(cls, type) or not issubclass(cls, Metric):
        raise ValueError(f"Unknown metric {given['class_name']!r}.")
    if cls is metrics.Mean:
        function = config["function"]
        return METRICS[function["name"]](**function["options"], name=config["name"])
    return cls(**config)


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
    for option, what in _NOT_IN_TFJS.items():
        if config.get(option):
            raise ValueError(f"TF.js has no {what}. Save the model with target='jtf', or without include_optimizer.")
    is_one = not isinstance(metrics, Mapping | list) or "class_name" in metrics
    flat = [metrics] if is_one else metrics.values() if isinstance(metrics, Mapping) else metrics
    for metric in flat:
        if isinstance(metric, Mapping) or metric not in _TFJS_METRICS:
            raise ValueError(
                f"TF.js cannot load a model with the metric {metric!r}; it knows {', '.join(sorted(_TFJS_METRICS))}, "
                "and has a list of them for all outputs or one an output. Save the model with target='jtf', or compile "
                "it with other metrics."
            )
