"""Recurrent cells and sequences, against loops in numpy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

import jtf
from jtf.functional import (
    conv_lstm2d,
    conv_lstm2d_cell,
    gru,
    gru_cell,
    lstm,
    lstm_cell,
    recurrence,
    sigmoid,
    simple_rnn,
    simple_rnn_cell,
)

BATCH, TIME, IN, UNITS = 2, 4, 3, 2
MASK = np.array([[1, 0, 1, 1], [0, 1, 1, 0]], bool)


# --- what they compute, written down once more ------------------------------------------------------


def hard_sigmoid(x):
    return np.clip(0.2 * x + 0.5, 0, 1)


def numpy_simple_rnn(p, x, h):
    return (np.tanh(x @ p["kernel"] + p["bias"] + h @ p["recurrent_kernel"]),)


def numpy_gru(p, x, h):
    (wz, wr, wh), (uz, ur, uh), (bz, br, bh) = (np.split(p[n], 3, -1) for n in ("kernel", "recurrent_kernel", "bias"))
    z = hard_sigmoid(x @ wz + bz + h @ uz)
    r = hard_sigmoid(x @ wr + br + h @ ur)
    return (z * h + (1 - z) * np.tanh(x @ wh + bh + (r * h) @ uh),)


def numpy_gru_after(p, x, h):
    """As cuDNN has it: the reset gate after the product, whose bias it covers."""
    (wz, wr, wh), (uz, ur, uh) = (np.split(p[n], 3, -1) for n in ("kernel", "recurrent_kernel"))
    (bz, br, bh), (cz, cr, ch) = (np.split(row, 3, -1) for row in p["bias"])
    z = hard_sigmoid(x @ wz + bz + h @ uz + cz)
    r = hard_sigmoid(x @ wr + br + h @ ur + cr)
    return (z * h + (1 - z) * np.tanh(x @ wh + bh + r * (h @ uh + ch)),)


def numpy_lstm(p, x, h, c):
    i, f, g, o = np.split(x @ p["kernel"] + h @ p["recurrent_kernel"] + p["bias"], 4, -1)
    c = hard_sigmoid(f) * c + hard_sigmoid(i) * np.tanh(g)
    return hard_sigmoid(o) * np.tanh(c), c


def numpy_conv(x, kernel, strides, padding, dilation):
    if padding == "same":
        pads = []
        for n, k, s, d in zip(x.shape[1:3], kernel.shape, strides, dilation, strict=False):
            missing = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
            pads.append((missing // 2, missing - missing // 2))
        x = np.pad(x, [(0, 0), *pads, (0, 0)])
    (kh, kw), (sh, sw), (dh, dw) = kernel.shape[:2], strides, dilation
    rows = (x.shape[1] - (kh - 1) * dh - 1) // sh + 1
    columns = (x.shape[2] - (kw - 1) * dw - 1) // sw + 1
    y = np.zeros((x.shape[0], rows, columns, kernel.shape[-1]))
    for row in range(rows):
        for column in range(columns):
            top, left = row * sh, column * sw
            window = x[:, top : top + (kh - 1) * dh + 1 : dh, left : left + (kw - 1) * dw + 1 : dw]
            y[:, row, column] = np.einsum("bhwc,hwco->bo", window, kernel)
    return y


def numpy_conv_lstm(strides, padding, dilation):
    def step(p, x, h, c):
        gates = numpy_conv(x, p["kernel"], strides, padding, dilation) + p["bias"]
        gates += numpy_conv(h, p["recurrent_kernel"], (1, 1), "same", (1, 1))
        i, f, g, o = np.split(gates, 4, -1)
        c = hard_sigmoid(f) * c + hard_sigmoid(i) * np.tanh(g)
        return hard_sigmoid(o) * np.tanh(c), c

    return step


def numpy_sequence(step, p, x, states, mask=None, go_backwards=False):
    outputs = []
    for t in range(x.shape[1])[:: -1 if go_backwards else 1]:
        new = step(p, x[:, t], *states)
        if mask is not None:
            new = [np.where(mask[:, t].reshape(-1, *[1] * (n.ndim - 1)), n, old) for n, old in zip(new, states)]  # noqa: B905
        states = tuple(new)
        outputs.append(states[0])
    return np.stack(outputs, axis=1), states


def numbers(*shape, seed=0):
    return np.random.default_rng((seed, *shape)).normal(size=shape).astype(np.float32)


def params_of(gates, bias_rows=None):
    width = gates * UNITS
    bias = (width,) if bias_rows is None else (bias_rows, width)
    return {"kernel": numbers(IN, width), "recurrent_kernel": numbers(UNITS, width), "bias": numbers(*bias)}


CELLS = {
    "simple_rnn": (simple_rnn_cell, simple_rnn, numpy_simple_rnn, params_of(1), 1, {}),
    "gru": (gru_cell, gru, numpy_gru, params_of(3), 1, {}),
    "gru-after": (gru_cell, gru, numpy_gru_after, params_of(3, 2), 1, {"reset_after": True}),
    "lstm": (lstm_cell, lstm, numpy_lstm, params_of(4), 2, {}),
}
every_cell = pytest.mark.parametrize(
    ("cell", "sequence", "expected", "params", "count", "options"), CELLS.values(), ids=CELLS
)


def states_of(count):
    return tuple(numbers(BATCH, UNITS, seed=index + 7) for index in range(count))


@every_cell
def test_one_step(cell, sequence, expected, params, count, options):
    x, states = numbers(BATCH, IN), states_of(count)
    new = cell(params, x, states, **options)
    for ours, theirs in zip(new, expected(params, x, *states), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@every_cell
@pytest.mark.parametrize("how", [{}, {"unroll": True}, {"go_backwards": True}], ids=str)
@pytest.mark.parametrize("mask", [None, MASK, MASK[..., None].astype(np.float32)], ids=["whole", "masked", "floats"])
def test_sequences(cell, sequence, expected, params, count, options, how, mask):
    x, states = numbers(BATCH, TIME, IN), states_of(count)
    backwards = how.get("go_backwards", False)
    each, last = numpy_sequence(expected, params, x, states, None if mask is None else MASK, backwards)
    outputs, after = sequence(params, x, states, mask, return_sequences=True, **options, **how)
    np.testing.assert_allclose(outputs, each, rtol=1e-5, atol=1e-6)
    output, same = sequence(params, x, states, mask, **options, **how)
    np.testing.assert_allclose(output, each[:, -1], rtol=1e-5, atol=1e-6)
    for ours, ours_too, theirs in zip(after, same, last, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(ours_too, theirs, rtol=1e-5, atol=1e-6)


@every_cell
def test_without_bias_and_states(cell, sequence, expected, params, count, options):
    x, zeros = numbers(BATCH, TIME, IN), (np.zeros((BATCH, UNITS)),) * count
    without = {name: value for name, value in params.items() if name != "bias"}
    nothing = {**params, "bias": np.zeros_like(params["bias"])}
    each, _ = numpy_sequence(expected, nothing, x, zeros)
    np.testing.assert_allclose(sequence(without, x, **options)[0], each[:, -1], rtol=1e-5, atol=1e-6)


@every_cell
def test_gradients(cell, sequence, expected, params, count, options):
    options = {**options, **({} if cell is simple_rnn_cell else {"recurrent_activation": sigmoid})}

    def run(params, x, states):
        output, after = sequence(params, x, states, MASK, return_sequences=True, **options)
        return output, after

    arguments = jax.tree.map(jnp.asarray, (params, numbers(BATCH, TIME, IN), states_of(count)))
    check_grads(jax.jit(run), arguments, order=1, modes=["rev"], atol=1e-2, rtol=1e-2, eps=1e-3)


@every_cell
def test_noise_multiplies_what_goes_into_the_products(cell, sequence, expected, params, count, options):
    x, states = numbers(BATCH, IN), states_of(count)
    input_noise = np.array([[2, 0, 2], [0, 0, 2]], np.float32)
    noisy = cell({**params, "input_noise": input_noise}, x, states, **options)
    for ours, theirs in zip(noisy, expected(params, x * input_noise, *states), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    all_dropped = {**params, "state_noise": np.zeros((BATCH, UNITS), np.float32)}
    unconnected = {**params, "recurrent_kernel": np.zeros_like(params["recurrent_kernel"])}
    for ours, theirs in zip(cell(all_dropped, x, states, **options), expected(unconnected, x, *states), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@every_cell
def test_dtypes(cell, sequence, expected, params, count, options):
    half = {name: jnp.asarray(value, jnp.bfloat16) for name, value in params.items()}
    x = numbers(BATCH, TIME, IN)
    output, states = sequence(half, jnp.asarray(x, jnp.bfloat16), **options)
    assert {array.dtype for array in (output, *states)} == {jnp.dtype(jnp.bfloat16)}
    output, _ = sequence(params, jnp.asarray(x, jnp.bfloat16), **options)
    assert output.dtype == jnp.float32
    whole, _ = sequence(params, np.ones((BATCH, TIME, IN), np.int32), **options)
    np.testing.assert_allclose(whole, sequence(params, np.ones((BATCH, TIME, IN), np.float32), **options)[0], rtol=1e-6)


CONVOLUTIONS = {
    "plain": ((1, 1), "valid", (1, 1)),
    "strides": ((2, 1), "same", (1, 1)),
    "dilation": ((1, 1), "valid", (2, 1)),
    "both": ((1, 2), "same", (2, 1)),
}


@pytest.mark.parametrize(("strides", "padding", "dilation"), CONVOLUTIONS.values(), ids=CONVOLUTIONS)
def test_convolutional(strides, padding, dilation):
    params = {"kernel": numbers(2, 3, 2, 8), "recurrent_kernel": numbers(2, 3, 2, 8), "bias": numbers(8)}
    x, step = numbers(BATCH, TIME, 5, 4, 2), numpy_conv_lstm(strides, padding, dilation)
    zeros = np.zeros_like(numpy_conv(x[:, 0], params["kernel"], strides, padding, dilation)[..., :2])
    options = {"strides": strides, "padding": padding, "dilation_rate": dilation}
    each, last = numpy_sequence(step, params, x, (zeros, zeros), MASK)
    outputs, states = conv_lstm2d(params, x, mask=MASK, return_sequences=True, **options)
    np.testing.assert_allclose(outputs, each, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(states[1], last[1], rtol=1e-4, atol=1e-5)
    first = conv_lstm2d(
        params, np.moveaxis(x, -1, 2), mask=MASK, data_format="channelsFirst", return_sequences=True, **options
    )[0]
    np.testing.assert_allclose(np.moveaxis(first, 2, -1), each, rtol=1e-4, atol=1e-5)
    one = conv_lstm2d_cell(params, x[:, 0], (zeros + 1, zeros - 1), **options)
    for ours, theirs in zip(one, step(params, x[:, 0], zeros + 1, zeros - 1), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_convolutional_noise_is_for_each_gate():
    params = {"kernel": numbers(2, 2, 1, 8), "recurrent_kernel": numbers(2, 2, 2, 8), "bias": numbers(8)}
    x, h, c = numbers(1, 3, 3, 1), numbers(1, 2, 2, 2), numbers(1, 2, 2, 2, seed=1)
    inputs, states = (np.random.default_rng(0).choice([0.0, 2.0], shape) for shape in [(1, 3, 3, 4), (1, 2, 2, 8)])
    gates = [
        numpy_conv(x * inputs[..., i : i + 1], k, (1, 1), "valid", (1, 1))
        + numpy_conv(h * states[..., 2 * i : 2 * i + 2], r, (1, 1), "same", (1, 1))
        for i, (k, r) in enumerate(
            zip(np.split(params["kernel"], 4, -1), np.split(params["recurrent_kernel"], 4, -1), strict=True)
        )
    ]
    i, f, g, o = (gate + bias for gate, bias in zip(gates, np.split(params["bias"], 4), strict=True))
    memory = hard_sigmoid(f) * c + hard_sigmoid(i) * np.tanh(g)
    noisy = {**params, "input_noise": inputs.astype(np.float32), "state_noise": states.astype(np.float32)}
    new = conv_lstm2d_cell(noisy, x, (h, c))
    np.testing.assert_allclose(new[1], memory, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(new[0], hard_sigmoid(o) * np.tanh(memory), rtol=1e-4, atol=1e-5)


# --- how they run -----------------------------------------------------------------------------------


def test_a_function_of_the_users_runs_the_same():
    params, x = params_of(4), numbers(BATCH, TIME, IN)

    def own(x):
        return jnp.tanh(x)

    expected, _ = lstm(params, x, mask=MASK, return_sequences=True)
    for run in (lstm, jax.jit(lstm, static_argnames=("activation", "return_sequences"))):
        output, _ = run(params, x, mask=MASK, return_sequences=True, activation=own)
        np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-6)


def test_equal_calls_are_compiled_once():
    params, x = params_of(3), numbers(5, 7, IN)
    before = recurrence._compiled._cache_size()
    for _ in range(3):
        gru(params, x, recurrent_activation=sigmoid)
    assert recurrence._compiled._cache_size() == before + 1


@pytest.mark.parametrize(("backend", "in_the_loop"), [("cpu", 2), ("gpu", 1), ("tpu", 1)])
def test_inputs_are_multiplied_before_the_loop_on_accelerators(backend, in_the_loop, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    params, x = jax.tree.map(jnp.asarray, params_of(4)), numbers(BATCH, TIME, IN)

    def own(x):  # so that nothing is kept compiled
        return jnp.tanh(x)

    jaxpr = jax.make_jaxpr(lambda x: lstm(params, x, activation=own)[0])(x)
    (scan,) = (equation for equation in jaxpr.eqns if equation.primitive.name == "scan")
    assert str(scan.params["jaxpr"]).count("dot_general") == in_the_loop
    for how in ({}, {"return_sequences": True, "go_backwards": True}):
        each, _ = numpy_sequence(numpy_lstm, params_of(4), x, states_of(2), MASK, "go_backwards" in how)
        output, _ = lstm(params, x, states_of(2), MASK, activation=own, **how)
        np.testing.assert_allclose(output, each if how else each[:, -1], rtol=1e-5, atol=1e-6)


def test_a_sequence_without_steps_leaves_the_states():
    states = states_of(2)
    output, after = lstm(params_of(4), np.zeros((BATCH, 0, IN), np.float32), states)
    np.testing.assert_array_equal(output, states[0])
    np.testing.assert_array_equal(after[1], states[1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lstm(params_of(4), numbers(2, 3)), r"lstm: expected x \[batch, time, in\], kernel \[in, 4 · units\]"),
        (lambda: lstm(params_of(3), numbers(2, 4, 3)), r"received x \(2, 4, 3\), kernel \(3, 6\)"),
        (lambda: gru(params_of(3), numbers(2, 4, 5)), r"gru: expected .*kernel \[in, 3 · units\]"),
        (lambda: gru(params_of(3), numbers(2, 4, 3), reset_after=True), r"expected a bias of shape \(2, 6\)"),
        (lambda: simple_rnn(params_of(1), numbers(2, 4, 3), states_of(2)), r"1 of states \[batch, units\]"),
        (lambda: simple_rnn(params_of(1), numbers(2, 4, 3), ()), "states none"),
        (lambda: simple_rnn_cell(params_of(1), numbers(2, 3), (numbers(3, 2),)), r"states \(3, 2\)"),
        (
            lambda: lstm(params_of(4), numbers(2, 4, 3), mask=MASK.T),
            r"lstm: expected a mask .* \(2, 4\); received",
        ),
        (
            lambda: conv_lstm2d(
                {"kernel": numbers(2, 2, 1, 8), "recurrent_kernel": numbers(2, 2, 2, 8)}, numbers(1, 2, 3, 3, 2)
            ),
            r"conv_lstm2d: expected x \[batch, time, height, width, in\]",
        ),
        (lambda: conv_lstm2d({}, numbers(1), padding="causal"), "padding must be 'valid' or 'same'; received 'causal'"),
        (lambda: conv_lstm2d({}, numbers(1), strides=0), "conv_lstm2d: strides"),
        (lambda: conv_lstm2d({}, numbers(1), data_format="last"), "conv_lstm2d: data_format"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_they_are_public():
    assert jtf.functional.lstm is lstm
