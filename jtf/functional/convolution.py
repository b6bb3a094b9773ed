"""Convolutions over one, two or three axes of space: plain, transposed, depthwise and separable."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from jax import export, lax

from jtf.functional.windows import Sizes, Windows, pads, per_axis, space_axes, transposed_length, windows_over
from jtf.types import Array, ArrayLike

Params = Mapping[str, ArrayLike]
Activation = Callable[[Array], Array]

#: Depthwise kernels of more elements are left to XLA, since each element becomes an operation of the program.
_MOST_SLICES = 64


def conv(
    params: Params,
    x: ArrayLike,
    strides: Sizes = 1,
    padding: str = "valid",
    dilation_rate: Sizes = 1,
    groups: int = 1,
    data_format: str = "channelsLast",
    activation: Activation | None = None,
) -> Array:
    """``activation(x ∗ kernel + bias)``, where the kernel slides over one, two or three axes.

    Formula (one axis): ``y[b, i, o] = bias[o] + Σ_k Σ_c x[b, i · stride + k · dilation, c] · kernel[k, c, o]``.

    Args:
        params: ``kernel`` of shape ``[*window, in / groups, out]`` and, if there is one, ``bias`` of shape ``[out]``.
        x: Input, ``[batch, *space, in]``, or ``[batch, in, *space]`` with channels first.
        strides: From one position of the kernel to the next.
        padding: ``"valid"`` for none; ``"same"`` for zeros around, so that stride 1 keeps the size, the odd one
            at the end; ``"causal"`` for zeros before, so that nothing looks ahead.
        dilation_rate: From one element of the kernel to the next.
        groups: Into how many groups of channels input and output fall, each convolved by itself.
        data_format: ``"channelsLast"`` or ``"channelsFirst"``.
        activation: Applied to the result; None for none.

    Returns:
        An array of shape ``[batch, *positions, out]``, or ``[batch, out, *positions]``.

    Raises:
        ValueError: If the shapes do not go together, the kernel does not fit into the input, or an option is none.

    References:
        TF.js: tfjs-core/src/ops/conv_util.ts

    >>> conv({"kernel": [[[1.0]], [[10.0]]], "bias": [0.5]}, [[[1.0], [2.0], [3.0]]]).ravel().tolist()
    [21.5, 32.5]
    """
    x, kernel = _same_dtype("conv", x, params["kernel"], "[*window, in / groups, out]")
    windows = windows_over("conv", x.shape, kernel.shape[:-2], strides, padding, data_format, dilation_rate)
    axis, (channels, out) = _channel_axis(windows), kernel.shape[-2:]
    (groups,) = per_axis("conv", "groups", groups, 1)
    if x.shape[axis] != channels * groups or out % groups:
        raise ValueError(
            f"conv: expected as many channels as groups ({groups}) times the kernel's second to last size "
            f"({channels}), and its last size ({out}) to be a multiple of groups; received {x.shape[axis]} "
            f"channels, in x of shape {x.shape}."
        )
    return _finish("conv", params, _slide(x, kernel, windows, groups), axis, activation)


def depthwise_conv(
    params: Params,
    x: ArrayLike,
    strides: Sizes = 1,
    padding: str = "valid",
    dilation_rate: Sizes = 1,
    data_format: str = "channelsLast",
    activation: Activation | None = None,
) -> Array:
    """A convolution of each channel by itself, with ``multiplier`` kernels each.

    Formula (one axis): ``y[b, i, c · multiplier + m] = bias[...] + Σ_k x[b, i · stride + k, c] · kernel[k, c, m]``.

    Args:
        params: ``depthwise_kernel`` of shape ``[*window, in, multiplier]`` and, if there is one, ``bias`` of shape
            ``[in · multiplier]``.
        x: Input, ``[batch, *space, in]``, or ``[batch, in, *space]`` with channels first.
        strides, padding, dilation_rate, data_format, activation: As in `conv`.

    Returns:
        An array of shape ``[batch, *positions, in · multiplier]``, or with channels first.

    Raises:
        ValueError: If the shapes do not go together, the kernel does not fit into the input, or an option is none.

    References:
        TF.js: tfjs-core/src/ops/depthwise_conv2d.ts

    >>> depthwise_conv({"depthwise_kernel": [[[1.0], [10.0]]]}, [[[1.0, 2.0], [3.0, 4.0]]]).tolist()
    [[[1.0, 20.0], [3.0, 40.0]]]
    """
    y, windows = _each_channel("depthwise_conv", params, x, strides, padding, dilation_rate, data_format)
    return _finish("depthwise_conv", params, y, _channel_axis(windows), activation)


def separable_conv(
    params: Params,
    x: ArrayLike,
    strides: Sizes = 1,
    padding: str = "valid",
    dilation_rate: Sizes = 1,
    data_format: str = "channelsLast",
    activation: Activation | None = None,
) -> Array:
    """A convolution of each channel by itself, then a mixture of the channels at each position.

    Args:
        params: ``depthwise_kernel`` of shape ``[*window, in, multiplier]``, ``pointwise_kernel`` of shape
            ``[1, ..., 1, in · multiplier, out]`` and, if there is one, ``bias`` of shape ``[out]``.
        x: Input, ``[batch, *space, in]``, or ``[batch, in, *space]`` with channels first.
        strides, padding, dilation_rate, data_format, activation: As in `conv`.

    Returns:
        An array of shape ``[batch, *positions, out]``, or with channels first.

    Raises:
        ValueError: If the shapes do not go together, the kernel does not fit into the input, or an option is none.

    References:
        Chollet, Xception: deep learning with depthwise separable convolutions, CVPR 2017.

    >>> params = {"depthwise_kernel": [[[1.0], [10.0]]], "pointwise_kernel": [[[2.0], [1.0]]]}
    >>> separable_conv(params, [[[1.0, 2.0], [3.0, 4.0]]]).tolist()
    [[[22.0], [46.0]]]
    """
    y, windows = _each_channel("separable_conv", params, x, strides, padding, dilation_rate, data_format)
    y, pointwise = _same_dtype("separable_conv", y, params["pointwise_kernel"], "[1, ..., in · multiplier, out]")
    axis, ones = _channel_axis(windows), (1,) * len(windows.axes)
    if pointwise.shape[:-1] != (*ones, y.shape[axis]):
        raise ValueError(
            f"separable_conv: expected a pointwise_kernel of shape {(*ones, y.shape[axis], 'out')}; received "
            f"{pointwise.shape}."
        )
    y = _slide(y, pointwise, Windows(windows.axes, ones, ones, ones, ((0, 0),) * len(ones)), 1)
    return _finish("separable_conv", params, y, axis, activation)


def conv_transpose(
    params: Params,
    x: ArrayLike,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str = "channelsLast",
    activation: Activation | None = None,
) -> Array:
    """The transpose of a convolution: what backpropagation through `conv` does to ``x``, plus a bias.

    Each number of the input puts a copy of the kernel, times that number, into the output.

    Args:
        params: ``kernel`` of shape ``[*window, out, in]`` and, if there is one, ``bias`` of shape ``[out]``.
        x: Input, ``[batch, *space, in]``, or ``[batch, in, *space]`` with channels first.
        strides: From one copy of the kernel to the next.
        padding: ``"valid"``: the output holds all copies, at least ``stride`` long each; ``"same"``: it is
            ``stride`` times as long as the input.
        data_format: ``"channelsLast"`` or ``"channelsFirst"``.
        activation: Applied to the result; None for none.

    Returns:
        An array of shape ``[batch, *positions, out]``, or ``[batch, out, *positions]``.

    Raises:
        ValueError: If the shapes do not go together, or an option is none.

    References:
        TF.js: tfjs-layers/src/layers/convolutional.ts, Conv2DTranspose

    >>> conv_transpose({"kernel": [[[1.0]], [[10.0]]]}, [[[1.0], [2.0]]]).ravel().tolist()
    [1.0, 12.0, 20.0]
    """
    name = "conv_transpose"
    x, kernel = _same_dtype(name, x, params["kernel"], "[*window, out, in]")
    if padding not in ("valid", "same"):
        raise ValueError(f"{name}: padding must be 'valid' or 'same'; received {padding!r}.")
    rank = x.ndim - 2
    axes, sizes, steps = (
        space_axes(name, rank, data_format),
        kernel.shape[:-2],
        per_axis(name, "strides", strides, rank),
    )
    before = [x.shape[axis] for axis in axes]
    after = [transposed_length(*each, padding) for each in zip(before, sizes, steps, strict=True)]
    ones = (1,) * rank
    windows = Windows(axes, sizes, steps, ones, pads(after, sizes, steps, padding, ones))
    axis = _channel_axis(windows)
    if x.shape[axis] != kernel.shape[-1]:
        raise ValueError(
            f"{name}: expected as many channels as the kernel's last size ({kernel.shape[-1]}); received "
            f"{x.shape[axis]}, in x of shape {x.shape}."
        )
    # The input with gaps of zeros between, convolved with the kernel turned round. Without padding of the
    # transposed convolution, k - 1 zeros belong at either edge.
    around = []
    for n, m, k, s, (low, _) in zip(before, after, sizes, steps, windows.pads, strict=True):
        around.append((k - 1 - low, m + low - 1 - (n - 1) * s))
    data, window = _specs(windows)
    y = lax.conv_general_dilated(
        x,
        jnp.flip(kernel, tuple(range(rank))),
        window_strides=ones,
        padding=around,
        lhs_dilation=steps,
        dimension_numbers=(data, window + "OI", data),
    )
    return _finish(name, params, y, axis, activation)


def _slide(x: Array, kernel: Array, windows: Windows, groups: int) -> Array:
    data, window = _specs(windows)
    is_known = not any(export.is_symbolic_dim(size) for around in windows.pads for size in around)
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=windows.strides,
        padding=windows.pads if is_known else "SAME",
        rhs_dilation=windows.dilation,
        feature_group_count=groups,
        dimension_numbers=(data, window + "IO", data),
    )


def _each_channel(
    name: str,
    params: Params,
    x: ArrayLike,
    strides: Sizes,
    padding: str,
    dilation_rate: Sizes,
    data_format: str,
) -> tuple[Array, Windows]:
    """The convolution of each channel by itself, and its windows."""
    x, kernel = _same_dtype(name, x, params["depthwise_kernel"], "[*window, in, multiplier]")
    windows = windows_over(name, x.shape, kernel.shape[:-2], strides, padding, data_format, dilation_rate)
    axis = _channel_axis(windows)
    channels = kernel.shape[-2]
    if x.shape[axis] != channels:
        raise ValueError(
            f"{name}: expected as many channels as the kernel's second to last size ({channels}); received "
            f"{x.shape[axis]}, in x of shape {x.shape}."
        )
    by = _by_groups if math.prod(windows.sizes) > _MOST_SLICES else _by_slices_or_groups
    return by(x, kernel, windows), windows


@functools.partial(jax.jit, static_argnums=2)
def _by_slices_or_groups(x: Array, kernel: Array, windows: Windows) -> Array:
    # XLA has no good kernel for many small groups on the CPU: sums of slices take a fraction of the time.
    by_slices, by_groups = (functools.partial(way, windows=windows) for way in (_by_slices, _by_groups))
    return lax.platform_dependent(x, kernel, cpu=by_slices, default=by_groups)


def _by_groups(x: Array, kernel: Array, windows: Windows) -> Array:
    channels, multiplier = kernel.shape[-2:]
    return _slide(x, kernel.reshape((*windows.sizes, 1, channels * multiplier)), windows, channels)


def _by_slices(x: Array, kernel: Array, windows: Windows) -> Array:
    axis, (channels, multiplier) = _channel_axis(windows), kernel.shape[-2:]
    repeated = windows.padded(jnp.repeat(x, multiplier, axis), 0)
    kernels = kernel.reshape((math.prod(windows.sizes), channels * multiplier))
    terms = (each * _along(axis, k, x.ndim) for each, k in zip(windows.elements(repeated), kernels, strict=True))
    return functools.reduce(jnp.add, terms)


def _finish(name: str, params: Params, y: Array, axis: int, activation: Activation | None) -> Array:
    """Add the bias, if there is one, and apply the activation."""
    if "bias" in params:
        bias = jnp.asarray(params["bias"])
        if bias.shape != (y.shape[axis],):
            raise ValueError(f"{name}: expected a bias of shape {(y.shape[axis],)}; received {bias.shape}.")
        y = y + _along(axis, bias, y.ndim)
    return y if activation is None else activation(y)


def _same_dtype(name: str, x: ArrayLike, kernel: ArrayLike, kernel_shape: str) -> tuple[Array, Array]:
    x, kernel = jnp.asarray(x), jnp.asarray(kernel)
    if x.ndim != kernel.ndim or not 3 <= x.ndim <= 5:
        raise ValueError(
            f"{name}: expected x with a batch, one to three axes of space and channels, and a kernel of shape "
            f"{kernel_shape}; received x of shape {x.shape} and kernel of shape {kernel.shape}."
        )
    dtype = jnp.result_type(x, kernel)
    return x.astype(dtype), kernel.astype(dtype)


def _channel_axis(windows: Windows) -> int:
    return 1 if windows.axes[0] == 2 else len(windows.axes) + 1


def _specs(windows: Windows) -> tuple[str, str]:
    """The names of the axes of the data and, without the channels, of the kernel, as lax writes them."""
    space = "DHW"[-len(windows.axes) :]
    return ("NC" + space if windows.axes[0] == 2 else "N" + space + "C"), space


def _along(axis: int, vector: Array, ndim: int) -> Array:
    return vector.reshape((1,) * axis + vector.shape + (1,) * (ndim - axis - 1))
