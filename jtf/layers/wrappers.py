"""Layers around a layer: Bidirectional and TimeDistributed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax import export

from jtf.configurable import factory, kept_options
from jtf.layers.base import Layer, registry
from jtf.layers.cells import check_states, first
from jtf.layers.dtypes import compute_as
from jtf.layers.recurrent import RecurrentLayer, with_states
from jtf.layers.scopes import name_scope
from jtf.layers.spec import InputSpec
from jtf.types import Array, Shape


class Wrapper(Layer):
    """A layer around another one.

    Args:
        layer: the other one, or its configuration.
    """

    supports_masking = True

    def __init__(self, layer: Any, **options: Any) -> None:
        super().__init__(**options)
        if isinstance(layer, Mapping):
            layer = registry.deserialize(layer)
        if not isinstance(layer, Layer):
            mend = f" Call it: {layer.__name__}(...)." if isinstance(layer, type) else ""
            raise TypeError(f"{self.class_name} takes a layer; received {layer!r}.{mend}")
        self.layer: Any = layer
        compute_as(self, [layer], is_given=bool(options.get("dtype") or options.get("input_dtype")))


#: How the outputs of both directions may be put together.
MergeMode = Literal["concat", "sum", "mul", "ave"]
MERGES: dict[MergeMode, Callable[[Array, Array], Array]] = {
    "concat": lambda a, b: jnp.concatenate([a, b], axis=-1),
    "sum": jnp.add,
    "mul": jnp.multiply,
    "ave": lambda a, b: 0.5 * (a + b),
}


@registry.add
class Bidirectional(Wrapper):
    """Runs a recurrent layer over a sequence in both directions.

    Where all outputs are returned, those of the backward direction are put into the order of time first. At a step that
    is masked each direction repeats its last output, as in TF.js and as the layer alone does. (Keras has zeros there.)

    Args:
        layer: a recurrent layer, of which there will be two like it: ``forward_<name>`` and ``backward_<name>``.
        merge_mode: how the outputs are put together: ``"concat"``, ``"sum"``, ``"mul"``, ``"ave"`` (the mean), or None
            for a list of both.

    Shapes:
        those of the layer; with ``"concat"`` twice as many features. With ``return_state`` the states of the forward
        layer follow the output and then those of the backward layer, and likewise in ``initial_state``.

    Raises:
        TypeError: ``layer`` is not recurrent.
        ValueError: ``merge_mode`` is none; (when called) the states given are too few or many, or of a wrong shape.

    Example:
        >>> import jtf, numpy as np
        >>> layer = jtf.layers.bidirectional(layer=jtf.layers.lstm(units=8, return_sequences=True))
        >>> layer(np.ones((2, 5, 3), np.float32)).shape
        (2, 5, 16)

    References:
        Schuster and Paliwal, Bidirectional recurrent neural networks, 1997.
        TF.js: tfjs-layers/src/layers/wrappers.ts
    """

    def __init__(self, layer: Any, merge_mode: MergeMode | None = "concat", **options: Any) -> None:
        super().__init__(layer, **options)
        if not isinstance(self.layer, RecurrentLayer):
            raise TypeError(f"Bidirectional takes a recurrent layer, such as an LSTM; received {self.layer!r}.")
        self.merge_mode = merge_mode
        name, backwards = self.layer.name, not self.layer.go_backwards
        self.forward_layer = _another(self.layer, name=f"forward_{name}")
        self.backward_layer = _another(self.layer, name=f"backward_{name}", go_backwards=backwards)
        self.stateful = self.layer.stateful
        self.input_spec = self.layer.input_spec

    @property
    def sublayers(self) -> list[Layer]:
        pattern = vars(self).get("layer")  # of the two: it is never called itself
        return [layer for layer in super().sublayers if layer is not pattern]

    def __call__(
        self,
        inputs: Any,
        *others: Any,
        initial_state: Any = None,
        training: bool | None = None,
        mask: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Apply the layer to a sequence: see `RecurrentLayer`; the states are those of both directions."""
        inputs = with_states(self, inputs, initial_state)
        return super().__call__(inputs, *others, training=training, mask=first(mask), **kwargs)

    def ensure_built(self, input_shape: Any) -> None:
        sequence = first(input_shape)
        super().ensure_built(sequence)
        if isinstance(input_shape, list):
            check_states(self, input_shape[1:], self.forward_layer.state_shapes(sequence) * 2)

    def build(self, input_shape: Shape) -> None:
        self.forward_layer.ensure_built(input_shape)
        self.backward_layer.ensure_built(input_shape)
        self.input_spec = self.forward_layer.input_spec

    def call(self, inputs: Any, training: bool = False, mask: Array | None = None) -> Any:
        x, *states = inputs if isinstance(inputs, list) else [inputs]
        half = len(states) // 2
        each = []
        for layer, own in ((self.forward_layer, states[:half]), (self.backward_layer, states[half:])):
            result = layer([x, *own], training=training, mask=mask)
            each.append(result if self.layer.return_state else [result])
        (forward, *states), (backward, *backward_states) = each
        if self.layer.return_sequences:
            backward = backward[:, ::-1]
        outputs = [forward, backward] if self.merge_mode is None else [MERGES[self.merge_mode](forward, backward)]
        results = [*outputs, *states, *backward_states]
        return results if len(results) > 1 else results[0]

    def compute_output_shape(self, input_shape: Any) -> Any:
        shapes = self.forward_layer.compute_output_shape(first(input_shape))
        output, *states = shapes if self.layer.return_state else [shapes]
        if self.merge_mode == "concat":
            output = (*output[:-1], output[-1] and 2 * output[-1])
        results = [output] * (2 if self.merge_mode is None else 1) + states * 2
        return results if len(results) > 1 else output

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        masks = self.forward_layer.compute_mask(inputs, mask)
        output, *states = masks if self.layer.return_state else [masks]
        results = [output] * (2 if self.merge_mode is None else 1) + states * 2
        return results if len(results) > 1 else output


@registry.add
class TimeDistributed(Wrapper):
    """Applies a layer, or a model, to each step of a sequence.

    The layer is called step by step, as in TF.js and Keras, wherever that makes a difference: a BatchNormalization that
    is trained takes its statistics from one step after the other, and a stateful layer remembers the step before. To a
    layer that computes each example by itself (`Layer.looks_at_batch`) all steps are one large batch, which is faster.

    A mask of the steps passes through. One that says more, ``[batch, time, ...]``, goes to the layer inside, and what
    that makes of it, or makes itself (as an Embedding), comes out.

    Args:
        layer: the layer; its weights are called ``<name>/<weight>`` after the TimeDistributed.

    Shapes:
        input ``[batch, time, ...]``, where ``[batch, ...]`` is what the layer takes; output ``[batch, time, ...]``.

    Raises:
        TypeError: ``layer`` is none.

    Example:
        >>> import jtf, numpy as np
        >>> layer = jtf.layers.time_distributed(layer=jtf.layers.dense(units=4))
        >>> layer(np.ones((2, 5, 3), np.float32)).shape
        (2, 5, 4)

    References:
        TF.js: tfjs-layers/src/layers/wrappers.ts
    """

    def __init__(self, layer: Any, **options: Any) -> None:
        super().__init__(layer, **options)
        self.stateful = self.layer.stateful
        self.input_spec = InputSpec(min_ndim=3)

    def build(self, input_shape: Shape) -> None:
        batch = (self.batch_input_shape or input_shape)[0] if input_shape[0] is None else input_shape[0]
        step = (batch if self.stateful else None, *input_shape[2:])
        with name_scope(self.layer, ""):
            self.layer.ensure_built(step)
            self.layer.build_sublayers(step)

    @property
    def input_dtype(self) -> str:
        """What a model that begins with this layer takes."""
        return getattr(self.layer, "input_dtype", self.dtype)

    def call(self, inputs: Array, training: bool = False, mask: Array | None = None) -> Any:
        return self._run(inputs, mask, training)[0]

    def call_with_mask(self, inputs: Any, mask: Any, training: bool | None, **options: Any) -> tuple[Any, Any]:
        """As of any layer; the layer inside is run once for both."""
        with self._entered(inputs):
            outputs, made = self._run(inputs, mask, training, **options)
        return outputs, _of_steps(made, mask)

    def _run(self, x: Array, mask: Array | None, training: bool | None, **options: Any) -> tuple[Any, Any]:
        """The outputs, and the masks that the layer inside has made of them, for all steps."""
        of_inner = mask if mask is not None and mask.ndim > 2 else None
        if self.layer.looks_at_batch(bool(training)):
            if export.is_symbolic_dim(x.shape[1]):
                raise ValueError(
                    f"Layer {self.name!r} (TimeDistributed) calls {self.layer.name!r} step by step: export it for a "
                    f"known number of steps; received shape {x.shape}."
                )
            steps = [
                self.layer.call_with_mask(x[:, t], None if of_inner is None else of_inner[:, t], training, **options)
                for t in range(x.shape[1])
            ]
            return jax.tree.map(lambda *each: jnp.stack(each, axis=1), *steps)
        folded = None if of_inner is None else _fold(of_inner)
        return _unfold(self.layer.call_with_mask(_fold(x), folded, training, **options), x)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        inner = self.layer.compute_output_shape((None, *input_shape[2:]))
        shapes = [(*input_shape[:2], *shape[1:]) for shape in (inner if isinstance(inner, list) else [inner])]
        return shapes if isinstance(inner, list) else shapes[0]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        made = None
        if self.layer.supports_masking:
            of_inner = _fold(mask) if mask is not None and mask.ndim > 2 else None
            made = _unfold(self.layer.compute_mask(_fold(inputs), of_inner), inputs)
        return _of_steps(made, mask)


def _fold(x: Array) -> Array:
    """The steps as examples of one large batch."""
    return x.reshape(x.shape[0] * x.shape[1], *x.shape[2:])


def _unfold(outputs: Any, inputs: Array) -> Any:
    """The examples of the large batch as steps of the input's sequences; for an output, or several."""
    return jax.tree.map(lambda y: y.reshape(*inputs.shape[:2], *y.shape[1:]), outputs)


def _of_steps(made: Any, mask: Array | None) -> Any:
    """The mask of an output, or of each, given what the layer inside has made and the mask of the input."""
    if isinstance(made, list | tuple):
        return [_of_steps(each, mask) for each in made]
    if mask is not None:  # which steps have anything at all
        mask = mask.reshape(*mask.shape[:2], -1).any(axis=2) if mask.ndim > 2 else mask
    if made is None or mask is None:
        return mask if made is None else made
    return made & mask.reshape(mask.shape + (1,) * (made.ndim - mask.ndim))


def _another(layer: Any, **changes: Any) -> Any:
    """A layer with the same options, and with others for those inside."""

    def again(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [again(item) for item in value]
        return _another(value) if isinstance(value, Layer) else value

    return type(layer)(**{**{name: again(value) for name, value in kept_options(layer).items()}, **changes})


bidirectional = factory(Bidirectional)
time_distributed = factory(TimeDistributed)
