"""TF.js's optimizers as optax gradient transformations.

They take its steps, to float32 rounding, except where those fail: Adadelta and centered RMSProp say how.

Each is used as any in optax: ``state = tx.init(params)``, ``updates, state = tx.update(grads, state)``,
``params = optax.apply_updates(params, updates)``. A learning rate may be a float, an array (a traced one
too) or an optax schedule, a function of the step.

References:
    TF.js: tfjs-core/src/optimizers/
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from jtf.options import Fraction, NotNegative, ProperFraction, checked
from jtf.types import Array, ArrayLike, PyTree

LearningRate = ArrayLike | Callable[[Array], ArrayLike]


def sgd(learning_rate: LearningRate) -> optax.GradientTransformation:
    """Stochastic gradient descent, ``x -= lr * g``.

    >>> tx = sgd(0.1)
    >>> updates, _ = tx.update(jnp.array([2.0]), tx.init(jnp.array([1.0])))
    >>> updates.round(3).tolist()
    [-0.20000000298023224]
    """
    return _scale_by_rate(learning_rate, sign=-1)


@checked
def momentum(
    learning_rate: LearningRate, momentum: Fraction, use_nesterov: bool = False
) -> optax.GradientTransformation:
    """Gradient descent with momentum: ``m = momentum * m + g``, then ``x -= lr * m``.

    Args:
        learning_rate: Step size.
        momentum: Fraction of the speed that is kept.
        use_nesterov: Step by ``lr * (g + momentum * m)`` instead.

    Returns:
        The transformation.

    References:
        Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013.
    """
    return optax.chain(optax.trace(momentum, nesterov=use_nesterov), _scale_by_rate(learning_rate, sign=-1))


@checked
def adagrad(learning_rate: LearningRate, initial_accumulator_value: NotNegative = 0.1) -> optax.GradientTransformation:
    """Adagrad: ``a += g**2``, then ``x -= lr * g / sqrt(a + 1e-7)``.

    Args:
        learning_rate: Step size.
        initial_accumulator_value: What ``a`` starts from.

    Returns:
        The transformation.

    References:
        Duchi et al., "Adaptive subgradient methods for online learning and stochastic optimization", 2011.
    """
    return optax.chain(optax.scale_by_rss(initial_accumulator_value, eps=1e-7), _scale_by_rate(learning_rate, sign=-1))


@checked
def adadelta(
    learning_rate: LearningRate = 0.001, rho: ProperFraction = 0.95, epsilon: NotNegative = 1e-7
) -> optax.GradientTransformation:
    """Adadelta: ``d = sqrt(u + epsilon) / sqrt(a + epsilon) * g``, then ``x -= lr * d``.

    ``a`` averages ``g**2``, this step's included, and ``u`` averages ``d**2``, up to the step before. TF.js divides by
    the ``a`` of the step before, too, which begins at 0: its steps grow without bounds.

    Args:
        learning_rate: Step size.
        rho: ProperFraction of the two averages.
        epsilon: Added to both averages.

    Returns:
        The transformation.

    References:
        Zeiler, "ADADELTA: an adaptive learning rate method", 2012.
    """
    return optax.chain(optax.scale_by_adadelta(rho, epsilon), _scale_by_rate(learning_rate, sign=-1))


@checked
def adam(
    learning_rate: LearningRate = 0.001,
    beta1: ProperFraction = 0.9,
    beta2: ProperFraction = 0.999,
    epsilon: NotNegative = 1e-7,
) -> optax.GradientTransformation:
    """Adam: ``x -= lr * m / (sqrt(v) + epsilon)``, where ``m`` and ``v`` are bias-corrected averages.

    Args:
        learning_rate: Step size.
        beta1: ProperFraction of ``m``, the average of the gradients.
        beta2: ProperFraction of ``v``, the average of their squares.
        epsilon: Added after the bias correction.

    Returns:
        The transformation.

    References:
        Kingma and Ba, "Adam: a method for stochastic optimization", 2014.
    """
    return optax.chain(optax.scale_by_adam(beta1, beta2, epsilon), _scale_by_rate(learning_rate, sign=-1))


@checked
def adamax(
    learning_rate: LearningRate = 0.002,
    beta1: ProperFraction = 0.9,
    beta2: ProperFraction = 0.999,
    epsilon: NotNegative = 1e-7,
    decay: NotNegative = 0.0,
) -> optax.GradientTransformation:
    """Adamax, as TF.js has it: see :func:`scale_by_adamax`; then ``x -= lr * d``.

    Args:
        learning_rate: Step size.
        beta1: ProperFraction of the average of the gradients.
        beta2: ProperFraction of the greatest gradient.
        epsilon: Added to the greatest gradient.
        decay: The learning rate is divided by ``1 + decay * step``, step counting from 0.

    Returns:
        The transformation.

    References:
        Kingma and Ba, "Adam: a method for stochastic optimization", 2014, section 7.1.
    """
    return optax.chain(scale_by_adamax(beta1, beta2, epsilon, decay), _scale_by_rate(learning_rate, sign=-1))


@checked
def rmsprop(
    learning_rate: LearningRate,
    decay: ProperFraction = 0.9,
    momentum: Fraction = 0.0,
    epsilon: NotNegative = 1e-7,
    centered: bool = False,
) -> optax.GradientTransformation:
    """RMSProp, which divides gradients by their recent size.

    Formula: ``s = decay * s + (1 - decay) * g**2``, ``m = momentum * m + lr * g / sqrt(s + epsilon)``,
    ``x -= m``. The state has ``m`` even where ``momentum`` is 0, because TF.js's files do.

    Args:
        learning_rate: Step size.
        decay: ProperFraction of the averages.
        momentum: Fraction of the previous update that is added.
        epsilon: Added within the square root.
        centered: Divide by the standard deviation instead, see :func:`scale_by_centered_rms`.

    Returns:
        The transformation.

    References:
        Tieleman and Hinton, "RMSProp", Neural networks for machine learning, lecture 6.5, 2012.
    """
    scale = scale_by_centered_rms(decay, epsilon) if centered else optax.scale_by_rms(decay, epsilon)
    # The rate comes before the momentum, so that a changed rate leaves the speed so far alone.
    return optax.chain(scale, _scale_by_rate(learning_rate, sign=1), optax.trace(momentum), optax.scale(-1.0))


# --- where TF.js differs from optax -----------------------------------------------------------------


class ScaleByAdamaxState(NamedTuple):
    """How many steps were made; average of the gradients; greatest gradient."""

    step: Array
    mu: PyTree
    nu: PyTree


@checked
def scale_by_adamax(
    beta1: ProperFraction = 0.9, beta2: ProperFraction = 0.999, epsilon: NotNegative = 1e-7, decay: NotNegative = 0.0
) -> optax.GradientTransformation:
    """``d = m / (1 - beta1**t) / (u + epsilon)``, with ``u = max(beta2 * u, |g|)``.

    ``m = beta1 * m + (1 - beta1) * g``, ``t`` counts steps from 1, and ``d`` is divided by
    ``1 + decay * (t - 1)``. optax adds epsilon within the maximum, and has no decay.
    """

    def init(params: PyTree) -> ScaleByAdamaxState:
        return ScaleByAdamaxState(jnp.zeros([], jnp.int32), _zeros_like(params), _zeros_like(params))

    def update(
        grads: PyTree, state: ScaleByAdamaxState, params: PyTree | None = None
    ) -> tuple[PyTree, ScaleByAdamaxState]:
        del params
        mu = _decayed(state.mu, grads, beta1)
        nu = jax.tree.map(lambda u, g: jnp.maximum(beta2 * u, jnp.abs(g)), state.nu, grads)
        step = optax.safe_increment(state.step)
        factor = 1.0 / (1.0 + decay * state.step) / (1.0 - beta1**step)
        updates = jax.tree.map(lambda m, u: factor.astype(m.dtype) * (m / (u + epsilon)), mu, nu)
        return updates, ScaleByAdamaxState(step, mu, nu)

    return optax.GradientTransformation(init, update)


class ScaleByCenteredRmsState(NamedTuple):
    """Averages of the squared gradients and of the gradients."""

    mean_squares: PyTree
    mean_grads: PyTree


@checked
def scale_by_centered_rms(decay: ProperFraction = 0.9, epsilon: NotNegative = 1e-7) -> optax.GradientTransformation:
    """``d = g / sqrt(max(s - m**2, 0) + epsilon)``, where ``s`` and ``m`` average ``g**2`` and ``g``.

    TF.js subtracts epsilon, and gets the square root of a negative number once gradients become small or
    steady.
    """

    def init(params: PyTree) -> ScaleByCenteredRmsState:
        return ScaleByCenteredRmsState(_zeros_like(params), _zeros_like(params))

    def update(
        grads: PyTree, state: ScaleByCenteredRmsState, params: PyTree | None = None
    ) -> tuple[PyTree, ScaleByCenteredRmsState]:
        del params
        squares = _decayed(state.mean_squares, _squares(grads), decay)
        means = _decayed(state.mean_grads, grads, decay)
        updates = jax.tree.map(
            # Rounding can make the variance negative.
            lambda g, s, m: g / jnp.sqrt(jnp.maximum(s - jnp.square(m), 0.0) + epsilon),
            grads,
            squares,
            means,
        )
        return updates, ScaleByCenteredRmsState(squares, means)

    return optax.GradientTransformation(init, update)


def _scale_by_rate(learning_rate: LearningRate, sign: int) -> optax.GradientTransformation:
    if callable(learning_rate):
        return optax.scale_by_learning_rate(learning_rate, flip_sign=sign < 0)
    # Unlike optax.scale, a rate that is an array must not change the dtype of the updates: with momentum
    # they become state, and state must keep its dtype within a scan.
    rate = sign * jnp.asarray(learning_rate)
    return optax.stateless(lambda grads, _: jax.tree.map(lambda g: rate.astype(g.dtype) * g, grads))


def _zeros_like(params: PyTree) -> PyTree:
    return jax.tree.map(jnp.zeros_like, params)


def _squares(tree: PyTree) -> PyTree:
    return jax.tree.map(jnp.square, tree)


def _decayed(averages: PyTree, values: PyTree, decay: float) -> PyTree:
    return jax.tree.map(lambda a, v: decay * a + (1.0 - decay) * v, averages, values)
