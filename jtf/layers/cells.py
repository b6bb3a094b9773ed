"""What the cells of recurrent layers share, and stacks of cells.

A cell is a layer that takes one step of time: it has ``state_size``, one size or a list of sizes, and is called on a
list of the step's input and the states, ``[x, *states]``, to give a list of the output and the new states,
``[output, *states]``. The first state is the output, so that a step that is masked can leave it as it was. A cell of
your own is any `Layer` that does this; `RNN` runs it over a sequence.

The cells of this package are pure functions besides: a `PureCell` hands out its step, and its parameters, read once for
all steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp

from jtf import activations, constraints, functional, initializers, random, regularizers
from jtf.configurable import factory, option_names
from jtf.functional.recurrence import StackedStep, States, Step, split_states
from jtf.layers.base import Layer, registry
from jtf.layers.dtypes import compute_as
from jtf.layers.scopes import name_scope
from jtf.layers.spec import InputSpec
from jtf.options import Fraction, PositiveInt
from jtf.types import Array, Shape
from jtf.variable import Variable

# --- cells of any kind ------------------------------------------------------------------------------


def checked_cell(cell: Any, owner: str) -> Layer:
    """A cell: a layer with ``state_size``, or its configuration.

    Raises:
        TypeError: it is neither; says how a cell is made.
    """
    if isinstance(cell, Mapping):
        cell = registry.deserialize(cell)
    if not isinstance(cell, Layer) or getattr(cell, "state_size", None) is None:
        raise TypeError(
            f"{owner} takes cells, such as jtf.layers.lstm_cell(units=8): layers with state_size that are called on "
            f"[x, *states] and return [output, *states]; received {cell!r}."
        )
    return cell


def state_shapes(cell: Any, step_shape: Shape) -> list[Shape]:
    """The shapes of a cell's states without the batch, for an input of one step with it."""
    if isinstance(cell, PureCell):
        return cell.state_shapes(step_shape)
    if isinstance(cell, StackedRNNCells):
        inputs = list(cell.inputs(step_shape))
        return [shape for each, x in reversed(inputs) for shape in state_shapes(each, x)]
    sizes = cell.state_size if isinstance(cell.state_size, Sequence) else [cell.state_size]
    return [tuple(size) if isinstance(size, Sequence) else (size,) for size in sizes]


def stepper(cell: Any, step_shape: Shape, training: bool) -> Callable[[Array, States], States]:
    """A cell as a function ``(x, states) -> (output, *states)``, for all steps of one call: dropout drops the same."""
    if type(cell).call is StackedRNNCells.call:
        return cell.stepper(step_shape, training)
    if is_pure(cell):
        step, params = cell.pure(step_shape, training)

        def pure_step(x: Array, states: States) -> States:
            new = step(params, step.project(params, x), states)
            return (new[0], *new)

        return pure_step

    def own_step(x: Array, states: States) -> States:
        result = cell([x, *states], training=training)
        if not isinstance(result, list | tuple) or len(result) != len(states) + 1:
            raise ValueError(
                f"Cell {cell.name!r} ({cell.class_name}) with {len(states)} states must return a list of 1 + "
                f"{len(states)} arrays, [output, *states]; it returned {result!r}."
            )
        return tuple(result)

    return own_step


def step_and_states(cell: Layer, given: Any) -> list[Any]:
    """What a cell is called on, or its shapes, if it is a list.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(given, list):
        raise ValueError(
            f"Cell {cell.name!r} ({cell.class_name}) is called on a list of the input and the states, [x, *states]; "
            f"received {given!r}."
        )
    return given


def is_pure(cell: Any) -> bool:
    """Whether a cell, with all that it is made of, has a pure step, and no `call` of the user's instead."""
    if isinstance(cell, StackedRNNCells):
        return type(cell).call is StackedRNNCells.call and all(map(is_pure, cell.cells))
    return isinstance(cell, PureCell) and type(cell).call is PureCell.call


# --- the cells of this package ----------------------------------------------------------------------


class Pure(NamedTuple):
    """A step with its parameters, as `jtf.functional.recurrence.run` takes them."""

    step: Step
    params: Any


class RecurrentOptions(Layer):
    """The options of all recurrent layers and cells of this package."""

    def __init__(
        self,
        *,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_normal",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: Fraction | None = 0.0,
        recurrent_dropout: Fraction | None = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer or "glorot_normal")
        self.recurrent_initializer = initializers.get(recurrent_initializer or "orthogonal")
        self.bias_initializer = initializers.get(bias_initializer or "zeros")
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout, self.recurrent_dropout = dropout or 0.0, recurrent_dropout or 0.0


class GatedOptions(RecurrentOptions):
    """The options of layers and cells with gates besides."""

    def __init__(
        self, *, recurrent_activation: Any = "hard_sigmoid", implementation: int | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.implementation = implementation


class UnitsOptions(RecurrentOptions):
    """The options of layers and cells with dense kernels besides."""

    def __init__(self, units: PositiveInt, **options: Any) -> None:
        super().__init__(**options)
        self.units = units


def cell_of(layer: RecurrentOptions, cell_class: type[PureCell]) -> Any:
    """The cell of a layer that has the options of a cell."""
    names = set(option_names(cell_class)) - set(option_names(Layer))
    return cell_class(**{name: getattr(layer, name) for name in names}, dtype=layer.float_dtype)


class PureCell(RecurrentOptions):
    """A cell whose step is a pure function."""

    state_size: int | list[int]
    kernel: Variable
    recurrent_kernel: Variable
    bias: Variable

    def step(self) -> Step:
        """The step, with the options."""
        raise NotImplementedError

    def state_shapes(self, step_shape: Shape) -> list[Shape]:
        """The shapes of the states without the batch."""
        raise NotImplementedError

    def noise_shapes(self, step_shape: Any) -> list[Any]:
        """The shapes of what dropout multiplies the input and the first state with."""
        return [step_shape, (step_shape[0], *self.state_shapes(step_shape)[0])]

    def add_weights(self, kernel: Shape, recurrent_kernel: Shape, bias: Shape, bias_initializer: Any = None) -> None:
        """Make the weights in these shapes."""
        self.kernel = self.add_weight_by_options("kernel", kernel)
        self.recurrent_kernel = self.add_weight_by_options("recurrent_kernel", recurrent_kernel, "recurrent")
        if self.use_bias:
            begin = bias_initializer or self.bias_initializer
            self.bias = self.add_weight_by_options("bias", bias, initializer=begin)

    def ensure_built(self, input_shape: Any) -> None:
        x = first(input_shape)
        super().ensure_built(x)
        if isinstance(input_shape, list):
            check_states(self, input_shape[1:], [(x[0], *shape) for shape in self.state_shapes(x)])

    def pure(self, step_shape: Shape, training: bool) -> Pure:
        """The step with the present weights, and while training with the dropout of one call."""
        params = {"kernel": self.kernel.read(), "recurrent_kernel": self.recurrent_kernel.read()}
        if self.use_bias:
            params["bias"] = self.bias.read()
        rates = {"input_noise": self.dropout, "state_noise": self.recurrent_dropout}
        for (name, rate), shape in zip(rates.items(), self.noise_shapes(step_shape), strict=True):
            if training and 0 < rate < 1:
                params[name] = functional.dropout(random.next_key(), jnp.ones(shape, params["kernel"].dtype), rate)
        return Pure(self.step(), params)

    def call(self, inputs: Sequence[Array], training: bool = False) -> list[Array]:
        x, *states = step_and_states(self, inputs)
        step, params = self.pure(x.shape, training)
        new = step(params, step.project(params, x), tuple(states))
        self.penalize_activity(new[0])
        return [new[0], *new]

    def compute_output_shape(self, input_shape: Any) -> list[Shape]:
        x, *_ = step_and_states(self, input_shape)
        shapes = [(x[0], *shape) for shape in self.state_shapes(x)]
        return [shapes[0], *shapes]


class DenseCell(UnitsOptions, PureCell):
    """A cell with dense kernels."""

    #: How many kernels lie side by side, and how many states there are.
    gates: ClassVar[int] = 1
    states: ClassVar[int] = 1

    def __init__(self, units: PositiveInt, **options: Any) -> None:
        super().__init__(units, **options)
        self.state_size = self.units if self.states == 1 else [self.units] * self.states
        self.input_spec = InputSpec(ndim=2)

    def build(self, input_shape: Shape) -> None:
        width = self.gates * self.units
        self.add_weights((input_shape[-1], width), (self.units, width), *self.bias_shape_and_initializer(width))
        self.input_spec = InputSpec(ndim=2, axes={-1: input_shape[-1]})

    def bias_shape_and_initializer(self, width: int) -> tuple[Shape, Any]:
        """How the bias looks and begins."""
        return (width,), self.bias_initializer

    def state_shapes(self, step_shape: Shape) -> list[Shape]:
        return [(self.units,)] * self.states


def check_states(layer: Layer, given: Sequence[Shape], expected: Sequence[Shape]) -> None:
    """Refuse states of other shapes than expected; None stands for any size.

    Raises:
        ValueError: says what was expected and received.
    """
    fits = len(given) == len(expected) and all(
        len(one) == len(other) and all(None in (m, n) or m == n for m, n in zip(one, other, strict=True))
        for one, other in zip(given, expected, strict=True)
    )
    if not fits:
        raise ValueError(
            f"Layer {layer.name!r} ({layer.class_name}) has {len(expected)} state(s), of shape "
            f"{', '.join(map(str, expected))}; received {len(given)}: {', '.join(map(str, given)) or 'none'}."
        )


# --- stacks -----------------------------------------------------------------------------------------


@registry.add
class StackedRNNCells(Layer):
    """Cells one behind the other as one cell: each takes the output of the one before as its input.

    `RNN` makes one of a list of cells. The states are those of the last cell first, as in TF.js, so that the first
    of all is the output: ``[h2, c2, h1, c1]`` for two LSTM cells.

    Args:
        cells: cells of any kind; the weights of each are called ``<layer>/RNNCell_<number>/<weight>``.

    Raises:
        TypeError: one of them is no cell.
        ValueError: there are none.

    Example:
        >>> import jtf, numpy as np
        >>> cells = [jtf.layers.lstm_cell(units=8), jtf.layers.gru_cell(units=4)]
        >>> jtf.layers.rnn(cell=jtf.layers.stacked_rnn_cells(cells=cells))(np.ones((2, 5, 3), np.float32)).shape
        (2, 4)
    """

    def __init__(self, cells: Sequence[Any], **options: Any) -> None:
        super().__init__(**options)
        if not isinstance(cells, list | tuple) or not cells:
            raise ValueError(f"StackedRNNCells takes a list of one cell or more; received {cells!r}.")
        self.cells = [checked_cell(cell, "StackedRNNCells") for cell in cells]
        compute_as(self, self.cells, is_given=bool(options.get("dtype") or options.get("input_dtype")))

    @property
    def state_size(self) -> list[Any]:
        """The sizes of all states, the last cell's first."""
        sizes = [cell.state_size for cell in reversed(self.cells)]  # type: ignore[attr-defined]  # a cell has it
        return [size for each in sizes for size in (each if isinstance(each, list | tuple) else [each])]

    def build(self, input_shape: Any) -> None:
        for index, (cell, shape) in enumerate(self.inputs(first(input_shape))):
            with name_scope(cell, f"RNNCell_{index}"):
                build_cell(cell, shape)

    def stepper(self, step_shape: Shape, training: bool) -> Callable[[Array, States], States]:
        """All steps in turn, as `stepper` makes them of one cell."""
        steps = [stepper(cell, shape, training) for cell, shape in self.inputs(step_shape)]
        sizes = self._state_counts(step_shape)

        def step(x: Array, states: States) -> States:
            new: States = ()
            for one, own in zip(steps, split_states(states, sizes), strict=True):
                x, *after = one(x, own)
                new = (*after, *new)
            return (x, *new)

        return step

    def pure(self, step_shape: Shape, training: bool) -> Pure:
        """The steps with their parameters, where all cells have pure ones."""
        each = [cell.pure(shape, training) for cell, shape in self.inputs(step_shape)]
        steps = StackedStep(tuple(one.step for one in each), self._state_counts(step_shape))
        return Pure(steps, [one.params for one in each])

    def call(self, inputs: Sequence[Array], training: bool = False) -> list[Array]:
        x, *states = step_and_states(self, inputs)
        return list(self.stepper(x.shape, training)(x, tuple(states)))

    def compute_output_shape(self, input_shape: Any) -> list[Shape]:
        x, *_ = step_and_states(self, input_shape)
        shapes = [(x[0], *shape) for shape in state_shapes(self, x)]
        return [shapes[0], *shapes]

    def inputs(self, step_shape: Shape) -> Iterator[tuple[Any, Shape]]:
        """Each cell with the shape of its input."""
        for cell in self.cells:
            yield cell, step_shape
            step_shape = (step_shape[0], *state_shapes(cell, step_shape)[0])

    def _state_counts(self, step_shape: Shape) -> tuple[int, ...]:
        return tuple(len(state_shapes(cell, shape)) for cell, shape in self.inputs(step_shape))


def build_cell(cell: Any, step_shape: Shape) -> None:
    """Build a cell and what is inside it; its weights' names begin with what stands for it in the present scope."""
    cell.ensure_built(step_shape)
    cell.build_sublayers([step_shape, *((step_shape[0], *shape) for shape in state_shapes(cell, step_shape))])


def first(value: Any) -> Any:
    """The first of a list, which belongs to the sequence itself; what is no list belongs to it anyway."""
    return value[0] if isinstance(value, list) else value


stacked_rnn_cells = factory(StackedRNNCells)
