"""`RNN`, which runs a cell over a sequence, and what all recurrent layers share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from jtf.binding import bind
from jtf.configurable import factory, option_names
from jtf.functional.recurrence import States, checked_mask, over_time, run
from jtf.layers.base import Layer, registry
from jtf.layers.cells import (
    PureCell,
    StackedRNNCells,
    build_cell,
    check_states,
    checked_cell,
    first,
    is_pure,
    state_shapes,
    stepper,
)
from jtf.layers.dtypes import compute_as
from jtf.layers.scopes import collect_losses, name_scope
from jtf.layers.spec import InputSpec
from jtf.naming import snake_case
from jtf.options import PositiveInt
from jtf.random import Passes
from jtf.types import Array, ArrayLike, Shape


class RecurrentLayer(Layer):
    """What all recurrent layers share: everything but the cell."""

    supports_masking = True
    not_in_config = (*Layer.not_in_config, "input_dim", "input_length")
    without_effect: ClassVar[Mapping[str, Any]] = {"time_major": False, "zero_output_for_mask": False}
    cell: Any

    def __init__(
        self,
        *,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        input_dim: PositiveInt | None = None,
        input_length: PositiveInt | None = None,
        **options: Any,
    ) -> None:
        if input_dim is not None and not options.keys() & {"input_shape", "batch_input_shape"}:
            options["input_shape"] = (input_length, input_dim)
        super().__init__(**options)
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards, self.stateful, self.unroll = go_backwards, stateful, unroll
        self.input_spec = InputSpec(ndim=3)

    def __call__(
        self,
        inputs: Any,
        *others: Any,
        initial_state: Any = None,
        training: bool | None = None,
        mask: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Apply the layer to a sequence.

        Args:
            inputs: ``[batch, time, ...]``, or a list of that and the states to begin with.
            initial_state: the states to begin with, an array or a list of them; by default zeros, or what a stateful
                layer remembers.
            training: whether the call is part of training.
            mask: bools, ``[batch, time]``: a step where False leaves output and states as they were.

        Raises:
            ValueError: the states are given in both ways, too few or many, or of a wrong shape.
        """
        inputs = with_states(self, inputs, initial_state)
        return super().__call__(inputs, *others, training=training, mask=first(mask), **kwargs)

    def ensure_built(self, input_shape: Any) -> None:
        sequence = first(input_shape)
        super().ensure_built(sequence)
        if isinstance(input_shape, list):
            check_states(self, input_shape[1:], self.state_shapes(sequence))

    def build(self, input_shape: Shape) -> None:
        with name_scope(self.cell, ""):
            build_cell(self.cell, _step(input_shape))
        sizes = self.fixed_sizes(input_shape)
        if self.stateful:
            batch = input_shape[0] or (self.batch_input_shape or (None,))[0]
            if batch is None:
                raise ValueError(
                    f"Layer {self.name!r} ({self.class_name}) is stateful: it remembers the states of each example of "
                    "a batch, so the batch's size must be known. Give the model's first layer "
                    "batch_input_shape=[batch, ...], or its input jtf.input(batch_shape=[batch, ...])."
                )
            sizes = {**dict(enumerate(input_shape[2:], start=2)), 0: batch}
            for index, shape in enumerate(self.state_shapes((batch, *input_shape[1:]))):
                self.add_state(f"state_{index}", shape)
        self.input_spec = InputSpec(ndim=len(input_shape), axes=sizes)

    def fixed_sizes(self, input_shape: Shape) -> dict[int, int | None]:
        """The sizes, by axis, that all inputs must have from now on."""
        return dict(enumerate(input_shape[2:], start=2))

    def call(self, inputs: Any, training: bool = False, mask: Array | None = None) -> Any:
        x, *given = inputs if isinstance(inputs, list) else [inputs]
        mask = checked_mask(f"Layer {self.name!r} ({self.class_name})", mask, x)
        output, states = self._run(x, tuple(given) or self._initial_states(x), mask, training)
        if self.stateful:
            for remembered, state in zip(self._own_states, states, strict=True):
                remembered.assign(state.astype(remembered.dtype))
        if isinstance(self.cell, PureCell):
            self.cell.penalize_activity(output)
        return [output, *states] if self.return_state else output

    def _initial_states(self, x: Array) -> States:
        if self.stateful:
            return tuple(state.read() for state in self._own_states)
        dtype = x.dtype if jnp.issubdtype(x.dtype, jnp.floating) else self.float_dtype
        return tuple(jnp.zeros(shape, dtype) for shape in self.state_shapes(x.shape))

    def _run(self, x: Array, states: States, mask: Array | None, training: bool) -> tuple[Array, States]:
        how = {name: getattr(self, name) for name in ("return_sequences", "go_backwards", "unroll")}
        if is_pure(self.cell):
            step, params = self.cell.pure(_step(x.shape), training)
            return run(step, params, x, states, mask, **how)
        return _run_own(self.cell, x, states, mask, training, how)

    def compute_output_shape(self, input_shape: Any) -> Any:
        x = first(input_shape)
        states = self.state_shapes(x)
        output = (*x[:2], *states[0][1:]) if self.return_sequences else states[0]
        return [output, *states] if self.return_state else output

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The input's mask where all outputs are returned, in the order of time; the states have none."""
        of_output = first(mask) if self.return_sequences else None
        x = first(inputs)
        return [of_output, *(None for _ in self.state_shapes(x.shape))] if self.return_state else of_output

    def state_shapes(self, input_shape: Shape) -> list[Shape]:
        """The shapes of the states for an input of this shape."""
        return [(input_shape[0], *shape) for shape in state_shapes(self.cell, _step(input_shape))]

    def reset_states(self, states: ArrayLike | Sequence[ArrayLike] | None = None) -> None:
        """Set what a stateful layer remembers.

        Args:
            states: an array or a list of them; zeros by default.

        Raises:
            ValueError: the layer is not stateful or not built, or the states are too few or many, or of a wrong shape.
        """
        if states is None:
            super().reset_states()
            return
        if not self._own_states:
            raise ValueError(
                f"Layer {self.name!r} ({self.class_name}) has no states to set: make it with stateful=True, and build "
                "it or the model first."
            )
        arrays = [jnp.asarray(state) for state in (states if isinstance(states, list | tuple) else [states])]
        check_states(self, [array.shape for array in arrays], [state.shape for state in self._own_states])
        for state, array in zip(self._own_states, arrays, strict=True):
            state.assign(array.astype(state.dtype))


@registry.add
class RNN(RecurrentLayer):
    """Runs a cell over a sequence.

    Args:
        cell: a cell, or a list of cells to be stacked (`StackedRNNCells`). A cell is a layer with ``state_size`` (a
            size, or a list of sizes of which the first is the output's) that is called on a list of the input of one
            step and the states, and returns a list of the output and the new states; the first state is the output.
            In a cell of your own, random numbers are drawn anew for each step, and weights may be assigned.
        return_sequences: whether to return the outputs of all steps instead of the last.
        return_state: whether to return ``[output, *states]`` instead of the output.
        go_backwards: whether to begin at the end; the outputs of all steps are then in this order, too.
        stateful: whether a batch begins with the states in which the one before has ended, example by example. The
            batch's size must be fixed; ``reset_states`` begins anew.
        unroll: whether to write the loop over time out, which takes longer to compile. On the CPU that is several times
            faster where there are convolutions in the loop, and slower where there are none. (TF.js ignores it.)
        input_dim, input_length: short for ``input_shape=[input_length, input_dim]``.

    Shapes:
        input ``[batch, time, ...]``, output ``[batch, units]`` or ``[batch, time, units]``.

    Raises:
        TypeError: ``cell`` is none.
        ValueError: (when called) the states given are too few or many, or of a wrong shape; the layer is stateful and
            the batch's size unknown; a cell of your own does not return what a cell must.

    Example:
        >>> import jax.numpy as jnp, jtf
        >>> class Sum(jtf.layers.Layer):
        ...     state_size = 3
        ...     def call(self, inputs):
        ...         x, total = inputs
        ...         return [x + total, x + total]
        >>> jtf.layers.rnn(cell=Sum())(jnp.ones((1, 5, 3))).tolist()
        [[5.0, 5.0, 5.0]]

    References:
        TF.js: tfjs-layers/src/layers/recurrent.ts
    """

    def __init__(self, cell: Any, **options: Any) -> None:
        super().__init__(**options)
        if isinstance(cell, list | tuple):
            cell = StackedRNNCells(cell)
        self.cell = checked_cell(cell, "RNN")
        compute_as(self, [self.cell], is_given=bool(options.get("dtype") or options.get("input_dtype")))
        self.input_spec = InputSpec(min_ndim=3)

    def get_config(self) -> dict[str, Any]:
        # TF.js writes the cell's options beside the layer's, too, and reads them nowhere.
        shared = {camel for camel in self.cell.get_config() if snake_case(camel) in option_names(Layer)}
        beside = {name: value for name, value in self.cell.get_config().items() if name not in shared}
        return {**beside, **super().get_config()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> RNN:
        cell = config.get("cell") if isinstance(config, Mapping) else None
        if isinstance(cell, Mapping) and isinstance(of_cell := cell.get("config"), Mapping):
            known = option_names(cls)
            config = {name: v for name, v in config.items() if name not in of_cell or snake_case(name) in known}
        return super().from_config(config)


def with_states(layer: Layer, inputs: Any, initial_state: Any) -> Any:
    """The inputs of a layer as one list with the states that it is to begin with, if there are any.

    Raises:
        ValueError: there are states in both arguments.
    """
    if isinstance(inputs, list | tuple):
        if len(inputs) > 1 and initial_state is not None:
            raise ValueError(
                f"Layer {layer.name!r} ({layer.class_name}) was given states in its list of inputs and in "
                "initial_state as well: give them once."
            )
        inputs = list(inputs) if len(inputs) > 1 else inputs[0]
    if initial_state is None:
        return inputs
    return [inputs, *(initial_state if isinstance(initial_state, list | tuple) else [initial_state])]


def _step(shape: Shape) -> Shape:
    """The shape of one step of a sequence."""
    return (shape[0], *shape[2:])


def _run_own(
    cell: Any, x: Array, states: States, mask: Array | None, training: bool, how: Mapping[str, bool]
) -> tuple[Array, States]:
    """Run a cell that is a layer of the user's, or has one in it.

    What it assigns goes from step to step with the states, its penalties are added up, and its random numbers are those
    of the step.
    """
    step, passes = stepper(cell, _step(x.shape), training), Passes()
    frames = jnp.swapaxes(x, 0, 1)
    with bind({}, takes_all=True) as scope, collect_losses() as losses, passes.at(0):
        results = jax.eval_shape(step, jax.ShapeDtypeStruct(frames.shape[1:], frames.dtype), states)
    assigned, penalized = sorted(scope.written, key=lambda variable: variable.name), bool(losses)
    _check_results(cell, results, states)

    def one_step(inputs: Any, states: States, rest: Any) -> Any:
        (time, frame), (values, penalty) = inputs, rest
        with passes.at(time), bind(dict(zip(assigned, values, strict=True))) as scope, collect_losses() as losses:
            new = step(frame, states[1:])
        dtypes = (state.dtype for state in states)
        new = tuple(value.astype(dtype) for value, dtype in zip(new, dtypes, strict=True))
        return new, ([scope.values[variable] for variable in assigned], penalty + sum(losses))

    begin = tuple(
        state.astype(jnp.result_type(state, result))
        for state, result in zip((states[0], *states), results, strict=True)
    )
    rest = [variable.read() for variable in assigned], jnp.zeros(())
    output, (_, *after), (values, penalty) = over_time(
        one_step,
        (jnp.arange(len(frames)), frames),
        begin,
        None if mask is None else jnp.swapaxes(mask, 0, 1),
        rest,
        **how,
    )
    for variable, value in zip(assigned, values, strict=True):
        variable.assign(value)
    if penalized:
        cell.add_loss(penalty)
    return (jnp.swapaxes(output, 0, 1) if how["return_sequences"] else output), tuple(after)


def _check_results(cell: Any, results: Sequence[Any], states: States) -> None:
    expected = [states[0].shape, *(state.shape for state in states)]
    if [result.shape for result in results] != expected:
        raise ValueError(
            f"Cell {cell.name!r} ({cell.class_name}) with state_size={cell.state_size} must return [output, *states] "
            f"of shapes {', '.join(map(str, expected))}; it returned {', '.join(str(r.shape) for r in results)}."
        )


rnn = factory(RNN)
