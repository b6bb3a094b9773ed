"""`Trainer`: a compiled model: its optimizer and objective, its jitted steps, and its state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jtf import random
from jtf.binding import is_inside, outside, uncounted_reads
from jtf.engine.feed import Slots
from jtf.engine.loan import Loan
from jtf.engine.objective import Objective
from jtf.engine.step import (
    Batch,
    Network,
    Totals,
    TrainState,
    key_at,
    make_eval_step,
    make_predict_step,
    make_train_step,
)
from jtf.train.optimizer import Optimizer
from jtf.types import Array, PyTree
from jtf.variable import Variable, assign_all
from jtf.variable import values as values_of


class Trainer:
    """What `compile` makes of a model.

    Its jitted steps live as long as it does, so a shape is compiled once and not once a `fit`.

    Args:
        network: the model's call and Variables.
        inputs: what the model's inputs look like.
        optimizer: shared with whoever made it; its state is in it.
        objective: the loss and metrics.
    """

    def __init__(self, network: Network, inputs: Slots, optimizer: Optimizer, objective: Objective) -> None:
        # By the optimizer's keys, which are unique also when it serves two models with layers of one name.
        network = network._replace(trainable=optimizer.keyed(network.trainable.values()))
        self.network, self.inputs, self.optimizer, self.objective = network, inputs, optimizer, objective
        self._known: tuple[Any, TrainState] | None = None
        with jax.transfer_guard_host_to_device("allow"):
            self._rng = Variable(jax.random.key_data(jax.random.key(0)), trainable=False, name="rng")
        step = make_train_step(network, objective)
        self.train_step = jax.jit(step, donate_argnums=(0, 1))
        self._train_once = jax.jit(step)
        self._eval_step = jax.jit(make_eval_step(network, objective), donate_argnums=1)

    def state(self) -> TrainState:
        """The training state's structure, with the Variable that holds it at each leaf."""
        rule = self.optimizer.rule()
        if self._known is None or self._known[0] is not rule:  # other hyper-parameters may want other slots
            state = TrainState(
                dict(self.network.trainable),
                dict(self.network.non_trainable),
                self.optimizer.slots(self.network.trainable),
                self.optimizer.iterations_variable,
                self._rng,
            )
            self._known = rule, state
        return self._known[1]

    def no_totals(self) -> Totals:
        """What an epoch's logs begin with."""
        with jax.transfer_guard_host_to_device("allow"):
            return Totals.zeros(self.objective)

    def new_randomness(self) -> None:
        """Draw the key from which the random numbers of the coming steps follow."""
        self._rng.assign(jax.random.key_data(random.next_key()))

    def loan(self, donated: bool = True) -> Loan:
        """The state, ready to be lent to a training run."""
        self.new_randomness()
        return Loan(self.state(), donated)

    def train_once(self, batch: Batch) -> list[float]:
        """One update, without donation: a run of one step, which takes its turn beside other runs on these weights."""
        with self.loan(donated=False).running() as loan:
            _, values = loan.run(self._train_once, self.no_totals(), self.optimizer.rule(), batch)
        return np.asarray(values).tolist()

    def evaluate(self, state: TrainState | None, batches: Iterable[Batch]) -> Iterator[dict[str, float] | None]:
        """The objective's means over batches: yields None after each batch, and the means at the end.

        Args:
            state: whose weights to use; the Variables' by default, which then also take up the states that layers
                have come to.
            batches: at least one.
        """
        if state is None:
            weights = _constants((dict(self.network.trainable), dict(self.network.non_trainable)))
        else:
            weights = (state.trainable, state.non_trainable)
        totals = self.no_totals()
        for index, batch in enumerate(batches):
            with outside(), jax.transfer_guard_host_to_device("allow"):
                totals, states = self._eval_step(weights, totals, batch, _beside_training(index))
            weights = (weights[0], weights[1] | states)
            yield None
        if isinstance(totals.not_finite, jax.core.Tracer):
            raise RuntimeError(
                "evaluate gives numbers, which are not known while jax traces the function around it. Call it outside, "
                "or compute the loss from model(x)."
            )
        if state is None:
            _keep_states(self.network, weights[1])
        yield self.objective.logs(totals.sums)


class Predictor:
    """The jitted forward pass of a model, which needs no compiling by the user."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._calls = 0
        self._step = jax.jit(make_predict_step(network))

    def __call__(self, batches: Iterable[list[Any]]) -> list[Array]:
        """The outputs for all batches of inputs, one array an output.

        Inside of a function that is lifted or differentiated the model is simply called, so that the result depends on
        the Variables as that of any call does.
        """
        if is_inside():
            return _joined([self._call(xs, index) for index, xs in enumerate(batches)])
        weights = values_of((dict(self._network.trainable), dict(self._network.non_trainable)))
        self._calls += 1
        results = []
        for index, xs in enumerate(batches):
            with jax.transfer_guard_host_to_device("allow"):
                outputs, states = self._step(weights, xs, _beside_training(self._calls, index))
            weights = (weights[0], weights[1] | states)
            results.append(outputs)
        _keep_states(self._network, weights[1])
        return _joined(results)

    def _call(self, xs: list[Any], index: int) -> Sequence[Array]:
        self._calls += 1
        with random.key_stream(key_at(_beside_training(self._calls, index))):
            return self._network.call(xs, training=False)[0]


def _joined(results: Sequence[Sequence[Array]]) -> list[Array]:
    """The outputs of several batches, one array an output."""
    if len(results) == 1:
        return list(results[0])
    if any(isinstance(part, jax.core.Tracer) for part in results[0]):
        return [jnp.concatenate(parts) for parts in zip(*results, strict=True)]
    # On the host: jax would compile a concatenation for each number of parts.
    parts = zip(*results, strict=True)
    return [jax.device_put(np.concatenate([np.asarray(part) for part in of_output])) for of_output in parts]


def _constants(variables: PyTree) -> PyTree:
    """The present values, of which no gradient is taken."""
    with uncounted_reads():
        return jax.tree.map(jax.lax.stop_gradient, values_of(variables))


def _keep_states(network: Network, non_trainable: Mapping[str, Array]) -> None:
    assign_all({network.non_trainable[name]: non_trainable[name] for name in network.states})


def _beside_training(*numbers: int) -> np.ndarray:
    """Where layers that draw at inference get their randomness: beside the global generator, which does not move.

    So a run's results do not depend on whether there was a prediction in between.
    """
    return np.array([*random.position(), 2**31, *numbers], np.uint32)


def is_differentiable(variable: Variable) -> bool:
    """Whether gradients with respect to the Variable exist: those of integers do not."""
    return jnp.issubdtype(variable.dtype, jnp.inexact)


def network_of(model: Any, call: Callable[..., Any]) -> Network:
    """A model's Variables by name, those trained by gradients apart from the others.

    Raises:
        ValueError: two weights have one name.
    """
    named: dict[str, Variable] = {}
    states = model.state_variables
    for weight in [*model.weights, *states]:
        if weight.name in named:
            raise ValueError(
                f"Two weights of model {model.name!r} are called {weight.name!r}. Give the layers different names."
            )
        named[weight.name] = weight
    chosen = {w for w in model.trainable_weights if is_differentiable(w)}
    return Network(
        call,
        model,
        {name: w for name, w in named.items() if w in chosen},
        {name: w for name, w in named.items() if w not in chosen},
        frozenset(state.name for state in states),
        frozenset(layer for layer in (model, *model.layers_inside) if not layer.trainable),
    )
