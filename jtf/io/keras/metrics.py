"""Keras's metrics as jtf has them.

References:
    Keras: keras/src/metrics/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from jtf.engine.objective import METRICS
from jtf.functional import metrics

Config = Mapping[str, Any]


class NotThere(Exception):
    """A metric that jtf does not have, or not with these options."""


def metric_of(name: str, config: Config) -> Any:
    """The metric for `compile`.

    Args:
        name: in snake_case.
        config: of Keras's object; empty where a name stood alone.

    Raises:
        NotThere: jtf computes it differently, or not at all.
    """
    if name not in _MADE_BY:
        raise NotThere
    return _MADE_BY[name](dict(config))


def _options(config: dict[str, Any], *names: str, **idle: tuple[Any, ...]) -> dict[str, Any]:
    """Those of a configuration that jtf has, too.

    Args:
        config: of Keras's object.
        names: of such options, with one meaning.
        idle: the other options, with the values that change nothing.
    """
    idle |= {"dtype": (config.get("dtype"),), "fn": (config.get("fn"),)}
    for option, value in config.items():
        if option not in names and value not in idle.get(option, ()):
            raise NotThere
    return {option: config[option] for option in names if config.get(option) is not None}


def _same(metric: Callable[..., Any], *names: str, **idle: tuple[Any, ...]) -> Callable[[dict[str, Any]], Any]:
    return lambda config: metric(**_options(config, "name", *names, **idle))


def _mean(name: str, *names: str) -> Callable[[dict[str, Any]], Any]:
    """The mean of what a function gives; its name alone where it has no options, so that it is logged as in TF.js."""

    def make(config: dict[str, Any]) -> Any:
        config.pop("name", None)
        options = {o: v for o, v in _options(config, *names).items() if (o, v) != ("threshold", 0.5)}
        return METRICS[name](**options) if options else name

    return make


def _counted(metric: Callable[..., Any]) -> Callable[[dict[str, Any]], Any]:
    def make(config: dict[str, Any]) -> Any:
        given = config.pop("thresholds", None)
        thresholds = given if isinstance(given, list) else [given]
        if len(thresholds) != 1:
            raise NotThere
        return metric(threshold=thresholds[0], **_options(config, "name", "top_k", "class_id"))

    return make


def _auc(config: dict[str, Any]) -> Any:
    thresholds = config.pop("thresholds", None)
    count = config.get("num_thresholds", 200)
    if thresholds is not None and not np.allclose(thresholds, np.arange(1, count - 1) / (count - 1)):
        raise NotThere
    config.pop("num_labels", None)
    names = ("name", "num_thresholds", "curve", "summation_method", "multi_label", "from_logits")
    return metrics.auc(**_options(config, *names, label_weights=(None,)))


def _f_score(metric: Callable[..., Any]) -> Callable[[dict[str, Any]], Any]:
    def make(config: dict[str, Any]) -> Any:
        if config.get("average") is None:  # one number for each class
            raise NotThere
        return metric(**_options(config, "name", "beta", "average", "threshold"))

    return make


def _iou(metric: Callable[..., Any], are_classes_by_default: bool) -> Callable[[dict[str, Any]], Any]:
    def make(config: dict[str, Any]) -> Any:
        if config.pop("sparse_y_pred", are_classes_by_default):  # predictions that are class numbers
            raise NotThere
        for option in ("num_classes", "sparse_y_true"):  # seen by their shapes
            config.pop(option, None)
        return metric(**_options(config, "name", "target_class_ids", "ignore_class", axis=(-1,)))

    return make


def _r2_score(config: dict[str, Any]) -> Any:
    averages: dict[str, Any] = {"uniform_average": "uniform_average", "variance_weighted_average": "variance_weighted"}
    average = config.pop("class_aggregation", "uniform_average")
    if average not in averages:
        raise NotThere
    return metrics.r2_score(multioutput=averages[average], **_options(config, "name", num_regressors=(0,)))


#: Keras's names, the short ones among them.
_MADE_BY: dict[str, Callable[[dict[str, Any]], Any]] = {
    "accuracy": lambda config: "accuracy",
    "acc": lambda config: "acc",
    "binary_accuracy": _mean("binary_accuracy", "threshold"),
    "categorical_accuracy": _mean("categorical_accuracy"),
    "sparse_categorical_accuracy": _mean("sparse_categorical_accuracy"),
    "top_k_categorical_accuracy": _mean("top_k_categorical_accuracy", "k"),
    "sparse_top_k_categorical_accuracy": _mean("sparse_top_k_categorical_accuracy", "k"),
    **{
        name: _mean(name)
        for long, short in (
            ("mean_squared_error", "mse"),
            ("mean_absolute_error", "mae"),
            ("mean_absolute_percentage_error", "mape"),
            ("mean_squared_logarithmic_error", "msle"),
        )
        for name in (long, short)
    },
    "precision": _counted(metrics.precision),
    "recall": _counted(metrics.recall),
    "true_positives": _counted(metrics.true_positives),
    "true_negatives": _counted(metrics.true_negatives),
    "false_positives": _counted(metrics.false_positives),
    "false_negatives": _counted(metrics.false_negatives),
    "f1_score": _f_score(metrics.f1_score),
    "f_beta_score": _f_score(metrics.fbeta_score),
    "auc": _auc,
    "precision_at_recall": _same(metrics.precision_at_recall, "recall", "num_thresholds", class_id=(None,)),
    "recall_at_precision": _same(metrics.recall_at_precision, "precision", "num_thresholds", class_id=(None,)),
    "sensitivity_at_specificity": _same(
        metrics.sensitivity_at_specificity, "specificity", "num_thresholds", class_id=(None,)
    ),
    "specificity_at_sensitivity": _same(
        metrics.specificity_at_sensitivity, "sensitivity", "num_thresholds", class_id=(None,)
    ),
    "root_mean_squared_error": _same(metrics.root_mean_squared_error),
    "r2_score": _r2_score,
    "io_u": _iou(metrics.iou, are_classes_by_default=True),
    "mean_io_u": _iou(metrics.mean_iou, are_classes_by_default=True),
    "one_hot_io_u": _iou(metrics.iou, are_classes_by_default=False),
    "one_hot_mean_io_u": _iou(metrics.mean_iou, are_classes_by_default=False),
    "binary_io_u": _same(metrics.binary_iou, "target_class_ids", "threshold"),
}
