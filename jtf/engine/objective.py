"""What training minimizes and measures: losses, their weights and metrics, resolved from `compile`'s options."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jtf.engine.warnings import warn
from jtf.functional import losses, metrics
from jtf.functional.metrics import metric as metric_kinds
from jtf.functional.metrics.metric import Metric, MetricFunction
from jtf.naming import look_up, nearest, snake_case
from jtf.types import Array, PyTree, Shape

Loss = Callable[[Array, Array], Array]

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
    "binary_accuracy categorical_accuracy sparse_categorical_accuracy top_k_categorical_accuracy "
    "sparse_top_k_categorical_accuracy precision recall true_positives false_positives true_negatives false_negatives "
    "f1_score fbeta_score auc root_mean_squared_error r2_score iou mean_iou binary_iou"
).split()

LOSSES: dict[str, Loss] = {name: getattr(losses, name) for name in _LOSS_NAMES}
LOSSES |= {alias: LOSSES[name] for alias, name in _ALIASES.items()}
METRICS: dict[str, MetricFunction[...]] = {name: getattr(metrics, name) for name in (*_LOSS_NAMES, *_METRIC_NAMES)}
METRICS |= {alias: METRICS[name] for alias, name in _ALIASES.items()} | {"rmse": metrics.root_mean_squared_error}

#: One of these, by what the output looks like; logged as ``acc`` and ``ce`` whichever it is.
_BY_OUTPUT: dict[str, tuple[MetricFunction[...], ...]] = {
    "acc": (metrics.binary_accuracy, metrics.sparse_categorical_accuracy, metrics.categorical_accuracy),
    "ce": (metrics.binary_crossentropy, metrics.sparse_categorical_crossentropy, metrics.categorical_crossentropy),
}
_SHORT = {"accuracy": "acc", "acc": "acc", "crossentropy": "ce", "ce": "ce"}


def name_of(given: Any) -> str | None:
    """The name that stands for a loss or a metric of jtf's, None for other functions and for metrics with options."""
    for name in (*_LOSS_NAMES, *_METRIC_NAMES):
        metric = METRICS[name]
        if given is metric or given is LOSSES.get(name) or (isinstance(given, Metric) and given == metric()):
            return name
    return None


class Sums(NamedTuple):
    """What logs are made of, for one batch or for all of an epoch: a pytree that stays on the device.

    Attributes:
        penalty: what the layers add, times the batch's size, and that size, summed.
        losses: for each output with a loss, the sum over its entries, and how many there were.
        metrics: the state of each metric.
    """

    penalty: tuple[Array, Array]
    losses: list[tuple[Array, Array]]
    metrics: list[PyTree]


class Measure(NamedTuple):
    """A metric of one output."""

    name: str
    metric: Metric
    output: int
    weighted: bool


class Objective:
    """The compiled loss and metrics of a model with known outputs.

    Args:
        output_names: of the model's outputs.
        output_shapes: with the batch's dimension.
        loss: a name or function for all outputs, a list with one for each output, or a dict by output name. None
            leaves an output out.
        metrics: a name, function or `Metric`, a list of them for every output, a list of such lists with one for each
            output, or a dict by output name. They take each sample once, whatever its weight.
        loss_weights: a list or dict of numbers by output; ones by default.
        weighted_metrics: as ``metrics``, with the samples weighted.
        mask_loss: whether what an output's mask leaves out counts neither for its loss nor for its metrics; None for
            no, with a warning.

    Raises:
        ValueError, TypeError: an unknown name, a wrong count, an unknown output, a loss or metric that cannot fit the
            output; the message has the valid choices.
    """

    def __init__(
        self,
        output_names: Sequence[str],
        output_shapes: Sequence[Shape],
        loss: Any,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
        mask_loss: bool | None = None,
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
        self.mask_loss = mask_loss
        self.measures = [
            *self._measures(metrics, "metrics", weighted=False),
            *self._measures(weighted_metrics, "weighted_metrics", weighted=True),
        ]
        several = len(self.output_names) > 1
        measured = {measure.output for measure in self.measures}
        #: The outputs that have a loss or a metric, and so a target.
        self.used = [i for i, function in enumerate(self.losses) if function is not None or i in measured]
        self.names = _unique_names(
            ["loss"]
            + [f"{name}_loss" for name, f in zip(output_names, self.losses, strict=True) if several and f]
            + [f"{self.output_names[m.output]}_{m.name}" if several else m.name for m in self.measures]
        )
        self._read = jax.jit(self.values)
        self._has_warned = False

    def init(self) -> Sums:
        """The sums of nothing."""
        states = [measure.metric.init(self.output_shapes[measure.output]) for measure in self.measures]
        return Sums(_nothing(), [_nothing() for function in self.losses if function is not None], states)

    def __call__(
        self,
        so_far: Sums,
        targets: Sequence[Array],
        outputs: Sequence[Array],
        weights: Sequence[Array | None],
        masks: Sequence[Array | None],
        penalty: Array,
    ) -> tuple[Array, tuple[Array, Sums]]:
        """The loss of a batch, to be minimized; `values` for this batch alone; and the sums with this batch.

        Args:
            so_far: the sums of the batches before.
            targets, outputs: one for each output; None for the target of an output that is not used.
            weights: one for each sample, ``[batch]``, or for each entry of the unreduced loss; None for ones. As in
                TF.js a weighted sum is divided by the number of samples, not by the sum of the weights.
            masks: of the outputs, ``[batch, time]``; None where there is none.
            penalty: what the layers add.
        """
        masks = self._masks_that_count(masks)
        size = jnp.float32(outputs[0].shape[0])
        of_losses = [
            _sum_of_losses(function, targets[i], outputs[i], weights[i], masks[i])
            for i, function in enumerate(self.losses)
            if function is not None
        ]
        measured = jax.lax.stop_gradient(list(outputs))

        def with_batch(states: list[PyTree]) -> list[PyTree]:
            updated = []
            for (_, metric, i, weighted), state in zip(self.measures, states, strict=True):
                weight = _weight_of(masks[i], weights[i] if weighted else None)
                updated.append(metric.update(state, targets[i], measured[i], weight))
            return updated

        alone = Sums((penalty * size, size), of_losses, with_batch(self.init().metrics))
        together = Sums(
            _added(so_far.penalty, alone.penalty),
            [_added(*parts) for parts in zip(so_far.losses, of_losses, strict=True)],
            with_batch(so_far.metrics),
        )
        return self._total(alone), (self.values(alone), together)

    def values(self, sums: Sums) -> Array:
        """The values of `names`, as one float32 vector."""
        parts = [metric_kinds.fraction(*part) for part in sums.losses] if len(self.losses) > 1 else []
        measured = [measure.metric.result(state) for measure, state in zip(self.measures, sums.metrics, strict=True)]
        return jnp.stack([jnp.asarray(value, jnp.float32) for value in (self._total(sums), *parts, *measured)])

    def logs(self, sums: Sums) -> dict[str, float]:
        """`values` by name; waits for the device."""
        return dict(zip(self.names, np.asarray(self._read(sums)).tolist(), strict=True))

    def _total(self, sums: Sums) -> Array:
        used = [weight for weight, f in zip(self.loss_weights, self.losses, strict=True) if f is not None]
        parts = [weight * metric_kinds.fraction(*part) for weight, part in zip(used, sums.losses, strict=True)]
        return metric_kinds.fraction(*sums.penalty) + sum(parts[1:], parts[0])

    def _masks_that_count(self, masks: Sequence[Array | None]) -> list[Array | None]:
        if self.mask_loss:
            return list(masks)
        ignored = [self.output_names[output] for output in self.used if masks[output] is not None]
        if ignored and self.mask_loss is None and not self._has_warned:
            self._has_warned = True
            warn(
                f"A mask reaches the output {ignored[0]!r}, and neither its loss nor its metrics heed it, as in TF.js: "
                "padding counts like data. compile(..., mask_loss=True) leaves it out, as Keras does; mask_loss=False "
                "says that it is to count."
            )
        return [None] * len(masks)

    def is_sparse(self, output: int) -> bool:
        """Whether the output's targets are class numbers."""
        return _underlying(self.losses[output]) is losses.sparse_categorical_crossentropy

    def is_known(self, output: int) -> bool:
        """Whether the output's loss is one of jtf's, so that its targets must have a known shape."""
        return _underlying(self.losses[output]) in LOSSES.values()

    def _measures(self, given: Any, option: str, weighted: bool) -> list[Measure]:
        measures = [
            Measure(*self._metric(metric, output), output, weighted)
            for output, of_output in enumerate(_metrics_per_output(given, self.output_names, option))
            for metric in of_output
        ]
        for measure in measures:
            _check_metric(measure, self.output_shapes[measure.output])
        return measures

    def _metric(self, metric: Any, output: int) -> tuple[str, Metric]:
        if isinstance(metric, type) and issubclass(metric, Metric):
            metric = metric()
        if isinstance(metric, Metric):
            return metric.name, metric
        if isinstance(metric, MetricFunction):
            return metric.__name__, metric()
        if (known := name_of(metric)) is not None:
            return known, METRICS[known]()
        if callable(metric):
            mean = metrics.Mean(metric)
            return mean.name, mean
        if not isinstance(metric, str):
            raise TypeError(
                f"A metric is a name, a function of (y_true, y_pred) or a jtf.metrics.Metric; received {metric!r}."
            )
        short = _SHORT.get(metric)
        if short is None:
            if snake_case(metric) not in METRICS:
                choices = [*METRICS, *_SHORT]
                raise ValueError(
                    f"Unknown metric {metric!r}.{nearest(metric, choices)} Choices: {', '.join(sorted(choices))}."
                )
            return metric, METRICS[snake_case(metric)]()
        binary, sparse, categorical = _BY_OUTPUT[short]
        if self.output_shapes[output][-1] == 1 or _underlying(self.losses[output]) is losses.binary_crossentropy:
            return short, binary()
        return short, (sparse if self.is_sparse(output) else categorical)()


def _loss(given: Any) -> Loss | None:
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


def _metrics_per_output(given: Any, names: Sequence[str], option: str) -> list[list[Any]]:
    if given is None:
        return [[] for _ in names]
    if isinstance(given, list | tuple) and not any(m is None or isinstance(m, list | tuple) for m in given):
        return [list(given) for _ in names]  # TF.js: a flat list is for every output
    entries = _per_output(given, names, option)
    return [list(e) if isinstance(e, list | tuple) else [] if e is None else [e] for e in entries]


def _check_fit(function: Loss | None, name: str, shape: Shape) -> None:
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


def _check_metric(measure: Measure, output_shape: Shape) -> None:
    """Refuse a metric that an output does not fit, or whose result cannot be logged."""
    result = jax.eval_shape(lambda: measure.metric.result(measure.metric.init(output_shape)))
    if getattr(result, "shape", None) != ():
        raise ValueError(f"The metric {measure.name!r} must have a scalar as result; it has {result}.")


def _added(a: tuple[Array, Array], b: tuple[Array, Array]) -> tuple[Array, Array]:
    return a[0] + b[0], a[1] + b[1]


def _nothing() -> tuple[Array, Array]:
    return jnp.zeros(()), jnp.zeros(())


def _weight_of(mask: Array | None, weight: Array | None) -> Array | None:
    """Mask and sample weights as one."""
    if mask is None or weight is None:
        return weight if mask is None else mask.astype(jnp.float32)
    axes = max(mask.ndim, weight.ndim)
    mask, weight = (x.reshape(x.shape + (1,) * (axes - x.ndim)) for x in (mask, weight))
    return mask * weight


def _sum_of_losses(
    function: Loss, target: Array, output: Array, weight: Array | None, mask: Array | None
) -> tuple[Array, Array]:
    """The weighted sum of a loss, and the number of its entries, without those that the mask leaves out."""
    result, size = function(target, output), output.shape[0]
    name = getattr(function, "__name__", repr(function))
    loss = jnp.asarray(jnp.nan if result is None else result)
    if result is None or loss.shape[:1] not in ((), (size,)):
        found = "None (does it return?)" if result is None else f"shape {loss.shape}"
        raise ValueError(
            f"The loss {name!r} must return a scalar or one number for each sample, {size} here; it returned {found}."
        )
    if weight is not None:
        if loss.ndim < weight.ndim:
            raise ValueError(
                f"The loss gives shape {loss.shape}, which cannot be weighted by samples of shape "
                f"{weight.shape}. A loss to be used with weights returns one number for each sample."
            )
        loss = loss * weight.reshape(weight.shape + (1,) * (loss.ndim - weight.ndim))
    return metric_kinds.sums(loss, size, mask, name)


def _unique_names(names: list[str]) -> list[str]:
    """A name that occurs more than once is numbered from 0, as in TF.js."""
    return [f"{n}_{names[:i].count(n)}" if names.count(n) > 1 else n for i, n in enumerate(names)]
