"""Convolutions against loops in numpy, and transposed ones against the gradient of convolutions."""

from __future__ import annotations

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.test_util import check_grads

from jtf import functional as F
from jtf.functional import convolution, windows


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def close(actual, expected, tolerance=1e-4):
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


def before_and_behind(n, k, stride, dilation, padding, rank):
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return (k - 1) * dilation, 0
    missing = (math.ceil(n / stride) - 1) * stride + (k - 1) * dilation + 1 - n
    if rank < 3:
        missing = max(missing, 0)
    return missing // 2, missing - missing // 2


def looped(x, kernel, strides, padding, dilation, groups=1):
    """A convolution of channels-last data, number by number."""
    rank, (per_group, out) = kernel.ndim - 2, kernel.shape[-2:]
    window, space = kernel.shape[:rank], x.shape[1:-1]
    around = [before_and_behind(*each, padding, rank) for each in zip(space, window, strides, dilation, strict=True)]
    lengths = [
        (n + a + b - (k - 1) * d - 1) // s + 1
        for n, (a, b), k, s, d in zip(space, around, window, strides, dilation, strict=True)
    ]
    y = np.zeros((x.shape[0], *lengths, out))
    for position in np.ndindex(*lengths):
        for element in np.ndindex(*window):
            at = [
                p * s + e * d - a
                for p, s, e, d, (a, _) in zip(position, strides, element, dilation, around, strict=True)
            ]
            if all(0 <= i < n for i, n in zip(at, space, strict=True)):
                for o in range(out):
                    first = o // (out // groups) * per_group
                    numbers = x[(slice(None), *at, slice(first, first + per_group))]
                    y[(slice(None), *position, o)] += numbers @ kernel[(*element, slice(None), o)]
    return y


CONVS = [
    ((6,), (3,), (2,), (1,), "same", 1),
    ((7,), (2,), (1,), (3,), "causal", 1),
    ((7,), (3,), (2,), (2,), "causal", 2),
    ((5, 4), (2, 3), (1, 1), (1, 1), "valid", 1),
    ((5, 6), (3, 2), (2, 3), (2, 1), "valid", 2),
    ((5, 6), (3, 2), (2, 3), (1, 2), "same", 1),
    ((4, 3), (1, 1), (3, 2), (1, 1), "same", 1),
    ((3, 4, 3), (2, 1, 3), (1, 2, 1), (1, 1, 1), "valid", 1),
    ((5, 4, 3), (1, 2, 2), (3, 1, 2), (1, 2, 1), "same", 2),
]
every_conv = pytest.mark.parametrize(("space", "window", "strides", "dilation", "padding", "groups"), CONVS)


@every_conv
@pytest.mark.parametrize("last", [True, False], ids=["last", "first"])
def test_conv(space, window, strides, dilation, padding, groups, last):
    x, kernel, bias = normal(2, *space, 4), normal(*window, 4 // groups, 2, seed=1), normal(2, seed=2)
    expected = looped(x, kernel, strides, padding, dilation, groups) + bias
    options = {} if last else {"data_format": "channelsFirst"}
    y = F.conv(
        {"kernel": kernel, "bias": bias},
        x if last else np.moveaxis(x, -1, 1),
        strides,
        padding,
        dilation,
        groups,
        activation=jnp.tanh,
        **options,
    )
    close(y if last else jnp.moveaxis(y, 1, -1), np.tanh(expected))


@every_conv
@pytest.mark.parametrize("slices", [True, False], ids=["slices", "groups"])
def test_depthwise_conv(space, window, strides, dilation, padding, groups, slices, monkeypatch):
    if not slices:
        monkeypatch.setattr(convolution, "_MOST_SLICES", 0)
    x, kernel = normal(2, *space, 3), normal(*window, 3, 2, seed=1)
    bias = normal(6, seed=2)
    expected = looped(x, kernel.reshape((*window, 1, 6)), strides, padding, dilation, groups=3) + bias
    params = {"depthwise_kernel": kernel, "bias": bias}
    close(F.depthwise_conv(params, x, strides, padding, dilation), expected)
    first = F.depthwise_conv(params, np.moveaxis(x, -1, 1), strides, padding, dilation, "channels_first")
    close(jnp.moveaxis(first, 1, -1), expected)


def test_large_depthwise_windows_do_not_become_large_programs():
    params = {"depthwise_kernel": normal(9, 9, 1, 1)}
    x = normal(1, 10, 11, 1)
    program = str(jax.make_jaxpr(lambda x: F.depthwise_conv(params, x))(x))
    assert program.count("\n") < 30
    close(F.depthwise_conv(params, x), looped(x, params["depthwise_kernel"], (1, 1), "valid", (1, 1)))


@pytest.mark.parametrize("data_format", ["channelsLast", "channelsFirst"])
def test_separable_conv(data_format):
    x, depthwise, pointwise = normal(2, 4, 5, 3), normal(2, 2, 3, 2, seed=1), normal(1, 1, 6, 4, seed=2)
    bias = normal(4, seed=3)
    expected = looped(x, depthwise.reshape((2, 2, 1, 6)), (2, 1), "same", (1, 2), groups=3) @ pointwise[0, 0] + bias
    params = {"depthwise_kernel": depthwise, "pointwise_kernel": pointwise, "bias": bias}
    first = data_format == "channelsFirst"
    y = F.separable_conv(params, np.moveaxis(x, -1, 1) if first else x, (2, 1), "same", (1, 2), data_format, jnp.sin)
    close(jnp.moveaxis(y, 1, -1) if first else y, np.sin(expected))


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("space", "window", "strides"),
    [
        ((4,), (3,), (1,)),
        ((4,), (2,), (3,)),
        ((3, 2), (4, 3), (2, 1)),
        ((2, 3), (1, 2), (3, 2)),
        ((2, 2, 2), (3, 1, 2), (2, 3, 1)),
    ],
)
def test_conv_transpose_is_the_gradient_of_conv(space, window, strides, padding):
    x, kernel, bias = normal(2, *space, 3), normal(*window, 2, 3, seed=1), normal(2, seed=2)
    lengths = [n * s + (max(k - s, 0) if padding == "valid" else 0) for n, k, s in zip(space, window, strides)]  # noqa: B905
    zeros = jnp.zeros((2, *lengths, 2))
    _, pullback = jax.vjp(lambda z: F.conv({"kernel": kernel}, z, strides, padding), zeros)
    (expected,) = pullback(jnp.asarray(x))
    y = F.conv_transpose({"kernel": kernel, "bias": bias}, x, strides, padding)
    close(y, expected + bias.reshape((1,) * (y.ndim - 1) + (2,)))
    first = F.conv_transpose({"kernel": kernel, "bias": bias}, np.moveaxis(x, -1, 1), strides, padding, "channelsFirst")
    close(jnp.moveaxis(first, 1, -1), y)


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_conv_transpose_same_against_lax(size, stride):
    x, kernel = normal(1, 4, 2), normal(size, 3, 2, seed=1)
    expected = lax.conv_transpose(
        x, kernel, (stride,), "SAME", dimension_numbers=("NWC", "WIO", "NWC"), transpose_kernel=True
    )
    close(F.conv_transpose({"kernel": kernel}, x, stride, "same"), expected)


def test_conv_transpose_paints_copies():
    y = F.conv_transpose({"kernel": [[[1.0]], [[2.0]], [[3.0]]]}, [[[1.0], [10.0]]], strides=2)
    assert y.ravel().tolist() == [1.0, 2.0, 13.0, 20.0, 30.0]


FUNCTIONS = {
    "conv": (F.conv, {"kernel": normal(2, 3, 2, 2), "bias": normal(2)}),
    "depthwise": (F.depthwise_conv, {"depthwise_kernel": normal(2, 2, 2, 2), "bias": normal(4)}),
    "separable": (
        F.separable_conv,
        {"depthwise_kernel": normal(2, 2, 2, 1), "pointwise_kernel": normal(1, 1, 2, 3), "bias": normal(3)},
    ),
    "transposed": (F.conv_transpose, {"kernel": normal(3, 2, 3, 2), "bias": normal(3)}),
}
every_function = pytest.mark.parametrize(("function", "params"), FUNCTIONS.values(), ids=FUNCTIONS)


@every_function
def test_gradients(function, params):
    params = jax.tree.map(jnp.asarray, params)
    x = jnp.asarray(normal(1, 4, 3, 2, seed=5))
    check_grads(
        lambda params, x: function(params, x, strides=(2, 1), padding="same"),
        (params, x),
        order=1,
        modes=["fwd", "rev"],
        atol=1e-2,
        rtol=1e-2,
        eps=1e-2,
    )


@every_function
def test_dtype_jit_and_vmap(function, params):
    half = jax.tree.map(lambda p: jnp.asarray(p, jnp.bfloat16), params)
    x = normal(3, 4, 4, 2)
    expected = function(params, x)
    assert expected.dtype == jnp.float32
    assert function(half, jnp.asarray(x, jnp.bfloat16)).dtype == jnp.bfloat16
    assert function(params, jnp.asarray(x, jnp.bfloat16)).dtype == jnp.float32
    assert function(params, np.ones((1, 4, 4, 2), np.int32)).dtype == jnp.float32
    close(jax.jit(function)(params, x), expected, 1e-5)
    images = jax.vmap(lambda image: function(params, image[None])[0])(jnp.asarray(x))
    close(images, expected, 1e-5)
    ensemble = jax.tree.map(lambda p: jnp.stack([p, 2 * p]), jax.tree.map(jnp.asarray, params))
    members = jax.vmap(function, in_axes=(0, None))(ensemble, jnp.asarray(x))
    close(members[1], function(jax.tree.map(lambda p: 2 * p, params), x), 1e-4)


X = np.ones((1, 4, 4, 2), np.float32)
KERNEL = np.ones((2, 2, 2, 3), np.float32)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: F.conv({"kernel": KERNEL}, X[0]), r"conv: expected x with a batch.*received x of shape \(4, 4, 2\)"),
        (lambda: F.conv({"kernel": KERNEL[0, 0]}, X[0, 0]), r"conv: expected x with a batch, one to three axes"),
        (
            lambda: F.conv({"kernel": KERNEL}, X[..., :1]),
            r"times the kernel's second to last size \(2\).*received 1 chan",
        ),
        (lambda: F.conv({"kernel": KERNEL[:, :, :1]}, X, groups=2), r"its last size \(3\) to be a multiple of groups"),
        (lambda: F.conv({"kernel": KERNEL}, X, groups=0), "conv: groups must be a positive integer; received 0"),
        (lambda: F.conv({"kernel": KERNEL}, X, strides=[1]), "conv: strides must be a positive integer or a list of 2"),
        (lambda: F.conv({"kernel": KERNEL}, X, dilation_rate=1.5), "conv: dilation_rate must be"),
        (
            lambda: F.conv({"kernel": KERNEL}, X, padding="full"),
            "padding must be 'valid', 'same' or 'causal'; received",
        ),
        (lambda: F.conv({"kernel": KERNEL}, X, data_format="NCHW"), "data_format must be 'channelsLast' or"),
        (
            lambda: F.conv({"kernel": KERNEL}, X, dilation_rate=4),
            r"conv: the window of \(2, 2\) dilated by \(4, 4\) does not fit into a space of \(4, 4\)",
        ),
        (
            lambda: F.conv({"kernel": KERNEL, "bias": np.ones(2)}, X),
            r"expected a bias of shape \(3,\); received \(2,\)",
        ),
        (
            lambda: F.depthwise_conv({"depthwise_kernel": KERNEL}, X[..., :1]),
            r"depthwise_conv: expected as many channels as the kernel's second to last size \(2\); received 1",
        ),
        (
            lambda: F.separable_conv({"depthwise_kernel": KERNEL, "pointwise_kernel": np.ones((1, 1, 5, 2))}, X),
            r"separable_conv: expected a pointwise_kernel of shape \(1, 1, 6, 'out'\); received \(1, 1, 5, 2\)",
        ),
        (
            lambda: F.conv_transpose({"kernel": KERNEL}, X),
            r"conv_transpose: expected as many channels as the kernel's last size \(3\); received 2",
        ),
        (
            lambda: F.conv_transpose({"kernel": KERNEL}, X, padding="causal"),
            "conv_transpose: padding must be 'valid' or 'same'; received 'causal'",
        ),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
def test_positions_are_those_that_come_out(padding):
    for n, k, s, d in itertools.product(range(1, 8), range(1, 4), range(1, 4), range(1, 4)):
        if padding == "valid" and n < (k - 1) * d + 1:
            with pytest.raises(ValueError, match="does not fit"):
                windows.positions("x", (n,), k, s, padding, d)
            continue
        assert windows.positions("x", (None, n), k, s, padding, d) == (
            None,
            jax.eval_shape(
                lambda x, k=k, s=s, d=d: F.conv({"kernel": jnp.ones((k, 1, 1))}, x, s, padding, d), jnp.ones((1, n, 1))
            ).shape[1],
        )
