"""How a model was compiled in Keras, and the state of its optimizer, where both mean the same here.

Formulas agree up to rounding, but for Adam: Keras adds epsilon before the bias is corrected, jtf, as TF.js, afterwards.
With an epsilon of 1e-7 the difference is below what float32 can hold for all but tiny gradients.

References:
    Keras: keras/src/optimizers/; tf.keras 2.15
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from jtf import train
from jtf.engine.objective import LOSSES, METRICS
from jtf.io import optimizer_state
from jtf.io.errors import ModelFormatError
from jtf.io.keras.config import Dialect
from jtf.io.keras.hdf5 import Group
from jtf.io.keras.weights import Place, strings
from jtf.layers.embedding import Embedding, Masking
from jtf.naming import words_in_snake_case
from jtf.train.optimizer import Optimizer
from jtf.variable import Variable


class NotTheSame(Exception):
    """Something that jtf does not have, or that means something else here."""


class Kind(NamedTuple):
    """An optimizer of Keras: how it is made here, and what its state consists of.

    Attributes:
        make: from its options.
        learning_rate: the default.
        slots: their names in `jtf.io.optimizer_state`, in Keras's order.
        is_by_variable: whether all slots of one weight lie together.
    """

    make: Callable[..., Optimizer]
    learning_rate: float
    slots: Callable[[Mapping[str, Any]], tuple[str, ...]]
    is_by_variable: bool = True


def _sgd(options: Mapping[str, Any]) -> Optimizer:
    rate, momentum = options["learning_rate"], options.get("momentum", 0.0)
    return train.momentum(rate, momentum, bool(options.get("nesterov"))) if momentum else train.sgd(rate)


def _adam(options: Mapping[str, Any]) -> Optimizer:
    if options.get("epsilon", 1e-7) > 1e-6:
        raise NotTheSame(f"Adam's epsilon={options['epsilon']!r} is added before the correction of the bias in Keras")
    return train.adam(*_betas(options))


def _betas(options: Mapping[str, Any]) -> tuple[Any, ...]:
    names = {"learning_rate": None, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
    return tuple(options.get(name, default) for name, default in names.items())


def _rmsprop(options: Mapping[str, Any]) -> Optimizer:
    names = {"learning_rate": None, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-7, "centered": False}
    return train.rmsprop(*(options.get(name, default) for name, default in names.items()))


def _adagrad(options: Mapping[str, Any]) -> Optimizer:
    if options.get("epsilon", 1e-7) != 1e-7:
        raise NotTheSame(f"Adagrad's epsilon={options['epsilon']!r} is 1e-7 in jtf")
    return train.adagrad(options["learning_rate"], options.get("initial_accumulator_value", 0.1))


def _rmsprop_slots(options: Mapping[str, Any]) -> tuple[str, ...]:
    momentum = ("momentum",) if options.get("momentum") else ()
    return ("rms", *momentum, *(("mg",) if options.get("centered") else ()))


_KINDS = {
    "sgd": Kind(_sgd, 0.01, lambda options: ("momentum",) if options.get("momentum") else ()),
    "adam": Kind(_adam, 0.001, lambda _: ("m", "v")),
    "adamax": Kind(lambda options: train.adamax(*_betas(options)), 0.001, lambda _: ("m", "v")),
    "rmsprop": Kind(_rmsprop, 0.001, _rmsprop_slots, is_by_variable=False),
    "adagrad": Kind(_adagrad, 0.001, lambda _: ("accumulator",)),
}

#: What all optimizers of Keras have and jtf's do not, where it does nothing.
_IDLE = {
    "weight_decay": (None, 0, False),
    "clipnorm": (None,),
    "global_clipnorm": (None,),
    "clipvalue": (None,),
    "use_ema": (False,),
    "loss_scale_factor": (None,),
    "gradient_accumulation_steps": (None,),
    "amsgrad": (False,),
    "is_legacy_optimizer": (False,),
    "decay": (0, None),
}
_WITHOUT_MEANING = ("name", "ema_momentum", "ema_overwrite_frequency", "jit_compile")
_OPTIONS = "learning_rate momentum nesterov beta_1 beta_2 epsilon rho centered initial_accumulator_value".split()

#: Names of losses and metrics in Keras for jtf's.
_ALIASES = {
    "log_cosh": "logcosh",
    "kl_divergence": "kullback_leibler_divergence",
    "kld": "kullback_leibler_divergence",
    "cosine_similarity": "cosine_proximity",
    "bce": "binary_crossentropy",
}
_OTHER_LOSSES = {
    "hinge": "takes labels of 0 for -1 in Keras",
    "squared_hinge": "takes labels of 0 for -1 in Keras",
}
_OF_LOSSES = ("name", "dtype", "fn", "from_logits")
_IDLE_OF_LOSSES: Mapping[str, tuple[Any, ...]] = {
    "reduction": ("sum_over_batch_size", "auto"),
    "label_smoothing": (0,),
    "axis": (-1,),
    "ignore_class": (None,),
}
_SAME_METRICS = ("accuracy", "acc", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy")
_MEANS = [
    METRICS[f"mean_{what}_error"] for what in ("squared", "absolute", "absolute_percentage", "squared_logarithmic")
]


def compile_as_in_keras(model: Any, training: Any, where: Sequence[Place], root: Group, dialect: Dialect) -> None:
    """Compile a model as the file says, and restore the optimizer's state; warn about what cannot be kept.

    Args:
        model: with its weights.
        training: ``compile_config`` or ``training_config``.
        where: the model's layers in Keras's order.
        root: the file's arrays.
        dialect: of the file.

    Raises:
        ModelFormatError: the state is not that of the optimizer.
    """
    if not isinstance(training, Mapping) or not training:
        return
    try:
        _refuse_masked_outputs(model)
        kind, options = _optimizer(training.get("optimizer_config", training.get("optimizer")))
        optimizer = kind.make(options)
        trainable = [v for place in where for v in place.variables if v.trainable and place.is_trainable]
        state = _state(kind, options, trainable, root, dialect)
        loss = _each(training.get("loss"), _loss)
        metrics, left_out = _metrics(training)
        model.compile(optimizer, loss, metrics, training.get("loss_weights"))
    except ModelFormatError:
        raise
    except Exception as error:  # of all that a configuration can say
        why = str(error) if isinstance(error, NotTheSame) else f"{type(error).__name__}: {error}"
        _warn(f"{dialect.source}: the model is not compiled, since jtf would train it otherwise than Keras: {why}. To "
              "train it, call model.compile(optimizer=..., loss=...).")  # fmt: skip
        return
    optimizer_state.restore(optimizer, trainable, state, dialect.source)
    if left_out:
        _warn(f"{dialect.source}: compiled without the metrics {', '.join(left_out)}, which jtf computes otherwise or "
              "not at all; the training is the same.")  # fmt: skip


def _warn(message: str) -> None:
    warnings.warn(message, UserWarning, stacklevel=4)


def _refuse_masked_outputs(model: Any) -> None:
    """Keras leaves masked steps out of the loss, TF.js and jtf do not."""
    if not any(
        isinstance(layer, Masking) or (isinstance(layer, Embedding) and layer.mask_zero)
        for layer in model.layers_inside
    ):
        return
    shapes = [[2 if size is None else size for size in shape] for shape in model.input_shapes]
    inputs = [jax.ShapeDtypeStruct(shape, dtype) for shape, dtype in zip(shapes, model.input_dtypes, strict=True)]

    def masks(*arrays: Any) -> Any:
        return model.call_with_mask(list(arrays) if len(arrays) > 1 else arrays[0], None, False)[1]

    if jax.tree.leaves(jax.eval_shape(masks, *inputs)):
        raise NotTheSame("masked steps of its output do not count for the loss in Keras")


# The optimizer.


def _optimizer(described: Any) -> tuple[Kind, dict[str, Any]]:
    if isinstance(described, str):
        described = {"class_name": described, "config": {}}
    name, config = described["class_name"], dict(described["config"])
    kind = _KINDS.get(name.removeprefix("Custom>").lower())
    if kind is None:
        raise NotTheSame(
            f"its optimizer is {name}; jtf has {', '.join(_KINDS)} (any of optax's can be given to compile)"
        )
    for option, value in config.items():
        if option in _IDLE and value not in _IDLE[option]:
            raise NotTheSame(f"{name} has {option}={value!r}")
        if option not in (*_IDLE, *_WITHOUT_MEANING, *_OPTIONS):
            raise NotTheSame(f"{name} has an option {option!r}")
    options = {option: config[option] for option in _OPTIONS if option in config}
    rate = options.setdefault("learning_rate", kind.learning_rate)
    if not isinstance(rate, int | float) or isinstance(rate, bool):
        raise NotTheSame(f"the learning rate of {name} is a schedule: {str(rate)[:80]}")
    return kind, options


def _state(
    kind: Kind, options: Mapping[str, Any], trainable: Sequence[Variable], root: Group, dialect: Dialect
) -> list[tuple[str, np.ndarray]]:
    """The optimizer's state as `optimizer_state.restore` takes it; empty where there is none."""
    arrays = _arrays(root, dialect.source)
    if not arrays:
        return []
    count, rest = arrays[0], arrays[2:] if dialect.major == 3 else arrays[1:]
    if count.size != 1 or count.dtype.kind not in "iu" or not 0 <= count.item() < 2**31:
        raise ModelFormatError(dialect.source, "the optimizer's state", "a count of updates first", repr(count)[:80])
    names = kind.slots(options)
    iterations = ("iter", np.asarray(count.item(), np.int32))
    if not rest or not names:  # Keras 2 keeps a momentum that is not used
        return [iterations]
    if len(rest) != len(names) * len(trainable):
        of = len(rest) // len(names)
        raise NotTheSame(f"its optimizer has the state of {of} weights, and {len(trainable)} are trained")
    if kind.is_by_variable:
        pairs = [(variable, name) for variable in trainable for name in names]
    else:
        pairs = [(variable, name) for name in names for variable in trainable]
    state = [(f"{variable.name}/{name}", array) for (variable, name), array in zip(pairs, rest, strict=True)]
    if kind is _KINDS["sgd"] and names:
        rate = options["learning_rate"]
        if not rate:
            raise NotTheSame("its learning rate is 0, so that its momentum is not known")
        # Keras's velocity is a step, with sign and learning rate; that of jtf, as of TF.js, adds up gradients.
        state = [(name, array / np.float32(-rate)) for name, array in state]
    absent = {"rms": ("momentum",)}.get(names[0] if names else "", ())
    state += [
        (f"{variable.name}/{name}", np.zeros(variable.shape, np.float32))
        for name in absent
        if name not in names
        for variable in trainable
    ]
    return [iterations, *state]


def _arrays(root: Group, source: str) -> list[np.ndarray]:
    """The optimizer's variables in order, from either kind of file."""
    group = root.at("optimizer/vars")
    if isinstance(group, Group):
        found = [group.members.get(str(index)) for index in range(len(group.members))]
    elif isinstance(group := root.at("optimizer_weights"), Group):
        found = [group.at(name) for name in strings(group, "weight_names", source)]
    else:
        return []
    arrays = [array for array in found if isinstance(array, np.ndarray)]
    if len(arrays) != len(found):
        raise ModelFormatError(
            source, "the optimizer's state", "arrays by number or by name", f"{len(arrays)} of {len(found)}"
        )
    return arrays


# The loss and the metrics.


def _each(given: Any, function: Callable[[Any], Any]) -> Any:
    """A function of each entry of lists and dicts, however deep."""
    if isinstance(given, Mapping) and "class_name" not in given:
        return {key: _each(value, function) for key, value in given.items()}
    return [_each(item, function) for item in given] if isinstance(given, list) else function(given)


def _named(given: Any) -> tuple[str, dict[str, Any]]:
    """The name of a loss or metric as jtf has it, and its options."""
    config: Any = {}
    if isinstance(given, Mapping):
        given, config = given["class_name"], given["config"]
        if given == "function":
            given, config = config, {}
    if given in ("MeanMetricWrapper", "LossFunctionWrapper"):
        given = config["fn"]
    if not isinstance(given, str):
        raise NotTheSame(f"{str(given)[:80]} is no name")
    name = given.lower() if given.isupper() else words_in_snake_case(given)
    return _ALIASES.get(name, name), dict(config)


def _loss(given: Any) -> Any:
    if given is None:
        return None
    name, config = _named(given)
    if name not in LOSSES or name in _OTHER_LOSSES:
        raise NotTheSame(f"the loss {name!r} {_OTHER_LOSSES.get(name, 'is none of jtf')}")
    for option, value in config.items():
        if option not in _OF_LOSSES and value not in _IDLE_OF_LOSSES.get(option, ()):
            raise NotTheSame(f"the loss {name!r} has {option}={value!r}")
    with_logits: Any = LOSSES[name]
    return functools.partial(with_logits, from_logits=True) if config.get("from_logits") else name


def _metrics(training: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """The metrics that jtf has, and the names of the others."""
    left_out: list[str] = []

    def known(given: Any) -> Any:
        name, config = ("", {}) if given is None else _named(given)
        same = name in METRICS and METRICS[name] in _MEANS
        if (name in _SAME_METRICS or same) and config.get("threshold", 0.5) == 0.5:
            return name
        left_out.extend([name] if name else [])
        return None

    def without_none(given: Any) -> Any:
        if isinstance(given, Mapping):
            return {key: without_none(value) for key, value in given.items()}
        if isinstance(given, list):
            return [each for each in map(without_none, given) if each is not None]
        return given

    metrics = without_none(_each(training.get("metrics"), known))
    if training.get("weighted_metrics"):
        left_out.append("weighted_metrics")
    if isinstance(metrics, Mapping):
        metrics = {key: value for key, value in metrics.items() if value not in (None, [])}
    return metrics or None, left_out
