"""One configuration, computed in two ways, and how the two are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Arrays = list[np.ndarray]
#: ``(weights, inputs) -> outputs``.
Computation = Callable[[Sequence[Any], Sequence[Any]], list[Any]]

#: For programs that run once: compiled so, they take a fraction of the time.
ONCE = {
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
}


#: How many cases are compiled as one program: larger ones take longer for each.
TOGETHER = 10

#: What is left of numbers around 1 that cancel each other.
ROUNDING = 2e-6


@dataclass
class Case:
    """What is computed in two ways.

    Args:
        text: the configuration, to be read.
        weights, inputs: gradients are taken with respect to these, where they are floats.
        ours: jtf's computation.
        theirs: the other one: traced by jax, or in numpy with float64.
        traced: which of the two.
        tolerance: of the differences, relative to the largest number of an array.
    """

    text: str
    weights: Arrays
    inputs: Arrays
    ours: Computation
    theirs: Computation
    traced: bool = False
    tolerance: float = 1e-5


def computed(cases: Sequence[Case], which: str) -> list[tuple[Arrays, Arrays]]:
    """The outputs and gradients of all cases, by few programs."""
    if len(cases) > TOGETHER:
        return computed(cases[:TOGETHER], which) + computed(cases[TOGETHER:], which)

    def all_of_them(arguments: Any) -> list[Any]:
        results = []
        for case, (weights, inputs) in zip(cases, arguments, strict=True):
            try:
                results.append(with_gradients(getattr(case, which), weights, inputs))
            except Exception as error:
                error.add_note(f"in {which} of {case.text}")
                raise
        return results

    arguments = [(case.weights, case.inputs) for case in cases]
    return jax.tree.map(np.asarray, jax.jit(all_of_them, compiler_options=ONCE)(arguments))


def with_gradients(function: Computation, weights: Sequence[Any], inputs: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """The outputs, and the gradients of their sum with weights that differ everywhere."""
    given = [*weights, *inputs]
    floats = [x for x in given if jnp.issubdtype(x.dtype, jnp.floating)]

    def of_floats(floats: list[Any]) -> list[Any]:
        rest = iter(floats)
        every = [next(rest) if jnp.issubdtype(x.dtype, jnp.floating) else x for x in given]
        return function(every[: len(weights)], every[len(weights) :])

    outputs, backward = jax.vjp(of_floats, floats)
    return outputs, backward([jnp.asarray(cotangent(y.shape), y.dtype) for y in outputs])[0]


def by_differences(case: Case, step: float = 1e-5) -> tuple[Arrays, Arrays]:
    """The same of a computation in numpy, the gradients by finite differences."""
    given = [np.asarray(x, np.float64) if x.dtype.kind == "f" else x for x in (*case.weights, *case.inputs)]
    weights, inputs = given[: len(case.weights)], given[len(case.weights) :]

    def total() -> float:
        return sum(float(np.sum(y * cotangent(np.shape(y)))) for y in case.theirs(weights, inputs))

    outputs = [np.array(y) for y in case.theirs(weights, inputs)]
    gradients = []
    for x in given:
        if x.dtype.kind != "f":
            continue
        gradient = np.zeros_like(x)
        for index in np.ndindex(x.shape):
            before = x[index]
            x[index] = before + step
            above = total()
            x[index] = before - step
            gradient[index] = (above - total()) / (2 * step)
            x[index] = before
        gradients.append(gradient)
    return outputs, gradients


def cotangent(shape: tuple[int, ...]) -> np.ndarray:
    return np.cos(1.0 + np.arange(np.prod(shape, dtype=int))).reshape(shape)


def differences(case: Case, ours: tuple[Arrays, Arrays], theirs: tuple[Arrays, Arrays]) -> list[str]:
    """What differs, in words."""
    found = []
    for kind, left, right in zip(("output", "gradient"), ours, theirs, strict=True):
        if len(left) != len(right):
            found.append(f"{len(left)} {kind}s instead of {len(right)}")
            continue
        of_all = max((_largest(y) for y in right), default=0.0)
        for n, (a, b) in enumerate(zip(left, right, strict=True)):
            if a.shape != b.shape:
                found.append(f"{kind} {n} has shape {a.shape} instead of {b.shape}")
                continue
            allowed = case.tolerance * (np.abs(b) + _largest(b) + 0.1 * of_all) + ROUNDING
            wrong = ~(np.abs(a - b) <= allowed) & ~(np.isnan(a) & np.isnan(b))
            if wrong.any():
                worst = np.argmax(np.where(wrong, np.abs(a - b) / allowed, 0))
                found.append(
                    f"{kind} {n} of shape {a.shape} differs in {wrong.sum()} entries, most in number {worst}: "
                    f"{a.flat[worst]} instead of {b.flat[worst]} (the largest is {_largest(b):.3g})"
                )
    return found


def _largest(x: np.ndarray) -> float:
    return float(np.max(np.abs(np.where(np.isfinite(x), x, 0)), initial=0.0))


def check(cases: Iterable[tuple[str, int, Case]]) -> None:
    """Compare both computations of each case.

    Raises:
        AssertionError: some differ; says which, what differs, and how to see each alone.
    """
    named = list(cases)
    ours = computed([case for *_, case in named], "ours")
    traced = iter(computed([case for *_, case in named if case.traced], "theirs"))
    report = []
    for (family, number, case), result in zip(named, ours, strict=True):
        expected = next(traced) if case.traced else by_differences(case)
        found = differences(case, result, expected)
        if found:
            report += [f"{family} {number}: {case.text}", *(f"    {line}" for line in found)]
            report.append(f"    alone: python -m tests.search {family} {number}")
    assert not report, "\n".join(["jtf computes something else:", *report])
