"""Metrics of regression that are no means over samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import jax.numpy as jnp

from jtf.functional.metrics.accuracies import same_shape
from jtf.functional.metrics.metric import Metric, fraction, over_all, sums, weights_like
from jtf.types import Array, ArrayLike, Shape


@dataclass(frozen=True, kw_only=True)
class RootMeanSquaredError(Metric):
    """The root of the mean of the squared errors.

    Attributes:
        name: in the logs.

    Shapes:
        Both ``[..., n]``; all entries count.

    Raises:
        ValueError: the shapes of truth and predictions differ.

    Example:
        >>> import jtf
        >>> round(float(jtf.metrics.root_mean_squared_error([[3.0], [4.0]], [[0.0], [0.0]])), 3)
        3.536
    """

    name: str = "root_mean_squared_error"

    def init(self, output_shape: Shape) -> tuple[Array, Array]:
        return jnp.zeros(()), jnp.zeros(())

    def update(
        self,
        state: tuple[Array, Array],
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[Array, Array]:
        t, p = same_shape(self.name, y_true, y_pred)
        errors = jnp.square(p.astype(jnp.float32) - t.astype(jnp.float32))
        return sums(errors, len(errors), sample_weight, self.name, state)

    def result(self, state: tuple[Array, Array]) -> Array:
        return jnp.sqrt(fraction(*state))


class Spread(NamedTuple):
    """What is known of the truth and of the errors, ``[columns]``: float32.

    Attributes:
        weight: how many entries there were.
        origin: the mean of the truth of the first batch, from which distances are taken.
        distances: of the truth, summed.
        squares: of these distances, summed.
        errors: squared and summed.
    """

    weight: Array
    origin: Array
    distances: Array
    squares: Array
    errors: Array


@dataclass(frozen=True, kw_only=True)
class R2Score(Metric):
    """The coefficient of determination, ``1 - Σ (y_true - y_pred)² / Σ (y_true - mean(y_true))²``.

    1 is perfect, 0 as good as the mean; where all of the truth is equal it is not finite. The spread is summed around
    the mean of the first batch, so that it does not cancel where the truth is far from zero.

    Attributes:
        multioutput: of several columns ``[..., n]``: ``"flattened"``, one score of all entries, as in TF.js;
            ``"uniform_average"``, the mean of the columns' scores; ``"variance_weighted"``, that mean weighted by how
            much each column varies.
        name: in the logs.

    Raises:
        ValueError: the shapes of truth and predictions differ.

    References:
        Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983.

    Example:
        >>> import jtf
        >>> float(jtf.metrics.r2_score([[1.0], [2.0], [3.0]], [[1.0], [2.0], [2.0]]))
        0.5
    """

    multioutput: Literal["flattened", "uniform_average", "variance_weighted"] = "flattened"
    name: str = "r2_score"

    def init(self, output_shape: Shape) -> Spread:
        columns = 1 if self.multioutput == "flattened" or not output_shape else output_shape[-1] or 1
        return Spread(*[jnp.zeros(columns)] * 5)

    def update(
        self, state: Spread, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Spread:
        t, p = same_shape(self.name, y_true, y_pred)
        weights = weights_like(p.shape, sample_weight, self.name)
        t, p = (jnp.where(weights == 0, 0.0, x.astype(jnp.float32)) for x in (t, p))
        t, p, weights = (x.reshape(-1, state.origin.shape[0]) for x in (t, p, weights))
        weight = jnp.sum(weights, axis=0)
        origin = jnp.where(state.weight == 0, fraction(jnp.sum(weights * t, axis=0), weight), state.origin)
        distances = t - origin[None]
        return Spread(
            state.weight + weight,
            origin,
            state.distances + jnp.sum(weights * distances, axis=0),
            state.squares + jnp.sum(weights * jnp.square(distances), axis=0),
            state.errors + jnp.sum(weights * jnp.square(t - p), axis=0),
        )

    def result(self, state: Spread) -> Array:
        spread = state.squares - fraction(jnp.square(state.distances), state.weight)
        if self.multioutput == "variance_weighted":
            return 1.0 - jnp.sum(state.errors) / jnp.sum(spread)
        return jnp.mean(1.0 - state.errors / spread)


root_mean_squared_error = over_all(RootMeanSquaredError)
r2_score = over_all(R2Score)
