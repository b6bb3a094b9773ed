"""Keras's optimizers as jtf has them, and the state that Keras's files have of them.

Formulas agree up to rounding, but for where epsilon is added. Adam: Keras adds it before the bias is corrected, jtf, as
TF.js, afterwards. With an epsilon of 1e-7 the difference is below what float32 can hold for all but tiny gradients.
RMSprop and Adagrad: Keras before 2.11 adds it to the root, jtf, as later Keras, under the root.

What belongs to one weight, its slots, lies together in the files of Keras 2.11 and later. In those of earlier versions
(and of `keras.optimizers.legacy`, which are the same) the first slots of all weights come before the second ones.

References:
    Keras: keras/src/optimizers/; tf.keras 2.15, optimizers/ and optimizers/legacy/; Keras 2.2.4, optimizers.py
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jtf import train
from jtf.io.errors import ModelFormatError
from jtf.io.keras.config import Dialect
from jtf.io.keras.hdf5 import Group
from jtf.io.keras.weights import Place, names_by_layer, strings
from jtf.io.matching import each_ending
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
        is_by_variable: whether all slots of one weight lie together, since Keras 2.11.
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
    "is_legacy_optimizer": (False, True),
    "decay": (0, None),
}
_WITHOUT_MEANING = ("name", "ema_momentum", "ema_overwrite_frequency", "jit_compile")
_OPTIONS = "learning_rate momentum nesterov beta_1 beta_2 epsilon rho centered initial_accumulator_value".split()
#: An option that optimizers of Keras before 2.11 have, and those of `keras.optimizers.legacy`.
_OF_EARLIER_VERSIONS = "decay"


def described(given: Any) -> tuple[Kind, dict[str, Any]]:
    """Which optimizer a configuration describes, and its options.

    Raises:
        NotTheSame: jtf does not have it.
    """
    if isinstance(given, str):
        given = {"class_name": given, "config": {}}
    name, config = given["class_name"], dict(given["config"])
    if "lr" in config:
        config["learning_rate"] = config.pop("lr")
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
    options = {option: config[option] for option in (*_OPTIONS, _OF_EARLIER_VERSIONS) if option in config}
    rate = options.setdefault("learning_rate", kind.learning_rate)
    if not isinstance(rate, int | float) or isinstance(rate, bool):
        raise NotTheSame(f"the learning rate of {name} is a schedule: {str(rate)[:80]}")
    return kind, options


def saved_state(
    kind: Kind, options: Mapping[str, Any], where: Sequence[Place], root: Group, dialect: Dialect
) -> list[tuple[str, np.ndarray]]:
    """The optimizer's state as `jtf.io.optimizer_state.restore` takes it; empty where there is none.

    Args:
        kind, options: the optimizer, as `described` has found it.
        where: the model's layers in Keras's order.
        root: the file's arrays.
        dialect: of the file.

    Raises:
        NotTheSame: it is the state for other weights than those that are trained.
        ModelFormatError: it is damaged.
    """
    arrays = _arrays(root, dialect.source)
    if not arrays:
        return []
    trainable = trained(where)
    count, rest = _counted(arrays, options, dialect)
    iterations = ("iter", np.asarray(count, np.int32))
    slots = kind.slots(options)
    if not rest or not slots:  # Keras 2 keeps a momentum that is not used
        return [iterations]
    is_early = _OF_EARLIER_VERSIONS in options
    called = names_by_layer(where, root, dialect.source) if is_early else {}
    rest = _without_maxima(rest, slots, trainable)
    state = _for_each(slots, trainable, rest, kind.is_by_variable and not is_early, called)
    if kind is _KINDS["sgd"]:
        rate = options["learning_rate"]
        if not rate:
            raise NotTheSame("its learning rate is 0, so that its momentum is not known")
        # Keras's velocity is a step, with sign and learning rate; that of jtf, as of TF.js, adds up gradients.
        state = [(name, array / np.float32(-rate)) for name, array in state]
    if slots[0] == "rms" and "momentum" not in slots:
        state += [(f"{variable.name}/momentum", np.zeros(variable.shape, np.float32)) for variable in trainable]
    return [iterations, *state]


def difference(kind: Kind, options: Mapping[str, Any]) -> str | None:
    """How the training differs from that in the version of Keras that has written the file; None if it does not."""
    if _OF_EARLIER_VERSIONS not in options:
        return None
    is_small = "initial_accumulator_value" not in options  # Keras 2.2 begins with zeros
    if (kind is _KINDS["rmsprop"] and not options.get("momentum")) or (kind is _KINDS["adagrad"] and is_small):
        return "epsilon is added under the root, as in Keras since 2.11, so that tiny gradients change weights by less"
    return None


def trained(where: Sequence[Place]) -> list[Variable]:
    """The weights that are trained, in Keras's order."""
    return [v for place in where for v in place.variables if v.trainable and place.is_trainable]


def _arrays(root: Group, source: str) -> dict[str, np.ndarray]:
    """The optimizer's variables in order, from either kind of file: under their names, or numbers."""
    group = root.at("optimizer/vars")
    if isinstance(group, Group):
        names = [str(index) for index in range(len(group.members))]
    elif isinstance(group := root.at("optimizer_weights"), Group):
        names = strings(group, "weight_names", source)
    else:
        return {}
    found = {name: array for name in names if isinstance(array := group.at(name), np.ndarray)}
    if len(found) != len(names):
        raise ModelFormatError(
            source, "the optimizer's state", "arrays by number or by name", f"{len(found)} of {len(names)}"
        )
    return found


def _counted(
    arrays: Mapping[str, np.ndarray], options: Mapping[str, Any], dialect: Dialect
) -> tuple[int, dict[str, np.ndarray]]:
    """How many updates have been made, and the rest of the state."""
    first, *others = arrays
    if _OF_EARLIER_VERSIONS in options and not first.rpartition("/")[2].startswith("iter"):
        return 0, dict(arrays)  # Keras before 2.3 begins to count anew with some optimizers, which do not need it
    count = arrays[first]
    if count.size != 1 or count.dtype.kind not in "iu" or not 0 <= count.item() < 2**31:
        raise ModelFormatError(dialect.source, "the optimizer's state", "a count of updates first", repr(count)[:80])
    return count.item(), {name: arrays[name] for name in others[dialect.major == 3 :]}  # a learning rate in Keras 3


def _without_maxima(
    arrays: Mapping[str, np.ndarray], slots: Sequence[str], trainable: Sequence[Variable]
) -> dict[str, np.ndarray]:
    """Without what Keras 2.1 to 2.3 keeps in place of the largest moments, where Adam does not need them."""
    names, count = list(arrays), len(trainable)
    is_extra = len(names) == 3 * count and slots == ("m", "v")
    is_extra = is_extra and all(arrays[name].shape == (1,) for name in names[2 * count :])
    return {name: arrays[name] for name in names[: 2 * count if is_extra else None]}


def _for_each(
    slots: Sequence[str],
    trainable: Sequence[Variable],
    arrays: Mapping[str, np.ndarray],
    is_by_variable: bool,
    called: Mapping[Variable, str],
) -> list[tuple[str, np.ndarray]]:
    """The slots of each weight: by their names if these tell, else by their order."""
    if len(arrays) != len(slots) * len(trainable):
        of = len(arrays) // len(slots)
        raise NotTheSame(f"its optimizer has the state of {of} weights, and {len(trainable)} are trained")
    if is_by_variable:
        pairs = [(variable, slot) for variable in trainable for slot in slots]
    else:
        pairs = [(variable, slot) for slot in slots for variable in trainable]
    names = [name.partition(":")[0] for name in arrays]
    indices = each_ending(names, [f"{called.get(variable)}/{slot}" for variable, slot in pairs])
    found = list(arrays.values())
    found = found if indices is None else [found[index] for index in indices]
    for (variable, slot), array in zip(pairs, found, strict=True):
        if array.shape != variable.shape or array.dtype.kind != "f":
            raise NotTheSame(
                f"its optimizer's {slot} of {variable.name} is of shape {array.shape}, and the weight of "
                f"{variable.shape}"
            )
    return [(f"{variable.name}/{slot}", array) for (variable, slot), array in zip(pairs, found, strict=True)]
