"""Activation functions, elementwise unless they have an ``axis``.

Values and gradients stay finite for finite inputs of any size. Integer and boolean inputs become float32;
floating inputs keep their dtype.

References:
    TF.js: tfjs-layers/src/activations.ts, tfjs-layers/src/layers/advanced_activations.ts
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from jtf.functional.kinks import clip_by_value
from jtf.functional.operands import wide
from jtf.types import Array, ArrayLike


def _floating(x: ArrayLike) -> Array:
    array = jnp.asarray(x)
    return array if jnp.issubdtype(array.dtype, jnp.floating) else array.astype(jnp.float32)


# --- rectifiers -------------------------------------------------------------------------------------


def relu(x: ArrayLike) -> Array:
    """Rectified linear unit, ``max(x, 0)``; the gradient at 0 is 0.

    >>> relu([-1.0, 0.0, 2.0]).tolist()
    [0.0, 0.0, 2.0]
    """
    return jax.nn.relu(_floating(x))


def relu6(x: ArrayLike) -> Array:
    """Rectified linear unit with a ceiling, ``min(max(x, 0), 6)``; the gradient at 0 and at 6 is 0."""
    return jax.nn.relu6(_floating(x))


def leaky_relu(x: ArrayLike, alpha: float = 0.2) -> Array:
    """Leaky rectified linear unit: ``x`` where ``x > 0``, else ``alpha * x``.

    Args:
        x: Input of any shape.
        alpha: Slope of the negative part. The gradient at 0 is ``alpha``.

    Returns:
        An array of the shape of ``x``.
    """
    x = _floating(x)
    return jnp.where(x > 0, x, alpha * x)


def prelu(x: ArrayLike, alpha: ArrayLike) -> Array:
    """Rectified linear unit with a learned slope: ``x`` where ``x > 0``, else ``alpha * x``.

    Args:
        x: Input, ``[..., *alpha.shape]`` up to broadcasting.
        alpha: Slopes; of lower rank than ``x``, they are aligned with its last axes.

    Returns:
        An array of the shape of ``x``.
    """
    x, alpha = _floating(x), _floating(alpha)
    if alpha.ndim < x.ndim:
        alpha = alpha.reshape((1,) * (x.ndim - alpha.ndim) + alpha.shape)
    return jnp.where(x > 0, x, alpha * x)


def thresholded_relu(x: ArrayLike, theta: float = 1.0) -> Array:
    """Rectified linear unit with a threshold: ``x`` where ``x > theta``, else 0."""
    x = _floating(x)
    return jnp.where(x > theta, x, jnp.zeros_like(x))


def elu(x: ArrayLike, alpha: float = 1.0) -> Array:
    """Exponential linear unit: ``x`` where ``x > 0``, else ``alpha * (exp(x) - 1)``.

    Args:
        x: Input of any shape.
        alpha: Minus the value that large negative inputs approach. TF.js accepts only 1.

    Returns:
        An array of the shape of ``x``.

    References:
        Clevert et al., "Fast and accurate deep network learning by exponential linear units", 2015.
    """
    return jax.nn.elu(_floating(x), alpha)


def selu(x: ArrayLike) -> Array:
    """Scaled exponential linear unit, ``1.0507 * elu(x, 1.67326)``.

    References:
        Klambauer et al., "Self-normalizing neural networks", 2017.
    """
    return jax.nn.selu(_floating(x))


# --- squashing functions ----------------------------------------------------------------------------


def sigmoid(x: ArrayLike) -> Array:
    """Logistic sigmoid, ``1 / (1 + exp(-x))``."""
    return jax.nn.sigmoid(_floating(x))


def hard_sigmoid(x: ArrayLike) -> Array:
    """Piecewise linear sigmoid, ``clip(0.2 * x + 0.5, 0, 1)``.

    Keras 3 gives the same name to another function, `hard_sigmoid_relu6`.

    >>> hard_sigmoid([-3.0, 0.0, 1.0]).tolist()
    [0.0, 0.5, 0.699999988079071]
    """
    return clip_by_value(0.2 * _floating(x) + 0.5, 0.0, 1.0)


def hard_sigmoid_relu6(x: ArrayLike) -> Array:
    """Piecewise linear sigmoid of another slope, ``relu6(x + 3) / 6``: Keras 3's and PyTorch's hard sigmoid.

    TF.js does not have it.

    References:
        Howard et al., "Searching for MobileNetV3", 2019.

    >>> hard_sigmoid_relu6([-3.0, 0.0, 3.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    return relu6(_floating(x) + 3.0) / 6.0


def tanh(x: ArrayLike) -> Array:
    """Hyperbolic tangent."""
    return jnp.tanh(_floating(x))


def softsign(x: ArrayLike) -> Array:
    """Soft sign, ``x / (1 + |x|)``."""
    return jax.nn.soft_sign(_floating(x))


def softmax(x: ArrayLike, axis: int | tuple[int, ...] = -1, mask: ArrayLike | None = None) -> Array:
    """Softmax, ``exp(x) / sum(exp(x))``, computed without overflow.

    Args:
        x: Logits.
        axis: The axis, or axes, over which the result sums to one. TF.js's operation accepts only the last.
        mask: Bools that broadcast to ``x``, of its rank: where they are False the result is 0. Where none is True
            all count alike; along several axes each of these is then 1, the number that TF.js gives, not 1/n.

    Returns:
        An array of the shape of ``x``.

    References:
        TF.js: tfjs-layers/src/layers/advanced_activations.ts, Softmax, on several axes and masks

    >>> softmax([1.0, 5.0, 1.0], mask=[True, False, True]).tolist()
    [0.5, 0.0, 0.5]
    """
    x = _floating(x)
    logits = wide(x)
    if mask is not None:
        logits = jnp.where(jnp.asarray(mask, bool), logits, jnp.finfo(logits.dtype).min)
    if isinstance(axis, tuple) and len(axis) > 1:
        # Rounding loses the number of entries where all are far below 0; TF.js computes it like this.
        return jnp.exp(logits - jax.nn.logsumexp(logits, axis=axis, keepdims=True)).astype(x.dtype)
    return jax.nn.softmax(logits, axis=axis).astype(x.dtype)


def log_softmax(x: ArrayLike, axis: int | tuple[int, ...] = -1) -> Array:
    """Logarithm of the softmax, ``x - log(sum(exp(x)))``, computed without overflow.

    Args:
        x: Logits.
        axis: The axis, or axes, over which the exponential of the result sums to one.

    Returns:
        An array of the shape of ``x``.
    """
    x = _floating(x)
    return jax.nn.log_softmax(wide(x), axis=axis).astype(x.dtype)


# --- smooth rectifiers ------------------------------------------------------------------------------


def linear(x: ArrayLike) -> Array:
    """The identity."""
    return jnp.asarray(x)


def softplus(x: ArrayLike) -> Array:
    """Soft rectifier, ``log(1 + exp(x))``."""
    return jax.nn.softplus(_floating(x))


def swish(x: ArrayLike, alpha: float = 1.0) -> Array:
    """Swish, ``x * sigmoid(alpha * x)``; with ``alpha=1`` also known as SiLU.

    Args:
        x: Input of any shape.
        alpha: Steepness of the gate.

    Returns:
        An array of the shape of ``x``.

    References:
        Ramachandran et al., "Searching for activation functions", 2017.
    """
    x = _floating(x)
    return x * jax.nn.sigmoid(alpha * x)


def mish(x: ArrayLike) -> Array:
    """Mish, ``x * tanh(softplus(x))``.

    References:
        Misra, "Mish: a self regularized non-monotonic activation function", 2019.
    """
    return jax.nn.mish(_floating(x))


def gelu(x: ArrayLike) -> Array:
    """Gaussian error linear unit, ``x * P(N(0, 1) < x)``, exact.

    TF.js computes the error function by a polynomial that is off by up to 1.5e-7.

    References:
        Hendrycks and Gimpel, "Gaussian error linear units", 2016.
    """
    return jax.nn.gelu(_floating(x), approximate=False)


def gelu_new(x: ArrayLike) -> Array:
    """Gaussian error linear unit, approximated by a tanh.

    Formula: ``0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))``
    """
    x = _floating(x)
    # Far beyond 20 the cube overflows and its gradient is inf * 0; the gate is saturated long before.
    near = clip_by_value(x, -20.0, 20.0)
    # (1 + tanh(u)) / 2 is sigmoid(2 * u), which does not cancel where x is negative.
    return x * jax.nn.sigmoid(2.0 * math.sqrt(2.0 / math.pi) * (near + 0.044715 * near**3))
