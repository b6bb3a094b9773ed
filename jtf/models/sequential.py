"""`Sequential`: layers one behind the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Self

from jtf import naming
from jtf.engine import feed
from jtf.layers.base import Layer, registry
from jtf.layers.core import InputLayer
from jtf.layers.spec import InputSpec
from jtf.models.layers_model import LayersModel
from jtf.types import Array, Shape


class Placed(NamedTuple):
    """A layer of a built model, with the shapes that go in and come out."""

    layer: Layer
    input_shape: Shape
    output_shape: Shape


@registry.add
class Sequential(LayersModel):
    """A model in which each layer takes the output of the one before.

    With an ``input_shape`` on the first layer the model is built at once; without, when it sees its first data.

    Args:
        layers: the layers, in order; more can be added by `add`.
        name: counted (``sequential_1``) when not given.
    """

    def __init__(self, layers: Iterable[Layer] | None = None, name: str | None = None) -> None:
        super().__init__(name=name or naming.next_uid("sequential_"))
        self._layers: list[Layer] = []
        self._placed: list[Placed] = []
        self._input_shape: Shape | None = None
        self._known_structure: tuple[int, ...] = ()
        if isinstance(layers, Layer):
            raise TypeError("Sequential takes a list of layers; put the layer into brackets: [layer].")
        for layer in layers or ():
            self.add(layer)

    def add(self, layer: Layer) -> None:
        """Put a layer behind the last one. A compiled model stays compiled.

        Raises:
            TypeError: not a layer (a class that was not called, perhaps).
            ValueError: the model has a layer of this name, or the layer does not fit the shape before it; the
                model stays as it was.
        """
        if not isinstance(layer, Layer):
            mend = f" Call it: {layer.__name__}(...)." if isinstance(layer, type) else ""
            raise TypeError(f"Sequential.add takes a layer; received {layer!r}.{mend}")
        if any(layer.name == other.name for other in self._layers):
            raise ValueError(
                f"Model {self.name!r} has a layer called {layer.name!r} already. Give the layer another name; to "
                "use one layer twice, a graph model is needed."
            )
        shape = self._placed[-1].output_shape if self._placed else None
        if not self._layers:
            shape = self._input_shape = _own_input_shape(layer)
        if shape is not None:
            self._placed.append(_place(layer, shape))
            self.built = True
        self._layers.append(layer)
        self._changed()

    def pop(self) -> Layer:
        """Take the last layer off, and return it.

        Raises:
            IndexError: there is none.
        """
        if not self._layers:
            raise IndexError(f"Model {self.name!r} has no layers to pop.")
        if self._placed:
            self._placed.pop()
            self.built = bool(self._placed)
        last = self._layers.pop()
        self._changed()
        return last

    def build(self, input_shape: Shape) -> None:
        """Make the weights of all layers.

        Args:
            input_shape: of the input, None for the batch: ``(None, 784)``.

        Raises:
            ValueError: the model has no layers, or a shape does not fit; the model stays as it was.
        """
        if not self._layers:
            raise ValueError(f"Model {self.name!r} has no layers. Add some first.")
        placed: list[Placed] = []
        shape = tuple(input_shape)
        before = [_attributes_of(layer) for layer in self._layers]
        try:
            for layer in self._layers:
                placed.append(_place(layer, shape))
                shape = placed[-1].output_shape
        except Exception:
            for layer, attributes in zip(self._layers, before, strict=True):
                vars(layer).clear()
                vars(layer).update(attributes)
            raise
        self._placed, self._input_shape = placed, tuple(input_shape)
        self.built = True
        self._changed()

    def call(self, inputs: Array, training: bool = False, mask: Any = None) -> Array:
        outputs = inputs
        for layer in self._layers:
            previous = outputs
            outputs = layer(previous, training=training, mask=mask)
            mask = None if mask is None else layer.compute_mask(previous, mask)
        return outputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        for layer in self._layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    @property
    def layers(self) -> list[Layer]:
        return list(self._layers)

    @property
    def input_names(self) -> list[str]:  # type: ignore[override]
        first = self._layers[0] if self._layers else self
        return [first.name if isinstance(first, InputLayer) else f"{first.name}_input"]

    @property
    def input_shapes(self) -> list[Shape]:  # type: ignore[override]
        return [self._input_shape or ()]

    @property
    def input_dtypes(self) -> list[str]:
        return [self._layers[0].dtype if self._layers else self.dtype]

    @property
    def output_names(self) -> list[str]:  # type: ignore[override]
        return [self._layers[-1].name if self._layers else self.name]

    @property
    def output_shapes(self) -> list[Shape]:  # type: ignore[override]
        return [self._placed[-1].output_shape] if self._placed else [(None, None)]

    @property
    def input_spec(self) -> InputSpec | None:  # type: ignore[override]
        if not self.built or self._input_shape is None:
            return None
        fixed = dict(enumerate(self._input_shape[1:], start=1))
        return InputSpec(ndim=len(self._input_shape), axes=fixed)

    def _structure(self) -> tuple[int, ...]:
        """Which layers there are, those of models inside included."""
        inner = (layer._structure() if isinstance(layer, Sequential) else () for layer in self._layers)
        return tuple(part for layer, parts in zip(self._layers, inner, strict=True) for part in (id(layer), *parts))

    def _changed(self) -> None:
        self._known_structure = self._structure()
        self.forget_compiled()

    def summary_rows(self) -> list[Placed]:
        """The layers with their shapes, for the table."""
        return list(self._placed)

    def get_config(self) -> dict[str, Any]:
        layers = [{"className": layer.class_name, "config": layer.get_config()} for layer in self._layers]
        return {"name": self.name, "layers": layers}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        if isinstance(config, list):  # as old versions of Keras wrote it
            config = {"layers": config}
        return cls([registry.deserialize(layer) for layer in config["layers"]], name=config.get("name"))

    def _ensure_built_for(self, x: Any) -> None:
        if self.built:
            if self._structure() != self._known_structure:  # a model inside has got or lost layers
                self.build(self._input_shape or ())
            return
        if x is None or not self._layers:
            self._require_built()
        if isinstance(x, Mapping):
            x = next(iter(x.values()))
        if isinstance(x, list | tuple) and len(x) == 1 and hasattr(x[0], "shape"):
            x = x[0]
        shape = feed.as_array(x, "input").shape
        self.ensure_built((None, *shape[1:]) if len(shape) > 1 else (None, 1))


def sequential(layers: Iterable[Layer] | None = None, name: str | None = None) -> Sequential:
    """A model of layers one behind the other (TF.js ``tf.sequential``).

    Example:
        >>> import jtf
        >>> model = jtf.sequential([
        ...     jtf.layers.dense(units=32, input_shape=[784], activation="relu"),
        ...     jtf.layers.dense(units=10, activation="softmax"),
        ... ])
        >>> model.count_params()
        25450
    """
    return Sequential(layers, name)


def _own_input_shape(layer: Layer) -> Shape | None:
    return layer._input_shape if isinstance(layer, Sequential) else layer.batch_input_shape


def _attributes_of(layer: Layer) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, list) else value for name, value in vars(layer).items()}


def _place(layer: Layer, shape: Shape) -> Placed:
    layer.ensure_built(shape)
    output_shape = layer.compute_output_shape(shape)
    layer.build_sublayers(shape)
    if not isinstance(output_shape, tuple) or any(isinstance(size, tuple | list) for size in output_shape):
        raise ValueError(
            f"A layer of a Sequential model has one output; layer {layer.name!r} ({layer.class_name}) has the shapes "
            f"{output_shape}."
        )
    if any(size is not None and size < 1 for size in output_shape[1:]):
        raise ValueError(
            f"Layer {layer.name!r} ({layer.class_name}) would turn shape {shape} into {output_shape}, which has "
            "nothing left in it."
        )
    return Placed(layer, shape, output_shape)
