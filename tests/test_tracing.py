"""jax's errors about values that are not known say which closure or layer it was, and what to do."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jtf

X, Y = np.ones((4, 2), np.float32), np.ones((4, 1), np.float32)


def note(f, kind=TypeError):
    with pytest.raises(kind) as caught:
        f()
    (ours,) = [n for n in caught.value.__notes__ if n.startswith("This happened in ")]
    assert "jax.numpy instead of numpy" in ours
    assert "return_cost=True" in ours
    assert 'jax.debug.print("{}", x)' in ours
    assert "test_tracing.py, line" in ours
    return ours


W = jtf.variable(2.0, name="traced_w")
WAYS = {
    "float": float,
    "format": lambda x: f"{x:.3f}",
    "numpy": np.sin,
    "array": np.asarray,
    "tolist": lambda x: x.tolist(),
}


@pytest.mark.parametrize("way", WAYS)
def test_in_a_closure(way):
    def my_closure():
        WAYS[way](W * 2)
        return W * 2

    assert "function 'my_closure', which is being differentiated" in note(
        lambda: jtf.train.sgd(0.1).minimize(my_closure)
    )
    assert "function 'my_closure'" in note(lambda: jtf.variable_grads(my_closure))
    assert float(W) == 2.0


def test_in_functions_of_arrays_and_lifted_ones():
    def my_function(x=1.0):
        return x * float(W * x)

    assert "function 'my_function'" in note(lambda: jtf.grad(my_function)(3.0))
    assert "function 'my_function'" in note(lambda: jax.jit(jtf.lift(my_function, [W]))([1.0]))


class Sine(jtf.layers.Layer):
    def call(self, x):
        return np.sin(x)

    def compute_output_shape(self, input_shape):
        return input_shape


def test_in_a_layer():
    model = jtf.sequential([Sine(input_shape=[2], name="wrong"), jtf.layers.dense(units=1)])
    model.compile(optimizer="sgd", loss="meanSquaredError")
    _, apply = model.functional()
    ways = [
        lambda: model.fit(X, Y, verbose=0),
        lambda: model.predict(X),
        lambda: jax.jit(apply)(model.variables, X),
        lambda: jtf.grad(lambda x: model(x).mean())(X),
    ]
    for way in ways:
        assert "the call of layer 'wrong' (Sine)" in note(way)
    assert model.layers[0](X).shape == (4, 2)  # outside of jax there is nothing wrong with it


def test_in_losses_metrics_and_schedules():
    def my_loss(y, p):
        return jnp.mean(np.square(y - p))

    def my_schedule(n):
        return 0.1 * np.exp(-n)

    model = jtf.sequential([jtf.layers.dense(units=1, input_shape=[2])])
    for options, where in [
        ({"loss": my_loss}, "in my_loss)"),
        ({"loss": "meanSquaredError", "metrics": [my_loss]}, "in my_loss)"),
    ]:
        model.compile(**{"optimizer": "sgd", **options})
        found = note(lambda: model.fit(X, Y, verbose=0))
        assert where in found
        assert "model's compiled step" in found
    with pytest.raises(TypeError, match="learning rate's schedule cannot be compiled"):
        model.compile(optimizer=jtf.train.sgd(my_schedule), loss="meanSquaredError")
    assert "in my_schedule)" in note(lambda: jtf.train.sgd(my_schedule).minimize(lambda: W**2))


def test_other_errors_are_left_alone():
    def f():
        raise TypeError("my own")

    with pytest.raises(TypeError) as caught:
        jtf.variable_grads(f)
    assert not any("This happened" in n for n in getattr(caught.value, "__notes__", ()))


@pytest.mark.parametrize(
    "call",
    [
        lambda: jtf.lift(5, []),
        lambda: jtf.lift(W * 2, [W]),
        lambda: jtf.grad(5),
        lambda: jtf.grads(5),
        lambda: jtf.value_and_grad(5),
        lambda: jtf.value_and_grads(None),
        lambda: jtf.custom_grad(5),
    ],
)
def test_what_is_no_function_is_refused_at_once(call):
    with pytest.raises(TypeError, match=r"takes a function; received (int|ArrayImpl|NoneType).*Write jtf\."):
        call()


def test_what_is_no_variable_is_refused():
    with pytest.raises(TypeError, match=r"jtf\.values takes a pytree of Variables; found int: 5"):
        jtf.values({"a": [W, 5]})
    with pytest.raises(TypeError, match=r"jtf\.lift takes a pytree of Variables; found str"):
        jtf.lift(lambda: W, [W, "w"])
    with pytest.raises(TypeError, match="received int"):
        jtf.variable_grads(5)
