"""The pure steps: state in, state out, for `jax.jit` to compile and for the state to be donated to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jtf.engine.objective import Objective, Sums
from jtf.layers.base import Layer
from jtf.layers.scopes import collect_losses, settled
from jtf.random import key_stream
from jtf.train import optimizer as optimizers
from jtf.train.connection import Connection
from jtf.types import Array, ArrayLike, PyTree
from jtf.variable import Constraint, Variable, lift

Arrays = dict[str, Array]


class TrainState(NamedTuple):
    """Everything that training changes, with names: one pytree to donate, shard, save and resume.

    Attributes:
        trainable: weights changed by gradients, by name.
        non_trainable: what layers assign (statistics, states), and frozen weights, by name.
        optimizer: the optimizer's state.
        iterations: updates made so far, int32.
        rng: key data from which every step's random numbers follow, uint32.
    """

    trainable: Any
    non_trainable: Any
    optimizer: PyTree
    iterations: Any
    rng: Any


class Totals(NamedTuple):
    """What an epoch's logs are made of: it stays on the device until somebody looks.

    Attributes:
        sums: the objective's.
        not_finite: the count of updates before the first loss that was not finite; -1 while there is none.
    """

    sums: Sums
    not_finite: Array

    @classmethod
    def zeros(cls, objective: Objective) -> Totals:
        sums = jax.tree.map(lambda x: jnp.array(x, copy=True), objective.init())  # to be donated, each buffer once
        return cls(sums, jnp.asarray(-1, jnp.int32))

    def with_batch(self, sums: Sums, loss: Array, iterations: Array) -> Totals:
        """The totals after one more batch, which has led to these sums."""
        is_first = ~jnp.isfinite(loss) & (self.not_finite < 0)
        return Totals(sums, jnp.where(is_first, iterations, self.not_finite))


class Batch(NamedTuple):
    """One batch: inputs, targets and sample weights, a list of arrays each, the batch along axis 0."""

    xs: list[Any]
    ys: list[Any]
    weights: list[Any]

    @property
    def size(self) -> int:
        return self.xs[0].shape[0]


class Network(NamedTuple):
    """A model as the steps see it: what to call and which Variables it reads.

    Attributes:
        call: ``(inputs, training) -> (outputs, masks)``, lists of arrays; None for the mask of an output without one.
        layer: the model.
        trainable: weights changed by gradients, by name.
        non_trainable: the other Variables, by name.
        states: the names of those that inference changes, too: what layers remember between batches.
        frozen: the layers that do not learn.
    """

    call: Callable[..., tuple[Sequence[Array], Sequence[Array | None]]]
    layer: Layer
    trainable: Mapping[str, Variable]
    non_trainable: Mapping[str, Variable]
    states: frozenset[str] = frozenset()
    frozen: frozenset[Layer] = frozenset()

    def states_in(self, non_trainable: Arrays) -> Arrays:
        """What there is to carry on to the next batch."""
        return {name: value for name, value in non_trainable.items() if name in self.states}


def forward(
    network: Network, objective: Objective, so_far: Sums, batch: Batch, training: bool
) -> tuple[Array, tuple[Array, Sums]]:
    """What the objective gives for a batch, with the penalties of the layers."""
    with collect_losses() as added, settled(network.frozen):
        outputs, masks = network.call(batch.xs, training=training)
    penalty = sum([*network.layer.losses, *added], jnp.zeros((), jnp.float32))
    return objective(so_far, batch.ys, outputs, batch.weights, masks, penalty)


def make_train_step(network: Network, objective: Objective) -> Callable[..., tuple[TrainState, Totals, Array]]:
    """``step(state, totals, rule, batch) -> (state, totals, values)``: one update, pure."""

    def run(so_far: Sums, batch: Batch, key: Array, iterations: Array) -> tuple[Array, tuple[Array, Sums]]:
        with key_stream(key, iterations):
            return forward(network, objective, so_far, batch, training=True)

    lifted = lift(run, (network.trainable, network.non_trainable))
    constraints: dict[str, Constraint] = {
        name: v.constraint for name, v in network.trainable.items() if v.constraint is not None
    }

    def step(
        state: TrainState, totals: Totals, rule: optimizers.Rule, batch: Batch
    ) -> tuple[TrainState, Totals, Array]:
        key = jax.random.wrap_key_data(state.rng)

        def loss(trainable: Arrays) -> tuple[Array, tuple[Array, Sums, tuple[Arrays, Arrays]]]:
            weights = (trainable, state.non_trainable)
            (total, (values, sums)), assigned = lifted(weights, totals.sums, batch, key, state.iterations)
            return connection.watched(total), (values, sums, assigned)

        connection = Connection()
        grads, (values, sums, (params, non_trainable)) = jax.grad(loss, has_aux=True)(state.trainable)
        if state.trainable:
            connection.check()
        params, slots, iterations = optimizers.update(rule, grads, state.optimizer, params, state.iterations, values[0])
        params = params | {name: constraint(params[name]) for name, constraint in constraints.items()}
        totals = totals.with_batch(sums, values[0], state.iterations)
        return TrainState(params, non_trainable, slots, iterations, state.rng), totals, values

    return step


def make_eval_step(network: Network, objective: Objective) -> Callable[..., tuple[Totals, Arrays]]:
    """``step((trainable, non_trainable), totals, batch, at) -> (totals, states)``.

    Of what layers assign only the states are kept. ``at`` are numbers (uint32) from which the random draws of
    layers follow, if there are any.
    """

    def run(so_far: Sums, batch: Batch, at: Array) -> tuple[Array, tuple[Array, Sums]]:
        with key_stream(key_at(at)):
            return forward(network, objective, so_far, batch, training=False)

    lifted = lift(run, (network.trainable, network.non_trainable))

    def step(weights: tuple[Arrays, Arrays], totals: Totals, batch: Batch, at: Array) -> tuple[Totals, Arrays]:
        (loss, (_, sums)), (_, assigned) = lifted(weights, totals.sums, batch, at)
        return totals.with_batch(sums, loss, jnp.asarray(0, jnp.int32)), network.states_in(assigned)

    return step


def make_predict_step(network: Network) -> Callable[..., tuple[Sequence[Array], Arrays]]:
    """``step((trainable, non_trainable), xs, at) -> (outputs, states)``, as `make_eval_step`."""

    def run(xs: Sequence[Array], at: Array) -> Sequence[Array]:
        with key_stream(key_at(at)):
            return network.call(xs, training=False)[0]

    lifted = lift(run, (network.trainable, network.non_trainable))

    def step(weights: tuple[Arrays, Arrays], xs: Sequence[Array], at: Array) -> tuple[Sequence[Array], Arrays]:
        outputs, (_, assigned) = lifted(weights, xs, at)
        return outputs, network.states_in(assigned)

    return step


def key_at(at: ArrayLike) -> Array:
    """The key that follows from some numbers."""
    at = jnp.asarray(at)
    key = jax.random.key(at[0])
    for number in range(1, at.shape[0]):
        key = jax.random.fold_in(key, at[number])
    return key
