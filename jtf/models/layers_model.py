"""`LayersModel`: compile, fit, evaluate and predict, and the model as a pure function.

The work is done in `jtf.engine`; this is the face that users see.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import jax.numpy as jnp

from jtf import train
from jtf.binding import is_inside
from jtf.callbacks import History
from jtf.engine import elements, feed, loop, runs
from jtf.engine.objective import Objective
from jtf.engine.trainer import Predictor, Trainer, is_differentiable, network_of
from jtf.engine.warnings import warn
from jtf.engine.weighting import with_class_weight
from jtf.layers.base import Layer
from jtf.layers.symbolic import Node
from jtf.models.arguments import refuse_unknown, with_hints
from jtf.models.functional import Functional, ModelVariables, assign_variables, functional_of, variables_of
from jtf.models.saving import Saving
from jtf.models.summary import print_summary
from jtf.train.optimizer import Optimizer
from jtf.types import Array, Shape
from jtf.variable import Variable


class LayersModel(Saving, Layer):
    """A model with training and prediction. `jtf.sequential` makes one.

    A subclass says what goes in and comes out (``input_names``, ``input_shapes``, ``output_names``,
    ``output_shapes``; lists, one entry an input or output), and defines ``call``, which takes and returns an
    array, or a list where there are several.
    """

    names_are_global = True

    input_names: Sequence[str]
    input_shapes: Sequence[Shape]
    output_names: Sequence[str]
    output_shapes: Sequence[Shape]

    @property
    def input_dtypes(self) -> list[str]:
        """What inputs are converted to: the model's dtype unless a subclass says otherwise."""
        return [self.dtype] * len(self.input_names)

    #: Set it (in a callback) to end the training behind the present batch.
    stop_training = False

    def __init__(self, *, name: str | None = None, trainable: bool = True) -> None:
        super().__init__(name=name, trainable=trainable)
        self.history: History | None = None
        self.optimizer: Optimizer | None = None
        self._compiled_with: dict[str, Any] = {}
        self._is_training = False
        self._trainer: Trainer | None = None
        self._predictor: Predictor | None = None

    # Compiling.

    @with_hints
    def compile(
        self,
        optimizer: Any,
        loss: Any,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
        mask_loss: bool | None = None,
    ) -> None:
        """Choose how to train.

        Args:
            optimizer: a name (``"sgd"``, ``"adam"``, ...), an optimizer of `jtf.train`, or any optax
                transformation.
            loss: a name (``"categoricalCrossentropy"`` or ``"categorical_crossentropy"``), a function
                ``(y_true, y_pred) -> loss``; for several outputs also a list or a dict by output name.
            metrics: names (``"accuracy"``, ``"precision"``), metrics of `jtf.metrics`, functions of
                ``(y_true, y_pred)``, of which the mean is taken; one of these, a list, or a dict by output name.
            loss_weights: a number for each output, as a list or a dict.
            weighted_metrics: as ``metrics``, but with the samples weighted by ``sample_weight`` and ``class_weight``.
            mask_loss: whether what a mask leaves out (of `Masking`, or of an `Embedding` with ``mask_zero``) counts
                neither for the loss, which is then the mean of the other entries, nor for the metrics. TF.js, and so
                the default, counts padding like data; where a mask reaches an output, None warns of that.

        Raises:
            ValueError, TypeError: an unknown name, a wrong count, a loss that cannot fit the output; the
                message has the choices. The model stays compiled as it was.
        """
        chosen = train.get(optimizer)
        options = {
            "loss": loss,
            "metrics": metrics,
            "loss_weights": loss_weights,
            "weighted_metrics": weighted_metrics,
            "mask_loss": mask_loss,
        }
        # Made before anything is changed, since it may refuse. What is trainable is settled now, as in TF.js.
        trainer = self._trainer_with(chosen, options) if self.built else None
        if trainer is None:
            Objective(self.output_names, self.output_shapes, **options)  # refuses what can be known to be wrong
        self.optimizer = chosen
        self._compiled_with = options
        self.forget_compiled()
        self._trainer = trainer

    def forget_compiled(self) -> None:
        """Compile anew at the next use: the layers have changed."""
        self._trainer = None
        self._predictor = None

    @property
    def metrics_names(self) -> list[str]:
        """What `evaluate` returns, in order."""
        return self._ready_trainer().objective.names

    # Training.

    @with_hints
    def fit(
        self,
        x: Any,
        y: Any,
        *,
        batch_size: int = 32,
        epochs: int = 1,
        verbose: int = 1,
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
    ) -> History:
        """Train on data that is in memory.

        However it ends (also by Ctrl-C, or an exception in a callback), the model has the weights of the last
        finished step.

        Args:
            x: inputs, the samples along the first dimension; numpy, jax or anything that numpy converts. For
                several inputs a list, or a dict by input name.
            y: targets, likewise.
            batch_size: samples a step; the last batch of an epoch may be smaller.
            epochs: the number of the epoch before which the run ends; epochs are counted from 0, or from
                ``initial_epoch``.
            verbose: 0 silent, 1 a progress bar, 2 a line an epoch.
            callbacks: a dict of hooks, a `jtf.callbacks.Callback`, or a list of both.
            validation_split: this fraction, cut off the end before any shuffling, is for validation only.
            validation_data: ``(x, y)`` or ``(x, y, sample_weight)``, or a dataset of batches.
            shuffle: a new order of the samples every epoch.
            class_weight: a factor for each class number, ``{0: 1.0, 1: 5.0}``.
            sample_weight: a factor for each sample.
            initial_epoch: where to go on counting.

        Returns:
            A `History`: ``history.history["acc"]`` has one number per epoch, that of all its samples together. Loss and
            metrics of the training are taken before each batch's update. The logs of a batch are of that batch alone,
            as in TF.js: neither they nor the progress bar show means of the epoch so far, as Keras does.

        Raises:
            ValueError, TypeError: the data do not fit the model or each other; nothing was trained.
            RuntimeError: the model is not compiled, another fit is running, or this is called inside of a function that
                is lifted or differentiated (a closure of ``minimize``, a loss, a layer's ``call``).

        Example:
            >>> import jtf, numpy as np
            >>> jtf.set_seed(0)
            >>> model = jtf.sequential([jtf.layers.dense(units=1, input_shape=[1])])
            >>> model.compile(optimizer=jtf.train.sgd(0.1), loss="meanSquaredError")
            >>> x = np.linspace(-1, 1, 64)
            >>> history = model.fit(x, 2 * x + 1, epochs=50, verbose=0)
            >>> abs(float(model.predict(np.array([3.0]))[0, 0]) - 7.0) < 0.01
            True
        """
        run = runs.in_memory(
            self,
            self._trainer_for_run(x),
            x,
            y,
            batch_size=batch_size,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_split=validation_split,
            validation_data=validation_data,
            shuffle=shuffle,
            class_weight=class_weight,
            sample_weight=sample_weight,
            initial_epoch=initial_epoch,
        )
        with self._training(run) as history:
            loop.drain(run)
        return history

    async def fit_async(self, x: Any, y: Any, **options: Any) -> History:
        """`fit` for an event loop: other tasks run between the batches, and callbacks may be coroutines.

        Cancelling the task leaves the model with the weights of the last finished step.

        Args:
            x, y, options: as for `fit`.
        """
        refuse_unknown(LayersModel.fit, "fit_async", options)
        run = runs.in_memory(self, self._trainer_for_run(x), x, y, **options)
        with self._training(run) as history:
            await loop.drain_async(run)
        return history

    @with_hints
    def fit_dataset(
        self,
        dataset: Any,
        *,
        epochs: int,
        batches_per_epoch: int | None = None,
        verbose: int = 1,
        callbacks: Any = None,
        validation_data: Any = None,
        validation_batches: int | None = None,
        validation_batch_size: int = 32,
        class_weight: Any = None,
        initial_epoch: int = 0,
    ) -> History:
        """Train on a dataset of batches, which need not fit into memory.

        Args:
            dataset: an iterable of batches (`jtf.data`, torch's DataLoader, grain, ...) or a function that
                returns one. A batch is ``{"xs": ..., "ys": ...}``, perhaps with ``"weights"`` (or with the names
                that `fit` has for these, ``x``, ``y`` and ``sample_weight``), or ``(xs, ys)``, ``(xs, ys, weights)``.
            epochs: the run ends before this epoch.
            batches_per_epoch: end an epoch after so many batches and go on with the same pass over the
                dataset in the next; by default an epoch is one pass.
            verbose, callbacks, class_weight, initial_epoch: as for `fit`.
            validation_data: a dataset of batches, or ``(x, y)`` or ``(x, y, sample_weight)``.
            validation_batches: use so many batches of the validation data only.
            validation_batch_size: for validation data that is not a dataset.

        Returns:
            A `History`.

        Raises:
            ValueError: a batch does not fit the model, or the dataset is empty or ends early; the message says
                at which element. The model keeps what it had learnt until then.
        """
        first, dataset = self._ready_dataset(dataset)
        run = runs.from_dataset(
            self,
            self._trainer_for_run(first),
            dataset,
            epochs=epochs,
            batches_per_epoch=batches_per_epoch,
            verbose=verbose,
            callbacks=callbacks,
            validation_data=validation_data,
            validation_batches=validation_batches,
            validation_batch_size=validation_batch_size,
            class_weight=class_weight,
            initial_epoch=initial_epoch,
        )
        with self._training(run) as history:
            loop.drain(run)
        return history

    @with_hints
    def train_on_batch(self, x: Any, y: Any, sample_weight: Any = None, class_weight: Any = None) -> Any:
        """One update with one batch.

        Returns:
            The loss before the update; with metrics or several outputs, a list as in `metrics_names`.

        Raises:
            RuntimeError: inside of a function that is lifted or differentiated, as for `fit`.
        """
        self._refuse_inside("train_on_batch")
        trainer = self._ready_trainer(x)
        batch = feed.batch_of(x, y, sample_weight, trainer.inputs, trainer.objective)
        feed.check_batch_size(batch.size, batch.size, trainer.inputs)
        batch = feed.copied(with_class_weight(batch, class_weight, trainer.objective))
        return _one_or_list(trainer.train_once(batch))

    # Evaluating and predicting.

    @with_hints
    def evaluate(self, x: Any, y: Any, *, batch_size: int = 32, sample_weight: Any = None) -> Any:
        """The loss and metrics on data, without training.

        The loss includes the layers' penalties, as that of training does. (TF.js leaves them out here.) Inside of a
        closure that is being differentiated these are the numbers for the Variables' values there, and constants: the
        loss of ``model(x)`` has gradients.

        Returns:
            The loss, a float; with metrics or several outputs, a list of floats as in `metrics_names`.
        """
        trainer = self._ready_trainer(x)
        data = feed.batch_of(x, y, sample_weight, trainer.inputs, trainer.objective)
        size = feed.positive(batch_size, "batch_size")
        feed.check_batch_size(data.size, size, trainer.inputs)
        batches = feed.batches(data, size)
        return _one_or_list(list(_last(trainer.evaluate(None, batches)).values()))

    @with_hints
    def evaluate_dataset(self, dataset: Any, *, batches: int | None = None) -> Any:
        """`evaluate` for a dataset of batches.

        Args:
            dataset: as for `fit_dataset`.
            batches: use so many batches; all of one pass by default.

        Raises:
            ValueError: the dataset is empty or has fewer than ``batches``.
        """
        first, dataset = self._ready_dataset(dataset)
        trainer = self._ready_trainer(first)
        stream = runs.validation_batches(trainer, dataset, batches)
        return _one_or_list(list(_last(trainer.evaluate(None, stream)).values()))

    @with_hints
    def predict(self, x: Any, *, batch_size: int = 32) -> Any:
        """The outputs for inputs, computed in batches.

        Inside of a function that is lifted or differentiated it is the same as calling the model, batch by batch: with
        the Variables' values there, and with gradients, as in TF.js.

        Args:
            x: inputs, the first dimension being the samples.
            batch_size: samples a step.

        Returns:
            A `jax.Array`, or a list of them for several outputs.

        Raises:
            ValueError: an input's shape is not the model's; names both.
        """
        self._ensure_built_for(x)
        slots, size = self._input_slots(), feed.positive(batch_size, "batch_size")
        xs = feed.arrays_for(x, slots, traceable=is_inside())
        feed.check_batch_size(xs[0].shape[0], size, slots)
        starts = range(0, xs[0].shape[0], size)
        # Copied, since jax reads the memory after this has returned, and its owner may write to it by then.
        outputs = self._ready_predictor()([a[start : start + size].copy() for a in xs] for start in starts)
        return outputs[0] if len(outputs) == 1 else outputs

    @with_hints
    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch of inputs, computed at once."""
        self._ensure_built_for(x)
        slots = self._input_slots()
        xs = [a.copy() for a in feed.arrays_for(x, slots, traceable=is_inside())]
        feed.check_batch_size(xs[0].shape[0], xs[0].shape[0], slots)
        outputs = self._ready_predictor()([xs])
        return outputs[0] if len(outputs) == 1 else outputs

    # The pure function.

    def functional(self) -> Functional:
        """The model as pure functions that jax.jit, jax.grad and jax.vmap take as they are.

        Returns:
            ``init(key) -> variables`` makes new weights as the layers' initializers would (a weight without
            initializer keeps its value); ``apply(variables, x, *, training=False, rng=None) -> (y, variables)``
            is the model, whose second result has the statistics that layers have updated. `variables` has the
            present weights in this form.

        Raises:
            ValueError: the model is not built yet.

        Example:
            >>> import jax, jax.numpy as jnp, jtf
            >>> model = jtf.sequential([jtf.layers.dense(units=2, input_shape=[3])])
            >>> init, apply = model.functional()
            >>> ensemble = jax.vmap(init)(jax.random.split(jax.random.key(0), 5))
            >>> jax.vmap(lambda v: apply(v, jnp.ones((4, 3)))[0])(ensemble).shape
            (5, 4, 2)
        """
        self._require_built()
        return functional_of(self, network_of(self, self._call_flat))

    @property
    def variables(self) -> ModelVariables:
        """The present weights, as `functional`'s ``apply`` takes them; assign such a value to give it to the model.

        Weights belong together by name, or, where names differ only in how layers have been counted (two models made
        by one function), by their order.

        Example:
            >>> import jax, jtf
            >>> model = jtf.sequential([jtf.layers.dense(units=2, input_shape=[3])])
            >>> init, apply = model.functional()
            >>> model.variables = init(jax.random.key(0))
            >>> x = jax.numpy.ones((1, 3))
            >>> bool((apply(model.variables, x)[0] == model(x)).all())
            True
        """
        return variables_of(network_of(self, self._call_flat))

    @variables.setter
    def variables(self, values: ModelVariables) -> None:
        assign_variables(network_of(self, self._call_flat), values)

    # Looking.

    @property
    def layers(self) -> list[Layer]:
        """The model's layers, in order."""
        return self.sublayers

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of this name, or at this index.

        Raises:
            ValueError: there is none; the message has the names.
        """
        names = [layer.name for layer in self.layers]
        if index is not None and -len(names) <= index < len(names):
            return self.layers[index]
        if index is None and name in names:
            return self.layers[names.index(name)]
        wanted = f"index {index}" if index is not None else f"name {name!r}"
        raise ValueError(f"Model {self.name!r} has no layer of {wanted}; it has {', '.join(names) or 'none'}.")

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], Any] = print,
    ) -> None:
        """Print a table of the layers with their shapes and numbers of parameters, as TF.js does.

        Args:
            line_length: characters a line; 90 by default.
            positions: where the columns end, in characters or as fractions of the line.
            print_fn: called with each line.
        """
        self._require_built()
        print_summary(self, line_length, positions, print_fn)

    def calls_of_layers(self) -> list[tuple[Layer, list[Node]]]:
        """The layers with their calls, as far as they are known: a model that defines ``call`` keeps no graph."""
        return [(layer, []) for layer in self.layers]

    # Inside.

    @property
    def compiled_with(self) -> Mapping[str, Any]:
        """What was given to `compile` beside the optimizer, by the names of its arguments."""
        return self._compiled_with

    @property
    def trained_weights(self) -> list[Variable]:
        """The weights that training changes by gradients, in order, as `compile` has settled it."""
        return list(self._ready_trainer().network.trainable.values())

    @contextmanager
    def _training(self, run: loop.Run) -> Iterator[History]:
        with _starting:
            self._refuse_second_run()
            self._is_training = True
        try:
            yield run.history
        finally:
            self._is_training = False
            self.history = run.history

    def _refuse_inside(self, method: str) -> None:
        if is_inside():
            raise RuntimeError(
                f"{method} of model {self.name!r} was called inside of a function that is lifted or differentiated (a "
                "closure of minimize or variable_grads, a loss, a layer's call), where Variables cannot be handed to "
                "another training step. Call it outside; in a closure use model(x) and optimizer.minimize."
            )

    def _refuse_second_run(self) -> None:
        self._refuse_inside("fit")
        if self._is_training:
            raise RuntimeError(f"Model {self.name!r} is being trained by another fit; wait until that is done.")

    def _ready_dataset(self, dataset: Any) -> tuple[Any, Any]:
        """The inputs of the first batch if the model is to be built from it, and the dataset with that batch."""
        if self.built:
            return None, dataset
        stream = elements.fresh_iterator(dataset)
        element = next(stream, None)
        if element is None:
            raise ValueError("The dataset is empty: it yields no batch.")
        again = itertools.chain([element], stream) if isinstance(dataset, Iterator) else dataset
        return elements.unpack(element).xs, again

    def _require_built(self) -> None:
        if not self.built:
            raise ValueError(
                f"Model {self.name!r} is not built yet: it does not know its input's shape. Give the first layer "
                "an input_shape, call model.build((None, ...)), or predict or fit once."
            )

    def _ensure_built_for(self, x: Any) -> None:
        """Build a model that takes its input's shape from the first data."""
        self._require_built()

    def _input_slots(self) -> feed.Slots:
        shapes = [(None, *shape[1:]) for shape in self.input_shapes]
        sizes = [shape[0] for shape in self.input_shapes if shape[0] is not None] if self.state_variables else []
        size = sizes[0] if sizes else None
        lookups = [
            None if not layers else feed.lookup(min(layers, key=lambda layer: layer.index_range or 0), dtype)
            for layers, dtype in zip(self.looked_up(), self.input_dtypes, strict=True)
        ]
        return feed.Slots("input", self.input_names, shapes, lookups=lookups, batch_size=size)

    def looked_up(self) -> list[list[Layer]]:
        """For each input the layers that take its numbers, as they are, for indices; as far as that is known."""
        return [[] for _ in self.input_names]

    @property
    def hidden_lookups(self) -> list[Layer]:
        """The layers that take for indices what the model computes, or may compute."""
        seen = {layer for layers in self.looked_up() for layer in layers}
        return [layer for layer in self.layers_inside if layer.index_range is not None and layer not in seen]

    def _call_flat(self, xs: Sequence[Any], training: bool) -> tuple[list[Array], list[Array | None]]:
        """The outputs and their masks."""
        inputs = [jnp.asarray(x, dtype) for x, dtype in zip(xs, self.input_dtypes, strict=True)]
        outputs, masks = self.call_with_mask(inputs[0] if len(inputs) == 1 else inputs, None, training)
        if not isinstance(outputs, list | tuple):
            return [outputs], [masks]
        return list(outputs), list(masks) if isinstance(masks, list | tuple) else [masks] * len(outputs)

    def _ready_trainer(self, x: Any = None) -> Trainer:
        if self.optimizer is None:
            raise RuntimeError(
                f"Model {self.name!r} must be compiled before training or evaluating: "
                "model.compile(optimizer='adam', loss='meanSquaredError')."
            )
        self._ensure_built_for(x)
        if self._trainer is None:
            self._trainer = self._trainer_with(self.optimizer, self._compiled_with)
        return self._trainer

    def _trainer_with(self, optimizer: Optimizer, options: Mapping[str, Any]) -> Trainer:
        objective = Objective(self.output_names, self.output_shapes, **options)
        network = network_of(self, self._call_flat)
        optimizer.check(optimizer.keyed(network.trainable.values()))
        return Trainer(network, self._input_slots(), optimizer, objective)

    def _trainer_for_run(self, x: Any) -> Trainer:
        self._refuse_second_run()  # before anything is prepared: a run draws its random numbers when it is made
        trainer = self._ready_trainer(x)
        if set(trainer.network.trainable.values()) != {w for w in self.trainable_weights if is_differentiable(w)}:
            warn(
                f"What is trainable in model {self.name!r} has changed since it was compiled, which has no effect "
                "before it is compiled again."
            )
        return trainer

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {
            "_trainer": None,
            "_predictor": None,
            "_is_training": False,
        }  # compiled code stays

    def _ready_predictor(self) -> Predictor:
        if self._predictor is None:
            self._predictor = Predictor(network_of(self, self._call_flat))
        return self._predictor


_starting = threading.Lock()


def _one_or_list(values: list[float]) -> Any:
    return values[0] if len(values) == 1 else values


def _last(results: Iterator[dict[str, float] | None]) -> dict[str, float]:
    *_, last = results
    assert last is not None
    return last
