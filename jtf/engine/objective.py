"""What training minimizes and measures: losses, their weights and metrics, resolved from `compile`'s options."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp

from jtf.functional import losses, metrics
from jtf.naming import look_up, nearest, snake_case
from jtf.types import Array, Shape

LossOrMetric = Callable[[Array, Array], Array]

_ALIASES = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
    "kld": "kullback_leibler_divergence",
    "cosine": "cosine_proximity",
}
_LOSS_NAMES = (
    "mean_squared_error mean_absolute_error mean_absolute_percentage_error mean_squared_logarithmic_error "
    "squared_hinge hinge categorical_hinge logcosh categorical_crossentropy sparse_categorical_crossentropy "
    "binary_crossentropy kullback_leibler_divergence poisson cosine_proximity"
).split()
_METRIC_NAMES = (
    "binary_accuracy categorical_accuracy sparse_categorical_accuracy precision recall "
    "top_k_categorical_accuracy sparse_top_k_categorical_accuracy r2_score"
).split()

LOSSES: dict[str, LossOrMetric] = {name: getattr(losses, name) for name in _LOSS_NAMES}
LOSSES |= {alias: LOSSES[name] for alias, name in _ALIASES.items()}
METRICS: dict[str, LossOrMetric] = {name: getattr(metrics, name) for name in _METRIC_NAMES} | LOSSES

#: One of these, by what the output looks like; logged as ``acc`` and ``ce`` whichever it is.
_BY_OUTPUT = {
    "acc": (metrics.binary_accuracy, metrics.sparse_categorical_accuracy, metrics.categorical_accuracy),
    "ce": (losses.binary_crossentropy, losses.sparse_categorical_crossentropy, losses.categorical_crossentropy),
}
_SHORT = {"accuracy": "acc", "acc": "acc", "crossentropy": "ce", "ce": "ce"}


def name_of(function: Any) -> str | None:
    """The name that stands for a loss or a metric of jtf's, None for other functions."""
    named = [(name, METRICS[name]) for name in (*_LOSS_NAMES, *_METRIC_NAMES)]
    return next((name for name, known in named if known is function), None)


class Metric(NamedTuple):
    """A metric of one output."""

    name: str
    function: LossOrMetric
    output: int


class Objective:
    """The compiled loss and metrics of a model with known outputs.

    Args:
        output_names: of the model's outputs.
        output_shapes: with the batch's dimension.
        loss: a name or function for all outputs, a list with one an output, or a dict by output name. None
            leaves an output out.
        metrics: a name or function, a list of them for every output, a list of such lists with one an output,
            or a dict by output name.
        loss_weights: a list or dict of numbers by output; ones by default.

    Raises:
        ValueError, TypeError: an unknown name, a wrong count, an unknown output, a loss that cannot fit the
            output; the message has the valid choices.
    """

    def __init__(
        self,
        output_names: Sequence[str],
        output_shapes: Sequence[Shape],
        loss: Any,
        metrics: Any = None,
        loss_weights: Any = None,
    ) -> None:
        self.output_names = list(output_names)
        self.output_shapes = list(output_shapes)
        self.losses = [_loss(given) for given in _per_output(loss, output_names, "loss")]
        if not any(self.losses):
            raise ValueError("compile needs a loss for at least one output, such as loss='meanSquaredError'.")
        for name, shape, function in zip(output_names, output_shapes, self.losses, strict=True):
            _check_fit(function, name, shape)
        weights = _per_output(1.0 if loss_weights is None else loss_weights, output_names, "loss_weights")
        self.loss_weights = [1.0 if weight is None else float(weight) for weight in weights]
        self.metrics = self._resolve_metrics(metrics)
        several = len(self.output_names) > 1
        measured = {metric.output for metric in self.metrics}
        #: The outputs that have a loss or a metric, and so a target.
        self.used = [i for i, function in enumerate(self.losses) if function is not None or i in measured]
        self.names = _unique_names(
            ["loss"]
            + [f"{name}_loss" for name, f in zip(output_names, self.losses, strict=True) if several and f]
            + [f"{self.output_names[m.output]}_{m.name}" if several else m.name for m in self.metrics]
        )

    def __call__(
        self,
        targets: Sequence[Array],
        outputs: Sequence[Array],
        weights: Sequence[Array | None],
        penalty: Array,
    ) -> tuple[Array, Array]:
        """The loss to minimize, and the values of `names` for this batch, as one float32 vector.

        Args:
            targets, outputs: one an output; None for the target of an output that is not used.
            weights: one a sample, ``[batch]``, or one an entry of the unreduced loss; None for ones. As in
                TF.js a weighted sum is divided by the number of samples, not by the sum of the weights.
            penalty: what the layers add.
        """
        parts = [
            _mean_loss(function, target, output, weight)
            for function, target, output, weight in zip(self.losses, targets, outputs, weights, strict=True)
            if function is not None
        ]
        used = [weight for weight, f in zip(self.loss_weights, self.losses, strict=True) if f is not None]
        total = penalty + sum(weight * part for weight, part in zip(used, parts, strict=True))
        values = [total, *(parts if len(self.losses) > 1 else [])]
        values += [jnp.mean(m.function(targets[m.output], outputs[m.output])) for m in self.metrics]
        return total, jnp.stack([jnp.asarray(value, jnp.float32) for value in values])

    def is_sparse(self, output: int) -> bool:
        """Whether the output's targets are class numbers."""
        return _underlying(self.losses[output]) is losses.sparse_categorical_crossentropy

    def is_known(self, output: int) -> bool:
        """Whether the output's loss is one of jtf's, so that its targets must have a known shape."""
        return _underlying(self.losses[output]) in LOSSES.values()

    def _resolve_metrics(self, given: Any) -> list[Metric]:
        return [
            Metric(*self._metric(metric, output), output)
            for output, of_output in enumerate(_metrics_per_output(given, self.output_names))
            for metric in of_output
        ]

    def _metric(self, metric: Any, output: int) -> tuple[str, LossOrMetric]:
        if callable(metric):
            return getattr(metric, "__name__", type(metric).__name__), metric
        if not isinstance(metric, str):
            raise TypeError(f"A metric is a name or a function of (y_true, y_pred); received {metric!r}.")
        short = _SHORT.get(metric)
        if short is None:
            if snake_case(metric) not in METRICS:
                choices = [*METRICS, *_SHORT]
                raise ValueError(
                    f"Unknown metric {metric!r}.{nearest(metric, choices)} Choices: {', '.join(sorted(choices))}."
                )
            return metric, METRICS[snake_case(metric)]
        binary, sparse, categorical = _BY_OUTPUT[short]
        if self.output_shapes[output][-1] == 1 or _underlying(self.losses[output]) is losses.binary_crossentropy:
            return short, binary
        return short, sparse if self.is_sparse(output) else categorical


def _loss(given: Any) -> LossOrMetric | None:
    if given is None or callable(given):
        return given
    if isinstance(given, str):
        return look_up(given, LOSSES, "loss")
    raise TypeError(f"A loss is a name or a function of (y_true, y_pred); received {given!r}.")


def _underlying(function: Any) -> Any:
    """The function itself where arguments have been bound, as in ``partial(loss, from_logits=True)``."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _per_output(given: Any, names: Sequence[str], option: str) -> list[Any]:
    if isinstance(given, Mapping):
        if len(set(names)) < len(names):
            raise ValueError(
                f"Several outputs of the model have one name ({', '.join(names)}), so that a dict cannot tell them "
                f"apart. Give compile's {option} as a list in this order."
            )
        unknown = [key for key in given if key not in names]
        if unknown:
            raise ValueError(
                f"compile's {option} names an output {unknown[0]!r} that the model does not have."
                f"{nearest(unknown[0], names)} Outputs: {', '.join(names)}."
            )
        return [given.get(name) for name in names]
    if isinstance(given, list | tuple):
        if len(given) != len(names):
            raise ValueError(
                f"compile's {option} has {len(given)} entries for a model with {len(names)} outputs "
                f"({', '.join(names)}); give one for each."
            )
        return list(given)
    return [given] * len(names)


def _metrics_per_output(given: Any, names: Sequence[str]) -> list[list[Any]]:
    if given is None:
        return [[] for _ in names]
    if isinstance(given, list | tuple) and not any(m is None or isinstance(m, list | tuple) for m in given):
        return [list(given) for _ in names]  # TF.js: a flat list is for every output
    if isinstance(given, list | tuple | Mapping):
        entries = _per_output(given, names, "metrics")
    else:
        entries = [given] * len(names)
    return [list(e) if isinstance(e, list | tuple) else [] if e is None else [e] for e in entries]


def _check_fit(function: LossOrMetric | None, name: str, shape: Shape) -> None:
    of_classes = {
        losses.categorical_crossentropy: "categoricalCrossentropy",
        losses.sparse_categorical_crossentropy: "sparseCategoricalCrossentropy",
        losses.categorical_hinge: "categoricalHinge",
    }
    function = _underlying(function)
    if function in of_classes and shape and shape[-1] == 1:
        raise ValueError(
            f"The loss {of_classes[function]!r} needs one output a class, but output {name!r} has shape {shape}: "
            "of a single number nothing can be learnt. Use 'binaryCrossentropy' with a sigmoid, or make the "
            "last layer as wide as there are classes."
        )


def _mean_loss(function: LossOrMetric, target: Array, output: Array, weight: Array | None) -> Array:
    result = function(target, output)
    loss = jnp.asarray(jnp.nan if result is None else result)
    if result is None or loss.shape[:1] not in ((), output.shape[:1]):
        found = "None (does it return?)" if result is None else f"shape {loss.shape}"
        raise ValueError(
            f"The loss {getattr(function, '__name__', function)!r} must return a scalar or one number a sample, "
            f"{output.shape[0]} here; it returned {found}."
        )
    if weight is not None:
        if loss.ndim < weight.ndim:
            raise ValueError(
                f"The loss gives shape {loss.shape}, which cannot be weighted by samples of shape "
                f"{weight.shape}. A loss to be used with weights returns one number a sample."
            )
        loss = loss * weight.reshape(weight.shape + (1,) * (loss.ndim - weight.ndim))
    return jnp.mean(loss)


def _unique_names(names: list[str]) -> list[str]:
    """A name that occurs more than once is numbered from 0, as in TF.js."""
    return [f"{n}_{names[:i].count(n)}" if names.count(n) > 1 else n for i, n in enumerate(names)]
